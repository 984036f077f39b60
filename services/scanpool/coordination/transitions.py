"""Every transition of a scan, as pure functions from one snapshot to the next.

`Change` says what else is written in the same commit; which transitions there are says `state_table`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeAlias, TypeVar

import msgspec

from scanpool.coordination.places import GiveBack, PlaceChange, Take
from scanpool.coordination.snapshots import known_scanner_scan
from scanpool_schemas.request import ScanRequest
from scanpool_schemas.result import Result
from scanpool_schemas.scan import (
    AnyScan,
    By,
    Completed,
    Dead,
    DeadFrom,
    End,
    Export,
    Exporting,
    Failed,
    Findings,
    Intent,
    Launching,
    Lease,
    Pending,
    Queued,
    Running,
    Scan,
    ScanError,
    StateName,
    Stop,
    Stopping,
    TimelineEntry,
    Validating,
    lane_state,
    state_of,
)

LONGEST_SENTENCE = 1000
"""Characters of a reason; scanners and people can be verbose, and events are limited."""
TIMELINE_KEPT = 100
"""Entries; a scan that was tried more often keeps its first ten and its last ninety."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Mark:
    """Who makes a transition, when, and by which nonce the commit is known again."""

    at: datetime
    by: By
    nonce: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Change:
    """The scan's next event, and what else is written with it: a place that changes hands, or its client's key."""

    scan: AnyScan
    place: PlaceChange | None = None
    counted_at: int | None = None
    """The revision of its client's key at which the client's scans were counted; the key moves with the commit."""


ActedOn: TypeAlias = Queued | Launching | Running | Exporting | Stopping | Validating
"""A scan that a stage acts on when its last event is delivered."""

_T = TypeVar("_T", bound=Scan)


def _next(kind: type[_T], scan: Scan, mark: Mark, state: StateName, why: str, **fields: Any) -> _T:
    """The next snapshot: all fields that both kinds have are carried, then the mark and the given fields."""
    carried = {name: getattr(scan, name) for name in kind.__struct_fields__ if name in scan.__struct_fields__}
    entry = TimelineEntry(state=state, at=mark.at, by=mark.by, why=_short(why))
    marked = {"at": mark.at, "nonce": mark.nonce, "not_before": None, "timeline": _with(scan.timeline, entry)}
    return kind(**(carried | marked | fields))


def _short(sentence: str) -> str:
    return sentence if len(sentence) <= LONGEST_SENTENCE else sentence[: LONGEST_SENTENCE - 1] + "…"


def _with(timeline: tuple[TimelineEntry, ...], entry: TimelineEntry) -> tuple[TimelineEntry, ...]:
    longer = (*timeline, entry)
    return longer if len(longer) <= TIMELINE_KEPT else (*longer[:10], *longer[-(TIMELINE_KEPT - 10) :])


@dataclass(frozen=True, kw_only=True, slots=True)
class Submission:
    """What admission knows of a scan before it is one."""

    id: str
    pool: str
    request: ScanRequest
    request_digest: str
    submitted_at: datetime
    trace_id: str = ""


def admitted(submission: Submission, mark: Mark, *, why: str = "admitted") -> Change:
    """none -> queued-<lane>."""
    lane = submission.request.priority
    entry = TimelineEntry(state=lane_state(lane), at=mark.at, by=mark.by, why=_short(why))
    return Change(
        scan=Queued(**msgspec.structs.asdict(_submitted(submission, mark, entry)), lane=lane, queued_at=mark.at)
    )


def put_off(submission: Submission, why: str, mark: Mark) -> Change:
    """none -> pending: a person has to approve it first."""
    reason = _short(why)
    entry = TimelineEntry(state="pending", at=mark.at, by=mark.by, why=f"waits for approval: {reason}")
    return Change(scan=Pending(**msgspec.structs.asdict(_submitted(submission, mark, entry)), reason=reason))


