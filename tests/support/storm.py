"""Runs a planned storm over the whole pipeline: real processes, a real NATS, emulated scanners, clients that go on."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol, TypeVar

import anyio
import msgspec

from scanpool.client import ScanPool
from scanpool.client.errors import ClientError
from scanpool.runtime.errors import BrokerError, BrokerUnavailable, PublishUnknown
from scanpool.runtime.jetstream import JetStream
from scanpool.runtime.topology.apply import apply
from scanpool.runtime.topology.definitions import Topology, topology
from scanpool_schemas import subjects
from scanpool_schemas.keys import Load
from scanpool_schemas.status import ScanStatus
from tests.support.crew import Crew
from tests.support.emulators import RunningEmulator, running_emulator
from tests.support.eventually import becomes
from tests.support.pipeline import Scanner, configuration_text, connected_jetstream
from tests.support.storm_plan import REQUEST_BOUND_S, SHORT_S, Blow, Order, Plan, Spell

ENVIRON = {
    "SCANPOOL_REQUEST_BOUND_S": str(REQUEST_BOUND_S),
    "SCANPOOL_MAX_DURATION_S": str(SHORT_S),
    "SCANPOOL_BREAKER_RECOVERY_S": "1.5",
}
TIME_SCALE = 30.0
SCAN_S = 60.0
"""How long a scan takes, before scaling: 2 seconds."""
SLOW_SCAN_S = 240.0
"""On the slow scanner: 8 seconds."""
SAMPLE_S = 0.25
AGAIN_S = 0.3
"""Between a client's tries."""

_T = TypeVar("_T")


class Nats(Protocol):
    """What blows fall on."""

    @property
    def url(self) -> str:
        """Where services and clients connect."""
        ...

    async def strike(self, target: str, down_s: float) -> None:
        """Kill what is meant, and start it again after a while."""
        ...


@dataclass
class Stage:
    """Everything that a storm acts on."""

    plan: Plan
    nats: Nats
    jetstream: JetStream
    clients: tuple[ScanPool, ScanPool]
    emulators: Mapping[str, RunningEmulator]
    crew: Crew
    folder: Path


@dataclass
class Outcome:
    """What was seen while the storm went by, and how each scan ended."""

    ended: dict[str, ScanStatus] = field(default_factory=dict)
    heard: Counter[str] = field(default_factory=Counter)
    """How often a durable subscription was given the end of each scan."""
    cancelled_at: dict[str, datetime] = field(default_factory=dict)
    """When each cancel was acknowledged."""
    problems: list[tuple[str | None, str]] = field(default_factory=list)
    """What was seen to be wrong, each with the scan that it is about."""
    samples: int = 0
    tries: Counter[str] = field(default_factory=Counter)
    """Calls of clients that had to be made again, by the error."""
    faults: Counter[str] = field(default_factory=Counter)
    blows: list[str] = field(default_factory=list)
    seconds: float = 0.0
    calm_after_s: float = 0.0


async def _set_up(jetstream: JetStream, wanted: Topology) -> bool:
    """Whether NATS is set up now; a cluster that has only begun may be choosing who leads it."""
    try:
        await apply(jetstream, wanted)
    except BrokerUnavailable:
        return False
    return True


@asynccontextmanager
async def staged(plan: Plan, nats: Nats, folder: Path, *, replicas: int = 1) -> AsyncIterator[Stage]:
    """NATS set up, scanners and services started."""
    async with AsyncExitStack() as stack:
        jetstream = await stack.enter_async_context(connected_jetstream(nats.url))
        wanted = topology(tuple(plan.size.pools), replicas=replicas, janitor_every_s=1, cleanup_every_s=2)
        await becomes(lambda: _set_up(jetstream, wanted), within_s=60)
        emulators = {
            instance: await stack.enter_async_context(_emulator(plan, instance)) for instance in plan.size.instances
        }
        configuration = folder / "scanners.yaml"
        configuration.write_text(_configuration(plan, emulators))
        one = await stack.enter_async_context(await ScanPool.connect(nats.url))
        other = await stack.enter_async_context(await ScanPool.connect(nats.url))
        arguments = ["--nats", nats.url, "--config", str(configuration)]
        compiled = {"PYTHONDONTWRITEBYTECODE": "", "PYTHONPYCACHEPREFIX": str(folder / "compiled")}
        crew = Crew(services=plan.size.crew, arguments=arguments, folder=folder, environ={**ENVIRON, **compiled})
        async with anyio.create_task_group() as tasks:
            crew.start(tasks)
            try:
                await crew.until_ready()
                yield Stage(plan, nats, jetstream, (one, other), emulators, crew, folder)
            finally:
                with anyio.CancelScope(shield=True):
                    await crew.stop()


async def weathered(stage: Stage, *, within_s: float) -> Outcome:
    """Let the storm go by, and wait until every scan is over."""
    outcome = Outcome()
    began = asyncio.get_running_loop().time()
    over, storm = asyncio.Event(), _Storm(stage, outcome, began, within_s)
    async with anyio.create_task_group() as watch:
        watch.start_soon(storm.sample, over)
        async with stage.clients[1].events(kinds=("completed", "failed"), durable="storm") as events:
            watch.start_soon(storm.listen, events)
            async with anyio.create_task_group() as tasks:
                for blow in stage.plan.blows:
                    tasks.start_soon(storm.strike, blow)
                for instance, spells in stage.plan.spells.items():
                    tasks.start_soon(storm.bewitch, instance, spells)
                tasks.start_soon(storm.kill)
                for order in stage.plan.orders:
                    tasks.start_soon(storm.follow, order)
            await storm.all_heard()
        over.set()
        watch.cancel_scope.cancel()
    outcome.seconds = asyncio.get_running_loop().time() - began
    return outcome


