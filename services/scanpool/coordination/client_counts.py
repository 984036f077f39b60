"""How much of a pool a client of the bridge has now, counted in the pool's stream.

A scan's last event is stored after the scan was asked for. So whatever stands before an event that was stored an hour
ago was asked for earlier, and the hour's count ends there. What was read once is kept: only what is new since is read
again, and of the client's own scans the last events.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import msgspec
import structlog

from scanpool.coordination.client_policy import Counts
from scanpool.coordination.ledger import held_of
from scanpool.runtime.backwards import Bounds, bounds, stretch, stretches
from scanpool.runtime.jetstream import JetStream, Stored
from scanpool_schemas import subjects
from scanpool_schemas.scan import AnyScan, Completed, Dead, Failed, StateName, UnreadableEvent

HOUR = timedelta(hours=1)
LIVE: tuple[StateName, ...] = (
    "pending",
    "queued-high",
    "queued-normal",
    "queued-low",
    "launching",
    "running",
    "exporting",
    "validating",
    "stopping",
)
"""States of scans that are not over yet."""
_OWN_KEPT = timedelta(minutes=1)
"""In a cluster a reader may be a moment behind; what this process admitted itself it knows for longer than that."""
_READS_AT_ONCE = 64

log = structlog.get_logger(__name__)


class _Asker(msgspec.Struct, frozen=True):
    client: str | None = None


class _Glance(msgspec.Struct, frozen=True):
    """Of an event, whose scan it is."""

    request: _Asker = _Asker()


class ClientCounts:
    """Counts the scans of clients."""

    def __init__(self, jetstream: JetStream) -> None:
        self._jetstream = jetstream
        self._turns: defaultdict[tuple[str, str], asyncio.Lock] = defaultdict(asyncio.Lock)
        self._readings: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._seen: dict[str, _Seen] = {}
        self._own: defaultdict[tuple[str, str], dict[str, datetime]] = defaultdict(dict)

    def turn(self, pool: str, client: str) -> asyncio.Lock:
        """Held from the count to the commit, so that of two requests at once each counts the other."""
        return self._turns[pool, client]

    def admitted(self, scan: AnyScan) -> None:
        """Note a scan that this process has just admitted."""
        if scan.request.client is not None:
            self._own[scan.pool, scan.request.client][scan.id] = scan.at

    async def of(self, pool: str, client: str, now: datetime) -> Counts:
        """The client's scans in the pool.

        Raises:
            BrokerUnavailable, ApiRefused: they could not be read.
        """
        async with self._readings[pool]:
            seen = await self._up_to_date(pool, now)
        ids = seen.of_client[client] | self._just_admitted(pool, client, now)
        scans = await self._as_they_are(pool, ids)
        seen.of_client[client] -= ids.difference(each.id for each in scans if _may_count(each, now))
        return Counts(
            live=sum(map(_is_live, scans)),
            last_hour=sum(_is_of_the_hour(each, now) and not _was_refused(each) for each in scans),
        )

    def _just_admitted(self, pool: str, client: str, now: datetime) -> set[str]:
        own = self._own[pool, client]
        for scan_id in [each for each, at in own.items() if now - at > _OWN_KEPT]:
            del own[scan_id]
        return set(own)

    async def _up_to_date(self, pool: str, now: datetime) -> _Seen:
        stream = subjects.pool_stream(pool)
        within = await bounds(self._jetstream, stream)
        seen = self._seen.get(pool)
        if seen is None or seen.last > within.last or now - seen.begun_at > HOUR:
            seen = await self._from_the_end(pool, within, now)
        seen.take(await stretch(self._jetstream, stream, subjects.events_of(pool, "*"), seen.last + 1))
        self._seen[pool] = seen
        return seen

    async def _from_the_end(self, pool: str, within: Bounds, now: datetime) -> _Seen:
        """Whatever was asked for within the hour or is live; before the hour only what may be live is looked at."""
        seen, begin, stream = _Seen(begun_at=now), within.last + 1, subjects.pool_stream(pool)
        async for events in stretches(self._jetstream, stream, subjects.events_of(pool, "*"), within):
            seen.take(events)
            if events:
                begin = events[0].sequence
            if events and now - events[0].time > HOUR:
                break
        for state in LIVE:
            subject = subjects.event(pool, state, "*")
            seen.take(await stretch(self._jetstream, stream, subject, within.first, begin))
        return seen

    async def _as_they_are(self, pool: str, ids: Iterable[str]) -> list[AnyScan]:
        stream, at_once = subjects.pool_stream(pool), asyncio.Semaphore(_READS_AT_ONCE)

        async def one(scan_id: str) -> AnyScan | None:
            async with at_once:
                stored = await self._jetstream.last(stream, subjects.events_of(pool, scan_id))
            return _readable(stored) if stored is not None else None

        return [scan for scan in await asyncio.gather(*map(one, ids)) if scan is not None]


@dataclass
class _Seen:
    """Which scans of a pool are whose, as far as they may count; each is read again where it is counted."""

    begun_at: datetime
    last: int = 0
    """The last sequence that was seen; a reader that is behind goes on from there the next time."""
    of_client: defaultdict[str, set[str]] = field(default_factory=lambda: defaultdict(set))

    def take(self, events: Iterable[Stored]) -> None:
        """Take events in."""
        for stored in events:
            self.last = max(self.last, stored.sequence)
            if client := _client_of(stored):
                self.of_client[client].add(stored.subject.rsplit(".", 1)[1])


def _client_of(stored: Stored) -> str | None:
    try:
        return msgspec.json.decode(stored.body, type=_Glance).request.client
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        log.warning("event not counted: it cannot be read", subject=stored.subject)
        return None


def _readable(stored: Stored) -> AnyScan | None:
    try:
        return held_of(stored).scan
    except UnreadableEvent as error:
        log.warning("scan not counted", subject=stored.subject, reason=str(error))
        return None


def _is_live(scan: AnyScan) -> bool:
    return not isinstance(scan, Completed | Failed | Dead)


def _may_count(scan: AnyScan, now: datetime) -> bool:
    return _is_live(scan) or _is_of_the_hour(scan, now)


def _is_of_the_hour(scan: AnyScan, now: datetime) -> bool:
    return now - scan.submitted_at < HOUR


def _was_refused(scan: AnyScan) -> bool:
    """Whether admission refused it, so that it never was more than a request."""
    return isinstance(scan, Failed) and len(scan.timeline) == 1
