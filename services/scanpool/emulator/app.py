"""The REST API of an emulated scanner as one ASGI application."""

import time
from functools import partial

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from scanpool.emulator.answers import error
from scanpool.emulator.errors import NOT_FOUND, WRONG_METHOD, ApiError
from scanpool.emulator.gate import Gate
from scanpool.emulator.options import Options
from scanpool.emulator.routes import control, editor, exports, folders, runs, scans, server, session
from scanpool.emulator.scanner import Scanner

_AREAS = (control, editor, exports, folders, runs, scans, server, session)
_NO_CACHE = {"cache-control": "no-cache, no-store"}


def create_app(options: Options) -> Starlette:
    """A scanner that has just been started."""
    return application(Scanner(options, time.time))


def application(scanner: Scanner) -> Starlette:
    """The API of a scanner."""
    routes = [
        Route(path, partial(endpoint, scanner), methods=[method])
        for area in _AREAS
        for method, path, endpoint in area.ROUTES
    ]
    return Starlette(
        routes=routes,
        middleware=[Middleware(Gate, scanner=scanner)],
        exception_handlers={ApiError: _refused, HTTPException: _unknown},
    )


async def _refused(_request: Request, refused: Exception) -> Response:
    assert isinstance(refused, ApiError)
    return error(refused.status, refused.text, _NO_CACHE)


async def _unknown(_request: Request, refused: Exception) -> Response:
    assert isinstance(refused, HTTPException)
    texts = {404: NOT_FOUND, 405: WRONG_METHOD}
    return error(refused.status_code, texts.get(refused.status_code, refused.detail), refused.headers)
