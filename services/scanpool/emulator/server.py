"""Serving an emulated scanner over HTTP or TLS, alone or beside others in one event loop."""

import asyncio
import contextlib
import socket
import time
from collections.abc import Callable, Generator
from email.utils import formatdate
from types import TracebackType
from typing import Self

import anyio
import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from scanpool.emulator.answers import TRANSPORT
from scanpool.emulator.app import application
from scanpool.emulator.options import Options
from scanpool.emulator.scanner import Scanner
from scanpool.emulator.tls import self_signed, server_context

GRACE_S = 2.0
"""How long requests that are under way may take to notice that the emulator stops."""


class Emulator:
    """A running emulator: `async with Emulator(options) as emulator: ... emulator.url`."""

    def __init__(self, options: Options, port: int = 0, tls: bool = False, host: str = "127.0.0.1") -> None:
        self._scanner = Scanner(options, time.time)
        self._host = host
        self._identity = self_signed(host) if tls else None
        self._wanted_port = port
        self._port: int | None = None
        self._server: _Server | None = None
        self._serving: asyncio.Task[None] | None = None

    @property
    def port(self) -> int:
        """The port it listens on."""
        if self._port is None:
            raise RuntimeError("the emulator does not run: enter it first, `async with Emulator(...)`")
        return self._port

    @property
    def url(self) -> str:
        """Where its API begins."""
        host = f"[{self._host}]" if ":" in self._host else self._host
        return f"{'https' if self._identity else 'http'}://{host}:{self.port}"

    @property
    def access_key(self) -> str:
        """The access key that is valid now."""
        return self._scanner.accounts.access_key

    @property
    def secret_key(self) -> str:
        """The secret key that is valid now."""
        return self._scanner.accounts.secret_key

    @property
    def fingerprint(self) -> str | None:
        """SHA-256 of the certificate in DER, in hexadecimal; None without TLS."""
        return self._identity.fingerprint if self._identity else None

    @property
    def ca_pem(self) -> str | None:
        """The certificate to trust, as PEM text; None without TLS."""
        return self._identity.certificate_pem if self._identity else None

    async def __aenter__(self) -> Self:
        listener = _listen(self._host, self._wanted_port)
        self._port = listener.getsockname()[1]
        self._server = _Server(self._config(), ahead_s=self._scanner.options.clock_ahead_s)
        self._serving = asyncio.create_task(self._server.serve([listener]), name=f"emulator {self.url}")
        started = asyncio.create_task(self._server.ready.wait())
        await asyncio.wait((self._serving, started), return_when=asyncio.FIRST_COMPLETED)
        if not started.done():
            started.cancel()
            await self._serving
        return self

    def _config(self) -> uvicorn.Config:
        config = uvicorn.Config(
            application(self._scanner),
            http=_Connection,
            ws="none",
            lifespan="off",
            interface="asgi3",
            log_config=None,
            access_log=False,
            proxy_headers=False,
            server_header=False,
            date_header=False,
            headers=[
                ("Server", "tenable.io" if self._scanner.cloud else "NessusWWW"),
                ("Cache-Control", "no-cache, no-store"),
            ],
            timeout_keep_alive=75,
        )
        config.load()
        config.ssl = server_context(self._identity) if self._identity else None
        return config

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._server is not None
        self._scanner.closing.set()
        self._server.stopping.set()
        await self.closed()

    async def closed(self) -> None:
        """Wait until it serves no longer."""
        assert self._serving is not None
        await asyncio.shield(self._serving)


async def serve(options: Options, host: str, port: int, tls: bool, on_ready: Callable[[Emulator], None]) -> None:
    """Serve until cancelled; `on_ready` is told once requests are answered."""
    async with Emulator(options, port=port, tls=tls, host=host) as emulator:
        on_ready(emulator)
        await emulator.closed()


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.create_server((host, port), family=family)
    # Connections inherit it; asyncio does not set it on them, and each answer would wait 40 ms for an ACK.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


class _Server(uvicorn.Server):
    """A server that leaves signals to the process, says when it is up, and ends at once when told to."""

    def __init__(self, config: uvicorn.Config, *, ahead_s: float) -> None:
        """The date of its answers is so far ahead of the host's clock."""
        super().__init__(config)
        self._ahead_s = ahead_s
        self.ready = asyncio.Event()
        self.stopping = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        self._set_date()
        await super().startup(sockets)
        self.ready.set()

    async def main_loop(self) -> None:
        """Set the date of the answers every second until told to stop."""
        while not self.stopping.is_set():
            await self.on_tick(0)
            self._set_date()
            with anyio.move_on_after(1):
                await self.stopping.wait()

    def _set_date(self) -> None:
        date = formatdate(time.time() + self._ahead_s, usegmt=True).encode()
        self.server_state.default_headers = [(b"date", date), *self.config.encoded_headers]

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Cut every connection and wait for what is under way, which then has nobody to answer."""
        for server in self.servers:
            server.close()
        for listener in sockets or ():
            listener.close()
        for connection in tuple(self.server_state.connections):
            connection.transport.abort()
        if self.server_state.tasks:
            await asyncio.wait(tuple(self.server_state.tasks), timeout=GRACE_S)

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        yield


class _Connection(H11Protocol):
    """A connection whose transport the application can reach, so that it can be cut."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.app = _with_transport(self.app, transport)


def _with_transport(app: ASGIApp, transport: asyncio.Transport) -> ASGIApp:
    async def called(scope: Scope, receive: Receive, send: Send) -> None:
        scope[TRANSPORT] = transport
        await app(scope, receive, send)

    return called
