"""What a scan's last event says of it, where it takes more than a field to say it."""

from __future__ import annotations

from datetime import datetime, timedelta

from scanpool_schemas.scan import AnyScan, Launching, Running, Stopping


def holds_place(scan: AnyScan) -> bool:
    """Whether the scan holds a place on its scanner."""
    return isinstance(scan, Launching | Running | Stopping)


def known_scanner_scan(scan: AnyScan) -> int | None:
    """The scanner's own number of the scan, once a commit named it."""
    if isinstance(scan, Launching):
        return scan.intent.scanner_scan_id if scan.intent else None
    number: int | None = getattr(scan, "scanner_scan_id", None)
    return number


def is_overdue(scan: Running | Launching, max_duration: timedelta, now: datetime) -> bool:
    """Whether the scan has been on its scanner for longer than it may."""
    limit = scan.request.max_duration_s
    allowed = timedelta(seconds=limit) if limit is not None else max_duration
    began = scan.running_at if isinstance(scan, Running) else scan.claimed_at
    return now - began > allowed
