"""Streams that stay open until somebody ends them: the bridge ends them when it stops, and with their tokens."""

from __future__ import annotations

import asyncio

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from scanpool.bridge.gate.callers import access_of
from scanpool.bridge.gate.identity.lasting import Lasting

LISTEN = "subscriptions/listen"
_END: Message = {"type": "http.response.body", "body": b"", "more_body": False}


class EndingStreams:
    """What a client only listens to ends with the process and with the token that opened it, as if the client had
    left; calls are answered."""

    def __init__(self, app: ASGIApp, lasting: Lasting, stopping: asyncio.Event) -> None:
        self._app = app
        self._lasting = lasting
        self._stopping = stopping

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if not _listens(scope):
            await self._app(scope, receive, send)
            return
        is_open, ended = False, asyncio.Event()

        async def sent(message: Message) -> None:
            nonlocal is_open
            await send(message)
            is_open = message["type"] == "http.response.start" or message.get("more_body", False)

        async def received() -> Message:
            return await self._received(scope, receive, ended)

        await self._app(scope, received, sent)
        if is_open and (ended.is_set() or self._stopping.is_set()):
            await send(_END)

    async def _received(self, scope: Scope, receive: Receive, ended: asyncio.Event) -> Message:
        """What comes next; the token is in the scope by now, where it was verified on the way to whoever asks."""
        async with self._lasting.ending(access_of(scope), self._stopping) as ending:
            message, end = asyncio.ensure_future(receive()), asyncio.ensure_future(ending.wait())
            try:
                await asyncio.wait({message, end}, return_when=asyncio.FIRST_COMPLETED)
                if message.done():
                    return message.result()
                ended.set()
                return {"type": "http.disconnect"}
            finally:
                message.cancel()
                end.cancel()


def _listens(scope: Scope) -> bool:
    if scope["type"] != "http":
        return False
    return bool(scope["method"] == "GET" or Headers(scope=scope).get("mcp-method") == LISTEN)
