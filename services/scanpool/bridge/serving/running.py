"""Runs a bridge until it is told to stop: its connection, its transport, what it counts."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, replace
from importlib.metadata import version

import anyio
import anyio.to_thread
import structlog
from structlog.contextvars import bind_contextvars

from scanpool.bridge.configuration.checks import is_loopback
from scanpool.bridge.configuration.settings import PATH, BridgeSettings
from scanpool.bridge.parts import Parts, parts_of
from scanpool.bridge.server import make_server
from scanpool.bridge.serving.application import application
from scanpool.bridge.serving.exposure import base_url, url_of
from scanpool.bridge.serving.standard_input import ending_input
from scanpool.coordination import gauges
from scanpool.runtime.connection import connect
from scanpool.runtime.errors import BrokerError, ConnectionLost
from scanpool.runtime.http import Health, app, serving, serving_on
from scanpool.runtime.jetstream import JetStream
from scanpool.runtime.process import every
from scanpool.runtime.settings import Settings
from scanpool.runtime.span_export import flush, record_spans
from scanpool.runtime.topology.apply import pools_in_nats

ANSWERING_S = 0.5
"""How long calls that were told to end may take to write their answers, over stdio."""
CLOSING_S = 5.0
AWAY_S = 1.0
"""How long a call waits for NATS while there is no connection: whoever calls is told soon. While there is one, a call
waits as long as services do, since a cluster that chooses a leader answers late."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class Served:
    """Where the bridge is."""

    url: str
    """Of the protocol."""
    metrics_url: str


async def serve_http(
    bridge: BridgeSettings,
    settings: Settings,
    door: socket.socket,
    *,
    stopping: asyncio.Event,
    on_ready: Callable[[Served], None] = lambda _: None,
) -> None:
    """Serve it over HTTP, at its open door, until `stopping` is set.

    Raises:
        PortTaken: something else listens where metrics were to be served.
        BrokerError: NATS cannot be reached at the start, or was lost for good.
    """
    async with _connected(bridge, settings, stopping) as parts, AsyncExitStack() as stack:
        agents = application(make_server(parts), parts)
        await stack.enter_async_context(agents.router.lifespan_context(agents))
        await stack.enter_async_context(serving_on(door, agents))
        url = url_of(bridge, door)
        metrics = url.removesuffix(PATH) if is_loopback(bridge.host) else await _metrics_apart(stack, parts, settings)
        served = Served(url=url, metrics_url=f"{metrics}/metrics")
        _tell_of_hosts(bridge)
        log.info("ready", services=["bridge"], url=served.url, metrics_url=served.metrics_url)
        on_ready(served)
        await stopping.wait()


async def serve_stdio(bridge: BridgeSettings, settings: Settings, *, stopping: asyncio.Event) -> None:
    """Serve it over standard input and output until the input ends or `stopping` is set.

    Raises:
        BrokerError: NATS cannot be reached at the start, or was lost for good.
    """
    async with _connected(bridge, settings, stopping) as parts:
        server = make_server(parts)
        with ending_input() as end_input:
            log.info("ready", services=["bridge"], transport="stdio")
            task = asyncio.create_task(server.run_stdio_async(), name="stdio")
            task.add_done_callback(lambda _: stopping.set())
            await stopping.wait()
            await asyncio.wait({task}, timeout=ANSWERING_S)
            end_input()
            await task


@asynccontextmanager
async def _connected(bridge: BridgeSettings, settings: Settings, stopping: asyncio.Event) -> AsyncIterator[Parts]:
    """What the bridge works with, over a connection that outlives NATS's absences."""
    lost = False

    def closed() -> None:
        nonlocal lost
        lost = not stopping.is_set()
        stopping.set()

    record_spans("scanpool-bridge")
    bind_contextvars(service="bridge")
    client = await connect(settings.nats, name="scanpool bridge", on_closed=closed)
    own = replace(bridge, retention=settings.retention)
    parts = replace(parts_of(JetStream(client, away_s=AWAY_S), own), stopping=stopping)
    counting = asyncio.create_task(_keep_gauges(parts, settings.gauges_every.total_seconds()), name="gauges")
    try:
        yield parts
    finally:
        stopping.set()
        counting.cancel()
        with suppress(asyncio.CancelledError):
            await counting
        with anyio.CancelScope(shield=True), anyio.move_on_after(CLOSING_S):
            await (client.drain() if client.is_connected else client.close())
            await anyio.to_thread.run_sync(flush, abandon_on_cancel=True)
    if lost:
        raise ConnectionLost("the connection to NATS was closed for good")


async def _metrics_apart(stack: AsyncExitStack, parts: Parts, settings: Settings) -> str:
    """Metrics where the services have theirs: they are for operators, not for whoever reaches the bridge."""
    client = parts.jetstream.client
    gone = Health(obstacles=("not connected to NATS",))
    face = app(parts.metrics, lambda: Health() if client.is_connected else gone)
    port = await stack.enter_async_context(serving(face, settings.http_host, settings.http_port))
    return base_url(settings.http_host, port)


async def _keep_gauges(parts: Parts, seconds: float) -> None:
    parts.metrics.work.begin_service("bridge", version("scanpool"))
    while True:
        try:
            await gauges.refresh(parts.jetstream, parts.metrics, await pools_in_nats(parts.jetstream))
        except BrokerError as error:
            log.warning("the pools cannot be read for metrics", error=str(error))
        if not await every(seconds, parts.stopping):
            return


def _tell_of_hosts(bridge: BridgeSettings) -> None:
    if not is_loopback(bridge.host) and not bridge.public_url and not bridge.allowed_hosts:
        log.warning("only requests for loopback or this address are answered: name the host in `allowed_hosts`")
