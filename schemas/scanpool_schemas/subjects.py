"""Every stream, subject, consumer and bucket, spelled once.

`<pool>` and `<id>` are names (see `names`): a token that is none never becomes part of a subject.
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass

from scanpool_schemas.names import is_valid_pool_name
from scanpool_schemas.request import OrderName
from scanpool_schemas.scan import STRUCT_OF, StateName

SCAN_REQUESTS = "SCAN_REQUESTS"
SCAN_COMPLETED = "SCAN_COMPLETED"
SCAN_FAILED = "SCAN_FAILED"
SCAN_DLQ = "SCAN_DLQ"
SCANNER_EVENTS = "SCANNER_EVENTS"
SCAN_TICKS = "SCAN_TICKS"
BRIDGE_AUDIT = "BRIDGE_AUDIT"

EXPORTS_BUCKET = "scan-exports"
FINDINGS_BUCKET = "scan-findings"
PROGRESS_BUCKET = "scan-progress"

STATES: tuple[StateName, ...] = tuple(STRUCT_OF)
ACTED_ON: tuple[StateName, ...] = (
    "queued-high",
    "queued-normal",
    "queued-low",
    "launching",
    "running",
    "exporting",
    "stopping",
    "validating",
)
"""States that a stage acts on: each has one durable consumer, named like the state."""

ADMISSION_CONSUMER = "admission"
CANCEL_CONSUMER = "cancel"

MAX_REQUEST_BYTES = 256 * 1024
MAX_EVENT_BYTES = 512 * 1024


def requested(pool: str, scan_id: str) -> str:
    """Where a scan is asked for."""
    return f"scan.{pool}.requested.{scan_id}"


def cancel(pool: str, scan_id: str) -> str:
    """Where it is asked that a scan be cancelled."""
    return f"scan.{pool}.cancel.{scan_id}"


def progress(pool: str, scan_id: str) -> str:
    """Where a running scan's progress is told, on core NATS."""
    return f"scan.{pool}.progress.{scan_id}"


ORDER_GROUP = "poller"
"""The queue group of those that answer orders: one poller gets each."""


def order(pool: str, name: OrderName, scan_id: str) -> str:
    """Where it is asked, on core NATS, that a running scan be paused or resumed; a poller answers. `*` is any id."""
    return f"order.{pool}.{name}.{scan_id}"


def event(pool: str, state: StateName, scan_id: str) -> str:
    """The subject of a scan's event."""
    return f"scan.{pool}.{state}.{scan_id}"


def events_of(pool: str, scan_id: str) -> str:
    """Over all events of one scan: its last sequence is what a commit is conditional on."""
    return f"scan.{pool}.*.{scan_id}"


def pool_bucket(pool: str) -> str:
    """The pool's KV bucket."""
    return f"pool-{pool}"


def pool_stream(pool: str) -> str:
    """The pool's stream, which is its KV bucket too."""
    return f"KV_{pool_bucket(pool)}"


def pool_of_stream(stream: str) -> str | None:
    """The pool whose stream this is, or None."""
    prefix = pool_stream("")
    return stream.removeprefix(prefix) if stream.startswith(prefix) else None


def key(pool: str, name: str) -> str:
    """The subject of a key of the pool's bucket."""
    return f"$KV.{pool_bucket(pool)}.{name}"


def load_key(scanner: str) -> str:
    """The key that says who holds a place on the scanner."""
    return f"load.{scanner}"


def health_key(scanner: str) -> str:
    """The key that says how the scanner is."""
    return f"health.{scanner}"


def breaker_key(scanner: str) -> str:
    """The key that says whether the scanner is called for scans."""
    return f"breaker.{scanner}"


def client_key(token: str) -> str:
    """The key that says which scan of a client of the bridge was admitted last; `token` is its `client_token`."""
    return f"client.{token}"


RULES_KEY = "rules"
CONTROL_KEY = "control"
SPACE_KEY = "space"
REPAIR_KEY = "repair"


def progress_key(pool: str, scan_id: str) -> str:
    """The subject of a scan's progress in its bucket."""
    return f"$KV.{PROGRESS_BUCKET}.{pool}.{scan_id}"


def scanner_event(pool: str, scanner: str, name: str) -> str:
    """Where an event of a scanner is told."""
    return f"scanner.{pool}.{scanner}.{name}"


def audit(client: str, tool: str) -> str:
    """Where is kept what a client of the bridge did with a tool that changes something."""
    return f"audit.{client_token(client)}.{tool}"


def client_token(client: str) -> str:
    """The client's token in a subject: itself where it is as short and plain as a pool's name, else its SHA-256 in
    base32, which is longer than any such name."""
    if is_valid_pool_name(client):
        return client
    digest = hashlib.sha256(client.encode("utf-8", "surrogatepass")).digest()
    return base64.b32encode(digest).decode().rstrip("=").lower()


def dead_letter(pool: str, stage: str, scan_id: str, sequence: int) -> str:
    """Where a message that never became a scan is kept; pass `_` for a token that is no name."""
    return f"dlq.{pool}.{stage}.{scan_id}.s{sequence}"


def schedule(job: str) -> str:
    """Where a periodic job's schedule is kept."""
    return f"sched.{job}"


def tick(job: str) -> str:
    """Where a periodic job's ticks arrive; one replica gets each."""
    return f"tick.{job}"


def cleanup_job(pool: str) -> str:
    """The job that cleans the pool's scanners."""
    return f"cleanup-{pool}"


JANITOR_JOB = "janitor"


@dataclass(frozen=True, slots=True)
class ScanSubject:
    """The parts of a subject `scan.<pool>.<kind>.<id>`."""

    pool: str
    kind: str
    scan_id: str


def parse_scan_subject(subject: str) -> ScanSubject | None:
    """The parts of a scan's subject, unchecked; None where it has not this shape."""
    match subject.split("."):
        case ["scan", pool, kind, scan_id]:
            return ScanSubject(pool, kind, scan_id)
        case _:
            return None
