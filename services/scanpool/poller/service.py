"""The poller's shell: asks the scanner once, decides, answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

import msgspec
import structlog

from scanpool.coordination import transitions
from scanpool.coordination.stage import Answer, Clockwork, Move
from scanpool.coordination.telling import described
from scanpool.coordination.transitions import Mark
from scanpool.poller import decide
from scanpool.poller.export import Exporter
from scanpool.poller.telling import Teller
from scanpool.runtime.jetstream import JetStream, Write
from scanpool.runtime.outcomes import Retry, Snooze
from scanpool.runtime.tracing import span
from scanpool.scanners.errors import (
    BreakerOpen,
    ExportTooLarge,
    RateLimited,
    ScanConflict,
    ScannerError,
    ScanNotFound,
)
from scanpool.scanners.scanner import Progress, Scanner
from scanpool_schemas import subjects
from scanpool_schemas.events import ScannerEvent
from scanpool_schemas.scan import End, Exporting, Running, ScanError, Stop, StopCause, Stopping

_END_OF: Mapping[StopCause, End] = {"cancel": "cancelled", "timeout": "timeout", "operator": "failed"}
NOT_CONFIGURED = timedelta(seconds=30)
LOCAL_TROUBLE = timedelta(seconds=30)
BREAKER_LOOK = timedelta(seconds=5)
"""How soon a scan that is to stop is looked at again while its scanner is not called: a person may wait for it."""

log = structlog.get_logger(__name__)


class Scanners(Protocol):
    """The scanners that the configuration gives this process."""

    def get(self, pool: str, name: str) -> Scanner | None:
        """The scanner; None where the configuration has it no more."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class PollerParts:
    """What the poller works with."""

    jetstream: JetStream
    scanners: Scanners
    exporter: Exporter
    teller: Teller
    clockwork: Clockwork
    limits: decide.Limits
    launch_bound: timedelta
    """How long after a lease's end a call of its holder may still reach the scanner."""


