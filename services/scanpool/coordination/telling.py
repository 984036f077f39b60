"""What a commit tells those who watch: one log line, its span, and the time that the scan spent where it was."""

from __future__ import annotations

from datetime import datetime

import structlog

from scanpool.runtime.delivery import Server
from scanpool.runtime.jetstream import Write
from scanpool.runtime.message_spans import ATTEMPT, POOL, RUN, SCAN_ID, SCANNER, Message
from scanpool.runtime.tracing import Attributes, past
from scanpool_schemas.scan import AnyScan, Dead, Pending, Queued, Running, Stopping, TimelineEntry, state_of

log = structlog.get_logger(__name__)

_WAITS = (Pending, Queued, Running, Stopping)
"""States in which a scan waits for others: no span of work covers that time."""


def log_commit(before: AnyScan | None, after: AnyScan) -> None:
    """One line for each change of state; a commit that changes none is told where a try failed, else to whom debugs."""
    was, state = state_of(before) if before else None, state_of(after)
    last = after.timeline[-1]
    told = {"from": was, "to": state, "by": last.by, "why": last.why, **_whose(after)}
    if isinstance(after, Dead):
        log.error("scan is dead", **told)
    elif was != state:
        log.info(f"scan is {state}", **told)
    elif before is not None and after.stage_attempts != before.stage_attempts:
        log.warning(f"scan is still {state}", **told)
    else:
        log.debug(f"scan is still {state}", **told)


def tell_time_spent(before: AnyScan, after: AnyScan, traceparent: str) -> None:
    """A span from when the scan came to the state that it leaves, where it waited there for others.

    Beside what handled its event, of which there may be many short spans, or none.
    """
    if not isinstance(before, _WAITS) or state_of(before) == state_of(after):
        return
    more = {**described(before), "scanpool.to": state_of(after), "scanpool.why": after.timeline[-1].why}
    past(f"scan {state_of(before)}", traceparent, _since(before), after.at, more)


def described(scan: AnyScan) -> Attributes:
    """The scan, as attributes of a span."""
    scanner = getattr(scan, "scanner", None)
    on_it: dict[str, str] = {SCANNER: scanner} if scanner else {}
    return {
        SCAN_ID: scan.id,
        POOL: scan.pool,
        RUN: scan.run,
        ATTEMPT: scan.attempt,
        "scanpool.state": state_of(scan),
        **on_it,
    }


def message_of(scan: AnyScan, event: Write, server: Server | None) -> Message:
    """The event as a message to publish."""
    return Message(
        subject=event.subject,
        size_bytes=len(event.body),
        id=event.headers["ce-id"],
        server=server,
        more=described(scan),
    )


def _whose(scan: AnyScan) -> dict[str, object]:
    """Which scan it is; its trace too, since somebody else's may have led to the commit."""
    trace = {"trace_id": scan.trace_id} if scan.trace_id else {}
    return {"scan_id": scan.id, "pool": scan.pool, "scanner": getattr(scan, "scanner", None), "run": scan.run, **trace}


def _since(scan: AnyScan) -> datetime:
    """Since when it has been in its state, told again or tried again meanwhile or not."""
    return _began(scan.timeline, scan.at)


def _began(timeline: tuple[TimelineEntry, ...], at: datetime) -> datetime:
    state = timeline[-1].state if timeline else None
    for entry in reversed(timeline):
        if entry.state != state:
            return at
        at = entry.at
    return at
