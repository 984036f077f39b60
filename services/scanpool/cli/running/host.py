"""Runs services in this process until it is told to stop."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from functools import partial
from importlib.metadata import version

import anyio
import anyio.to_thread
import structlog
from anyio.abc import TaskGroup
from nats.aio.client import Client

from scanpool.cli.running.assembly import ServiceName, global_jobs, pool_work
from scanpool.cli.running.counting import count_delivery
from scanpool.cli.running.health.watch import HealthWatch
from scanpool.cli.running.process import Host, host_of
from scanpool.cli.running.starting import log_warnings
from scanpool.coordination import gauges, registry
from scanpool.runtime.configuration import Kept, LiveConfiguration, Reloaded, rules_of
from scanpool.runtime.connection import connect
from scanpool.runtime.delivery import Delivery
from scanpool.runtime.errors import BrokerError, ConnectionLost, TopologyMissing
from scanpool.runtime.http import Health, app, serving
from scanpool.runtime.loop_lag import watch_loop
from scanpool.runtime.metrics import Metrics
from scanpool.runtime.process import every
from scanpool.runtime.settings import Settings
from scanpool.runtime.span_export import flush, record_spans
from scanpool.runtime.topology.apply import pools_in_nats, verify
from scanpool.runtime.topology.definitions import topology
from scanpool.runtime.worker import Job, Worker

POOLS_EVERY_S = 30.0
PROBE_EVERY_S = 1.0
"""How often it is looked whether a breaker's time is over."""
WATCH_EVERY_S = 1.0
"""How often it is looked whether the configuration file changed; it is read when it stayed so for one look more."""
SERVE_AGAIN_S = 5.0
DRAIN_S = 5.0

log = structlog.get_logger(__name__)


async def _nothing_to_prepare(_host: Host) -> None:
    """Services only verify what NATS holds."""


