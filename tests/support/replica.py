"""The services of one process over a broker and scanners in memory."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from datetime import datetime, timedelta
from typing import Protocol

from scanpool.admission.service import Admission, AdmissionParts
from scanpool.coordination import transitions
from scanpool.coordination.breakers import Breakers
from scanpool.coordination.client_counts import Counted
from scanpool.coordination.client_policy import Counts
from scanpool.coordination.ledger import Ledger
from scanpool.coordination.stage import Answer, Clockwork, Move, Stage
from scanpool.coordination.transitions import Mark
from scanpool.dispatcher.service import Dispatcher, DispatcherParts
from scanpool.poller.cleanup import Cleanup
from scanpool.poller.decide import Limits
from scanpool.poller.export import Exporter
from scanpool.poller.service import Poller, PollerParts
from scanpool.poller.telling import Teller
from scanpool.runtime.delivery import Delivery
from scanpool.runtime.jetstream import JetStream
from scanpool.runtime.outcomes import Outcome, Retry
from scanpool.runtime.settings import BreakerSettings, LaunchSettings, PollSettings, RetentionSettings
from scanpool.scanners.errors import ExportFailed
from scanpool.scanners.naming import OurName
from scanpool.scanners.scanner import Scanner, ScanSpec
from scanpool_schemas.scan import (
    Export,
    Exporting,
    Launching,
    Queued,
    Running,
    Stopping,
    Validating,
)
from tests.support.builders import a_result

POOL = "lab"
MAX_DURATION = timedelta(days=1)
LAUNCH = LaunchSettings()
RETENTION = RetentionSettings(completed=timedelta(days=7), failed=timedelta(days=30))

Handler = Callable[[Delivery], Awaitable[Outcome]]


class Scanners(Protocol):
    """The scanners that the configuration gives the process."""

    def names(self, pool: str) -> Sequence[tuple[str, bool]]: ...

    def get(self, pool: str, name: str) -> Scanner | None: ...


class _Exporter(Exporter):
    """Fetches reports from scanners in memory into nowhere."""

    def __init__(self, broken: Callable[[], bool]) -> None:
        self._broken = broken

    async def export(self, scan: Exporting, scanner: Scanner, nonce: str) -> Export:
        await scanner.progress(scan.scanner_scan_id)
        if self._broken():
            raise ExportFailed(scan.scanner, "export", "came out broken")
        return Export(object=f"{scan.id}.{scan.run}.{nonce}", sha256="0" * 64, size_bytes=1)


class _NothingCounted:
    """Clients that never have too many scans."""

    def turn(self, pool: str, client: str) -> AbstractAsyncContextManager[None]:
        return nullcontext()

    async def counted(self, pool: str, client: str, now: datetime) -> Counted:
        return Counted(counts=Counts(live=0, last_hour=0), revision=0)


class Replica:
    """A process that runs every service, with a ledger of its own."""

    def __init__(
        self, broker: JetStream, scanners: Scanners, clockwork: Clockwork, reports_broken: Callable[[], bool]
    ) -> None:
        self._broker = broker
        self._scanners = scanners
        self._clockwork = clockwork
        self._reports_broken = reports_broken
        self.ledger = Ledger(broker, source="test")
        self.dispatcher = self._a_dispatcher()
        self.cleanup = Cleanup(self.ledger, scanners, "scanpool", RETENTION)
        self.handlers: Mapping[str, Handler] = self._every_handler()
        """By what they act on: a state, or what publishers write."""

    def _a_dispatcher(self) -> Dispatcher:
        return Dispatcher(
            DispatcherParts(
                jetstream=self._broker,
                ledger=self.ledger,
                scanners=self._scanners,
                breakers=Breakers(
                    self._broker,
                    BreakerSettings(),
                    replica="replica",
                    now=self._clockwork.now,
                    monotonic=self._clockwork.monotonic,
                ),
                clockwork=self._clockwork,
                launch=LAUNCH,
                deployment="scanpool",
                replica="replica",
                spec=_order,
            )
        )

    def _every_handler(self) -> dict[str, Handler]:
        limits = Limits(max_duration=MAX_DURATION, poll=PollSettings())
        poller = Poller(
            PollerParts(
                jetstream=self._broker,
                scanners=self._scanners,
                exporter=_Exporter(self._reports_broken),
                teller=Teller(self._broker, limits),
                clockwork=self._clockwork,
                limits=limits,
                launch_bound=LAUNCH.takeover_after,
            )
        )
        admission = Admission(
            AdmissionParts(
                jetstream=self._broker,
                ledger=self.ledger,
                clockwork=self._clockwork,
                resolve=_nowhere,
                counting=_NothingCounted(),
                pools=(),
            )
        )
        ledger, clock = self.ledger, self._clockwork
        place = Stage(ledger, clock, Queued, self.dispatcher.place)
        return {
            "requested": admission.requested,
            "cancel": admission.cancel,
            "queued-high": place,
            "queued-normal": place,
            "queued-low": place,
            "launching": Stage(ledger, clock, Launching, self.dispatcher.take_over),
            "running": Stage(ledger, clock, Running, poller.poll),
            "exporting": Stage(ledger, clock, Exporting, poller.export),
            "stopping": Stage(ledger, clock, Stopping, poller.stop),
            "validating": Stage(ledger, clock, Validating, self._read),
        }

    async def _read(self, scan: Validating) -> Answer:
        if self._reports_broken():
            return Retry(code="export_unreadable", message="damaged")
        mark = Mark(at=self._clockwork.now(), by="validator", nonce=self._clockwork.nonce())
        return Move(change=transitions.completed(scan, a_result(), mark))


async def _nowhere(_hostname: str) -> tuple[str, ...]:
    return ()


def _order(scan: Launching, ours: OurName) -> ScanSpec:
    return ScanSpec(name=ours.titled(scan.request.name), targets=scan.request.targets)
