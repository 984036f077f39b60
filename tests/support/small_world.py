"""The pipeline's real handlers over a broker and scanners in memory, for laws over many histories."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine, Sequence
from datetime import datetime, timedelta
from functools import partial
from itertools import count
from typing import Any, cast

import msgspec
from nats.aio.client import Client

from scanpool.admission.service import Admission, AdmissionParts
from scanpool.coordination import registry, transitions
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
    StateName,
    Stopping,
    Validating,
)
from tests.support.builders import NOW, a_result
from tests.support.fake_jetstream import FakeJetStream
from tests.support.fake_scanner import FakeScanner, OnScanner
from tests.support.interleaving import Actor, Interleaving

POOL = "lab"
STREAM = subjects.pool_stream(POOL)
DAY = timedelta(days=1)
LAUNCH = LaunchSettings()
BACKOFF = Backoff(first=timedelta(seconds=2), cap=timedelta(seconds=10), attempts=4)
RETENTION = RetentionSettings(completed=7 * DAY, failed=30 * DAY)


class _Client:
    """Takes acks and naks and does nothing: who is delivered what, and when, is for the test to say."""

    async def request(self, *_arguments: object, **_named: object) -> None: ...

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
    ) -> None:
        self.run = Interleaving()
        self.passed = timedelta(0)
        self.reports_broken = False
        self.broker = FakeJetStream([POOL], pause=self.run.pause, now=self.now, on_store=on_store)
        self.scanners = {
            name: FakeScanner(name, pause=self.run.pause, now=self.now, on_launch=partial(on_launch, name))
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

    def ask_for(self, scan_id: str, request: ScanRequest) -> None:
        """Publish a request and begin to admit it."""
        write = Write(subject=subjects.requested(POOL, scan_id), body=msgspec.json.encode(request))
        self._at_once("ask", self._published(write))
        self._begin("admit", self._admission.requested, self._delivery(write.subject, write.body))

    def cancel(self, scan_id: str) -> Actor:
        """Begin to cancel the scan."""
        return self._begin("cancel", self._admission.cancel, self._delivery(subjects.cancel(POOL, scan_id), b""))

    def deliver(self, event: Stored) -> Actor:
        """Begin to handle an event that a stage acts on, stale or not."""
        stage = self._stages[_state(event)]
        delivery = self._delivery(event.subject, event.body, event.sequence)
        return self._begin(f"{_state(event)} {event.sequence}", stage, delivery)

    def look_after(self, event: Stored) -> None:
        """Begin what the janitor does about a scan that takes too long."""
        held = held_of(event)
        mark = Mark(at=self.now(), by="janitor", nonce=self.clockwork.nonce())
        change = janitor.overdue(held.scan, DAY, mark)
        if change is not None:
            self.run.begin("janitor", _patient(self.ledger.commit(held, change)))

    def retry(self, event: Stored) -> Actor:
        """Begin to put a dead scan back into its queue, unless it has left that state."""
        held = held_of(event)
        assert isinstance(held.scan, Dead)
        change = transitions.retried(
            held.scan, "retried", Mark(at=self.now(), by="operator", nonce=self.clockwork.nonce())
        )
        return self.run.begin("retry", _patient(self.ledger.commit(held, change)))

    def look_at_scanners(self) -> None:
        self._at_once("look", self._dispatcher.look_at_scanners(POOL))

    def clean_scanners(self) -> None:
        """Begin a clean-up of every scanner."""
        self.run.begin("clean up", _patient(self._cleanup.run_once(POOL, self.now())))

    def finish(self) -> None:
        """Let everybody who is under way come to an end."""
        for actor in list(self.run.actors):
            self.run.finish(actor)

    def _begin(self, name: str, handler: Callable[[Delivery], Awaitable[Outcome]], delivery: Delivery) -> Actor:
        return self.run.begin(name, _patient(self._settled(handler, delivery)))

    async def _settled(self, handler: Callable[[Delivery], Awaitable[Outcome]], delivery: Delivery) -> None:
        """As a worker does: handle and settle, and decide again after a conflict."""
        for _ in range(3):
            if await self._settler.settle(delivery, await handler(delivery)) is Settled.YES:
                return

    def _at_once(self, name: str, work: Coroutine[Any, Any, Any]) -> None:
        self.run.finish(self.run.begin(name, work))

    async def _published(self, write: Write) -> None:
        try:
            await self.broker.publish(write)
        except (SubjectFull, PublishUnknown, BrokerUnavailable):
            return

    def _delivery(self, subject: str, body: bytes, sequence: int = 1) -> Delivery:
        return Delivery(
            client=cast(Client, _Client()),
            reply="",
            subject=subject,
            body=body,
            headers={},
            stream=STREAM,
            consumer="test",
            sequence=sequence,
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

    def _all_stages(self) -> dict[StateName, Callable[[Delivery], Awaitable[Outcome]]]:
        poller = Poller(
            PollerParts(
                jetstream=self.broker,
                scanners=self,
                exporter=_Exporter(lambda: self.reports_broken),
                clockwork=self.clockwork,
                limits=Limits(max_duration=DAY, poll=PollSettings()),
                launch_bound=LAUNCH.takeover_after,
            )
        )
        ledger, clock = self.ledger, self.clockwork
        place = Stage(ledger, clock, Queued, self._dispatcher.place)
        return {
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


def _state(event: Stored) -> StateName:
    parts = subjects.parse_scan_subject(event.subject)
    assert parts is not None
    return cast(StateName, parts.kind)
