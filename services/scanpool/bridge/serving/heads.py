"""What the head of a request may be: looked at before anything else, since others take what they should not.

The SDK lets any port go with a host, `localhost:evil` too, and of several headers of one name takes the first, where a
proxy may have looked at the last.
"""

from __future__ import annotations

import re

from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

_ONCE = (b"authorization", b"host", b"origin")
_AUTHORITY = re.compile(r"(?:\[[0-9A-Fa-f:.]+\]|[^\s:/@\[\]?#]+)(?::([0-9]{1,5}))?")
_LARGEST_PORT = 65_535


class PlainHeads:
    """Refuses requests whose head can be read in two ways."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer 400, 421 or 403 where the head is not plain."""
        refused = refusal(scope["headers"]) if scope["type"] == "http" else None
        if refused is None:
            await self._app(scope, receive, send)
        else:
            await refused(scope, receive, send)


def refusal(headers: list[tuple[bytes, bytes]]) -> PlainTextResponse | None:
    """The answer to a request of these headers, where that is known already; None where it may go on."""
    given = {name: [value.decode("latin-1") for key, value in headers if key == name] for name in _ONCE}
    for name, values in given.items():
        if len(values) > 1:
            return PlainTextResponse(f"More than one {name.decode().title()} header", status_code=400)
    if not all(map(is_authority, given[b"host"])):
        return PlainTextResponse("Invalid Host header", status_code=421)
    if not all(is_authority(each.partition("://")[2]) for each in given[b"origin"] if "://" in each):
        return PlainTextResponse("Invalid Origin header", status_code=403)
    return None


def is_authority(text: str) -> bool:
    """Whether it is a host, or a host and a port that there can be."""
    found = _AUTHORITY.fullmatch(text)
    return found is not None and (found[1] is None or 0 < int(found[1]) <= _LARGEST_PORT)
