"""Making, listing, changing and deleting scans."""

from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from scanpool.emulator.answers import CutConnection
from scanpool.emulator.cloud import SCANNERS
from scanpool.emulator.credentials import Change, check
from scanpool.emulator.errors import ApiError, forbidden, not_found
from scanpool.emulator.folders import MY_SCANS
from scanpool.emulator.lifecycle import Status
from scanpool.emulator.routes.endpoint import Routes, body, convert, done, number
from scanpool.emulator.scan import Scan, Settings
from scanpool.emulator.scanner import Scanner
from scanpool.emulator.templates import Template, by_uuid


class Configuration(msgspec.Struct, frozen=True):
    """What a scan is made from."""

    template: Template
    settings: Settings
    preferences: dict[str, Any]
    change: Change


async def create(scanner: Scanner, request: Request) -> Response:
    """Make a scan, and launch it where it asks for that."""
    wanted = _configuration(scanner, await body(request))
    name = wanted.settings.name
    if scanner.faults.take("create_forbidden", name):
        raise forbidden("You have reached the limit of 10,000 scans")
    if scanner.faults.take("cut_before_create", name):
        return CutConnection()
    scan = scanner.scans.create(wanted.template, wanted.settings, wanted.preferences, wanted.change)
    if wanted.settings.launch_now:
        scanner.scans.launch(scan)
    if scanner.faults.take("cut_after_create", name):
        return CutConnection()
    return JSONResponse({"scan": _created(scanner, scan)})


async def edit(scanner: Scanner, request: Request) -> Response:
    """Change a scan; template and settings have to come whole."""
    scan = scanner.scans.get(request.path_params["scan_id"])
    wanted = _configuration(scanner, await body(request))
    scanner.scans.edit(scan, wanted.template, wanted.settings, wanted.preferences, wanted.change)
    return JSONResponse(_created(scanner, scan))


def _configuration(scanner: Scanner, given: dict[str, Any]) -> Configuration:
    template = by_uuid(str(given.get("uuid", "")))
    if template is None or template.unsupported or not template.licensed:
        raise ApiError(404, "The requested template was not found")
    raw = convert(given.get("settings"), dict[str, Any], "settings")
    settings = convert(raw, Settings, "settings")
    if not settings.name.strip() or not settings.text_targets.strip():
        raise ApiError(400, "Invalid settings: 'name' and 'text_targets' must not be empty")
    if settings.policy_id is not None and settings.policy_id not in scanner.policies():
        raise not_found()
    if settings.folder_id is not None and settings.folder_id not in scanner.folders:
        raise not_found()
    if scanner.cloud and settings.scanner_id not in {None, *SCANNERS.values()}:
        raise not_found()
    preferences = {name: value for name, value in raw.items() if name not in Settings.__struct_fields__}
    return Configuration(template, settings, preferences, _change(given.get("credentials")))


def _change(given: Any) -> Change:
    change = convert(given or {}, Change, "credentials")
    try:
        check(change)
    except msgspec.ValidationError as error:
        raise ApiError(400, f"Invalid credentials: {error}") from error
    return change


def _created(scanner: Scanner, scan: Scan) -> dict[str, Any]:
    return {
        "container_id": 0,
        "uuid": scan.uuid,
        "name": scan.settings.name,
        "description": scan.settings.description or None,
        "policy_id": scan.settings.policy_id or scan.id + 100_000,
        "scanner_id": scan.settings.scanner_id,
        "emails": None,
        "attach_report": None,
        "attached_report_maximum_size": None,
        "attached_report_type": None,
        "sms": None,
        "enabled": int(scan.settings.enabled),
        "use_dashboard": None,
        "live_results": None,
        "scan_time_window": None,
        "custom_targets": scan.settings.text_targets,
        "migrated": 0,
        "starttime": scan.settings.starttime,
        "rrules": scan.settings.rrules,
        "timezone": scan.settings.timezone,
        "notification_filters": None,
        "notification_filter_type": None,
        "shared": 0,
        "user_permissions": 128,
        "default_permisssions": 0,
        "owner": scanner.options.username,
        "owner_id": 2,
        "last_modification_date": int(scan.modified_at),
        "creation_date": int(scan.created_at),
        "type": "public",
        "id": scan.id,
    }


async def listed(scanner: Scanner, request: Request) -> Response:
    """The scans, by folder or change where that is asked for; null where there are none."""
    folder = number(request.query_params, "folder_id")
    since = number(request.query_params, "last_modification_date") or 0
    scans = [
        _listed(scanner, scan)
        for scan in scanner.scans.listed()
        if folder in (None, scan.settings.folder_id or MY_SCANS) and scan.modified_at >= since
    ]
    return JSONResponse({"folders": scanner.folders.listed(), "scans": scans or None, "timestamp": int(scanner.now())})


def _listed(scanner: Scanner, scan: Scan) -> dict[str, Any]:
    status = scan.status(scanner.now())
    ran = status is not Status.EMPTY
    return {
        "id": scan.id,
        "uuid": scan.runs[-1].uuid if ran else None,
        "name": scan.settings.name,
        "type": "local" if ran else None,
        "owner": scanner.options.username,
        "folder_id": scan.settings.folder_id or MY_SCANS,
        "read": False,
        "status": scanner.word(status),
        "shared": False,
        "user_permissions": 128,
        "creation_date": int(scan.created_at) if ran else 0,
        "last_modification_date": int(scan.modified_at) if ran else 0,
        "control": True,
        "enabled": scan.settings.enabled,
        "starttime": scan.settings.starttime,
        "timezone": scan.settings.timezone,
        "rrules": scan.settings.rrules,
        "live_results": 0,
        **({"schedule_uuid": scan.uuid, "has_triggers": False} if scanner.cloud else {}),
    }


async def delete(scanner: Scanner, request: Request) -> Response:
    """Delete a scan that is not active."""
    scanner.scans.delete(scanner.scans.get(request.path_params["scan_id"]))
    return done()


async def delete_many(scanner: Scanner, request: Request) -> Response:
    """Delete several scans; those that are active or unknown are left out of the answer."""
    ids = convert((await body(request)).get("ids"), list[int], "ids")
    deleted = []
    for scan in scanner.scans.listed():
        if scan.id in ids and not scan.status(scanner.now()).active:
            scanner.scans.delete(scan)
            deleted.append(scan.id)
    return JSONResponse({"deleted": deleted})


async def copy(scanner: Scanner, request: Request) -> Response:
    """Make a scan like another."""
    scan = scanner.scans.get(request.path_params["scan_id"])
    given = await body(request)
    name = convert(given.get("name"), str | None, "name")  # type: ignore[arg-type]
    folder = convert(given.get("folder_id"), int | None, "folder_id")  # type: ignore[arg-type]
    return JSONResponse(_created(scanner, scanner.scans.copy(scan, name, folder)))


async def move(scanner: Scanner, request: Request) -> Response:
    """Put a scan into another folder."""
    scan = scanner.scans.get(request.path_params["scan_id"])
    folder = convert((await body(request)).get("folder_id"), int, "folder_id")
    if folder not in scanner.folders:
        raise not_found()
    scan.settings = msgspec.structs.replace(scan.settings, folder_id=folder)
    return done()


ROUTES: Routes = (
    ("GET", "/scans", listed),
    ("POST", "/scans", create),
    ("DELETE", "/scans", delete_many),
    ("PUT", "/scans/{scan_id:int}", edit),
    ("DELETE", "/scans/{scan_id:int}", delete),
    ("POST", "/scans/{scan_id:int}/copy", copy),
    ("PUT", "/scans/{scan_id:int}/folder", move),
)
