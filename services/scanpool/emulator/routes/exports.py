"""Ordering, following and fetching exports."""

from collections.abc import AsyncIterator

from anyio.to_thread import run_sync
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from scanpool.emulator.answers import Pieces
from scanpool.emulator.errors import ApiError, conflict
from scanpool.emulator.exports import Export, file_pieces
from scanpool.emulator.lifecycle import Status
from scanpool.emulator.routes.endpoint import Routes, body, number
from scanpool.emulator.scanner import Scanner


async def order(scanner: Scanner, request: Request) -> Response:
    """Have a file made from a run, the latest by default."""
    scan = scanner.scans.get(request.path_params["scan_id"])
    wanted = await body(request)
    if wanted.get("format") != "nessus":
        raise ApiError(400, "The emulator exports the format 'nessus' only")
    if any(name.startswith("filter") and name != "filter.search_type" for name in wanted):
        raise ApiError(400, "The emulator exports without filters only")
    run = scanner.scans.run(scan, number(request.query_params, "history_id"))
    if run.settle(scanner.now()) is Status.PROCESSING:
        raise conflict("The results of the scan are still being processed")
    export = scanner.exports.order(scan.id, scanner.report(scan, run))
    if scanner.cloud:
        return JSONResponse({"file": export.file, "temp_token": export.token})
    if scanner.options.legacy_export:
        return JSONResponse({"file": int(export.file)})
    return JSONResponse({"token": export.token, "file": int(export.file)})


async def token_status(scanner: Scanner, request: Request) -> Response:
    """Whether the file of a token is ready."""
    return _status(scanner, scanner.exports.by_token(request.path_params["token"]), failed_code=200)


async def file_status(scanner: Scanner, request: Request) -> Response:
    """Whether a file is ready; here a failed one answers with an error of the server."""
    return _status(scanner, _by_file(scanner, request), failed_code=500)


def _status(scanner: Scanner, export: Export, *, failed_code: int) -> Response:
    if scanner.exports.failed(export):
        return JSONResponse({"status": "error"}, failed_code)
    return JSONResponse({"status": "ready" if scanner.exports.ready(export) else "loading"})


async def token_download(scanner: Scanner, request: Request) -> Response:
    """The file of a token, once."""
    return _download(scanner, scanner.exports.by_token(request.path_params["token"]))


async def file_download(scanner: Scanner, request: Request) -> Response:
    """A file, once."""
    return _download(scanner, _by_file(scanner, request))


def _by_file(scanner: Scanner, request: Request) -> Export:
    scanner.scans.get(request.path_params["scan_id"])
    return scanner.exports.by_file(request.path_params["scan_id"], request.path_params["file"])


def _download(scanner: Scanner, export: Export) -> Response:
    if not scanner.exports.ready(export):
        raise conflict("The file is not ready")
    scanner.exports.forget(export)
    headers = {"content-disposition": f'attachment; filename="{export.filename}"'}
    return Pieces(_made(scanner, export), cut=export.delivery.cut, headers=headers)


async def _made(scanner: Scanner, export: Export) -> AsyncIterator[bytes]:
    """The pieces of the file, each made in a thread so that nobody else waits."""
    pieces = file_pieces(export)
    while (piece := await run_sync(next, pieces, None)) is not None:
        if export.delivery.pause_s:
            await scanner.pause(export.delivery.pause_s)
        yield piece


ROUTES: Routes = (
    ("POST", "/scans/{scan_id:int}/export", order),
    ("GET", "/scans/{scan_id:int}/export/{file}/status", file_status),
    ("GET", "/scans/{scan_id:int}/export/{file}/download", file_download),
    ("GET", "/tokens/{token}/status", token_status),
    ("GET", "/tokens/{token}/download", token_download),
)
