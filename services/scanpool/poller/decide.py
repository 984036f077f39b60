"""What a look at a scan on its scanner means."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, TypeAlias

from scanpool.coordination.snapshots import is_overdue
from scanpool.runtime.settings import PollSettings
from scanpool.scanners.scanner import Activity, Progress
from scanpool_schemas.scan import Running, ScanError, Stopping

NEARLY_DONE_PERCENT = 90
_SHARE_OF_AGE = 0.1
"""A scan that has run for ten minutes is looked at about once a minute, up to the cap."""


@dataclass(frozen=True, kw_only=True, slots=True)
class LookAgain:
    """It goes on: look again after the delay."""

    delay: timedelta
    reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Over:
    """It completed on the scanner."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Ended:
    """It ended on the scanner in another way."""

    error: ScanError


@dataclass(frozen=True, kw_only=True, slots=True)
class StopIt:
    """It must not go on."""

    cause: Literal["timeout", "operator"]
    code: str
    why: str


Look: TypeAlias = LookAgain | Over | Ended | StopIt


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """How long a scan may take."""

    max_duration: timedelta
    poll: PollSettings


def look(scan: Running, progress: Progress, paused_for: timedelta, limits: Limits, now: datetime) -> Look:
    """What to do after the scanner said where the scan stands."""
    match progress.activity:
        case Activity.COMPLETED:
            return Over()
        case Activity.CANCELED:
            return Ended(error=_ended("scan_canceled_on_scanner", scan, "was stopped on the scanner by somebody else"))
        case Activity.ABORTED:
            return Ended(error=_ended("scan_aborted", scan, "was aborted by the scanner"))
        case _:
            return _goes_on(scan, progress, paused_for, limits, now)


def overdue(scan: Running, limits: Limits, now: datetime) -> StopIt | None:
    """Whether the scan has run for longer than it may, whatever the scanner says."""
    if not is_overdue(scan, limits.max_duration, now):
        return None
    allowed = scan.request.max_duration_s or int(limits.max_duration.total_seconds())
    return StopIt(cause="timeout", code="max_duration_exceeded", why=f"ran longer than {allowed} s")


def paused_until(scan: Running, since: datetime, limits: Limits) -> datetime:
    """When a scan that is paused since then is stopped, if nobody resumes it: the time it is paused counts twice."""
    allowed_s = scan.request.max_duration_s
    allowed = limits.max_duration if allowed_s is None else timedelta(seconds=allowed_s)
    return min(since + limits.poll.paused_limit, scan.running_at + allowed)


def interval(scan: Running, progress: Progress, poll: PollSettings, now: datetime) -> timedelta:
    """How long until the next look: short at first and near the end, else a share of the scan's age."""
    if progress.percent >= NEARLY_DONE_PERCENT or progress.activity in {Activity.PAUSING, Activity.STOPPING}:
        return poll.shortest
    return min(poll.longest, max(poll.shortest, (now - scan.running_at) * _SHARE_OF_AGE))


def jittered(delay: timedelta, share: float) -> timedelta:
    """The delay give or take a tenth, by a random share from 0 to 1, so that looks spread out."""
    return delay * (0.9 + 0.2 * share)


@dataclass(frozen=True, kw_only=True, slots=True)
class Confirmed:
    """Nothing of the scan runs on the scanner."""


@dataclass(frozen=True, kw_only=True, slots=True)
class AskToStop:
    """It runs: ask the scanner to stop it, then look again."""


StopStep: TypeAlias = Confirmed | AskToStop | LookAgain

STOP_CHECK = timedelta(seconds=2)


def never_launched(scan: Stopping) -> bool:
    """It was stopped before its intent was committed: that commit can no longer succeed, so it never launches."""
    return scan.stop.was == "launching" and scan.intent is None


def launch_may_be_on_its_way(scan: Stopping, bound: timedelta, now: datetime) -> timedelta:
    """How long a launch by the last holder of the lease may still reach the scanner; 0 where none can."""
    if scan.stop.was != "launching" or scan.lease is None:
        return timedelta(0)
    return max(timedelta(0), scan.lease.until + bound - now)


def stop_step(progress: Progress | None) -> StopStep:
    """What to do about a scan that is to stop; None is a scanner that has no such scan."""
    if progress is None or progress.activity.is_over or progress.activity is Activity.EMPTY:
        return Confirmed()
    if progress.activity is Activity.STOPPING:
        return LookAgain(delay=STOP_CHECK, reason="the scanner is stopping it")
    return AskToStop()


def _goes_on(scan: Running, progress: Progress, paused_for: timedelta, limits: Limits, now: datetime) -> Look:
    if progress.runs > 1:
        why = f"the scanner's history shows {progress.runs} runs of one launch"
        return StopIt(cause="operator", code="launched_twice", why=why)
    if stop := overdue(scan, limits, now):
        return stop
    if paused_for > limits.poll.paused_limit:
        return StopIt(cause="timeout", code="paused_too_long", why="was paused on the scanner for too long")
    return LookAgain(delay=interval(scan, progress, limits.poll, now), reason=f"{progress.status} {progress.percent} %")


def _ended(code: str, scan: Running, what: str) -> ScanError:
    return ScanError(code=code, message=f"scan {scan.scanner_scan_id} on {scan.scanner} {what}", retryable=True)