class _Storm:
    """The tasks of a storm."""

    def __init__(self, stage: Stage, outcome: Outcome, began: float, within_s: float) -> None:
        self._stage = stage
        self._outcome = outcome
        self._began = began
        self._within_s = within_s
        self._blows = asyncio.Lock()

    async def strike(self, blow: Blow) -> None:
        """One blow to NATS, when the one before is over."""
        await self._until(blow.at_s)
        async with self._blows:
            since = self._now()
            await self._stage.nats.strike(blow.target, blow.down_s)
            self._outcome.blows.append(f"{blow.target} at {since:.1f} s, well again at {self._now():.1f} s")
            self._calm()

    async def bewitch(self, instance: str, spells: tuple[Spell, ...]) -> None:
        """The scanner's faults, one after the other."""
        control = self._stage.emulators[instance].control
        for spell in spells:
            await self._until(spell.at_s)
            await control.fault(spell.fault, **spell.parameters)
            self._outcome.faults[spell.fault] += 1
            await self._until(spell.at_s + spell.lasts_s)
            await control.clear_faults()
            self._calm()

    async def kill(self) -> None:
        """The processes' kills."""
        for kill in self._stage.plan.kills:
            await self._until(kill.at_s)
            await self._stage.crew.kill(kill.victim)
            self._calm()

    async def follow(self, order: Order) -> None:
        """Ask for a scan, cancel it if so planned, and wait until it is over."""
        await self._until(order.at_s)
        clients = self._stage.clients if order.twice else self._stage.clients[:1]
        asked = await asyncio.gather(*(self._submitted(client, order) for client in clients))
        if any(scan_id != order.id for scan_id in asked):
            self._wrong(order.id, f"asked for twice, it became {asked}")
        if order.cancel_after_s is not None:
            await anyio.sleep(order.cancel_after_s)
            await self._again(lambda: self._stage.clients[0].cancel(order.id, pool=order.pool, by="storm"))
            self._outcome.cancelled_at[order.id] = datetime.now(UTC)
        try:
            ended = await self._stage.clients[0].wait(order.id, pool=order.pool, timeout=self._within_s)
            self._outcome.ended[order.id] = ended
        except (ClientError, BrokerError) as error:
            self._wrong(order.id, f"waiting for it: {type(error).__name__}: {error}")

    async def sample(self, over: asyncio.Event) -> None:
        """Look again and again whether a scanner has more scans than places."""
        while not over.is_set():
            for instance, places in self._stage.plan.size.instances.items():
                running = (await self._stage.emulators[instance].control.stats())["running"]
                holders = await self._holders(instance)
                if max(running, len(holders)) > places:
                    self._wrong(None, f"{instance} with {places} places: {running} run, {holders} hold one")
                self._outcome.samples += 1
            await anyio.sleep(SAMPLE_S)

    async def listen(self, events: AsyncIterator[Any]) -> None:
        """Count the ends that a subscriber is given."""
        async for event in events:
            self._outcome.heard[event.scan.id] += 1

    async def all_heard(self) -> None:
        """Wait until the subscriber was given every end; what is missing then is found by the reckoning."""
        with anyio.move_on_after(30):
            while not set(self._outcome.ended) <= set(self._outcome.heard):
                await anyio.sleep(0.1)

    async def _submitted(self, client: ScanPool, order: Order) -> str:
        own_id = None if order.twice else order.id
        submitted = await self._again(
            lambda: client.submit(name=order.name, pool=order.pool, id=own_id, **order.fields)
        )
        return submitted.id

    async def _again(self, call: Callable[[], Awaitable[_T]]) -> _T:
        """Call until NATS answers, as every client has to."""
        with anyio.fail_after(self._within_s):
            while True:
                try:
                    return await call()
                except (BrokerUnavailable, PublishUnknown) as error:
                    self._outcome.tries[type(error).__name__] += 1
                await anyio.sleep(AGAIN_S)

    async def _holders(self, instance: str) -> tuple[str, ...]:
        pool, scanner = instance.split(".")
        subject = subjects.key(pool, subjects.load_key(scanner))
        try:
            stored = await self._stage.jetstream.last(subjects.pool_stream(pool), subject)
        except BrokerUnavailable:
            return ()
        return msgspec.json.decode(stored.body, type=Load).holders if stored else ()

    async def _until(self, at_s: float) -> None:
        await anyio.sleep(max(0.0, at_s - self._now()))

    def _now(self) -> float:
        return asyncio.get_running_loop().time() - self._began

    def _calm(self) -> None:
        self._outcome.calm_after_s = self._now()

    def _wrong(self, scan_id: str | None, what: str) -> None:
        self._outcome.problems.append((scan_id, what))


def _emulator(plan: Plan, instance: str) -> AbstractAsyncContextManager[RunningEmulator]:
    scan_s = SLOW_SCAN_S if instance == plan.size.slow else SCAN_S
    return running_emulator(time_scale=TIME_SCALE, scan_seconds=scan_s)


def _configuration(plan: Plan, emulators: Mapping[str, RunningEmulator]) -> str:
    """Scanners whose number is even are signed in to with a password: they have sessions that expire."""
    pools = {
        pool: [Scanner(f"s{number}", capacity=places) for number, places in enumerate(scanners, start=1)]
        for pool, scanners in plan.size.pools.items()
    }
    document = json.loads(configuration_text(pools, emulators, {}))
    for pool, keys in document["pools"].items():
        for scanner in keys["scanners"][1::2]:
            options = emulators[f"{pool}.{scanner['instance_id']}"].options
            del scanner["access_key"], scanner["secret_key"]
            scanner |= {"username": options.username, "password": options.password}
    return json.dumps(document, indent=2)
