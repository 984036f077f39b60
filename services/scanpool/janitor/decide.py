"""What is to be done about a scan that nobody else looks after, and whether places and events agree."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal, TypeAlias

from scanpool.coordination import transitions
from scanpool.coordination.snapshots import is_overdue
from scanpool.coordination.transitions import Change, Mark
from scanpool.runtime.objects import StoredObject
from scanpool.runtime.settings import RetentionSettings
from scanpool_schemas.keys import Load
from scanpool_schemas.names import is_valid_scan_id
from scanpool_schemas.scan import (
    AnyScan,
    Exporting,
    HoldsPlace,
    Launching,
    Pending,
    Queued,
    Running,
    ScanError,
    StateName,
    Stop,
    Stopping,
    Validating,
)

AFTER_SCANNERS = timedelta(hours=1)
"""Scanners are cleaned of ended scans first; without the event nobody would know that they are ours."""
HOLD_PLACE: frozenset[StateName] = frozenset({"launching", "running", "stopping"})

What: TypeAlias = Literal["a place is held that no event speaks of", "an event speaks of a place that is not held"]
NOT_SPOKEN_OF: Final = "a place is held that no event speaks of"
NOT_HELD: Final = "an event speaks of a place that is not held"


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """A scan as its last event has it, as far as the janitor cares; small, since there may be many."""

    scan_id: str
    state: StateName
    sequence: int
    at: datetime
    scanner: str | None = None
    export: str | None = None
    """The object with its report that it names."""
    findings: str | None = None
    """The object with its findings that it names."""
    overdue_from: datetime | None = None
    """After this it has waited or run for too long."""
    size_bytes: int = 0
    spent: tuple[StateName, ...] = ()
    """Of older events of it that were seen."""
    spent_bytes: int = 0


def overdue(scan: AnyScan, max_duration: timedelta, mark: Mark) -> Change | None:
    """The commit that ends a scan whose time is over; None where it has time, or is ending."""
    match scan:
        case Pending() | Queued():
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


def overdue_from(scan: AnyScan, max_duration: timedelta) -> datetime | None:
    """After which moment `overdue` ends the scan; None where it never does."""
    match scan:
        case Pending() | Queued():
            limit = scan.request.max_wait_s
            return waits_since(scan) + timedelta(seconds=limit) if limit is not None else None
        case Launching() | Running():
            limit = scan.request.max_duration_s
            began = scan.running_at if isinstance(scan, Running) else scan.claimed_at
            return began + (timedelta(seconds=limit) if limit is not None else max_duration)
        case _:
            return None


def kept_for(state: StateName, retention: RetentionSettings) -> timedelta | None:
    """How long a scan is kept after it came to the state; None is for ever: it is not over."""
    match state:
        case "completed":
            return retention.completed
        case "failed":
            return retention.failed
        case "dead":
            return retention.dead
        case _:
            return None


def is_expired(entry: Entry, retention: RetentionSettings, now: datetime) -> bool:
    """Whether the time of a scan that is over has passed, its clean-up on the scanner included."""
    kept = kept_for(entry.state, retention)
    return kept is not None and now - entry.at > kept + AFTER_SCANNERS


def has_spent(entry: Entry) -> bool:
    """Whether events of it can go: it is never left again (a dead scan can be retried), and has older ones."""
    return entry.state in {"completed", "failed"} and bool(entry.spent)


def is_due(entry: Entry, now: datetime) -> bool:
    """Whether it has waited or run for too long."""
    return entry.overdue_from is not None and now > entry.overdue_from


@dataclass(frozen=True, kw_only=True, slots=True)
class Deliveries:
    """What the consumer of a state says of its deliveries, all in one moment."""

    floor: int
    """The sequence up to which every event of the state was acked, or is no more."""
    delivered: int
    """The sequence up to which every one was delivered at least once."""
    unacked: int
    """How many are delivered and not acked; all of them stand above the floor."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Lost:
    """A live scan whose last event nobody is going to be given, or may be such a one."""

    entry: Entry
    why: str


def lost(entries: Iterable[Entry], said: Mapping[StateName, Deliveries]) -> list[Lost]:
    """Scans whose delivery is lost, in the order of their sequences; `deliveries` says why this is proof.

    The consumers must have been asked before the entries were read, and each entry be its scan's last event.
    """
    by_state: dict[StateName, list[Entry]] = {state: [] for state in said}
    for entry in entries:
        if entry.state in said and is_valid_scan_id(entry.scan_id):
            by_state[entry.state].append(entry)
    found = [each for state, held in by_state.items() for each in _lost_of(state, held, said[state])]
    return sorted(found, key=lambda each: each.entry.sequence)


