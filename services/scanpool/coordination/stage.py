"""What every stage's handler stands in: the read before it, the counting of tries after it."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Generic, TypeAlias, TypeVar

import structlog
from structlog.contextvars import bind_contextvars

from scanpool.coordination import transitions
from scanpool.coordination.ledger import Held, Ledger, held_of
from scanpool.coordination.telling import described
from scanpool.coordination.transitions import Change, Mark
from scanpool.runtime.backoff import Backoff
from scanpool.runtime.delivery import Delivery
from scanpool.runtime.outcomes import DeadLetter, Done, Outcome, Retry, Snooze
from scanpool.runtime.tracing import note
from scanpool_schemas import subjects
from scanpool_schemas.names import is_valid_scan_id
from scanpool_schemas.scan import (
    AnyScan,
    Exporting,
    ScanError,
    Validating,
    state_of,
)
from scanpool_schemas.wire import UnreadableEvent

STALE_READ = Snooze(delay=timedelta(seconds=1), reason="the last event is older than this message")
NEWER_VERSION = timedelta(seconds=60)

log = structlog.get_logger(__name__)

ScanT = TypeVar("ScanT", bound=AnyScan)


@dataclass(frozen=True, kw_only=True, slots=True)
class Move:
    """The scan goes on: commit the change, ack, then go on with what was committed."""

    change: Change
    then: Callable[[Held], Awaitable[None]] | None = None


Answer: TypeAlias = Move | Snooze | Retry | DeadLetter
"""What a stage answers; a Retry is counted in the scan until its tries are used up."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Clockwork:
    """Time, chance and retry policy, handed in."""

    now: Callable[[], datetime]
    jitter: Callable[[], float]
    nonce: Callable[[], str]
    backoff: Backoff
    monotonic: Callable[[], float] = time.monotonic
    """Seconds by a clock that nobody sets; what a holder counts its lease by."""


class Stage(Generic[ScanT]):
    """A handler for the deliveries of one state of a pool."""

    def __init__(
        self,
        ledger: Ledger,
        clockwork: Clockwork,
        kind: type[ScanT],
        handle: Callable[[ScanT], Awaitable[Answer]],
    ) -> None:
        self._ledger = ledger
        self._clockwork = clockwork
        self._kind = kind
        self._handle = handle

    async def __call__(self, delivery: Delivery) -> Outcome:
        """Read the scan; a stale message is done, one that waits is snoozed, the rest is handled."""
        subject = subjects.parse_scan_subject(delivery.subject)
        if subject is None or not is_valid_scan_id(subject.scan_id):
            return DeadLetter(reason="bad_subject", message=f"{delivery.subject} is no scan's subject")
        bind_contextvars(scan_id=subject.scan_id)
        stored = await self._ledger.last_event(subject.pool, subject.scan_id)
        if stored is None or stored.sequence < delivery.sequence:
            return STALE_READ
        if stored.sequence > delivery.sequence:
            return Done()
        try:
            held = held_of(stored)
        except UnreadableEvent as error:
            return _unreadable(stored.headers.get("ce-type"), str(error), subject)
        return await self._answer(held)

    async def _answer(self, held: Held) -> Outcome:
        scan = held.scan
        assert isinstance(scan, self._kind)
        note(described(scan))
        now = self._clockwork.now()
        if scan.not_before is not None and scan.not_before > now:
            return Snooze(delay=scan.not_before - now, reason="waits for its next try")
        answer = await self._handle(scan)
        match answer:
            case Move(change=change, then=then):
                return Done(commit=lambda: self._ledger.commit(held, change), then=then)
            case Retry(code=code, message=message):
                change = self._counted(scan, code, message)
                return Done(commit=lambda: self._ledger.commit(held, change))
            case Snooze() | DeadLetter():
                return answer

    def _counted(self, scan: AnyScan, code: str, message: str) -> Change:
        clock = self._clockwork
        assert isinstance(scan, Exporting | Validating)
        mark = Mark(
            at=clock.now(),
            by="poller" if isinstance(scan, Exporting) else "validator",
            nonce=clock.nonce(),
        )
        attempt = scan.stage_attempts.get(state_of(scan), 0) + 1
        if attempt >= clock.backoff.attempts:
            tries = f"given up after {attempt} tries: {message}"
            return transitions.dead(scan, ScanError(code=code, message=tries, retryable=True), mark)
        wait = clock.backoff.delay(attempt, clock.jitter())
        return transitions.tried(scan, f"try {attempt} failed: {message}", mark.at + wait, mark)


def _unreadable(kind: str | None, message: str, subject: subjects.ScanSubject) -> Outcome:
    """An event of a newer version waits for a process that knows it; anything else is a dead letter."""
    if kind is not None and not kind.endswith(".v1"):
        log.error("event of a newer version of scanpool; update this process", ce_type=kind)
        return Snooze(delay=NEWER_VERSION, reason=message)
    return DeadLetter(reason="undecodable_event", message=message, pool=subject.pool, scan_id=subject.scan_id)