def approved(scan: Pending, why: str, mark: Mark) -> Change:
    """pending -> queued-<lane>: a person lets it go on."""
    lane = scan.request.priority
    return Change(scan=_next(Queued, scan, mark, lane_state(lane), why, lane=lane, queued_at=mark.at))


def refused(submission: Submission, error: ScanError, mark: Mark) -> Change:
    """none -> failed: pool and id are good, the request cannot be carried out."""
    entry = TimelineEntry(state="failed", at=mark.at, by=mark.by, why=error.message)
    return Change(scan=Failed(**msgspec.structs.asdict(_submitted(submission, mark, entry)), end="failed", error=error))


def _submitted(submission: Submission, mark: Mark, entry: TimelineEntry) -> Scan:
    return Scan(
        id=submission.id,
        pool=submission.pool,
        request=submission.request,
        request_digest=submission.request_digest,
        submitted_at=submission.submitted_at,
        trace_id=submission.trace_id,
        at=mark.at,
        nonce=mark.nonce,
        timeline=(entry,),
    )


def claimed(scan: Queued, scanner: str, lease: Lease, mark: Mark) -> Change:
    """queued -> launching: the scan takes a place on the scanner."""
    after = _next(
        Launching,
        scan,
        mark,
        "launching",
        f"takes a place on {scanner}",
        scanner=scanner,
        claimed_at=mark.at,
        lease=lease,
        attempt=scan.attempt + 1,
    )
    return Change(scan=after, place=Take(scanner=scanner, at=mark.at))


def taken_over(scan: Launching, lease: Lease, mark: Mark) -> Change:
    """launching -> launching: the lease before this one is over for certain."""
    why = f"launch taken over, the lease of {scan.lease.by} is over"
    attempts = _tried(scan, "launch")
    after = _next(
        Launching,
        scan,
        mark,
        "launching",
        why,
        lease=lease,
        attempt=scan.attempt + 1,
        stage_attempts=attempts,
    )
    return Change(scan=after)


def intended(scan: Launching, scanner_scan_id: int, mark: Mark) -> Change:
    """launching -> launching: names the one scan on the scanner that may be launched."""
    intent = Intent(attempt=scan.attempt, scanner_scan_id=scanner_scan_id, at=mark.at)
    why = f"is scan {scanner_scan_id} on {scan.scanner}"
    return Change(scan=_next(Launching, scan, mark, "launching", why, intent=intent))


def back_in_queue(scan: Launching, why: str, not_before: datetime, mark: Mark, *, counted: bool = True) -> Change:
    """launching -> queued: nothing was created on the scanner, and the place is given back.

    `counted`: it was a try, of which there are only so many; one that is nobody's fault is none.
    """
    lane = scan.request.priority
    attempts = _tried(scan, "launch") if counted else scan.stage_attempts
    after = _next(Queued, scan, mark, lane_state(lane), why, lane=lane, not_before=not_before, stage_attempts=attempts)
    return Change(scan=after, place=GiveBack(scanner=scan.scanner))


def runs(scan: Launching, intent: Intent, mark: Mark) -> Change:
    """launching -> running: the scanner says that the intended scan was launched."""
    why = f"launched on {scan.scanner} as scan {intent.scanner_scan_id}"
    after = _next(
        Running,
        scan,
        mark,
        "running",
        why,
        scanner_scan_id=intent.scanner_scan_id,
        running_at=mark.at,
        stage_attempts=_cleared(scan, "launch"),
    )
    return Change(scan=after)


def scanned(scan: Running, mark: Mark) -> Change:
    """running -> exporting: the scanner says completed, and the place is given back."""
    after = _next(Exporting, scan, mark, "exporting", f"completed on {scan.scanner}", scanned_at=mark.at)
    return Change(scan=after, place=GiveBack(scanner=scan.scanner))


