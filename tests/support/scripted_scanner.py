"""A TCP server that answers as a test says, byte for byte, and remembers every byte that it was sent.

For what no well-behaved server does: answers that are cut, late, endless or not a scanner's at all.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import ssl
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import TracebackType

NOT_FOUND = {"error": "The requested file was not found"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Received:
    """One request, as it came."""

    method: str
    path: str
    headers: Mapping[str, str]
    """Names in lower case."""
    body: bytes = field(repr=False)

    @property
    def line(self) -> str:
        return f"{self.method} {self.path}"


Reaction = Callable[[Received, asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
Script = Mapping[str, Reaction | Sequence[Reaction]]
"""For each request line a reaction, or one after the other, of which the last stays."""


def reply(value: object = None, status: int = 200, headers: Mapping[str, str] | None = None) -> Reaction:
    """An answer in JSON; without a value its body is empty."""
    body = b"" if value is None else json.dumps(value).encode()
    return raw(body, status, headers={"Content-Type": "application/json", **(headers or {})})


def raw(
    body: bytes, status: int = 200, *, promised: int | None = None, headers: Mapping[str, str] | None = None
) -> Reaction:
    """An answer of these bytes; if a length is promised, the connection is cut after them."""
    length = len(body) if promised is None else promised
    lines = [f"HTTP/1.1 {status} Whatever", f"Content-Length: {length}"]
    lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
    head = "\r\n".join(lines) + "\r\n\r\n"

    async def react(_: Received, __: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(head.encode() + body)
        await writer.drain()
        if promised is not None:
            writer.close()

    return react


async def cut(_: Received, __: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """The request is taken, and the connection ends without a word."""
    writer.close()


async def silence(_: Received, reader: asyncio.StreamReader, __: asyncio.StreamWriter) -> None:
    """The request is taken, and nothing comes until the client goes."""
    await reader.read()


async def trickle(_: Received, __: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """A body byte by byte, quickly enough for any time limit on a single read, without end."""
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
    while not writer.is_closing():
        writer.write(b" ")
        await writer.drain()
        await asyncio.sleep(0.01)


READY: Script = {
    "GET /server/status": reply({"code": 200, "progress": None, "status": "ready"}),
    "GET /session": reply({"username": "scanpool", "permissions": 64}),
    "GET /server/properties": reply(
        {
            "nessus_type": "Nessus Manager",
            "server_version": "10.8.3",
            "license": {"type": "manager", "features": {"scan_api": True}},
        }
    ),
    "GET /editor/scan/templates": reply({"templates": [{"name": "advanced", "uuid": "u-advanced"}]}),
}
"""A manager that is ready and has one template."""


class ScriptedScanner:
    """Serves a script, over that of a ready manager; what is in neither is not found."""

    def __init__(
        self,
        script: Script | None = None,
        *,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._script: dict[str, list[Reaction]] = {}
        for line, reactions in {**READY, **(script or {})}.items():
            self._script[line] = list(reactions) if isinstance(reactions, Sequence) else [reactions]
        self._tls = tls
        self._server: asyncio.Server | None = None
        self._connections: set[asyncio.StreamWriter] = set()
        self.received: list[Received] = []
        self.received_bytes = 0
        """Application bytes, that is after TLS."""
        self.most_connections = 0
        """At the same time."""

    @property
    def url(self) -> str:
        assert self._server is not None
        port = self._server.sockets[0].getsockname()[1]
        return f"{'https' if self._tls else 'http'}://127.0.0.1:{port}"

    def count(self, line: str) -> int:
        """How often this request came."""
        return sum(each.line == line for each in self.received)

    def last(self, line: str) -> Received:
        return next(each for each in reversed(self.received) if each.line == line)

    async def __aenter__(self) -> ScriptedScanner:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=self._tls)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        assert self._server is not None
        self._server.close()
        for writer in list(self._connections):
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()
        await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._connections.add(writer)
        self.most_connections = max(self.most_connections, len(self._connections))
        try:
            while not writer.is_closing():
                request = await self._read(reader)
                self.received.append(request)
                await self._next(request.line)(request, reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass  # the client went
        finally:
            self._connections.discard(writer)
            writer.close()

    def _next(self, line: str) -> Reaction:
        reactions = self._script.get(line)
        if not reactions:
            return reply(NOT_FOUND, 404)
        return reactions.pop(0) if len(reactions) > 1 else reactions[0]

    async def _read(self, reader: asyncio.StreamReader) -> Received:
        head = await reader.readuntil(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").rstrip().split("\r\n")
        headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        self.received_bytes += len(head) + len(body)
        method, path, _ = first.split(" ")
        return Received(method=method, path=path, headers=headers, body=body)
