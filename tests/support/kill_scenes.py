"""Has processes of a pipeline kill themselves at points, replaces them, and looks whether anything was lost."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import anyio

from scanpool.cli.running.assembly import SERVICES, ServiceName
from scanpool.runtime.backoff import Backoff
from scanpool.runtime.jetstream import JetStream
from scanpool.runtime.pull import Puller
from scanpool.runtime.settings import LaunchSettings
from scanpool.runtime.topology.definitions import Consumer, topology
from scanpool_schemas import subjects
from tests.support.aftermath import Expected, assert_nothing_lost
from tests.support.eventually import becomes
from tests.support.nursery import Doomed, Nursery, nursery
from tests.support.pipeline import FAST, Pipeline, Scanner, running_pipeline
from tests.support.storm_plan import is_full, seed_of

POOL = "lab"
INSTANCE = "lab.s1"
SCAN = "a-scan"

SETTINGS = replace(
    FAST,
    launch=LaunchSettings(
        lease=timedelta(seconds=2.5), request_bound=timedelta(seconds=1.5), margin=timedelta(milliseconds=200)
    ),
    backoff=Backoff(first=timedelta(milliseconds=200), cap=timedelta(milliseconds=500), attempts=6),
)
"""Of the processes that stay alive."""
ENVIRON = {
    "SCANPOOL_LEASE_S": "2.5",
    "SCANPOOL_REQUEST_BOUND_S": "1.5",
    "SCANPOOL_SCANNER_TIMEOUT_S": "1.4",
    "SCANPOOL_BACKOFF_CAP_S": "0.5",
    "SCANPOOL_ATTEMPTS": "6",
}
"""Of those that do not."""

_CONSUMERS: Mapping[ServiceName, Sequence[str]] = {
    "admission": (subjects.ADMISSION_CONSUMER, subjects.CANCEL_CONSUMER),
    "dispatcher": ("queued-high", "queued-normal", "queued-low", "launching"),
    "poller": ("running", "exporting", "stopping"),
    "validator": ("validating",),
    "janitor": (),
}
"""What a service holds deliveries of for longer than until the next tick."""

WITHIN_S = 120.0
"""For everything to come to rest on a busy machine."""

SOON_NS = 100_000_000

Act = Callable[[Pipeline], Awaitable[object]]


async def nothing(_pipeline: Pipeline) -> None:
    """Do nothing."""


COMPLETED = Expected(pool=POOL, id=SCAN, statuses={"completed"})


@dataclass(frozen=True, kw_only=True, slots=True)
class Scene:
    """What happens while processes die, and how it is to end."""

    ask: Act
    """When the first of the processes is ready, or before it is started."""
    expected: Expected | None = COMPLETED
    """None: it is gone."""
    ask_first: bool = False
    """Ask before the first process is started, when every other service is."""
    meanwhile: Act = nothing
    """When the first process has died."""
    then: Act = nothing
    """When every service is at work again."""
    faults: Sequence[Mapping[str, Any]] = ()
    """In force on the scanner from the start."""
    options: Mapping[str, Any] = field(default_factory=dict)
    """Of the emulated scanner."""
    max_duration_s: int = 3600
    """Of every scan."""
    absent: Sequence[ServiceName] = ()
    """Services, besides those that die, that start only when all have died."""
    environ: Mapping[str, str] = field(default_factory=dict)
    """Of the processes that die."""
    check: Act = nothing
    """What else is to hold in the end."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """Processes that die one after the other, each at its point, in a scene."""

    kills: Sequence[tuple[str, str]]
    """A service, or another command with its arguments; and where it kills itself."""
    scene: Scene

    def __str__(self) -> str:
        return ", then ".join(f"{command.split(maxsplit=1)[0]} {point}" for command, point in self.kills)

    @property
    def services(self) -> tuple[ServiceName, ...]:
        """Those that die."""
        return tuple(command for command, _ in self.kills if command in SERVICES)


async def play(row: Row, nursery: Nursery, folder: Path) -> None:
    """Play the scene.

    Raises:
        AssertionError: a process did not die where it was to, or something was lost or done twice.
    """
    scene, pools = row.scene, {POOL: (Scanner("s1", options=row.scene.options),)}
    late = {*row.services, *scene.absent}
    settings = replace(SETTINGS, max_duration=timedelta(seconds=scene.max_duration_s))
    async with running_pipeline(pools, services=(), settings=settings) as pipeline:
        for fault in scene.faults:
            await pipeline.emulators[INSTANCE].control.fault(**fault)
        await pipeline.start([each for each in SERVICES if each not in late])
        if scene.ask_first:
            await scene.ask(pipeline)
        for number, (command, point) in enumerate(row.kills):
            doomed = _start(nursery, pipeline, (command, point), scene, folder / f"{number}.log")
            await _die(scene, pipeline, command, doomed, first=number == 0)
        if late:
            await pipeline.start([each for each in SERVICES if each in late])
        await scene.then(pipeline)
        expected = [scene.expected] if scene.expected else []
        await assert_nothing_lost(pipeline.jetstream, pipeline.emulators, expected, within_s=WITHIN_S)
        await scene.check(pipeline)


async def _die(scene: Scene, pipeline: Pipeline, command: str, doomed: Doomed, *, first: bool) -> None:
    """Let the process come to its point and die there."""
    try:
        if first and not scene.ask_first:
            await doomed.is_ready()
            await scene.ask(pipeline)
        await doomed.dies()
    finally:
        await doomed.bury()
    if command in SERVICES:
        await _let_the_ack_wait_pass(pipeline.jetstream, command)
    if first:
        await scene.meanwhile(pipeline)


def _start(nursery: Nursery, pipeline: Pipeline, kill: tuple[str, str], scene: Scene, log: Path) -> Doomed:
    command, point = kill
    words = [*command.split(), "--nats", pipeline.nats.url]
    if command in SERVICES:
        words = ["run", *words, "--config", str(pipeline.configuration)]
    environ = {**ENVIRON, "SCANPOOL_MAX_DURATION_S": str(scene.max_duration_s), **scene.environ}
    return nursery.start(point, words, log, environ)


async def _let_the_ack_wait_pass(jetstream: JetStream, service: ServiceName) -> None:
    """What the dead process had in hand, and only that, is delivered again: the wait for its acks is cut short."""
    wanted = topology((POOL,), replicas=1, janitor_every_s=1, cleanup_every_s=1)
    for consumer in wanted.consumers:
        if consumer.name in _CONSUMERS[service]:
            await _expire(jetstream, consumer)


async def _expire(jetstream: JetStream, consumer: Consumer) -> None:
    """Take what nobody settled as soon as the server gives it out again, and hand it back."""
    await _configure(jetstream, consumer, ack_wait=SOON_NS)
    puller = Puller(jetstream.client, consumer.stream, consumer.name, credit=64)
    await puller.start()

    async def all_here() -> bool:
        info = await jetstream.api(f"CONSUMER.INFO.{consumer.stream}.{consumer.name}", None, dict[str, Any])
        return len({each.sequence for each in puller.waiting}) >= int(info["num_ack_pending"] + info["num_pending"])

    await becomes(all_here)
    taken = {each.sequence: each for each in await puller.stop()}
    await _configure(jetstream, consumer)
    for each in taken.values():
        await each.nak(timedelta(0))


async def _configure(jetstream: JetStream, consumer: Consumer, **changed: int) -> None:
    request = {"stream_name": consumer.stream, "config": {**consumer.config, **changed}, "action": ""}
    await jetstream.api(f"CONSUMER.CREATE.{consumer.stream}.{consumer.name}", request, dict[str, Any])


AT_ONCE = 8
"""Rows wait more than they work."""
AT_ONCE_BESIDE_OTHERS = 3
"""In the suite, where other files are played at the same time."""


async def play_all(rows: Sequence[Row], folder: Path) -> None:
    """Play rows, several at once: all of them at full size, else every second, so that any two runs may play all.

    Raises:
        AssertionError: of every row that did not end as it must.
    """
    rows = rows if is_full() else rows[seed_of() % 2 :: 2]
    limit, failures = anyio.CapacityLimiter(AT_ONCE if is_full() else AT_ONCE_BESIDE_OTHERS), []
    async with nursery() as processes:

        async def one(number: int, row: Row) -> None:
            own = folder / str(number)
            own.mkdir()
            async with limit:
                try:
                    await play(row, processes, own)
                except (AssertionError, TimeoutError) as error:
                    failures.append(f"--- {row}\n{type(error).__name__}: {error}")

        async with anyio.create_task_group() as tasks:
            for number, row in enumerate(rows):
                tasks.start_soon(one, number, row)
    assert not failures, "\n".join(failures)
