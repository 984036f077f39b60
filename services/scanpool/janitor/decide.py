"""What is to be done about a scan that nobody else looks after, and whether places and events agree."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from scanpool.coordination import transitions
from scanpool.coordination.transitions import Change, Mark, is_overdue
from scanpool.runtime.settings import RetentionSettings
from scanpool_schemas.keys import Load
from scanpool_schemas.scan import (
    AnyScan,
    Completed,
    Failed,
    Launching,
    Queued,
    Running,
    ScanError,
    Stop,
    Stopping,
)

AFTER_SCANNERS = timedelta(hours=1)
"""Scanners are cleaned of ended scans first; without the event nobody would know that they are ours."""


def overdue(scan: AnyScan, max_duration: timedelta, mark: Mark) -> Change | None:
    """The commit that ends a scan whose time is over; None where it has time, or is ending."""
    match scan:
        case Queued():
            return _waited_too_long(scan, mark)
        case Launching() | Running():
            if not is_overdue(scan, max_duration, mark.at):
                return None
            was: Literal["launching", "running"] = "running" if isinstance(scan, Running) else "launching"
            why = f"was {was} for longer than it may"
            stop = Stop(cause="timeout", code="max_duration_exceeded", why=why, by="janitor", at=mark.at, was=was)
            return transitions.stopping(scan, stop, mark)
        case _:
            return None


def is_expired(scan: AnyScan, retention: RetentionSettings, now: datetime) -> bool:
    """Whether an ended scan's time is over, its clean-up on the scanner included."""
    match scan:
        case Completed():
            return now - scan.at > retention.completed + AFTER_SCANNERS
        case Failed():
            return now - scan.at > retention.failed + AFTER_SCANNERS
        case _:
            return False


def is_ended(scan: AnyScan) -> bool:
    """Its last event is never left; a dead scan can still be retried."""
    return isinstance(scan, Completed | Failed)


@dataclass(frozen=True, kw_only=True, slots=True)
class Disagreement:
    """A place and an event that do not agree."""

    scanner: str
    scan_id: str
    what: str


def disagreements(loads: Mapping[str, Load], scans: Iterable[AnyScan]) -> set[Disagreement]:
    """Where the invariant does not hold: a scan holds a place on S if and only if its last event says so."""
    wanted = {(scan.scanner, scan.id) for scan in scans if isinstance(scan, Launching | Running | Stopping)}
    taken = {(name, holder) for name, load in loads.items() for holder in load.holders}
    return {
        Disagreement(scanner=s, scan_id=i, what="a place is held that no event speaks of") for s, i in taken - wanted
    } | {
        Disagreement(scanner=s, scan_id=i, what="an event speaks of a place that is not held")
        for s, i in wanted - taken
    }


def orphans(objects: Mapping[str, datetime], named: Iterable[str], older_than: timedelta, now: datetime) -> list[str]:
    """Exports that no event names and that are too old to be about to be named."""
    wanted = set(named)
    return sorted(name for name, stored_at in objects.items() if name not in wanted and now - stored_at > older_than)


def _waited_too_long(scan: Queued, mark: Mark) -> Change | None:
    limit = scan.request.max_wait_s
    if limit is None or mark.at - scan.queued_at <= timedelta(seconds=limit):
        return None
    error = ScanError(code="max_wait_exceeded", message=f"waited longer than {limit} s in the queue", retryable=True)
    return transitions.failed(scan, error, mark, end="timeout")
