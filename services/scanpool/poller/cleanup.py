"""Cleans a pool's scanners of what we left there: spent empties, scans past their retention, unnamed runs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum, auto
from typing import Protocol

import structlog

from scanpool.coordination.ledger import Ledger
from scanpool.coordination.snapshots import known_scanner_scan
from scanpool.runtime.settings import RetentionSettings
from scanpool.scanners.errors import ScanConflict, ScannerError, ScannerRefused, ScanNotFound
from scanpool.scanners.naming import OurName, our_name
from scanpool.scanners.scanner import Activity, Scanner, ScannerScan
from scanpool_schemas.scan import AnyScan, Completed, Dead, Failed
from scanpool_schemas.wire import UnreadableEvent

log = structlog.get_logger(__name__)


class Verdict(Enum):
    """What is to become of a scan of ours on a scanner."""

    KEEP = auto()
    DELETE_IF_EMPTY = auto()
    """Nothing will ever launch it; delete it if a look made now still finds it empty."""
    DELETE = auto()
    STOP = auto()
    """It runs and no event names it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Found:
    """A scan on a scanner that bears a name of ours, and the last event of the scan it names."""

    scanner: str
    listed: ScannerScan
    ours: OurName
    event: AnyScan


def judge(found: Found, retention: RetentionSettings, now: datetime) -> Verdict:
    """What to do; every ground for deleting is a fact that never turns back.

    One does: a dead scan past its retention can still be retried while its event is there, for an hour. Whoever
    does so in the moment of the deletion finds the scan lost by its scanner, or makes a new one.
    """
    if found.listed.activity is Activity.EMPTY:
        over = _never_launches(found) or _is_expired(found, retention, now)
        return Verdict.DELETE_IF_EMPTY if over else Verdict.KEEP
    if not found.listed.activity.is_over:
        return Verdict.KEEP if _is_named(found) else Verdict.STOP
    return Verdict.DELETE if _is_expired(found, retention, now) else Verdict.KEEP


def _is_expired(found: Found, retention: RetentionSettings, now: datetime) -> bool:
    kept = _kept_for(found.event, retention)
    return kept is not None and now - found.event.at > kept


def _is_named(found: Found) -> bool:
    return (
        found.event.run == found.ours.run
        and getattr(found.event, "scanner", None) == found.scanner
        and known_scanner_scan(found.event) == found.listed.id
    )


def _has_other(found: Found) -> bool:
    """The event of this very run names another scan."""
    number = known_scanner_scan(found.event)
    return number is not None and not _is_named(found)


def _never_launches(found: Found) -> bool:
    ended = isinstance(found.event, Completed | Failed)
    return ended or found.event.run > found.ours.run or _has_other(found)


def _kept_for(event: AnyScan, retention: RetentionSettings) -> timedelta | None:
    match event:
        case Completed():
            return retention.completed
        case Failed():
            return retention.failed
        case Dead():
            return retention.dead
        case _:
            return None


class Scanners(Protocol):
    """The scanners that the configuration gives this process."""

    def names(self, pool: str) -> Sequence[tuple[str, bool]]: ...

    def get(self, pool: str, name: str) -> Scanner | None: ...


class Cleanup:
    """Looks at each scanner of a pool, then at the events: an intent comes before its launch."""

    def __init__(
        self,
        ledger: Ledger,
        scanners: Scanners,
        deployment: str,
        retention: RetentionSettings,
        *,
        deleted: Callable[[], None] = lambda: None,
    ) -> None:
        """`deleted` is told each scan that was deleted on a scanner."""
        self._deleted = deleted
        self._ledger = ledger
        self._scanners = scanners
        self._deployment = deployment
        self._retention = retention

    async def run_once(self, pool: str, now: datetime) -> None:
        """Clean every scanner of the pool that answers."""
        for name, _enabled in self._scanners.names(pool):
            try:
                scanner = self._scanners.get(pool, name)
                if scanner is not None:
                    await self._clean(pool, name, scanner, now)
            except ScannerError as error:
                log.info("not cleaned this time", pool=pool, scanner=name, reason=str(error))

    async def _clean(self, pool: str, name: str, scanner: Scanner, now: datetime) -> None:
        for listed in await scanner.scans():
            ours = our_name(listed.name)
            if ours is None or ours.deployment != self._deployment:
                continue
            event = await self._event(pool, ours.scan_id)
            if event is not None:
                await self._done(Found(scanner=name, listed=listed, ours=ours, event=event), scanner, now)

    async def _done(self, found: Found, scanner: Scanner, now: datetime) -> None:
        """What the scanner refuses for one scan must not keep it from being cleaned of the others."""
        try:
            await self._act(found, scanner, judge(found, self._retention, now))
        except (ScannerRefused, ScanConflict) as error:
            log.warning("left on the scanner", **_said(found), reason=str(error))
        except ScanNotFound:
            return

    async def _event(self, pool: str, scan_id: str) -> AnyScan | None:
        try:
            held = await self._ledger.read(pool, scan_id)
        except UnreadableEvent as error:
            log.warning("left on the scanner", scan_id=scan_id, reason=str(error))
            return None
        return held.scan if held else None

    async def _act(self, found: Found, scanner: Scanner, verdict: Verdict) -> None:
        number = found.listed.id
        match verdict:
            case Verdict.KEEP:
                return
            case Verdict.STOP:
                log.error("a scan runs that no event names; stopping it", **_said(found))
                await scanner.stop(number)
            case Verdict.DELETE:
                await self._delete(scanner, number)
                log.info("deleted a scan past its retention", **_said(found))
            case Verdict.DELETE_IF_EMPTY:
                if await _still_empty(scanner, number):
                    await self._delete(scanner, number)
                    log.info("deleted an empty scan that will never be launched", **_said(found))

    async def _delete(self, scanner: Scanner, number: int) -> None:
        await scanner.delete(number)
        self._deleted()


async def _still_empty(scanner: Scanner, number: int) -> bool:
    try:
        return (await scanner.progress(number)).activity is Activity.EMPTY
    except ScanNotFound:
        return False


def _said(found: Found) -> dict[str, object]:
    return {"scanner": found.scanner, "scanner_scan_id": found.listed.id, "scan_id": found.ours.scan_id}
