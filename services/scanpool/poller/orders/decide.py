"""What an order to pause or resume a scan means, before and after the scanner is asked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

from scanpool.scanners.errors import BreakerOpen, ScanConflict, ScannerError, ScannerUnavailable
from scanpool.scanners.scanner import Activity, Progress
from scanpool_schemas.events import OrderOutcome
from scanpool_schemas.request import OrderName
from scanpool_schemas.scan import AnyScan, Launching, Pending, Queued, Running, ScanError, Stopping, state_of

_DONE: Mapping[OrderName, str] = {"pause": "is paused", "resume": "goes on"}
_OVER = {Activity.EMPTY, Activity.STOPPING, *(each for each in Activity if each.is_over)}


@dataclass(frozen=True, kw_only=True, slots=True)
class Ask:
    """Ask the scanner for it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Verdict:
    """What came of the order."""

    outcome: OrderOutcome
    message: str
    error: ScanError | None = None


Step: TypeAlias = Ask | Verdict


def open_to_orders(scan: AnyScan | None, pool: str, scan_id: str) -> Running | Verdict:
    """The scan, where it runs."""
    match scan:
        case Running():
            return scan
        case None:
            return refused("unknown_scan", f"pool {pool} has no scan {scan_id}")
        case Pending() | Queued() | Launching():
            return refused("scan_not_started", f"scan {scan_id} does not run yet: it is {state_of(scan)}", later=True)
        case Stopping():
            return refused("scan_is_stopping", f"scan {scan_id} is being stopped: {scan.stop.why}")
        case _:
            return refused("scan_is_over", f"nothing of scan {scan_id} runs on a scanner any more: {state_of(scan)}")


def step(order: OrderName, scan: Running, progress: Progress) -> Step:
    """What to do about a scan that stands like this on its scanner."""
    if progress.activity in _OVER:
        return refused("scan_is_over", f"scan {scan.id} does not run on {_scanner(scan)} any more: {progress.status}")
    match order, progress.activity:
        case "pause", Activity.PAUSED:
            return Verdict(outcome="already", message=f"scan {scan.id} was paused on {_scanner(scan)} already")
        case "pause", Activity.PAUSING:
            return _under_way(scan, progress)
        case "resume", Activity.RUNNING | Activity.PENDING:
            return Verdict(outcome="already", message=f"scan {scan.id} is not paused on {_scanner(scan)}")
        case _:
            return Ask()


def taken(order: OrderName, scan: Running, progress: Progress) -> Verdict:
    """What came of it, when the scanner took the order and says this now."""
    match step(order, scan, progress):
        case Verdict(outcome="already"):
            return Verdict(outcome="done", message=f"scan {scan.id} {_DONE[order]} on {_scanner(scan)}")
        case Verdict() as known:
            return known
        case Ask():
            return _under_way(scan, progress)


def not_taken(order: OrderName, scan: Running, progress: Progress, error: ScanConflict) -> Verdict:
    """What came of it, when the scanner would not have the order and says this now: somebody may have been faster."""
    match step(order, scan, progress):
        case Verdict() as known:
            return known
        case Ask():
            return refused(error.code, str(error), later=True)


def failed(error: ScannerError) -> Verdict:
    """What an error of the call itself means: a scanner that gave no answer may have taken the order."""
    if isinstance(error, BreakerOpen) or not isinstance(error, ScannerUnavailable):
        return refused(error.code, str(error), later=isinstance(error, BreakerOpen | ScanConflict))
    message = f"{error}; it may have been done, and asking again does no harm"
    return Verdict(
        outcome="unknown", message=message, error=ScanError(code=error.code, message=message, retryable=True)
    )


def not_seen(scan: Running, error: ScannerError) -> Verdict:
    """The scanner took the order, and how the scan is since then is not known."""
    message = f"{_scanner(scan)} took the order for scan {scan.id} and did not say how it is since: {error}"
    return Verdict(outcome="under-way", message=message)


def refused(code: str, message: str, *, later: bool = False) -> Verdict:
    """It was not done; `later` it may be."""
    return Verdict(outcome="refused", message=message, error=ScanError(code=code, message=message, retryable=later))


def _under_way(scan: Running, progress: Progress) -> Verdict:
    return Verdict(outcome="under-way", message=f"scan {scan.id} is {progress.status} on {_scanner(scan)}")


def _scanner(scan: Running) -> str:
    return f"{scan.pool}.{scan.scanner}"
