"""The REST API of an emulated scanner as one ASGI application."""

import re
import time
from functools import partial

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from scanpool.emulator.answers import refusal, too_many
from scanpool.emulator.errors import NOT_FOUND, WRONG_METHOD, ApiError, TooManyError
from scanpool.emulator.gate import Gate
from scanpool.emulator.options import Options
from scanpool.emulator.routes import cloud, control, editor, exports, folders, runs, scans, server, session
from scanpool.emulator.scanner import Scanner

_AREAS = (control, editor, exports, folders, runs, scans, server, session)
_CLOUD_AREAS = (cloud, control, editor, exports, folders, runs, scans)
_NOT_IN_CLOUD = re.compile(r"^/tokens/|/kill$")
_NO_CACHE = {"cache-control": "no-cache, no-store"}


def create_app(options: Options) -> Starlette:
    """A scanner that has just been started."""
    return application(Scanner(options, time.time))


def application(scanner: Scanner) -> Starlette:
    """The API of a scanner."""
    routes = [
        Route(path, partial(endpoint, scanner), methods=[method])
        for area in (_CLOUD_AREAS if scanner.cloud else _AREAS)
        for method, path, endpoint in area.ROUTES
        if not (scanner.cloud and _NOT_IN_CLOUD.search(path))
    ]
    return Starlette(
        routes=routes,
        middleware=[Middleware(Gate, scanner=scanner)],
        exception_handlers={
            ApiError: partial(_refused, scanner),
            TooManyError: partial(_too_many, scanner),
            HTTPException: partial(_unknown, scanner),
        },
    )


async def _refused(scanner: Scanner, _request: Request, refused: Exception) -> Response:
    assert isinstance(refused, ApiError)
    return refusal(refused.status, refused.text, cloud=scanner.cloud, headers=_NO_CACHE)


async def _too_many(scanner: Scanner, _request: Request, refused: Exception) -> Response:
    assert isinstance(refused, TooManyError)
    wait = scanner.limits.refuse(scanner.now(), refused.retry_after_s)
    return too_many(str(wait), html=scanner.cloud)


async def _unknown(scanner: Scanner, _request: Request, refused: Exception) -> Response:
    assert isinstance(refused, HTTPException)
    status, headers = refused.status_code, refused.headers
    text = {404: NOT_FOUND, 405: WRONG_METHOD}.get(status, refused.detail)
    return refusal(status, text, cloud=scanner.cloud, headers=headers)
