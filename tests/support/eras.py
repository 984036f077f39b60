"""Official clients that speak one version of the protocol, over HTTP or standard input and output."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

from mcp import Client
from mcp.client.stdio import StdioServerParameters, stdio_client
from mcp.shared._stream_protocols import WriteStream
from mcp.shared.message import SessionMessage
from mcp.types import JSONRPCRequest

from tests.support.bridge import over_http

MODERN = "2026-07-28"
VERSIONS = (MODERN, "2025-11-25", "2025-06-18")


def client_of(version: str, server: str | StdioServerParameters, **options: Any) -> Client:
    """A client that speaks the version alone with the server at the URL, or with one that it starts."""
    if version == MODERN:
        return Client(over_http(server) if isinstance(server, str) else server, mode=version, **options)
    return Client(_of_version(version, server), mode="legacy", **options)


@asynccontextmanager
async def _of_version(version: str, server: str | StdioServerParameters) -> AsyncIterator[tuple[Any, Any]]:
    """The SDK's transport, which opens with the version: the SDK itself always opens with the newest."""
    transport: AbstractAsyncContextManager[Any] = over_http(server) if isinstance(server, str) else stdio_client(server)
    async with transport as (reading, writing):
        yield reading, _Opening(writing, version)


class _Opening:
    """Writes, and says which version is asked for."""

    def __init__(self, writing: WriteStream[SessionMessage], version: str) -> None:
        self._writing = writing
        self._version = version

    async def send(self, item: SessionMessage, /) -> None:
        sent = item.message
        if isinstance(sent, JSONRPCRequest) and sent.method == "initialize":
            params = {**(sent.params or {}), "protocolVersion": self._version}
            item = SessionMessage(message=sent.model_copy(update={"params": params}), metadata=item.metadata)
        await self._writing.send(item)

    async def aclose(self) -> None:
        await self._writing.aclose()

    async def __aenter__(self) -> _Opening:
        await self._writing.__aenter__()
        return self

    async def __aexit__(self, *raised: Any) -> None:
        await self._writing.__aexit__(*raised)
