"""Templates, policies, and a scan's configuration with its secrets masked."""

from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from scanpool.emulator import cloud
from scanpool.emulator.errors import not_found
from scanpool.emulator.routes.endpoint import Routes
from scanpool.emulator.scan import Scan
from scanpool.emulator.scanner import Scanner
from scanpool.emulator.templates import TEMPLATES, by_uuid, credential_types


async def templates(_scanner: Scanner, _request: Request) -> Response:
    """The templates for scans or policies."""
    return JSONResponse({"templates": [template.listed() for template in TEMPLATES]})


async def template(scanner: Scanner, request: Request) -> Response:
    """One template, with the fields that a scan made from it takes."""
    found = by_uuid(request.path_params["uuid"])
    if found is None:
        raise not_found()
    basic = {"inputs": [{"id": name, "type": "entry"} for name in ("name", "description", "text_targets")]}
    settings = cloud.page() if scanner.cloud else {"basic": basic}
    return JSONResponse(
        {
            "uuid": found.uuid,
            "name": found.name,
            "title": found.title,
            "settings": settings,
            "credentials": credential_types({}),
            "compliance": {"data": None},
            "plugins": {"families": None},
            "filter_attributes": None,
        }
    )


async def scan(scanner: Scanner, request: Request) -> Response:
    """A scan's configuration."""
    found = scanner.scans.get(request.path_params["scan_id"])
    return JSONResponse(
        {
            "uuid": found.template.uuid,
            "name": found.template.name,
            "title": found.template.title,
            "owner": scanner.options.username,
            "user_permissions": 128,
            "settings": {"basic": {"inputs": _inputs(found)}},
            "credentials": credential_types(_instances(found)),
            "compliance": {"data": None},
            "plugins": {"families": None},
            "filter_attributes": None,
        }
    )


def _inputs(found: Scan) -> list[dict[str, Any]]:
    settings = {name: getattr(found.settings, name) for name in found.settings.__struct_fields__}
    return [
        {"id": name, "type": "entry", "default": value} for name, value in (settings | dict(found.preferences)).items()
    ]


def _instances(found: Scan) -> dict[str, list[dict[str, Any]]]:
    instances: dict[str, list[dict[str, Any]]] = {}
    for credential in found.credentials:
        instances.setdefault(credential.type, []).append(credential.masked())
    return instances


async def policies(scanner: Scanner, _request: Request) -> Response:
    """The policies; null where there are none."""
    listed = [
        {
            "id": number,
            "name": name,
            "template_uuid": TEMPLATES[0].uuid,
            "description": None,
            "no_target": "false",
            "visibility": "private",
            "shared": 0,
            "owner": scanner.options.username,
            "owner_id": 2,
            "user_permissions": 128,
            "is_scap": 0,
            "has_credentials": 0,
            "creation_date": int(scanner.booted_at),
            "last_modification_date": int(scanner.booted_at),
        }
        for number, name in scanner.policies().items()
    ]
    return JSONResponse({"policies": listed or None})


ROUTES: Routes = (
    ("GET", "/editor/scan/templates", templates),
    ("GET", "/editor/policy/templates", templates),
    ("GET", "/editor/scan/templates/{uuid}", template),
    ("GET", "/editor/policy/templates/{uuid}", template),
    ("GET", "/editor/scan/{scan_id:int}", scan),
    ("GET", "/policies", policies),
)
