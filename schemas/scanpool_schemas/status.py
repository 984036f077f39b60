"""What people are told of a scan, derived from its last event in one place."""

from __future__ import annotations

from typing import Literal

import msgspec

from scanpool_schemas.events import ScanProgress
from scanpool_schemas.instants import Instant
from scanpool_schemas.request import Priority, ScanRequest, ScanType
from scanpool_schemas.result import Result
from scanpool_schemas.scan import (
    AnyScan,
    Completed,
    Dead,
    Export,
    Failed,
    Findings,
    Pending,
    Queued,
    ScanError,
    StateName,
    Stopping,
    TimelineEntry,
    state_of,
)

Status = Literal["queued", "running", "completed", "failed", "timeout", "cancelled"]


class ScanStatus(msgspec.Struct, frozen=True, kw_only=True):
    """A scan as outward faces show it."""

    id: str
    pool: str
    name: str
    status: Status
    state: StateName | Literal["requested"]
    """The stage it is in, finer than the status; requested is what admission has not answered yet."""
    scanner_instance: str | None
    """`<pool>.<scanner>`, once it has one."""
    scanner_scan_id: int | None
    scan_type: ScanType
    priority: Priority
    owner: str | None
    targets: tuple[str, ...]
    labels: dict[str, str]
    run: int
    attempt: int
    trace_id: str
    submitted_at: Instant
    updated_at: Instant
    cancelling: bool
    dead_letter: bool
    authentication_status: str | None
    error: ScanError | None
    export: Export | None
    findings: Findings | None
    result: Result | None
    timeline: tuple[TimelineEntry, ...]
    progress: ScanProgress | None = None
    """The last told, where it runs."""
    paused: bool = False
    """It runs and somebody has it paused on its scanner; since when, by whom and why is in its progress."""
    held_back: str | None = None
    """What keeps every waiting scan of its pool from going on, where it is one: no room in NATS, or a pause."""
    awaiting: str | None = None
    """Why it waits for a person's approval, where it does; nothing is done for it before."""
    wanted_scanner: str | None = None
    """The one scanner of its pool that it asked for by name."""
    not_before: Instant | None = None
    """Its stage is not tried again before this."""

    @property
    def is_over(self) -> bool:
        """Nothing more happens to it unless a person retries it."""
        return self.status not in {"queued", "running"}


def status_of(scan: AnyScan) -> Status:
    """The public status of a scan."""
    match scan:
        case Pending() | Queued():
            return "queued"
        case Completed():
            return "completed"
        case Failed():
            return scan.end
        case Dead():
            return "failed"
        case _:
            return "running"


def describe_request(pool: str, scan_id: str, request: ScanRequest, asked_at: Instant) -> ScanStatus:
    """All that outward faces show of a scan that admission has not answered yet."""
    return ScanStatus(
        id=scan_id,
        pool=pool,
        name=request.name,
        status="queued",
        state="requested",
        scanner_instance=None,
        scanner_scan_id=None,
        scan_type=request.scan_type,
        priority=request.priority,
        owner=request.owner,
        targets=request.targets,
        labels=request.labels,
        run=1,
        attempt=0,
        trace_id="",
        submitted_at=asked_at,
        updated_at=asked_at,
        cancelling=False,
        dead_letter=False,
        authentication_status=None,
        error=None,
        export=None,
        findings=None,
        result=None,
        timeline=(),
        wanted_scanner=request.scanner,
    )


def describe(scan: AnyScan, progress: ScanProgress | None = None) -> ScanStatus:
    """All that outward faces show of a scan."""
    scanner = getattr(scan, "scanner", None)
    result = scan.result if isinstance(scan, Completed | Failed) else None
    return ScanStatus(
        id=scan.id,
        pool=scan.pool,
        name=scan.request.name,
        status=status_of(scan),
        state=state_of(scan),
        scanner_instance=f"{scan.pool}.{scanner}" if scanner else None,
        scanner_scan_id=getattr(scan, "scanner_scan_id", None),
        scan_type=scan.request.scan_type,
        priority=scan.request.priority,
        owner=scan.request.owner,
        targets=scan.request.targets,
        labels=scan.request.labels,
        run=scan.run,
        attempt=scan.attempt,
        trace_id=scan.trace_id,
        submitted_at=scan.submitted_at,
        updated_at=scan.at,
        cancelling=isinstance(scan, Stopping),
        dead_letter=isinstance(scan, Dead),
        authentication_status=result.authentication_status if result else None,
        error=scan.error if isinstance(scan, Failed | Dead) else None,
        export=getattr(scan, "export", None),
        findings=scan.findings if isinstance(scan, Completed | Failed) else None,
        result=result,
        timeline=scan.timeline,
        progress=progress,
        paused=progress is not None and progress.paused_since is not None,
        awaiting=scan.reason if isinstance(scan, Pending) else None,
        wanted_scanner=scan.request.scanner,
        not_before=scan.not_before,
    )