class Runner:
    """The services of one process: their workers, their HTTP face, their configuration."""

    def __init__(
        self,
        services: Sequence[ServiceName],
        settings: Settings,
        live: LiveConfiguration | None,
        *,
        prepare: Callable[[Host], Awaitable[None]] = _nothing_to_prepare,
    ) -> None:
        """`prepare` is called before NATS is verified, at the start and whenever pools are looked at."""
        self._services = services
        self._settings = settings
        self._live = live
        self._prepare = prepare
        self.stopping = asyncio.Event()
        """Set it to stop: what is in hand is finished, the rest handed back."""
        self._reload = asyncio.Event()
        self._lost = False
        self.pools: tuple[str, ...] = ()
        """The pools that are served."""
        self._obstacles: dict[str, str] = {"start": "still starting"}
        self.http_port = 0

    def stop(self) -> None:
        """Finish what is in hand, hand back the rest, end."""
        self.stopping.set()

    def reload(self) -> None:
        """Read the configuration again, and look for new pools."""
        self._reload.set()

    async def run(self, on_ready: Callable[[], None] = lambda: None) -> None:
        """Run until `stop`.

        Raises:
            BrokerError: NATS cannot be reached or is not set up; says what to do.
            ConnectionLost: NATS was lost for good.
        """
        record_spans("scanpool" if len(self._services) > 1 else f"scanpool-{self._services[0]}")
        client = await connect(self._settings.nats, name="scanpool " + "+".join(self._services), on_closed=self._closed)
        host = host_of(client, self._settings, self._live)
        try:
            await self._find_pools(host)
            await self._serve(host, on_ready)
        except ExceptionGroup as errors:
            raise _told(errors) from errors
        finally:
            await _closed(client, host)
        if self._lost:
            raise ConnectionLost("the connection to NATS was closed for good")

    async def _serve(self, host: Host, on_ready: Callable[[], None]) -> None:
        watch = HealthWatch(self._services, host, lambda: self.pools)
        application = app(host.metrics, lambda: self._health(watch))
        async with serving(application, self._settings.http_host, self._settings.http_port) as port:
            self.http_port = port
            async with anyio.create_task_group() as tasks:
                await self._start_all(host, tasks)
                tasks.start_soon(watch.run, self.stopping)
                self._obstacles.pop("start", None)
                log.info("ready", services=list(self._services), pools=list(self.pools), http_port=port)
                on_ready()
                await self.stopping.wait()
                self._obstacles["stop"] = "stopping"

    async def _start_all(self, host: Host, tasks: TaskGroup) -> None:
        for service in self._services:
            host.metrics.work.begin_service(service, version("scanpool"))
            for job in global_jobs(service, host, lambda: self.pools):
                tasks.start_soon(self._work, host, job)
        await self._register(host)
        for pool in self.pools:
            self._start_pool(host, tasks, pool)
        tasks.start_soon(self._keep_gauges, host)
        tasks.start_soon(watch_loop, partial(_lagged, host.metrics), self.stopping)
        tasks.start_soon(self._keep_pools, host, tasks)
        if self._live is not None:
            tasks.start_soon(self._watch, self._live)

    def _start_pool(self, host: Host, tasks: TaskGroup, pool: str) -> None:
        host.metrics.work.begin_pool(pool)
        for service in self._services:
            work = pool_work(service, host, pool)
            for job in work.jobs:
                tasks.start_soon(self._work, host, job)
            if work.look is not None:
                tasks.start_soon(self._keep_looking, work.look, self._settings.readiness_every.total_seconds())
            if work.probe is not None:
                tasks.start_soon(self._keep_looking, work.probe, PROBE_EVERY_S)
            if work.serve is not None:
                tasks.start_soon(self._keep_serving, work.serve)

    async def _work(self, host: Host, job: Job) -> None:
        def settled(delivery: Delivery, outcome: str) -> None:
            count_delivery(host.metrics, delivery, outcome)

        await Worker(job, host.settler, observe=settled).run(self.stopping, self._grace)

    @property
    def _grace(self) -> timedelta:
        """How long what is in hand may take after the stop."""
        return max(self._settings.grace - timedelta(seconds=DRAIN_S), timedelta(seconds=1))

    async def _keep_serving(self, serve: Callable[[asyncio.Event, timedelta], Awaitable[None]]) -> None:
        """Answer requests; without a connection to hear them over, try again until there is one."""
        while not self.stopping.is_set():
            try:
                await serve(self.stopping, self._grace)
            except* BrokerError as errors:
                log.warning("no orders are heard for now", error=str(errors.exceptions[0]))
                await every(SERVE_AGAIN_S, self.stopping)

    async def _keep_looking(self, look: Callable[[], Awaitable[None]], seconds: float) -> None:
        while True:
            try:
                await look()
            except BrokerError as error:
                log.warning("scanners not looked at this time", error=str(error))
            if not await every(seconds, self.stopping):
                return

    async def _keep_gauges(self, host: Host) -> None:
        while True:
            try:
                rooms = await gauges.rooms_of(host.jetstream, self.pools, self._settings.store)
                await gauges.refresh(host.jetstream, host.metrics, self.pools, rooms)
                self._obstacles.pop("gauges", None)
            except BrokerError as error:
                self._obstacles["gauges"] = f"the pools cannot be read: {error}"
            if not await every(self._settings.gauges_every.total_seconds(), self.stopping):
                return

    async def _keep_pools(self, host: Host, tasks: TaskGroup) -> None:
        """On reload and at intervals: new rules, new pools, pools that left."""
        while await every(POOLS_EVERY_S, self.stopping, kick=self._reload):
            try:
                if self._reload.is_set():
                    self._reload.clear()
                    await self._reconfigure(host)
                before = self.pools
                await self._find_pools(host)
                await self._register(host)
            except BrokerError as error:
                log.warning("pools not looked at this time", error=str(error))
                continue
            for pool in self.pools:
                if pool not in before:
                    log.info("serving a new pool", pool=pool)
                    self._start_pool(host, tasks, pool)

    async def _watch(self, live: LiveConfiguration) -> None:
        while await every(WATCH_EVERY_S, self.stopping):
            if live.changed():
                log.info("the configuration file changed; reading it again", path=str(live.path))
                self.reload()

    async def _reconfigure(self, host: Host) -> None:
        if self._live is None or host.fleet is None:
            log.info("no configuration to reload: these services read none; looking for new pools")
            return
        match self._live.reload():
            case Kept(problems=problems):
                log.error(
                    "configuration not reloaded, the last good one stays",
                    problems=[str(problem) for problem in problems],
                )
            case Reloaded(before=before, changes=changes, removed_pools=removed):
                log.info("configuration reloaded", changes=list(changes))
                log_warnings(self._live.warnings)
                for pool in removed:
                    if not self._settings.pools or pool in self._settings.pools:
                        host.fleet.retire(pool, before.pools[pool])
                        await registry.retire(host.jetstream, pool)
                        log.info("pool left the configuration: served until empty", pool=pool)

    async def _register(self, host: Host) -> None:
        """The process that launches says what the pools' rules and places are."""
        if "dispatcher" not in self._services or self._live is None:
            return
        for pool in self.pools:
            if pool in self._live.current.pools:
                await registry.register(host.jetstream, pool, rules_of(pool, self._live.current))

    async def _find_pools(self, host: Host) -> None:
        """The pools to serve: those of the configuration, or all that NATS has; limited by `--pools`."""
        known = host.fleet.pools() if host.fleet else await pools_in_nats(host.jetstream)
        chosen = self._settings.pools
        missing = [pool for pool in chosen if pool not in known]
        if missing and not self.pools:
            where = "the configuration" if host.fleet else "NATS"
            raise TopologyMissing(f"{where} has no pool {', '.join(missing)} (asked for by --pools)")
        pools = tuple(pool for pool in known if not chosen or pool in chosen)
        await self._prepare(host)
        keeps = {"janitor", "poller"}.intersection(self._services)  # who deletes what is over has to agree with NATS
        retention = self._settings.retention if keeps else None
        await verify(host.jetstream, topology(pools, retention=retention))
        self.pools = pools

    def _health(self, watch: HealthWatch) -> Health:
        return Health(obstacles=tuple(self._obstacles.values())) | watch.health()

    def _closed(self) -> None:
        self._lost = not self.stopping.is_set()
        self.stopping.set()


def _lagged(metrics: Metrics, seconds: float) -> None:
    metrics.work.loop_lag_seconds.observe(seconds=seconds)


def _told(errors: ExceptionGroup) -> Exception:
    """The one error that a person is told: the broker's, which has a remedy, before any other."""
    broker, others = errors.split(BrokerError)
    first = (broker or others or errors).exceptions[0]
    return _told(first) if isinstance(first, ExceptionGroup) else first


async def _closed(client: Client, host: Host) -> None:
    with anyio.CancelScope(shield=True), anyio.move_on_after(DRAIN_S):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(_flush)
            await _hung_up(client, host)


async def _flush() -> None:
    await anyio.to_thread.run_sync(flush, abandon_on_cancel=True)


async def _hung_up(client: Client, host: Host) -> None:
    if host.fleet is not None:
        await host.fleet.close()
    if client.is_connected:
        await client.drain()
    elif not client.is_closed:
        await client.close()