def exported(scan: Exporting, export: Export, mark: Mark) -> Change:
    """exporting -> validating: the report is in the object store."""
    why = f"report of {export.size_bytes} bytes stored"
    return Change(
        scan=_next(
            Validating,
            scan,
            mark,
            "validating",
            why,
            export=export,
            stage_attempts=_cleared(scan, "exporting"),
        )
    )


def completed(scan: Validating, result: Result, mark: Mark, *, findings: Findings | None = None) -> Change:
    """validating -> completed."""
    why = f"report read: authentication {result.authentication_status}"
    return Change(scan=_next(Completed, scan, mark, "completed", why, result=result, findings=findings))


def failed(
    scan: AnyScan,
    error: ScanError,
    mark: Mark,
    *,
    end: End = "failed",
    result: Result | None = None,
    findings: Findings | None = None,
) -> Change:
    """any live state -> failed; a place that the scan holds is given back."""
    told = msgspec.structs.replace(error, message=_short(error.message))
    ended = {"end": end, "error": told, "result": result, "findings": findings}
    after = _next(Failed, scan, mark, "failed", told.message, **ended)
    number = known_scanner_scan(scan)
    if number is not None:
        after = msgspec.structs.replace(after, scanner_scan_id=number)
    return Change(scan=after, place=_given_back(scan))


def stopping(scan: Launching | Running, stop: Stop, mark: Mark) -> Change:
    """launching or running -> stopping; the place stays taken until the scanner confirms."""
    after = _next(
        Stopping,
        scan,
        mark,
        "stopping",
        stop.why,
        stop=stop,
        scanner_scan_id=known_scanner_scan(scan),
    )
    return Change(scan=after)


def tried(scan: Exporting | Validating, why: str, not_before: datetime, mark: Mark) -> Change:
    """exporting or validating -> the same: one more failed try, and when to try again."""
    state = state_of(scan)
    after = _next(type(scan), scan, mark, state, why, not_before=not_before, stage_attempts=_tried(scan, state))
    return Change(scan=after)


def told_again(scan: ActedOn, why: str, mark: Mark) -> Change:
    """a state that a stage acts on -> the same: its event is delivered once more, nothing else about it changes."""
    return Change(scan=_next(type(scan), scan, mark, state_of(scan), why, not_before=scan.not_before))


def dead(scan: AnyScan, error: ScanError, mark: Mark) -> Change:
    """a stage that waits on tries -> dead: they are used up; a place that the scan holds is given back."""
    before = state_of(scan)
    error = msgspec.structs.replace(error, message=_short(error.message))
    after = _next(
        Dead,
        scan,
        mark,
        "dead",
        error.message,
        error=error,
        dead=DeadFrom(state=before, reason=error.code),
        scanner_scan_id=known_scanner_scan(scan),
    )
    return Change(scan=after, place=_given_back(scan))


def retried(scan: Dead, why: str, mark: Mark) -> Change:
    """dead -> queued-<lane>, exporting or validating: a person starts a new run where the last one was given up."""
    fresh: dict[str, Any] = {"run": scan.run + 1, "stage_attempts": {}}
    match scan.dead.state:
        case "exporting":
            return Change(scan=_next(Exporting, scan, mark, "exporting", why, **fresh))
        case "validating":
            return Change(scan=_next(Validating, scan, mark, "validating", why, **fresh))
        case _:
            lane = scan.request.priority
            fresh |= {"lane": lane, "queued_at": mark.at}
            return Change(scan=_next(Queued, scan, mark, lane_state(lane), why, **fresh))


def _given_back(scan: AnyScan) -> PlaceChange | None:
    return GiveBack(scanner=scan.scanner) if isinstance(scan, Launching | Running | Stopping) else None


def _tried(scan: Scan, stage: str) -> dict[str, int]:
    return {**scan.stage_attempts, stage: scan.stage_attempts.get(stage, 0) + 1}


def _cleared(scan: Scan, stage: str) -> dict[str, int]:
    return {name: count for name, count in scan.stage_attempts.items() if name != stage}
