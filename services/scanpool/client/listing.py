"""A pool's scans, the newest first, read from the end of its stream: a page costs no more where the pool has many.

A scan's last event is stored after the scan was asked for. So whatever stands before an event that was stored at some
time was asked for before that time, and a page is full once it holds enough scans that were asked for later.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

import structlog

from scanpool.runtime.backwards import bounds, stretch, stretches
from scanpool.runtime.jetstream import JetStream, Stored
from scanpool_schemas import subjects
from scanpool_schemas.scan import AnyScan, StateName
from scanpool_schemas.status import Status, status_of
from scanpool_schemas.wire import UnreadableEvent, decode_scan

_READS_AT_ONCE = 64
_FINAL: frozenset[str] = frozenset({"completed", "failed"})
"""States that are never left: such an event is its scan's last."""
STATES: Mapping[Status, tuple[StateName, ...]] = {
    "queued": ("pending", "queued-high", "queued-normal", "queued-low"),
    "running": ("launching", "running", "exporting", "validating", "stopping"),
    "completed": ("completed",),
    "failed": ("failed", "dead"),
    "timeout": ("failed",),
    "cancelled": ("failed",),
}
"""The states in which a scan can have the status."""

log = structlog.get_logger(__name__)


async def newest(jetstream: JetStream, pool: str, status: Collection[Status], limit: int | None) -> list[AnyScan]:
    """The scans of the pool that have one of the statuses, or of all, by when they were asked for, at most `limit`.

    Raises:
        BrokerUnavailable, ApiRefused: they could not be read.
    """
    states = dict.fromkeys(state for each in status for state in STATES[each])
    filters = [subjects.event(pool, state, "*") for state in states] or [subjects.events_of(pool, "*")]
    found: dict[str, AnyScan] = {}
    for subject in filters:
        page = _Page(limit, frozenset(status))
        await _Walk(jetstream, pool, subject).fill(page)
        found |= page.scans
    return sorted(found.values(), key=lambda scan: scan.submitted_at, reverse=True)[:limit]


async def scans_of(jetstream: JetStream, names: Iterable[tuple[str, str]]) -> list[AnyScan | None]:
    """The scans of these pools and ids as they are now, in this order; None for what is gone or cannot be read.

    Raises:
        BrokerUnavailable, TopologyMissing: they could not be read.
    """
    at_once = asyncio.Semaphore(_READS_AT_ONCE)

    async def one(pool: str, scan_id: str) -> AnyScan | None:
        async with at_once:
            stored = await jetstream.last(subjects.pool_stream(pool), subjects.events_of(pool, scan_id))
        return _readable(stored) if stored is not None else None

    return await asyncio.gather(*(one(*name) for name in names))


@dataclass
class _Page:
    """What was found so far."""

    limit: int | None
    status: frozenset[Status]
    scans: dict[str, AnyScan] = field(default_factory=dict)
    seen: set[str] = field(default_factory=set)

    def add(self, scan: AnyScan) -> None:
        if not self.status or status_of(scan) in self.status:
            self.scans[scan.id] = scan

    def is_full(self, before: datetime) -> bool:
        """Whether no scan that was asked for before then belongs on it."""
        if self.limit is None:
            return False
        return sum(scan.submitted_at >= before for scan in self.scans.values()) >= self.limit


class _Walk:
    """Goes through a pool's events that fit a filter, from the last to the first."""

    def __init__(self, jetstream: JetStream, pool: str, subject: str) -> None:
        self._jetstream = jetstream
        self._stream = subjects.pool_stream(pool)
        self._subject = subject
        self._all_states = subject == subjects.events_of(pool, "*")

    async def fill(self, page: _Page) -> None:
        where = self._jetstream, self._stream, self._subject
        within = await bounds(self._jetstream, self._stream)
        if page.limit is None:
            await self._take(await stretch(*where, within.first, within.last + 1), page)
        else:
            await self._fill_from_the_end(page, stretches(*where, within))
        await self._take(await stretch(*where, within.last + 1), page, again=True)

    async def _fill_from_the_end(self, page: _Page, found: AsyncIterator[list[Stored]]) -> None:
        async for events in found:
            await self._take(events, page)
            if events and page.is_full(events[0].time):
                return

    async def _take(self, events: list[Stored], page: _Page, *, again: bool = False) -> None:
        """Take the scans of the events that were not seen yet; `again`, what happened to any while others were read."""
        latest = {stored.subject.rsplit(".", 1)[1]: stored for stored in events}
        fresh = {scan_id: stored for scan_id, stored in latest.items() if again or scan_id not in page.seen}
        page.seen.update(fresh)
        at_once = asyncio.Semaphore(_READS_AT_ONCE)

        async def scan_of(stored: Stored) -> AnyScan | None:
            async with at_once:
                return _readable(await self._last_of(stored))

        for scan in await asyncio.gather(*(scan_of(stored) for stored in fresh.values())):
            if scan is not None:
                page.scans.pop(scan.id, None)
                page.add(scan)

    async def _last_of(self, stored: Stored) -> Stored:
        """The scan's last event: of all states it is the last that is met, of one state it may have been left."""
        _, pool, state, scan_id = stored.subject.split(".")
        if self._all_states or state in _FINAL:
            return stored
        return await self._jetstream.last(self._stream, subjects.events_of(pool, scan_id)) or stored


def decoded(stored: Stored) -> AnyScan:
    """The scan of an event.

    Raises:
        UnreadableEvent: it is not what its subject says.
    """
    parts = subjects.parse_scan_subject(stored.subject)
    assert parts is not None
    return decode_scan(parts.kind, stored.body, stored.headers.get("ce-type"))


def _readable(stored: Stored) -> AnyScan | None:
    try:
        return decoded(stored)
    except UnreadableEvent as error:
        log.warning("scan left out of the list", subject=stored.subject, reason=str(error))
        return None
