"""A scan is its last event: one struct a state, each a whole snapshot of the scan.

                       ┌────────── back to the queue ─────────┐
                       v                                      │
    pending ──> queued-<lane> ──> launching ──> running ──> exporting ──> validating ──> completed
                                      └────────────┴──> stopping              └────────> failed

Any state before the last two may end `failed`; those that wait on tries may end `dead`, which a person can retry.
"""

from __future__ import annotations

from typing import Literal, TypeAlias, TypeVar

import msgspec

from scanpool_schemas.instants import Instant
from scanpool_schemas.request import Priority, ScanRequest
from scanpool_schemas.result import Result

By = Literal["admission", "dispatcher", "poller", "validator", "janitor", "cancel", "operator"]
StopCause = Literal["cancel", "timeout", "operator"]
End = Literal["failed", "timeout", "cancelled"]
StateName = Literal[
    "pending",
    "queued-high",
    "queued-normal",
    "queued-low",
    "launching",
    "running",
    "exporting",
    "validating",
    "stopping",
    "completed",
    "failed",
    "dead",
]


class TimelineEntry(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One thing that happened to the scan."""

    state: StateName
    at: Instant
    by: By
    why: str = ""


class Lease(msgspec.Struct, frozen=True, kw_only=True):
    """Who alone may talk to the scanner about this launch, and until when."""

    by: str
    until: Instant


class Intent(msgspec.Struct, frozen=True, kw_only=True):
    """The one scan on the scanner that may be launched; once committed it never changes."""

    attempt: int
    scanner_scan_id: int
    at: Instant


class Stop(msgspec.Struct, frozen=True, kw_only=True):
    """Why the scan is being stopped; the first cause wins."""

    cause: StopCause
    code: str
    """The code that it will end with."""
    why: str
    by: str
    at: Instant
    was: Literal["launching", "running"]


class Export(msgspec.Struct, frozen=True, kw_only=True):
    """The raw report in the object store."""

    object: str
    """Name in bucket `scan-exports`; the object is the report compressed with zstd."""
    sha256: str
    """Hex digest of the uncompressed report."""
    size_bytes: int
    """Of the uncompressed report."""


class Findings(msgspec.Struct, frozen=True, kw_only=True):
    """The report's findings, read once and put in page order, in the object store."""

    object: str
    """Name in bucket `scan-findings`; the object is a SQLite file."""
    sha256: str
    """Hex digest of the file."""
    size_bytes: int
    """Of the file."""
    version: int
    """Of the file's schema."""


class ScanError(msgspec.Struct, frozen=True, kw_only=True):
    """Why a scan did not complete; `code` is explained in the error catalogue."""

    code: str
    message: str
    retryable: bool = False
    """Whether submitting the same request again may succeed."""


class DeadFrom(msgspec.Struct, frozen=True, kw_only=True):
    """Where the scan was given up: what a retry goes back to."""

    state: StateName
    reason: str


class Scan(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="state"):
    """What every event of a scan carries."""

    id: str
    pool: str
    request: ScanRequest
    """As admitted: targets normalised, hostnames pinned where the pool limits networks."""
    request_digest: str
    """Of the request as it was submitted."""
    submitted_at: Instant
    at: Instant
    """When this state was committed."""
    nonce: str
    """Of this commit: whoever reads it back knows whether the commit was its own."""
    run: int = 1
    """Rises when a person retries a dead scan."""
    attempt: int = 0
    """Rises with each claim or takeover of a launch."""
    stage_attempts: dict[str, int] = {}
    """Failed tries by stage."""
    not_before: Instant | None = None
    """The stage is not tried again before this."""
    trace_id: str = ""
    """W3C trace id of the submission, 32 hex digits."""
    timeline: tuple[TimelineEntry, ...] = ()


class Pending(Scan, frozen=True, kw_only=True, omit_defaults=True, tag="pending"):
    """Waits for a person's approval. Committed by admission."""

    reason: str


class Queued(Scan, frozen=True, kw_only=True, omit_defaults=True, tag="queued"):
    """Waits for a place on a scanner. Committed by admission, read by the dispatcher."""

    lane: Priority
    queued_at: Instant


class _OnScanner(Scan, frozen=True, kw_only=True, omit_defaults=True):
    queued_at: Instant
    scanner: str
    """The scanner of the pool that has it; it never leaves this scanner once the intent is committed."""


class Launching(_OnScanner, frozen=True, kw_only=True, omit_defaults=True, tag="launching"):
    """Holds a place and is being created and launched. Committed and read by the dispatcher."""

    claimed_at: Instant
    """When it took its place; takeovers do not change it."""
    lease: Lease
    intent: Intent | None = None


class Running(_OnScanner, frozen=True, kw_only=True, omit_defaults=True, tag="running"):
    """Runs on the scanner and holds a place. Committed by the dispatcher, read by the poller."""

    scanner_scan_id: int
    running_at: Instant


class Exporting(_OnScanner, frozen=True, kw_only=True, omit_defaults=True, tag="exporting"):
    """Over on the scanner; its report is to be fetched. Committed and read by the poller."""

    scanner_scan_id: int
    running_at: Instant
    scanned_at: Instant
    """When the scan was seen to be over on the scanner."""


class Validating(_OnScanner, frozen=True, kw_only=True, omit_defaults=True, tag="validating"):
    """Its report is in the object store. Committed by the poller, read by the validator."""

    scanner_scan_id: int
    running_at: Instant
    scanned_at: Instant
    export: Export


class Stopping(_OnScanner, frozen=True, kw_only=True, omit_defaults=True, tag="stopping"):
    """Is being stopped and still holds its place. Committed on cancel or timeout, read by the poller."""

    stop: Stop
    scanner_scan_id: int | None = None
    running_at: Instant | None = None
    lease: Lease | None = None
    intent: Intent | None = None


class Completed(_OnScanner, frozen=True, kw_only=True, omit_defaults=True, tag="completed"):
    """Its report is whole and read. Committed by the validator; for subscribers. Never left."""

    scanner_scan_id: int
    running_at: Instant
    scanned_at: Instant
    export: Export
    result: Result
    findings: Findings | None = None
    """None of scans that ended before findings were kept."""


class Failed(Scan, frozen=True, kw_only=True, omit_defaults=True, tag="failed"):
    """Ended without a result that counts. Committed by whichever stage ended it. Never left."""

    end: End
    error: ScanError
    scanner: str | None = None
    scanner_scan_id: int | None = None
    export: Export | None = None
    findings: Findings | None = None
    result: Result | None = None
    """The results that are there all the same, as when too few hosts were authenticated."""


class Dead(Scan, frozen=True, kw_only=True, omit_defaults=True, tag="dead"):
    """Given up after all tries; a dead letter that a person can look at and retry."""

    dead: DeadFrom
    error: ScanError
    queued_at: Instant
    scanner: str | None = None
    scanner_scan_id: int | None = None
    running_at: Instant | None = None
    scanned_at: Instant | None = None
    export: Export | None = None


AnyScan: TypeAlias = (
    Pending | Queued | Launching | Running | Exporting | Validating | Stopping | Completed | Failed | Dead
)
HoldsPlace: TypeAlias = Launching | Running | Stopping
ScanT = TypeVar("ScanT", bound=Scan)

STRUCT_OF: dict[StateName, type[AnyScan]] = {
    "pending": Pending,
    "queued-high": Queued,
    "queued-normal": Queued,
    "queued-low": Queued,
    "launching": Launching,
    "running": Running,
    "exporting": Exporting,
    "validating": Validating,
    "stopping": Stopping,
    "completed": Completed,
    "failed": Failed,
    "dead": Dead,
}


def state_of(scan: AnyScan) -> StateName:
    """The state's name, as the subject spells it."""
    match scan:
        case Queued():
            return lane_state(scan.lane)
        case Pending():
            return "pending"
        case Launching():
            return "launching"
        case Running():
            return "running"
        case Exporting():
            return "exporting"
        case Validating():
            return "validating"
        case Stopping():
            return "stopping"
        case Completed():
            return "completed"
        case Failed():
            return "failed"
        case Dead():
            return "dead"


def lane_state(lane: Priority) -> StateName:
    """The state's name of a scan queued in the lane."""
    match lane:
        case "high":
            return "queued-high"
        case "normal":
            return "queued-normal"
        case "low":
            return "queued-low"
