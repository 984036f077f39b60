"""Whose scans there are: a pool's stream is read once, and from then on only what is new in it.

Kept are each scan's id and when it was asked for, by its owner. The scan itself is read when it is asked for, from the
stream's leader: what was deleted meanwhile is found to be gone, and forgotten.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterable
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import datetime

import msgspec
import structlog

from scanpool.client.listing import scans_of
from scanpool.client.lookup import Lookup
from scanpool.runtime.backwards import bounds
from scanpool.runtime.jetstream import JetStream, Stored
from scanpool.runtime.sweep import sweep
from scanpool_schemas import decoding, subjects
from scanpool_schemas.instants import Instant
from scanpool_schemas.scan import AnyScan
from scanpool_schemas.status import ScanStatus, describe

MOST = 100_000
"""Scans of one pool that are kept in mind; of a pool with more, its stream is read anew each time."""
_FEW = 100
"""Messages that are new, of which each is asked for by itself."""

log = structlog.get_logger(__name__)


class Owned:
    """Finds scans by who owns them; `owner` None is whoever it is, and "" nobody."""

    def __init__(self, jetstream: JetStream, lookup: Lookup, *, most: int = MOST) -> None:
        self._jetstream = jetstream
        self._lookup = lookup
        self._most = most
        self._seen: dict[str, _Seen] = {}
        self._turns: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def scans(
        self,
        owner: str | None,
        pool: str | None = None,
        *,
        since: datetime | None = None,
        before: datetime | None = None,
        most: int | None = None,
    ) -> list[ScanStatus]:
        """The owner's newest scans of the pool, or of all pools, without their progress; asked for since and before.

        Raises:
            UnknownPool: there is no such pool.
            BrokerError: they could not be read.
        """
        found = [
            each
            for each in await self._known(owner, pool)
            if (since is None or each.submitted_at >= since) and (before is None or each.submitted_at < before)
        ]
        return [describe(scan) for scan in await self._read(found[:most], owner)]

    async def ids(self, owner: str | None, begun: str, most: int) -> tuple[list[str], int]:
        """The ids of the owner's newest scans that begin so, at most so many; and how many there are.

        Raises:
            BrokerError: they could not be read.
        """
        found = [each for each in await self._known(owner, None) if each.scan_id.startswith(begun)]
        there = await self._read(found[:most], owner)
        return [scan.id for scan in there], len(found) - len(found[:most]) + len(there)

    async def _known(self, owner: str | None, pool: str | None) -> list[_Scan]:
        """The newest first."""
        pools = (await self._lookup.chosen_pool(pool),) if pool else await self._lookup.pools()
        found = [each for name in pools for each in (await self._up_to_date(name)).of(owner)]
        return sorted(found, key=lambda each: each.submitted_at, reverse=True)

    async def _read(self, known: Iterable[_Scan], owner: str | None) -> list[AnyScan]:
        """Those that are there and still the owner's: an id may have been used again."""
        wanted = list(known)
        found = await scans_of(self._jetstream, [(each.pool, each.scan_id) for each in wanted])
        for each, scan in zip(wanted, found, strict=True):
            if scan is None and each.pool in self._seen:
                self._seen[each.pool].forget(each)
        return [scan for scan in found if scan is not None and owner in (None, scan.request.owner or "")]

    async def _up_to_date(self, pool: str) -> _Seen:
        """Read on where the last call ended."""
        stream, every = subjects.pool_stream(pool), subjects.events_of(pool, "*")
        async with self._turns[pool]:
            last = (await bounds(self._jetstream, stream)).last
            seen = self._seen.get(pool)
            if seen is None or seen.last > last or seen.count > self._most:
                seen = self._seen[pool] = _Seen(pool)
            if last - seen.last > _FEW:
                async with aclosing(sweep(self._jetstream, stream, every, seen.last + 1)) as events:  # type: ignore[type-var]
                    async for stored in events:
                        seen.take(stored)
            while seen.last < last:  # the leader has the last word: a sweep may be of a replica that is behind
                found = await self._jetstream.next_from(stream, seen.last + 1, every)
                if found is None:
                    seen.last = last
                else:
                    seen.take(found)
            return seen


@dataclass(frozen=True, slots=True)
class _Scan:
    pool: str
    scan_id: str
    submitted_at: datetime


@dataclass
class _Seen:
    """The scans of a pool."""

    pool: str
    last: int = 0
    """The sequence up to which all was seen."""
    of_owner: defaultdict[str, dict[str, datetime]] = field(default_factory=lambda: defaultdict(dict))

    @property
    def count(self) -> int:
        return sum(map(len, self.of_owner.values()))

    def of(self, owner: str | None) -> list[_Scan]:
        owners = self.of_owner.values() if owner is None else [self.of_owner.get(owner, {})]
        return [_Scan(self.pool, scan_id, at) for scans in owners for scan_id, at in scans.items()]

    def take(self, stored: Stored) -> None:
        """Take in the event that comes next."""
        self.last = stored.sequence
        try:
            glance = decoding.decode(stored.body, _Glance)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            log.warning("event passed over: it cannot be read", subject=stored.subject)
            return
        self.of_owner[glance.request.owner or ""][stored.subject.rsplit(".", 1)[1]] = glance.submitted_at

    def forget(self, gone: _Scan) -> None:
        """It is gone; one that was asked for under its id since is another."""
        for scans in self.of_owner.values():
            if scans.get(gone.scan_id) == gone.submitted_at:
                del scans[gone.scan_id]


class _Asker(msgspec.Struct, frozen=True):
    owner: str | None = None


class _Glance(msgspec.Struct, frozen=True):
    """Of an event, whose scan it is."""

    submitted_at: Instant
    request: _Asker = _Asker()