def _lost_of(state: StateName, entries: Sequence[Entry], said: Deliveries) -> list[Lost]:
    below = [each for each in entries if each.sequence <= said.floor]
    above = [each for each in entries if said.floor < each.sequence <= said.delivered]
    settled = f"event {{}} was never acked, and consumer {state} has everything behind it up to {said.floor}"
    proven = [Lost(entry=each, why=settled.format(each.sequence)) for each in below]
    if len(above) <= said.unacked:
        return proven
    counted = f"consumer {state} waits for {said.unacked} acks, and {len(above)} scans for their delivery"
    return proven + [Lost(entry=each, why=counted) for each in above]


def may_be_remains(scan: AnyScan, retention: RetentionSettings, now: datetime) -> bool:
    """Whether the event is so old that its scan may have been deleted: a killed NATS can bring back what was purged."""
    return now - scan.at > min(retention.completed, retention.failed, retention.dead) + AFTER_SCANNERS


def told_again(scan: AnyScan, why: str, takeover_after: timedelta, mark: Mark) -> Change | None:
    """The commit that has the scan's event delivered once more; None where nobody acts on it, or its lease may hold.

    Whoever holds the lease of a launch could not commit the next step any more.
    """
    match scan:
        case Launching() if mark.at <= scan.lease.until + takeover_after:
            return None
        case Queued() | Launching() | Running() | Exporting() | Stopping() | Validating():
            return transitions.told_again(scan, f"its delivery was lost: {why}", mark)
        case _:
            return None


@dataclass(frozen=True, kw_only=True, slots=True)
class Disagreement:
    """A place and an event that do not agree."""

    scanner: str
    scan_id: str
    what: What


def disagreements(loads: Mapping[str, Load], scans: Iterable[AnyScan]) -> set[Disagreement]:
    """Where the invariant does not hold: a scan holds a place on S if and only if its last event says so."""
    return unequal(loads, ((each.scanner, each.id) for each in scans if isinstance(each, HoldsPlace)))


def unequal(loads: Mapping[str, Load], spoken_of: Iterable[tuple[str, str]]) -> set[Disagreement]:
    """As `disagreements`, of the scanner and scan of each place that a last event speaks of."""
    wanted = set(spoken_of)
    taken = {(name, holder) for name, load in loads.items() for holder in load.holders}
    return {Disagreement(scanner=s, scan_id=i, what=NOT_SPOKEN_OF) for s, i in taken - wanted} | {
        Disagreement(scanner=s, scan_id=i, what=NOT_HELD) for s, i in wanted - taken
    }


def places_spoken_of(entries: Iterable[Entry]) -> Iterable[tuple[str, str]]:
    """Scanner and scan of each place that a last event speaks of."""
    return ((each.scanner, each.scan_id) for each in entries if each.scanner and each.state in HOLD_PLACE)


@dataclass(frozen=True, kw_only=True, slots=True)
class Named:
    """What the events of all pools name of one kind of objects."""

    objects: Collection[str]
    unreadable: Collection[str]
    """Ids of scans whose events cannot be read: they may name any object of theirs."""


def orphans(objects: Sequence[StoredObject], named: Named, older_than: timedelta, now: datetime) -> list[StoredObject]:
    """Objects that no event names and that are too old to be about to be named."""
    return [
        each
        for each in objects
        if each.name not in named.objects
        and each.name.partition(".")[0] not in named.unreadable
        and now - each.stored_at > older_than
    ]


def waits_since(scan: Pending | Queued) -> datetime:
    """Since when it has waited for a place, or for a person's approval."""
    return scan.queued_at if isinstance(scan, Queued) else scan.at


def _waited_too_long(scan: Pending | Queued, mark: Mark) -> Change | None:
    limit = scan.request.max_wait_s
    if limit is None or mark.at - waits_since(scan) <= timedelta(seconds=limit):
        return None
    where = "for approval" if isinstance(scan, Pending) else "in the queue"
    error = ScanError(code="max_wait_exceeded", message=f"waited longer than {limit} s {where}", retryable=True)
    return transitions.failed(scan, error, mark, end="timeout")


def speaks_of(scan: AnyScan | None, scanner: str) -> bool:
    """Whether a scan, by its last event, holds a place on the scanner."""
    return isinstance(scan, HoldsPlace) and scan.scanner == scanner
