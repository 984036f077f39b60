"""How much of a pool a client of the bridge has now, counted in the pool's stream.

A scan's last event is stored after the scan was asked for. So whatever stands before an event that was stored an hour
ago was asked for earlier, and the hour's count begins there. What was read once is kept: only what is new since is
read again, and of the client's own scans the last events of those that are not over.

In a cluster the replica that is read may be behind. What was read is held against the stream's leader, and against the
key that moves with each scan of the client that is admitted: the scan's event stands next to it in the same stream. A
count that does not reach beyond the key's revision is none.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import msgspec
import structlog

from scanpool.coordination.client_policy import Counts
from scanpool.runtime.backwards import Bounds, bounds, stretch
from scanpool.runtime.errors import BrokerUnavailable
from scanpool.runtime.jetstream import JetStream, Stored
from scanpool.runtime.keys import read_key
from scanpool_schemas import decoding, subjects
from scanpool_schemas.instants import Instant
from scanpool_schemas.keys import LastAdmitted
from scanpool_schemas.scan import StateName

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
_READS_AT_ONCE = 64
_LOOKS = 20
_PAUSE_S = 0.05
"""Between looks at a replica that is behind; mostly it is a few milliseconds."""

log = structlog.get_logger(__name__)


class _Behind(BrokerUnavailable):
    """The replica that was read has not got yet what the stream's leader has."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Counted:
    """What a client had when it was counted."""

    counts: Counts
    revision: int
    """Of the client's key: as long as it is the last one, no scan of the client was admitted that is not counted."""


class ClientCounts:
    """Counts the scans of clients."""

    def __init__(self, jetstream: JetStream) -> None:
        self._jetstream = jetstream
        self._turns: defaultdict[tuple[str, str], asyncio.Lock] = defaultdict(asyncio.Lock)
        self._readings: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._seen: dict[str, _Seen] = {}

    def turn(self, pool: str, client: str) -> asyncio.Lock:
        """Held from the count to the commit, so that requests of one process do not get into each other's way."""
        return self._turns[pool, client]

    async def of(self, pool: str, client: str, now: datetime) -> Counts:
        """The client's scans in the pool.

        Raises:
            BrokerUnavailable, ApiRefused: they could not be read.
        """
        return await self._counts(pool, client, await self._seen_up_to(0, pool, now), now)

    async def counted(self, pool: str, client: str, now: datetime) -> Counted:
        """The client's scans in the pool, and the revision of its key up to which none is left out.

        Raises:
            BrokerUnavailable, ApiRefused, KeyUnreadable: they could not be read.
        """
        name = subjects.client_key(subjects.client_token(client))
        key = await read_key(self._jetstream, pool, name, LastAdmitted)
        event = key.revision + 1 if key.value is not None else 0  # the admitted scan's, which was stored with the key
        seen = await self._seen_up_to(event, pool, now)
        return Counted(counts=await self._counts(pool, client, seen, now), revision=key.revision)

    async def _counts(self, pool: str, client: str, seen: _Seen, now: datetime) -> Counts:
        """What is not over is looked at once more, on the leader: the client may know already that it is."""
        stream, at_once = subjects.pool_stream(pool), asyncio.Semaphore(_READS_AT_ONCE)

        async def look(scan_id: str) -> None:
            async with at_once:
                stored = await self._jetstream.last(stream, subjects.events_of(pool, scan_id))
            if stored is not None:
                seen.note(stored)

        await asyncio.gather(*map(look, seen.live(client)))
        return seen.counts(client, now)

    async def _seen_up_to(self, sequence: int, pool: str, now: datetime) -> _Seen:
        for _ in range(_LOOKS):
            with suppress(_Behind):
                async with self._readings[pool]:
                    seen = await self._up_to_date(pool, now)
                if seen.last >= sequence:
                    return seen
            await asyncio.sleep(_PAUSE_S)
        raise BrokerUnavailable(f"what was read of {subjects.pool_stream(pool)} is behind; try again")

    async def _up_to_date(self, pool: str, now: datetime) -> _Seen:
        """All that stands in the stream, read to its end: an event that gives way to a newer one is found there.

        Raises:
            _Behind: as the leader knows, it is not all.
        """
        stream, events = subjects.pool_stream(pool), subjects.events_of(pool, "*")
        seen, within = self._seen.get(pool), await bounds(self._jetstream, stream)
        if seen is None or seen.last > within.last or now - seen.begun_at > HOUR:
            seen = self._seen[pool] = await self._begun(pool, within, now)
            within = await bounds(self._jetstream, stream)  # so that it has what gave way meanwhile
        seen.take(await stretch(self._jetstream, stream, events, seen.last + 1))
        if seen.last < within.last and await self._jetstream.next_from(stream, seen.last + 1, events) is not None:
            raise _Behind(f"{stream}: events after {seen.last} are missing")
        return seen

    async def _begun(self, pool: str, within: Bounds, now: datetime) -> _Seen:
        """Whatever is live from before the hour; what is of the hour is read after it.

        Raises:
            _Behind: as the leader knows, it is not all.
        """
        stream = subjects.pool_stream(pool)
        begin = await self._first_since(now - HOUR, stream, subjects.events_of(pool, "*"), within)
        seen = _Seen(begun_at=now, last=begin - 1)
        if begin > within.first:
            for state in LIVE:
                seen.take(await self._whole(stream, subjects.event(pool, state, "*"), within.first, begin))
        return seen

    async def _first_since(self, since: datetime, stream: str, subject: str, within: Bounds) -> int:
        """The sequence before which everything was stored earlier."""
        low, high = within.first, within.last + 1
        while low < high:
            middle = (low + high) // 2
            stored = await self._jetstream.next_from(stream, middle, subject)
            if stored is None or stored.time >= since:
                high = middle
            else:
                low = stored.sequence + 1
        return low

    async def _whole(self, stream: str, subject: str, begin: int, end: int) -> list[Stored]:
        found = await stretch(self._jetstream, stream, subject, begin, end)
        next_one = await self._jetstream.next_from(stream, found[-1].sequence + 1 if found else begin, subject)
        if next_one is not None and next_one.sequence < end:
            raise _Behind(f"{stream}: message {next_one.sequence} is missing")
        return found


