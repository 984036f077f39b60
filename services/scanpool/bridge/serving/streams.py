"""Streams that stay open until somebody ends them: the bridge ends them when it stops."""

from __future__ import annotations

import asyncio

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

LISTEN = "subscriptions/listen"
_END: Message = {"type": "http.response.body", "body": b"", "more_body": False}


class EndingStreams:
    """What a client only listens to ends with the process, as if the client had left; calls are answered."""

    def __init__(self, app: ASGIApp, stopping: asyncio.Event) -> None:
        self._app = app
        self._stopping = stopping

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if not _listens(scope):
            await self._app(scope, receive, send)
            return
        is_open = False

        async def sent(message: Message) -> None:
            nonlocal is_open
            await send(message)
            is_open = message["type"] == "http.response.start" or message.get("more_body", False)

        await self._app(scope, self._until_stopped(receive), sent)
        if is_open and self._stopping.is_set():
            await send(_END)

    def _until_stopped(self, receive: Receive) -> Receive:
        async def received() -> Message:
            message = asyncio.ensure_future(receive())
            stopped = asyncio.ensure_future(self._stopping.wait())
            try:
                await asyncio.wait({message, stopped}, return_when=asyncio.FIRST_COMPLETED)
                return message.result() if message.done() else {"type": "http.disconnect"}
            finally:
                message.cancel()
                stopped.cancel()

        return received


def _listens(scope: Scope) -> bool:
    if scope["type"] != "http":
        return False
    return bool(scope["method"] == "GET" or Headers(scope=scope).get("mcp-method") == LISTEN)
