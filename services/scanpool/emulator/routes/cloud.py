"""What Tenable Vulnerability Management has beside the paths of Nessus."""

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from scanpool.emulator import cloud
from scanpool.emulator.lifecycle import Command
from scanpool.emulator.routes.endpoint import Routes, done, number
from scanpool.emulator.scanner import Scanner

_PAGE = 50


async def latest_status(scanner: Scanner, request: Request) -> Response:
    """The status word of a scan."""
    scan = scanner.scans.get(request.path_params["scan_id"])
    return JSONResponse({"status": scanner.word(scan.status(scanner.now()))})


async def progress(scanner: Scanner, request: Request) -> Response:
    """How far the latest run of a scan has come; nothing where it never ran."""
    scan = scanner.scans.get(request.path_params["scan_id"])
    share = scan.runs[-1].share(scanner.now()) if scan.runs else 0.0
    return JSONResponse({"progress": int(100 * share)})


async def history(scanner: Scanner, request: Request) -> Response:
    """The runs of a scan, the newest first, a page of them."""
    scan = scanner.scans.get(request.path_params["scan_id"])
    query, now = request.query_params, scanner.now()
    limit, offset = number(query, "limit") or _PAGE, number(query, "offset") or 0
    runs = [
        {
            "id": run.history_id,
            "scan_uuid": run.uuid,
            "status": scanner.word(run.settle(now)),
            "is_archived": scanner.archived(scan),
            "time_start": int(run.launched_at),
            "time_end": None if run.ended_at is None else int(run.ended_at),
            "visibility": "public",
            "targets": {"custom": False, "default": None},
        }
        for run in reversed(scan.runs)
    ]
    pagination = {
        "offset": offset,
        "limit": limit,
        "total": len(runs),
        "sort": [{"name": "start_date", "order": "DESC"}],
    }
    return JSONResponse({"pagination": pagination, "history": runs[offset : offset + limit]})


async def force_stop(scanner: Scanner, request: Request) -> Response:
    """Abort a scan that does not come to its end."""
    scanner.scans.order(scanner.scans.get(request.path_params["scan_id"]), Command.KILL)
    return done()


async def scanners(_scanner: Scanner, _request: Request) -> Response:
    """The scanners that are linked, and the cloud's own."""
    listed = [
        {"id": place, "uuid": uuid, "name": name, "status": "on", "type": "managed", "linked": 1}
        for place, (name, uuid) in enumerate(cloud.SCANNERS.items(), start=1)
    ]
    return JSONResponse({"scanners": listed})


async def filters(_scanner: Scanner, _request: Request) -> Response:
    """The filters of an export; the emulator has none."""
    return JSONResponse({"filters": []})


ROUTES: Routes = (
    ("GET", "/scans/{scan_id:int}/latest-status", latest_status),
    ("GET", "/scans/{scan_id:int}/progress", progress),
    ("GET", "/scans/{scan_id:int}/history", history),
    ("POST", "/scans/{scan_id:int}/force-stop", force_stop),
    ("GET", "/scanners", scanners),
    ("GET", "/filters/scans/reports", filters),
)
