"""Why a scan is where it is, and what would move it: a pure reading of the scan, its pool and the pool's scanners."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from scanpool.client import PoolStatus, ScannerStatus
from scanpool_schemas.keys import Hold
from scanpool_schemas.status import ScanStatus

Cause = Literal[
    "admission",
    "approval",
    "no_room",
    "pool_paused",
    "retrying",
    "lane",
    "limit",
    "breaker",
    "cordoned",
    "not_ready",
    "may_not_launch",
    "disabled",
    "no_scanner",
    "named_scanner",
    "scanner_silent",
    "paused",
    "stopping",
]
Blocked = Literal["limit", "breaker", "cordoned", "not_ready", "may_not_launch", "disabled"]
"""Why a scanner is given no scan now."""

_SENTENCES: dict[Blocked, str] = {
    "limit": "every place is taken",
    "breaker": "it failed too often and is left alone for a while",
    "cordoned": "an operator lets it have no scans",
    "not_ready": "it does not answer, or is not ready",
    "may_not_launch": "its licence does not let scans be launched",
    "disabled": "it is disabled in the configuration",
}
_MOVES: dict[Blocked, str] = {
    "limit": "a scan that ends on a scanner of the pool gives its place to the next in line",
    "breaker": "the scanner answers a probe, which is made from time to time; or an operator resets its breaker",
    "cordoned": "the cordon ends by itself or an operator lifts it",
    "not_ready": "the scanner answers and has loaded its plugins; it is looked at again from time to time",
    "may_not_launch": "an operator gives the scanner a licence that lets scans be launched",
    "disabled": "an operator enables the scanner in the configuration",
}
_NEAREST: tuple[Blocked, ...] = ("limit", "breaker", "cordoned", "not_ready", "may_not_launch", "disabled")
"""From what goes away by itself to what takes a person."""


@dataclass(frozen=True, kw_only=True, slots=True)
class BlockedScanner:
    """A scanner that could take the scan, and does not now."""

    scanner_instance: str
    why: Blocked
    until: datetime | None = None
    """When it ends by itself, where that is known."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Explanation:
    """Why a scan is where it is; all in words of ours but `reason`."""

    cause: Cause
    message: str
    moves_when: str
    """What would move it, and who can bring that about."""
    until: datetime | None = None
    """When it ends by itself, where that is known."""
    scanners: tuple[BlockedScanner, ...] = ()
    reason: str = ""
    """The words of the person, scanner or process that holds it up."""


def concerns_pool(scan: ScanStatus) -> bool:
    """Whether what holds it up is a matter of its pool and the pool's scanners."""
    return not scan.is_over and scan.state not in {"pending", "exporting", "validating"}


def explain(scan: ScanStatus, pool: PoolStatus, scanners: Sequence[ScannerStatus], now: datetime) -> Explanation | None:
    """Why the scan is where it is; None where it is over, or goes on as it should."""
    match scan.state:
        case "requested":
            return _no_room(pool) or _ADMISSION
        case "queued-high" | "queued-normal" | "queued-low":
            return _held(pool) or _retrying(scan, now) or _placing(scan, scanners)
        case "launching" | "running" | "stopping":
            return _on_scanner(scan, scanners)
        case _:
            return apart(scan, now)


def apart(scan: ScanStatus, now: datetime) -> Explanation | None:
    """As `explain`, of a scan whose pool has no say in it."""
    if scan.is_over:
        return None
    return _approval(scan) if scan.state == "pending" else _retrying(scan, now)


_ADMISSION = Explanation(
    cause="admission",
    message="the request is accepted and admission has not looked at it yet",
    moves_when="admission takes it, within a second where it runs; if this lasts, operators should start admission",
)


def _approval(scan: ScanStatus) -> Explanation:
    return Explanation(
        cause="approval",
        message="waits for a person's approval",
        moves_when=f"an operator approves it: scanpool approve {scan.id}",
        reason=_last_word(scan),
    )


def _held(pool: PoolStatus) -> Explanation | None:
    return _no_room(pool) or _pool_paused(pool)


def _no_room(pool: PoolStatus) -> Explanation | None:
    if pool.no_room is None:
        return None
    return Explanation(
        cause="no_room",
        message="NATS is nearly full: no scan is admitted or placed",
        moves_when="old scans are deleted after their retention, or operators give NATS more room",
        reason=pool.no_room.why,
    )


def _pool_paused(pool: PoolStatus) -> Explanation | None:
    if pool.paused is None:
        return None
    return Explanation(
        cause="pool_paused",
        message=f"pool {pool.pool} is paused by an operator: no scan of it is placed",
        moves_when=_ending(pool.paused, f"scanpool resume {pool.pool}"),
        until=pool.paused.until,
        reason=_said(pool.paused),
    )


def _ending(hold: Hold, command: str) -> str:
    return f"an operator ends it: {command}" if hold.until is None else f"it ends by itself, or with: {command}"


def _said(hold: Hold) -> str:
    return f"{hold.by}: {hold.reason}" if hold.reason else hold.by


