"""What the server says of itself."""

from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from scanpool.emulator.errors import ApiError
from scanpool.emulator.licence import SERVER_UUID, SERVER_VERSION, properties, public_properties
from scanpool.emulator.routes.endpoint import Routes
from scanpool.emulator.scanner import Scanner


async def status(scanner: Scanner, _request: Request) -> Response:
    """Whether it is ready; anybody may ask. The HTTP status while loading is assumed."""
    loading = scanner.faults.look("loading")
    if loading is None:
        return JSONResponse({"code": 200, "progress": None, "status": "ready", **_engine("ready", None)})
    progress = loading.parameters["progress"]
    body = {"code": 503, "progress": progress, "status": "loading", **_engine("loading", progress)}
    return JSONResponse(body, 503)


def _engine(state: str, progress: int | None) -> dict[str, Any]:
    ready = state == "ready"
    return {
        "pluginSet": ready,
        "pluginData": ready,
        "engine_status": {"status": state, "progress": 100 if progress is None else progress},
    }


async def describe(scanner: Scanner, request: Request) -> Response:
    """Edition, version and licence; less of it for somebody who is not signed in."""
    headers = request.headers
    if "x-apikeys" not in headers and "x-cookie" not in headers:
        return JSONResponse(public_properties(scanner.edition, scanner.options))
    try:
        scanner.accounts.check(headers.get("x-apikeys"), headers.get("x-cookie"))
    except ApiError:
        return JSONResponse(public_properties(scanner.edition, scanner.options))
    return JSONResponse(
        properties(
            scanner.edition,
            scanner.options,
            scan_api=scanner.may_scan(),
            features=scanner.faults.take("no_features") is None,
            booted_at=scanner.booted_at,
        )
    )


async def scanners(scanner: Scanner, _request: Request) -> Response:
    """The scanners behind this server: itself alone."""
    local = {
        "id": 1,
        "uuid": SERVER_UUID,
        "name": "Local Scanner",
        "status": "on",
        "type": "local",
        "platform": "LINUX",
        "ui_version": SERVER_VERSION,
        "engine_version": SERVER_VERSION,
        "loaded_plugin_set": scanner.options.plugin_set,
        "license": {"type": scanner.edition.licence_type},
        "linked": 1,
    }
    return JSONResponse({"scanners": [local]})


ROUTES: Routes = (
    ("GET", "/server/status", status),
    ("GET", "/server/properties", describe),
    ("GET", "/scanners", scanners),
)