class Poller:
    """Follows running scans, fetches reports, stops what is to stop."""

    def __init__(self, parts: PollerParts) -> None:
        self._parts = parts

    async def poll(self, scan: Running) -> Answer:
        """A running scan: look at it once."""
        now = self._parts.clockwork.now()
        try:
            scanner = self._parts.scanners.get(scan.pool, scan.scanner)
            if scanner is None:
                return _not_configured(scan.scanner)
            progress = await scanner.progress(scan.scanner_scan_id)
        except ScanNotFound as error:
            return Move(change=transitions.failed(scan, _lost(error), self._mark()))
        except ScannerError as error:
            return self._unreachable(scan, error, now)
        since = (await self._parts.teller.tell(scan, progress, now)).paused_since
        paused_for = now - since if since else timedelta(0)
        look = decide.look(scan, progress, paused_for, self._parts.limits, now)
        if isinstance(look, decide.StopIt) and look.code == "launched_twice":
            await self._alarm(scan, look, now)
        return self._after(scan, look)

    async def export(self, scan: Exporting) -> Answer:
        """A scan that is over on the scanner: fetch its report into the object store."""
        try:
            scanner = self._parts.scanners.get(scan.pool, scan.scanner)
            if scanner is None:
                return _not_configured(scan.scanner)
            with span("export", attributes=described(scan)):
                export = await self._parts.exporter.export(scan, scanner, self._parts.clockwork.nonce())
        except ScanNotFound as error:
            return Move(change=transitions.failed(scan, _lost(error), self._mark()))
        except ExportTooLarge as error:
            return Move(change=transitions.failed(scan, _failure(error), self._mark()))
        except OSError as error:
            return _local_trouble(error)
        except (BreakerOpen, RateLimited) as error:
            return Snooze(delay=self._parts.limits.poll.unreachable, reason=str(error))
        except ScannerError as error:
            return Retry(code=error.code, message=str(error))
        return Move(change=transitions.exported(scan, export, self._mark()))

    async def stop(self, scan: Stopping) -> Answer:
        """A scan that is to stop: it ends when the scanner confirms that nothing of it runs."""
        if decide.never_launched(scan):
            return self._stopped(scan)
        now = self._parts.clockwork.now()
        left = decide.launch_may_be_on_its_way(scan, self._parts.launch_bound, now)
        if left > timedelta(0):
            return Snooze(delay=left, reason="a launch may still be on its way to the scanner")
        try:
            scanner = self._parts.scanners.get(scan.pool, scan.scanner)
            if scanner is None or scan.scanner_scan_id is None:
                return _not_configured(scan.scanner)
            return await self._stop_step(scan, scanner, scan.scanner_scan_id)
        except BreakerOpen as error:
            return Snooze(delay=BREAKER_LOOK, reason=str(error))
        except ScannerError as error:
            return Snooze(delay=self._parts.limits.poll.unreachable, reason=str(error))

    async def _stop_step(self, scan: Stopping, scanner: Scanner, number: int) -> Answer:
        match decide.stop_step(await _progress_or_none(scanner, number)):
            case decide.Confirmed():
                return self._stopped(scan)
            case decide.LookAgain(delay=delay, reason=reason):
                return Snooze(delay=delay, reason=reason)
            case decide.AskToStop():
                try:
                    await scanner.stop(number)
                except ScanConflict as error:
                    log.info("asked to stop in between states; looking again", reason=str(error))
                return Snooze(delay=decide.STOP_CHECK, reason="asked the scanner to stop it")

    def _after(self, scan: Running, look: decide.Look) -> Answer:
        match look:
            case decide.LookAgain(delay=delay, reason=reason):
                return Snooze(delay=decide.jittered(delay, self._parts.clockwork.jitter()), reason=reason)
            case decide.Over():
                return Move(change=transitions.scanned(scan, self._mark()))
            case decide.Ended(error=error):
                return Move(change=transitions.failed(scan, error, self._mark()))
            case decide.StopIt():
                return self._stopping(scan, look)

    def _stopping(self, scan: Running, why: decide.StopIt) -> Move:
        mark = self._mark()
        stop = Stop(cause=why.cause, code=why.code, why=why.why, by="poller", at=mark.at, was="running")
        return Move(change=transitions.stopping(scan, stop, mark))

    def _stopped(self, scan: Stopping) -> Move:
        error = ScanError(code=scan.stop.code, message=scan.stop.why, retryable=True)
        end = _END_OF[scan.stop.cause]
        return Move(change=transitions.failed(scan, error, self._mark(), end=end))

    def _unreachable(self, scan: Running, error: ScannerError, now: datetime) -> Answer:
        if stop := decide.overdue(scan, self._parts.limits, now):
            return self._stopping(scan, stop)
        delay = decide.jittered(self._parts.limits.poll.unreachable, self._parts.clockwork.jitter())
        return Snooze(delay=delay, reason=str(error))

    async def _alarm(self, scan: Running, found: decide.StopIt, now: datetime) -> None:
        log.error("a scan was launched twice; stopping it", scanner=scan.scanner, why=found.why)
        told = ScannerEvent(pool=scan.pool, scanner=scan.scanner, event="second-run", reason=found.why, at=now)
        subject = subjects.scanner_event(scan.pool, scan.scanner, told.event)
        await self._parts.jetstream.publish(Write(subject=subject, body=msgspec.json.encode(told)))

    def _mark(self) -> Mark:
        return Mark(at=self._parts.clockwork.now(), by="poller", nonce=self._parts.clockwork.nonce())


async def _progress_or_none(scanner: Scanner, number: int) -> Progress | None:
    try:
        return await scanner.progress(number)
    except ScanNotFound:
        return None


def _local_trouble(error: OSError) -> Snooze:
    """A full or broken disk here is no fault of the scan's: another process may do better."""
    log.error("the report cannot be written here", error=str(error))
    return Snooze(delay=LOCAL_TROUBLE, reason=str(error))


def _not_configured(scanner: str) -> Snooze:
    return Snooze(delay=NOT_CONFIGURED, reason=f"scanner {scanner} is not in this process's configuration any more")


def _lost(error: ScanNotFound) -> ScanError:
    return ScanError(
        code=error.code, message=f"{error.scanner} has no such scan any more; it is not run again by itself"
    )


def _failure(error: ScannerError) -> ScanError:
    return ScanError(code=error.code, message=str(error))
