"""A scan's status words and host counters, read as activity and percent."""

from __future__ import annotations

from collections.abc import Sequence

from scanpool.scanners.nessus.replies import Number, ScanDetails, ScanHost
from scanpool.scanners.scanner import Activity, Progress

ACTIVITIES = {
    "empty": Activity.EMPTY,
    "pending": Activity.PENDING,
    "initializing": Activity.PENDING,
    "running": Activity.RUNNING,
    "resuming": Activity.RUNNING,
    "pausing": Activity.PAUSING,
    "processing": Activity.RUNNING,
    "publishing": Activity.RUNNING,
    "paused": Activity.PAUSED,
    "stopping": Activity.STOPPING,
    "completed": Activity.COMPLETED,
    "imported": Activity.COMPLETED,
    "canceled": Activity.CANCELED,
    "stopped": Activity.CANCELED,
    "aborted": Activity.ABORTED,
}
"""Results being imported (processing, publishing) cannot be exported yet, so the scan still runs."""
MAX_STATUS = 64


def activity(status: str) -> Activity:
    """What the status word means; an unknown one is never the end of a scan."""
    return ACTIVITIES.get(status, Activity.RUNNING)


def progress(details: ScanDetails) -> Progress:
    """Where the scan stands, from the details that the scanner gives."""
    hosts = details.hosts or []
    status = details.info.status
    return Progress(
        activity=activity(status),
        status=status[:MAX_STATUS],
        percent=percent(activity(status), hosts),
        hosts_seen=len(hosts),
        hosts_done=sum(_done(host) for host in hosts),
        runs=len(details.history or []),
    )


def percent(now: Activity, hosts: Sequence[ScanHost]) -> int:
    """Checks done of those known, over all hosts that the scanner lists so far."""
    if now is Activity.COMPLETED:
        return 100
    shares = [share for host in hosts if (share := _share(host)) is not None]
    total = sum(of for _, of in shares)
    done = int(100 * sum(current for current, _ in shares) / total) if total else 0
    return min(done, 100 if now.is_over else 99)


def _done(host: ScanHost) -> bool:
    share = _share(host)
    return share is not None and share[0] >= share[1]


def _share(host: ScanHost) -> tuple[float, float] | None:
    """Done and total of one host: its counters, or a bare percentage where a build has no counters."""
    total, current = number(host.scanprogresstotal), number(host.scanprogresscurrent)
    if total is not None and current is not None and total > 0:
        return min(max(current, 0.0), total), total
    bare = number(host.progress)
    return None if bare is None else (min(max(bare, 0.0), 100.0), 100.0)


def number(value: Number) -> float | None:
    """The number that a loosely typed field means, if any."""
    if isinstance(value, str):
        return float(value) if value.isascii() and value.isdecimal() else None
    return None if value is None else float(value)
