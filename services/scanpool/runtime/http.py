"""A service's small HTTP face: is it alive, is it ready, what are its metrics."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from scanpool.runtime.metrics import Metrics

Obstacles = Callable[[], list[str]]
"""Why the process is not ready; empty where it is."""

METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8"

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
    listener = _listener(host, port)
    config = uvicorn.Config(
        application, log_config=None, access_log=False, lifespan="off", timeout_graceful_shutdown=GRACE_S
    )
    server = _Server(config)
    task = asyncio.create_task(server.serve([listener]), name="http")
    try:
        while not server.started and not task.done():
            await asyncio.sleep(0.005)
        yield listener.getsockname()[1]
    finally:
        server.should_exit = True
        await task
        listener.close()


class _Server(uvicorn.Server):
    """Leaves the signals alone: the process decides when it stops."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def _listener(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        raise PortTaken(
            f"cannot listen on {host}:{port} for health and metrics: {error.strerror}; "
            "choose another with SCANPOOL_HTTP_PORT"
        ) from error
    return listener
