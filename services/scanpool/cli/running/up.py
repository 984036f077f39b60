"""`scanpool up`: every service in one process, for real: your scanners, a store that survives."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import structlog

from scanpool.cli.running.assembly import SERVICES
from scanpool.cli.running.host import Runner
from scanpool.cli.running.own_bridge import OwnBridge
from scanpool.cli.running.process import Host
from scanpool.cli.running.starting import starting_configuration
from scanpool.cli.views.elements import counted
from scanpool.coordination import registry
from scanpool.runtime.configuration import LiveConfiguration
from scanpool.runtime.connection import NatsAddress
from scanpool.runtime.embedded_nats import EmbeddedNats, EmbeddedOptions
from scanpool.runtime.nats_binary import EmbeddedNatsFailed
from scanpool.runtime.process import signals
from scanpool.runtime.settings import Settings
from scanpool.runtime.topology.apply import apply, pools_in_nats
from scanpool.runtime.topology.definitions import topology
from scanpool.runtime.topology.difference import Difference

log = structlog.get_logger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class UpOptions:
    """What `scanpool up` was told."""

    configuration: Path
    settings: Settings
    external_nats: bool
    """Use the NATS of the settings; else run one of our own."""
    store: Path
    """Where our own NATS keeps its streams."""
    port: int | None = None
    """Of our own NATS; None takes 4222 or the next free one."""
    bridge: OwnBridge | None = None
    """None serves none."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Running:
    """What a person is told once everything runs."""

    nats_url: str
    http_url: str
    pools: tuple[str, ...]
    store: str | None
    """The folder where our own NATS keeps its streams."""
    bridge_url: str | None = None


async def up(options: UpOptions, environ: Mapping[str, str], on_ready: Callable[[Running], None]) -> None:
    """Run everything until SIGTERM or SIGINT; the configuration is read again when it changes, and on SIGHUP.

    Raises:
        ConfigurationError: the configuration is bad, a secret cannot be read, or it has no such pool.
        EmbeddedNatsFailed: our own NATS cannot run, or ended.
        BrokerError: the external NATS cannot be reached or will not do.
        PortTaken: something else listens where health and metrics were to be served.
    """
    live = starting_configuration(options.configuration, environ, options.settings.pools)
    async with AsyncExitStack() as stack:
        nats = await stack.enter_async_context(_own_nats(options))
        url = nats.url if nats else options.settings.nats.shown
        settings = options.settings
        if nats:
            settings = replace(settings, nats=NatsAddress(url=url), store=options.store.absolute())
        runner = Runner(SERVICES, settings, live, prepare=lambda host: _prepare(host, live))
        stack.enter_context(signals(runner.stopping, runner.reload))

        def ready() -> None:
            http_url = f"http://{settings.http_host}:{runner.http_port}"
            store = str(options.store.absolute()) if nats else None
            bridge_url = options.bridge.url if options.bridge else None
            on_ready(Running(nats_url=url, http_url=http_url, pools=runner.pools, store=store, bridge_url=bridge_url))

        if options.bridge is None:
            await _run(runner.run(ready), runner, nats)
        else:
            await _run(_with_bridge(runner, options.bridge, settings, ready), runner, nats)


async def _with_bridge(runner: Runner, bridge: OwnBridge, settings: Settings, ready: Callable[[], None]) -> None:
    """The services, and the bridge once they run; if one of them fails, neither goes on."""
    started = asyncio.Event()

    def services_ready() -> None:
        ready()
        started.set()

    services = asyncio.create_task(runner.run(services_ready), name="services")
    serving = bridge.serve(settings, after=started, stopping=runner.stopping)
    agents = asyncio.create_task(serving, name="bridge")
    await asyncio.wait({services, agents}, return_when=asyncio.FIRST_COMPLETED)
    runner.stop()
    if not started.is_set():
        agents.cancel()
    await asyncio.wait({services, agents})
    services.result()
    if not agents.cancelled():
        agents.result()


async def _run(work: Coroutine[Any, Any, None], runner: Runner, nats: EmbeddedNats | None) -> None:
    """The services, for as long as our own NATS lives."""
    services = asyncio.create_task(work, name="everything")
    lost = asyncio.create_task(nats.ended(), name="embedded nats") if nats else None
    await asyncio.wait({services, lost} if lost else {services}, return_when=asyncio.FIRST_COMPLETED)
    code = lost.result() if lost is not None and lost.done() else None
    if lost is not None:
        lost.cancel()
    if code is not None:
        runner.stop()
    await services
    if code is not None:
        raise EmbeddedNatsFailed(f"the embedded nats-server ended by itself with exit code {code}; start again")


async def _prepare(host: Host, live: LiveConfiguration) -> None:
    """Set NATS up for the pools of the configuration; pools that left it are retired and served until empty."""
    configured = tuple(live.current.pools)
    in_nats = await pools_in_nats(host.jetstream)
    pools = tuple(dict.fromkeys((*configured, *in_nats)))
    _tell(await apply(host.jetstream, topology(pools, retention=host.settings.retention)))
    for pool in in_nats:
        if pool not in configured:
            await registry.retire(host.jetstream, pool)


def _tell(changes: Sequence[Difference]) -> None:
    """One line for all that is new, one for each thing that was corrected."""
    created = Counter(change.kind for change in changes if change.missing)
    if created:
        log.info("set NATS up", created=", ".join(counted(number, kind) for kind, number in created.items()))
    for change in changes:
        say = log.debug if change.missing else log.info
        say("changed in NATS", change=change.corrected)


@asynccontextmanager
async def _own_nats(options: UpOptions) -> AsyncIterator[EmbeddedNats | None]:
    if options.external_nats:
        yield None
        return
    embedded = EmbeddedOptions(store=options.store, port=options.port, sync_always=True)
    async with EmbeddedNats(embedded) as nats:
        yield nats


def default_store(environ: Mapping[str, str]) -> Path:
    """`$XDG_DATA_HOME/scanpool`, or `~/.local/share/scanpool`."""
    data = environ.get("XDG_DATA_HOME")
    return (Path(data) if data else Path.home() / ".local" / "share") / "scanpool"
