"""The pipeline's real handlers over a broker and scanners in memory, for laws over many histories."""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from datetime import datetime, timedelta
from functools import partial
from itertools import count
from typing import Any, cast

import msgspec
from nats.aio.client import Client

from scanpool.admission.service import Admission, AdmissionParts
from scanpool.coordination import letters, registry, transitions
from scanpool.coordination.breakers import Breakers
from scanpool.coordination.ledger import Ledger, held_of
from scanpool.coordination.stage import Answer, Clockwork, Move, Stage
from scanpool.coordination.transitions import Mark
from scanpool.dispatcher.service import Dispatcher, DispatcherParts
from scanpool.janitor import decide as janitor
from scanpool.poller.cleanup import Cleanup
from scanpool.poller.decide import Limits
from scanpool.poller.export import Exporter
from scanpool.poller.service import Poller, PollerParts
from scanpool.poller.telling import Teller
from scanpool.runtime.backoff import Backoff
from scanpool.runtime.delivery import Delivery
from scanpool.runtime.errors import BrokerUnavailable, PublishUnknown, SubjectFull
from scanpool.runtime.jetstream import Stored, Write
from scanpool.runtime.outcomes import Outcome, Retry
from scanpool.runtime.settings import BreakerSettings, LaunchSettings, PollSettings, RetentionSettings
from scanpool.runtime.settle import Settled, Settler
from scanpool.scanners.errors import ExportFailed
from scanpool.scanners.naming import OurName
from scanpool.scanners.scanner import Scanner, ScanSpec
from scanpool_schemas import subjects
from scanpool_schemas.keys import PoolRules, ScannerRule
from scanpool_schemas.request import ScanRequest
from scanpool_schemas.scan import (
    Dead,
    Export,
    Exporting,
    Launching,
    Queued,
    Running,
    Stopping,
    Validating,
)
from tests.support.builders import NOW, a_result
from tests.support.fake_jetstream import FakeJetStream, Pause
from tests.support.fake_scanner import FakeScanner, OnScanner
from tests.support.interleaving import Actor, Interleaving

POOL = "lab"
STREAM = subjects.pool_stream(POOL)
DAY = timedelta(days=1)
LAUNCH = LaunchSettings()
BACKOFF = Backoff(first=timedelta(seconds=2), cap=timedelta(seconds=10), attempts=4)
RETENTION = RetentionSettings(completed=7 * DAY, failed=30 * DAY)


class _Client:
    """Takes acks and naks: who is delivered what, and when, is for the test to say."""

    def __init__(self, pause: Pause, on_ack: Callable[[], Awaitable[None]]) -> None:
        self._pause = pause
        self._on_ack = on_ack

    async def request(self, *_arguments: object, **_named: object) -> None:
        await self._pause("ack")
        await self._on_ack()

    async def publish(self, *_arguments: object, **_named: object) -> None: ...


class _Exporter(Exporter):
    """Fetches reports from scanners in memory into nowhere."""

    def __init__(self, broken: Callable[[], bool]) -> None:
        self._broken = broken

    async def export(self, scan: Exporting, scanner: Scanner, nonce: str) -> Export:
        await scanner.progress(scan.scanner_scan_id)
        if self._broken():
            raise ExportFailed(scan.scanner, "export", "came out broken")
        return Export(object=f"{scan.id}.{scan.run}.{nonce}", sha256="0" * 64, size_bytes=1)


