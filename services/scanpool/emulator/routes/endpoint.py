"""What every endpoint is, and reading what a request brings."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeAlias, TypeVar

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from scanpool.emulator.errors import ApiError
from scanpool.emulator.scanner import Scanner

Endpoint: TypeAlias = Callable[[Scanner, Request], Awaitable[Response]]
Routes: TypeAlias = tuple[tuple[str, str, Endpoint], ...]

MAX_BODY_BYTES = 16 * 1024 * 1024

_T = TypeVar("_T")


async def body(request: Request) -> dict[str, Any]:
    """The JSON object of a request; nothing at all is an empty one.

    Raises:
        ApiError: 400 where it is no JSON object, 413 where it is too large.
    """
    raw = bytearray()
    async for chunk in request.stream():
        raw += chunk
        if len(raw) > MAX_BODY_BYTES:
            raise ApiError(413, "The request is too large")
    if not raw.strip():
        return {}
    try:
        return msgspec.json.decode(raw, type=dict[str, Any])
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ApiError(400, "The request body is no JSON object") from error


def convert(value: Any, type_: type[_T], what: str) -> _T:
    """A part of a body in its shape; numbers may come as text and the other way round.

    Raises:
        ApiError: 400 with the place that is wrong.
    """
    try:
        return msgspec.convert(value, type_, strict=False)
    except msgspec.ValidationError as error:
        raise ApiError(400, f"Invalid {what}: {error}") from error


def number(parameters: Mapping[str, str], name: str) -> int | None:
    """A number from the query, if it is there.

    Raises:
        ApiError: 400 where it is none.
    """
    given = parameters.get(name)
    if given is None:
        return None
    if not given.isdecimal():
        raise ApiError(400, f"Invalid '{name}' parameter")
    return int(given)


def done() -> Response:
    """Success without anything to say: the body is empty."""
    return Response(status_code=200, media_type="application/json")