@dataclass(frozen=True, kw_only=True, slots=True)
class _Known:
    """What a scan's last event says, as far as it counts."""

    sequence: int
    live: bool
    submitted_at: datetime


@dataclass
class _Seen:
    """The scans of a pool that may count, by client and id. One that admission refused never was more than a request:
    its only event is passed over."""

    begun_at: datetime
    last: int
    """The sequence up to which all was seen."""
    of_client: defaultdict[str, dict[str, _Known]] = field(default_factory=lambda: defaultdict(dict))

    def take(self, events: Iterable[Stored]) -> None:
        """Take in the events that come next."""
        for stored in events:
            self.last = max(self.last, stored.sequence)
            self.note(stored)

    def note(self, stored: Stored) -> None:
        """Take in an event, wherever it stands."""
        parts, glance = subjects.parse_scan_subject(stored.subject), _glance(stored)
        if parts is None or glance is None or glance.request.client is None or _was_refused(parts.kind, glance):
            return
        scans = self.of_client[glance.request.client]
        known = scans.get(parts.scan_id)
        if known is None or known.sequence < stored.sequence:
            live = parts.kind in LIVE
            scans[parts.scan_id] = _Known(sequence=stored.sequence, live=live, submitted_at=glance.submitted_at)

    def live(self, client: str) -> list[str]:
        """The ids of the client's scans that are not over."""
        return [scan_id for scan_id, each in self.of_client[client].items() if each.live]

    def counts(self, client: str, now: datetime) -> Counts:
        """The client's scans; what cannot count any more is forgotten."""
        scans = self.of_client[client]
        for scan_id in [key for key, each in scans.items() if not each.live and now - each.submitted_at >= HOUR]:
            del scans[scan_id]
        return Counts(
            live=sum(each.live for each in scans.values()),
            last_hour=sum(now - each.submitted_at < HOUR for each in scans.values()),
        )


class _Asker(msgspec.Struct, frozen=True):
    client: str | None = None


class _Glance(msgspec.Struct, frozen=True):
    """Of an event, what counts."""

    submitted_at: Instant
    request: _Asker = _Asker()
    timeline: tuple[msgspec.Raw, ...] = ()


def _glance(stored: Stored) -> _Glance | None:
    try:
        return decoding.decode(stored.body, _Glance)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        log.warning("event not counted: it cannot be read", subject=stored.subject)
        return None


def _was_refused(state: str, glance: _Glance) -> bool:
    return state == "failed" and len(glance.timeline) == 1
