"""The emulator's own interface, which no real scanner has: faults to order, and what was counted."""

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from scanpool.emulator.faults import CATALOGUE, BadFaultError
from scanpool.emulator.routes.endpoint import Routes, body, done
from scanpool.emulator.scanner import Scanner


async def add_fault(scanner: Scanner, request: Request) -> Response:
    """Put a fault in force."""
    try:
        fault = scanner.faults.add(await body(request))
    except BadFaultError as error:
        known = {
            name: {"does": kind.does, "parameters": {"times": None, **kind.parameters}}
            for name, kind in CATALOGUE.items()
        }
        return JSONResponse({"error": str(error), "faults": known}, 400)
    return JSONResponse(fault.shown())


async def list_faults(scanner: Scanner, _request: Request) -> Response:
    """The faults in force."""
    return JSONResponse({"faults": [fault.shown() for fault in scanner.faults.active()]})


async def clear_faults(scanner: Scanner, _request: Request) -> Response:
    """Take every fault out of force."""
    scanner.clear_faults()
    return done()


async def stats(scanner: Scanner, _request: Request) -> Response:
    """What was done with every scan, and how many were active at once."""
    return JSONResponse(scanner.stats())


ROUTES: Routes = (
    ("POST", "/_control/faults", add_fault),
    ("GET", "/_control/faults", list_faults),
    ("DELETE", "/_control/faults", clear_faults),
    ("GET", "/_control/stats", stats),
)
