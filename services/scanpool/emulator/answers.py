"""Answers that are no proper answers: a connection that is cut before, or in the middle of, a response."""

import asyncio
from collections.abc import AsyncIterator, Mapping

from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.types import Receive, Scope, Send

from scanpool.emulator.cloud import TOO_MANY, failure

TRANSPORT = "emulator.transport"
"""The key under which the server puts the connection's transport into the scope."""


def error(status: int, text: str, headers: Mapping[str, str] | None = None) -> JSONResponse:
    """An error in the form of the API."""
    return JSONResponse({"error": text}, status, dict(headers or {}))


def refusal(status: int, text: str, *, cloud: bool, headers: Mapping[str, str] | None = None) -> JSONResponse:
    """An error in the form of the edition's API."""
    return JSONResponse(failure(status, text), status, dict(headers or {})) if cloud else error(status, text, headers)


def too_many(retry_after: str, *, html: bool) -> Response:
    """The answer 429."""
    headers = {"retry-after": retry_after}
    return HTMLResponse(TOO_MANY, 429, headers) if html else error(429, "Too many requests", headers)


def _transport(scope: Scope) -> asyncio.Transport:
    transport = scope.get(TRANSPORT)
    if not isinstance(transport, asyncio.Transport):
        raise RuntimeError("a connection can be cut only under scanpool.emulator.server")
    return transport


class CutConnection(Response):
    """No answer at all: the connection is closed at once."""

    async def __call__(self, scope: Scope, receive: Receive, _send: Send) -> None:
        """Close the connection and wait until it is closed."""
        _transport(scope).abort()
        while (await receive())["type"] != "http.disconnect":
            pass


class CutBody(Response):
    """Status line and headers as they should be, and the connection closed before the body."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the head, close the connection and wait until it is closed."""
        headers = [*self.raw_headers, (b"connection", b"close")]
        await send({"type": "http.response.start", "status": self.status_code, "headers": headers})
        await _close(scope, receive)


class Pieces(Response):
    """A body that goes out in pieces, chunked; it may end with the connection instead of a proper end."""

    def __init__(self, pieces: AsyncIterator[bytes], *, cut: bool, headers: Mapping[str, str]) -> None:
        super().__init__(headers=headers, media_type="application/octet-stream")
        del self.headers["content-length"]
        self._pieces = pieces
        self._cut = cut

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send every piece as it comes."""
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        async for piece in self._pieces:
            if _is_gone(scope):
                return
            await send({"type": "http.response.body", "body": piece, "more_body": True})
        if self._cut:
            await _close(scope, receive)
        else:
            await send({"type": "http.response.body", "body": b"", "more_body": False})


def _is_gone(scope: Scope) -> bool:
    transport = scope.get(TRANSPORT)
    return isinstance(transport, asyncio.Transport) and transport.is_closing()


async def _close(scope: Scope, receive: Receive) -> None:
    """Close the connection once what was written is out."""
    _transport(scope).close()
    while (await receive())["type"] != "http.disconnect":
        pass