def _retrying(scan: ScanStatus, now: datetime) -> Explanation | None:
    if scan.not_before is None or scan.not_before <= now:
        return None
    return Explanation(
        cause="retrying",
        message="the last try failed; the next one waits",
        moves_when="it is tried again by itself until its tries are used up",
        until=scan.not_before,
        reason=_last_word(scan),
    )


def _last_word(scan: ScanStatus) -> str:
    return scan.timeline[-1].why if scan.timeline else ""


def _placing(scan: ScanStatus, scanners: Sequence[ScannerStatus]) -> Explanation:
    """What keeps a queued scan from being given a place."""
    able = [each for each in scanners if scan.wanted_scanner in (None, each.name)]
    if not able:
        return _NO_SCANNER
    blocked = [_blocked(each) for each in able]
    kept = tuple(each for each in blocked if each is not None)
    if len(kept) < len(able):
        return _LANE
    return _named(kept) if scan.wanted_scanner else _nowhere(kept)


_NO_SCANNER = Explanation(
    cause="no_scanner",
    message="its pool has no scanner that may take it",
    moves_when="an operator configures the scanner, and starts a dispatcher that serves the pool",
)
_LANE = Explanation(
    cause="lane",
    message="a place is free, and scans that come before it are placed first",
    moves_when="its turn comes; of ten scans that are placed, six are of priority high, three normal, one low",
)


def _blocked(scanner: ScannerStatus) -> BlockedScanner | None:
    """Why the scanner is given no scan now; None where it may be given one."""
    instance = scanner.scanner_instance
    if not scanner.enabled:
        return BlockedScanner(scanner_instance=instance, why="disabled")
    if scanner.can_launch is False:
        return BlockedScanner(scanner_instance=instance, why="may_not_launch")
    if scanner.cordoned is not None:
        return BlockedScanner(scanner_instance=instance, why="cordoned", until=scanner.cordoned.until)
    if scanner.breaker != "closed":
        return BlockedScanner(scanner_instance=instance, why="breaker", until=scanner.breaker_until)
    if not scanner.ready:
        return BlockedScanner(scanner_instance=instance, why="not_ready")
    return BlockedScanner(scanner_instance=instance, why="limit") if scanner.active >= scanner.capacity else None


def _nowhere(blocked: Sequence[BlockedScanner]) -> Explanation:
    """No scanner takes it: the nearest way out is the one that is told."""
    why = min((each.why for each in blocked), key=_NEAREST.index)
    if why == "limit":
        return Explanation(
            cause="limit",
            message="every place on the scanners that take scans is taken",
            moves_when=_MOVES[why],
            scanners=tuple(blocked),
        )
    return Explanation(
        cause=why,
        message=f"no scanner of its pool takes scans now; of the nearest to do so: {_SENTENCES[why]}",
        moves_when=_MOVES[why],
        until=_soonest(blocked, why),
        scanners=tuple(blocked),
    )


def _named(blocked: Sequence[BlockedScanner]) -> Explanation:
    (only,) = blocked
    return Explanation(
        cause="named_scanner",
        message=f"it was asked for on scanner {only.scanner_instance} alone: {_SENTENCES[only.why]}",
        moves_when=f"{_MOVES[only.why]}; or cancel it and ask again without scanner_instance",
        until=only.until,
        scanners=(only,),
    )


def _soonest(blocked: Sequence[BlockedScanner], why: Blocked) -> datetime | None:
    return min((each.until for each in blocked if each.why == why and each.until is not None), default=None)


def _on_scanner(scan: ScanStatus, scanners: Sequence[ScannerStatus]) -> Explanation | None:
    own = next((each for each in scanners if each.scanner_instance == scan.scanner_instance), None)
    silent = own is not None and (own.breaker != "closed" or not own.ready)
    if scan.state == "stopping":
        return _stopping(own if silent else None)
    if scan.paused:
        return _paused(scan)
    return _silent(own) if own is not None and silent else None


def _stopping(silent: ScannerStatus | None) -> Explanation:
    where = f"; scanner {silent.scanner_instance} does not answer well now" if silent else ""
    return Explanation(
        cause="stopping",
        message=f"it is being stopped and waits for its scanner's confirmation that nothing of it runs{where}",
        moves_when="the scanner confirms it, as soon as it answers; nothing needs to be done",
        until=silent.breaker_until if silent else None,
    )


def _paused(scan: ScanStatus) -> Explanation:
    told = scan.progress
    return Explanation(
        cause="paused",
        message="somebody has it paused on its scanner, where it keeps its place",
        moves_when=f"an operator resumes it: scanpool resume-scan {scan.id}; else it is stopped and ends as timeout",
        until=told.paused_until if told else None,
        reason=": ".join(part for part in (told.paused_by, told.paused_reason) if part) if told else "",
    )


def _silent(scanner: ScannerStatus) -> Explanation:
    return Explanation(
        cause="scanner_silent",
        message=f"scanner {scanner.scanner_instance} has it and does not answer well now; it keeps its place there",
        moves_when="the scanner answers; it is asked again from time to time",
        until=scanner.breaker_until,
    )
