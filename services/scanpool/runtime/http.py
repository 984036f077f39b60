"""A service's small HTTP face: is it alive, is it ready, what are its metrics."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, closing, contextmanager

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from scanpool.runtime.metrics import Metrics

Obstacles = Callable[[], list[str]]
"""Why the process is not ready; empty where it is."""

METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8"

BACKLOG = 1024
"""Connections that wait to be served."""
GRACE_S = 2
"""How long a request in hand may keep the process from ending."""


class PortTaken(Exception):
    """Something else listens where health and metrics were to be served."""


def app(metrics: Metrics, obstacles: Obstacles) -> Starlette:
    """The application: `/health/live`, `/health/ready`, `/metrics`."""

    async def live(_request: Request) -> Response:
        return JSONResponse({"status": "ok"})

    async def ready(_request: Request) -> Response:
        reasons = obstacles()
        return JSONResponse(
            {"status": "not ready" if reasons else "ok", "reasons": reasons},
            status_code=503 if reasons else 200,
        )

    async def measured(_request: Request) -> Response:
        return Response(metrics.text(), media_type=METRICS_TYPE)

    return Starlette(
        routes=[
            Route("/health/live", live),
            Route("/health/ready", ready),
            Route("/metrics", measured),
        ]
    )


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
        application, log_config=None, access_log=False, lifespan="off", timeout_graceful_shutdown=GRACE_S
    )
    server = _Server(config)
    task = asyncio.create_task(server.serve([listener]), name="http")
    try:
        while not server.started and not task.done():
            await asyncio.sleep(0.005)
        yield
    finally:
        server.should_exit = True
        await task


class _Server(uvicorn.Server):
    """Leaves the signals alone: the process decides when it stops."""

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
