"""A service's small HTTP face: is it alive, is it ready, what are its metrics."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, closing, contextmanager
from dataclasses import dataclass
from typing import Literal

import anyio
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from scanpool.runtime.metrics import Metrics


@dataclass(frozen=True, kw_only=True, slots=True)
class Health:
    """Whether the process can work, and what troubles it."""

    obstacles: tuple[str, ...] = ()
    """Why it cannot work."""
    troubles: tuple[str, ...] = ()
    """What is wrong although it works, or works as far as it can."""

    def __or__(self, other: Health) -> Health:
        return Health(obstacles=self.obstacles + other.obstacles, troubles=self.troubles + other.troubles)

    @property
    def status(self) -> Literal["ok", "degraded", "not ready"]:
        """In a word."""
        if self.obstacles:
            return "not ready"
        return "degraded" if self.troubles else "ok"

    @property
    def reasons(self) -> tuple[str, ...]:
        """Every sentence, what keeps it from working first."""
        return self.obstacles + self.troubles


BACKLOG = 1024
"""Connections that wait to be served."""
GRACE_S = 2
"""How long a request in hand may keep the process from ending."""
KEEP_ALIVE_S = 75
"""How long an idle connection is kept: longer than clients and proxies wait between two requests, since one that is
closed just as the next is sent fails that request."""


class PortTaken(Exception):
    """Something else listens where health and metrics were to be served."""


def app(metrics: Metrics, health: Callable[[], Health]) -> Starlette:
    """The application: `/health/live`, `/health/ready`, `/metrics`; `health` answers at once."""

    async def live(_request: Request) -> Response:
        return JSONResponse({"status": "ok"})

    async def ready(_request: Request) -> Response:
        now = health()
        return JSONResponse(
            {"status": now.status, "reasons": list(now.reasons)},
            status_code=503 if now.obstacles else 200,
        )

    async def measured(request: Request) -> Response:
        return exposed(metrics, request)

    return Starlette(
        routes=[
            Route("/health/live", live),
            Route("/health/ready", ready),
            Route("/metrics", measured),
        ]
    )


def exposed(metrics: Metrics, request: Request) -> Response:
    """The metrics, in the format that the request asks for."""
    exposition = metrics.exposed(request.headers.get("accept", ""))
    return Response(exposition.body, headers={"content-type": exposition.content_type})


@asynccontextmanager
async def serving(application: Starlette, host: str, port: int) -> AsyncIterator[int]:
    """Serve the application while entered; yields the port.

    Raises:
        PortTaken: something else listens there.
    """
    with closing(listening(host, port)) as listener:
        async with serving_on(listener, application):
            yield listener.getsockname()[1]


@asynccontextmanager
async def serving_on(listener: socket.socket, application: Starlette) -> AsyncIterator[None]:
    """Serve the application on the socket while entered."""
    config = uvicorn.Config(
        application,
        log_config=None,
        access_log=False,
        lifespan="off",
        timeout_graceful_shutdown=GRACE_S,
        timeout_keep_alive=KEEP_ALIVE_S,
    )
    server = _Server(config)
    task = asyncio.create_task(server.serve([listener]), name="http")
    try:
        while not server.started and not task.done():
            await asyncio.sleep(0.005)
        yield
    finally:
        server.end()
        await task


class _Server(uvicorn.Server):
    """Leaves the signals alone: the process decides when it stops. Then it ends at once if nobody is connected."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self._stopping = asyncio.Event()

    def end(self) -> None:
        """Take no more connections, answer what is in hand, end."""
        self.should_exit = True
        self._stopping.set()

    async def main_loop(self) -> None:
        while not self._stopping.is_set():
            await self.on_tick(0)  # the date of answers
            with anyio.move_on_after(1):
                await self._stopping.wait()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for server in self.servers:
            server.close()
        for connection in list(self.server_state.connections):
            connection.shutdown()
        await asyncio.sleep(0)  # in which those close that nobody waits at
        if self.server_state.connections or self.server_state.tasks:
            await super().shutdown(sockets)

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def listening(host: str, port: int) -> socket.socket:
    """A socket that takes connections; they wait until somebody serves them.

    Raises:
        PortTaken: something else listens there.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    # Connections inherit it; asyncio does not set it on them, and the second part of an answer would wait for an ACK.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    try:
        listener.bind((host, port))
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        raise PortTaken(
            f"cannot listen on {host}:{port} for health and metrics: {error.strerror}; "
            "choose another with SCANPOOL_HTTP_PORT"
        ) from error
    return listener