class SmallWorld:
    """A pool of scanners with one place each, every service, a clock, and nothing that moves by itself."""

    def __init__(
        self,
        scanners: Sequence[str],
        *,
        on_store: Callable[[Sequence[Stored]], None],
        on_launch: Callable[[str, OnScanner], None],
        on_ack: Callable[[Stored], None],
    ) -> None:
        self._on_ack = on_ack
        self.run = Interleaving()
        self._again: dict[Actor, Callable[[], Actor]] = {}
        self.passed = timedelta(0)
        self.reports_broken = False
        self.broker = FakeJetStream([POOL], pause=self.run.pause, now=self.now, on_store=on_store)
        self.scanners = {
            name: FakeScanner(name, on_the_way=self.run.pause, now=self.now, on_launch=partial(on_launch, name))
            for name in scanners
        }
        nonces = count(1)
        self.clockwork = Clockwork(
            now=self.now,
            jitter=lambda: 0.5,
            nonce=lambda: f"n{next(nonces)}",
            backoff=BACKOFF,
            monotonic=lambda: self.passed.total_seconds(),
        )
        self.ledger = Ledger(self.broker, source="test")
        self._settler = Settler(self.broker, jitter=lambda: 0.5, now=self.now, backoff=BACKOFF)
        self._dispatcher = self._a_dispatcher()
        self._cleanup = Cleanup(self.ledger, self, "scanpool", RETENTION)
        self._admission = Admission(
            AdmissionParts(
                jetstream=self.broker, ledger=self.ledger, clockwork=self.clockwork, resolve=_nowhere, pools=()
            )
        )
        self._stages = self._all_stages()

    def set_up(self) -> None:
        """Give each scanner its place, and look at it once."""
        rules = PoolRules(scanners=tuple(ScannerRule(name=name, kind="nessus", capacity=1) for name in self.scanners))
        self._at_once("register", registry.register(self.broker, POOL, rules))
        self._at_once("look", self._dispatcher.look_at_scanners(POOL))

    def now(self) -> datetime:
        return NOW + self.passed

    def names(self, pool: str) -> list[tuple[str, bool]]:
        """The scanners of the pool, as the configuration has them."""
        return [(name, True) for name in self.scanners]

    def get(self, pool: str, name: str) -> Scanner | None:
        return self.scanners.get(name)

    def ask_for(self, scan_id: str, request: ScanRequest) -> Actor:
        """Publish a request, unless one of the scan waits, and begin to admit it."""
        message = self._asked(subjects.requested(POOL, scan_id), msgspec.json.encode(request))
        return self._begin("admit", self._admission.requested, message)

    def cancel(self, scan_id: str) -> Actor:
        """Publish a cancel, unless one of the scan waits, and begin to carry it out."""
        return self._begin("cancel", self._admission.cancel, self._asked(subjects.cancel(POOL, scan_id), b""))

    def deliver(self, event: Stored) -> Actor:
        """Begin to handle an event that a stage acts on, stale or not; or what publishers write."""
        state = _state(event)
        return self._begin(f"{state} {event.sequence}", self._stages[state], event)

    def again(self, actor: Actor) -> Actor:
        """Begin once more what the actor began: the same delivery, or the same person's word."""
        return self._again[actor]()

    def unanswered(self) -> list[Stored]:
        """What publishers wrote and nobody has acked yet."""
        return self.broker.messages(subjects.SCAN_REQUESTS)

    def look_after(self, event: Stored) -> Actor:
        """Begin what the janitor does about a scan that may have taken too long."""
        return self._act("janitor", partial(self._looked_after, held_of(event).scan.id))

    def retry(self, event: Stored) -> Actor:
        """Begin to retry a dead scan, unless it has left that state."""
        scan = held_of(event).scan
        assert isinstance(scan, Dead)
        return self._act("retry", partial(self._retried, scan))

    def look_at_scanners(self) -> None:
        self._at_once("look", self._dispatcher.look_at_scanners(POOL))

    def clean_scanners(self) -> None:
        """Begin a clean-up of every scanner."""
        self._act("clean up", lambda: self._cleanup.run_once(POOL, self.now()))

    def finish(self) -> None:
        """Let everybody who is under way come to an end."""
        for actor in list(self.run.actors):
            self.run.finish(actor)

    def _begin(self, name: str, handler: Callable[[Delivery], Awaitable[Outcome]], message: Stored) -> Actor:
        client = _Client(self.run.pause, partial(self._acked, message))
        return self._act(name, lambda: self._settled(handler, self._delivery(client, message)))

    def _act(self, name: str, work: Callable[[], Awaitable[None]]) -> Actor:
        actor = self.run.begin(name, _patient(work()))
        self._again[actor] = partial(self._act, name, work)
        return actor

    async def _acked(self, message: Stored) -> None:
        """An ack takes a message off the stream of requests, which keeps what is not answered."""
        self._on_ack(message)
        if message in self.unanswered():
            await self.broker.delete(subjects.SCAN_REQUESTS, message.sequence)

    async def _looked_after(self, scan_id: str) -> None:
        held = await self.ledger.read(POOL, scan_id)
        mark = Mark(at=self.now(), by="janitor", nonce=self.clockwork.nonce())
        change = janitor.overdue(held.scan, DAY, mark) if held is not None else None
        if change is not None:
            await self.ledger.commit(held, change)

    async def _retried(self, dead: Dead) -> None:
        now = await self.ledger.read(POOL, dead.id)
        mark = Mark(at=self.now(), by="operator", nonce=self.clockwork.nonce())
        decided = letters.retry_of_scan(dead, now, "me", mark)
        if isinstance(decided, letters.Revive):
            await self.ledger.commit(decided.held, decided.change)

    async def _settled(self, handler: Callable[[Delivery], Awaitable[Outcome]], delivery: Delivery) -> None:
        """As a worker does: handle and settle, and decide again after a conflict."""
        for _ in range(3):
            if await self._settler.settle(delivery, await handler(delivery)) is Settled.YES:
                return

    def _at_once(self, name: str, work: Coroutine[Any, Any, Any]) -> None:
        self.run.finish(self.run.begin(name, work))

    def _asked(self, subject: str, body: bytes) -> Stored:
        """What waits on a publisher's subject, after one more was published there; troubles are for the services."""
        troubles = list(self.broker.troubles)
        self.broker.troubles.clear()
        self._at_once("ask", self._published(Write(subject=subject, body=body)))
        self.broker.troubles.extend(troubles)
        (waiting,) = self.broker.messages(subjects.SCAN_REQUESTS, subject)
        return waiting

    async def _published(self, write: Write) -> None:
        with contextlib.suppress(SubjectFull):
            await self.broker.publish(write)

    def _delivery(self, client: _Client, message: Stored) -> Delivery:
        return Delivery(
            client=cast(Client, client),
            reply="",
            subject=message.subject,
            body=message.body,
            headers={},
            stream=STREAM,
            consumer="test",
            sequence=message.sequence,
            attempt=1,
            stored_at=self.now(),
        )

    def _a_dispatcher(self) -> Dispatcher:
        return Dispatcher(
            DispatcherParts(
                jetstream=self.broker,
                ledger=self.ledger,
                scanners=self,
                breakers=Breakers(
                    self.broker,
                    BreakerSettings(),
                    replica="replica",
                    now=self.now,
                    monotonic=self.clockwork.monotonic,
                ),
                clockwork=self.clockwork,
                launch=LAUNCH,
                deployment="scanpool",
                replica="replica",
                spec=_order,
            )
        )

    def _all_stages(self) -> dict[str, Callable[[Delivery], Awaitable[Outcome]]]:
        limits = Limits(max_duration=DAY, poll=PollSettings())
        poller = Poller(
            PollerParts(
                jetstream=self.broker,
                scanners=self,
                exporter=_Exporter(lambda: self.reports_broken),
                teller=Teller(self.broker, limits),
                clockwork=self.clockwork,
                limits=limits,
                launch_bound=LAUNCH.takeover_after,
            )
        )
        ledger, clock = self.ledger, self.clockwork
        place = Stage(ledger, clock, Queued, self._dispatcher.place)
        return {
            "requested": self._admission.requested,
            "cancel": self._admission.cancel,
            "queued-high": place,
            "queued-normal": place,
            "queued-low": place,
            "launching": Stage(ledger, clock, Launching, self._dispatcher.take_over),
            "running": Stage(ledger, clock, Running, poller.poll),
            "exporting": Stage(ledger, clock, Exporting, poller.export),
            "stopping": Stage(ledger, clock, Stopping, poller.stop),
            "validating": Stage(ledger, clock, Validating, self._read),
        }

    async def _read(self, scan: Validating) -> Answer:
        if self.reports_broken:
            return Retry(code="export_unreadable", message="damaged")
        mark = Mark(at=self.now(), by="validator", nonce=self.clockwork.nonce())
        return Move(change=transitions.completed(scan, a_result(), mark))


async def _nowhere(_hostname: str) -> tuple[str, ...]:
    return ()


async def _patient(work: Awaitable[Any]) -> None:
    """A broker that does not answer ends the handling, not the process."""
    try:
        await work
    except (BrokerUnavailable, PublishUnknown):
        return


def _order(scan: Launching, ours: OurName) -> ScanSpec:
    return ScanSpec(name=ours.titled(scan.request.name), targets=scan.request.targets)


def _state(event: Stored) -> str:
    parts = subjects.parse_scan_subject(event.subject)
    assert parts is not None
    return parts.kind
