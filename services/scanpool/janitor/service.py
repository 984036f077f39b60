"""The janitor's shell: goes through every scan of its pools once a tick."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Collection
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import msgspec
import structlog

from scanpool.coordination.ledger import Held, Ledger, held_of
from scanpool.coordination.stage import Clockwork
from scanpool.coordination.transitions import Mark
from scanpool.janitor import decide
from scanpool.runtime.delivery import Delivery
from scanpool.runtime.errors import BrokerUnavailable
from scanpool.runtime.jetstream import JetStream, Stored
from scanpool.runtime.objects import Objects
from scanpool.runtime.outcomes import Done, Outcome
from scanpool.runtime.settings import RetentionSettings
from scanpool.runtime.topology.apply import pools_in_nats
from scanpool_schemas import subjects
from scanpool_schemas.keys import Load
from scanpool_schemas.scan import AnyScan, UnreadableEvent, lane_state

log = structlog.get_logger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class JanitorParts:
    """What the janitor works with."""

    jetstream: JetStream
    ledger: Ledger
    exports: Objects
    clockwork: Clockwork
    retention: RetentionSettings
    max_duration: timedelta
    pools: Callable[[], tuple[str, ...]]
    expired: Callable[[int], None]
    """Told how many scans were deleted after their retention."""


@dataclass(kw_only=True, slots=True)
class _Round:
    """What one walk through the pools saw."""

    exports: set[str] = field(default_factory=set)
    unread: int = 0
    """Events, or pools, that could not be read: what they name is not known."""


class Janitor:
    """One tick: overdue scans, spent events, expiry, orphaned exports, the invariant."""

    def __init__(self, parts: JanitorParts) -> None:
        self._parts = parts
        self._suspected: dict[str, set[decide.Disagreement]] = {}

    async def tick(self, _delivery: Delivery) -> Outcome:
        """Go through everything once; what is found wrong twice in a row is an alarm."""
        seen, served = _Round(), self._parts.pools()
        for pool in served:
            await self._pool(pool, seen)
        await self._other_pools(served, seen)
        if seen.unread == 0:
            await self._orphans(seen.exports)
        return Done()

    async def _pool(self, pool: str, seen: _Round) -> None:
        last = await self._last_events(pool, seen)
        for held in last:
            await self._look_after(held)
        self._alarm(pool, decide.disagreements(await self._loads(pool), (held.scan for held in last)))

    async def _other_pools(self, served: Collection[str], seen: _Round) -> None:
        """Pools that this process does not serve keep their exports in the same bucket."""
        try:
            for pool in await pools_in_nats(self._parts.jetstream):
                if pool not in served:
                    await self._last_events(pool, seen)
        except BrokerUnavailable as error:
            seen.unread += 1
            log.info("exports not looked through: other pools may name them", reason=str(error))

    async def _last_events(self, pool: str, seen: _Round) -> list[Held]:
        last: dict[str, Held] = {}
        async for stored in self._events(pool):
            try:
                held = held_of(stored)
            except UnreadableEvent as error:
                seen.unread += 1
                log.error("unreadable event", subject=stored.subject, reason=str(error))
                continue
            seen.exports.update(_export_named(held.scan))
            known = last.get(held.scan.id)
            if known is None or known.sequence < held.sequence:
                last[held.scan.id] = held
        return list(last.values())

    async def _look_after(self, held: Held) -> None:
        clock = self._parts.clockwork
        mark = Mark(at=clock.now(), by="janitor", nonce=clock.nonce())
        if change := decide.overdue(held.scan, self._parts.max_duration, mark):
            await self._parts.ledger.commit(held, change)
        elif decide.is_ended(held.scan):
            await self._purge(held, mark.at)

    async def _purge(self, held: Held, now: datetime) -> None:
        """Spent events first; the last one only when nothing older of the scan is left."""
        scan = held.scan
        stream, lane = subjects.pool_stream(scan.pool), lane_state(scan.request.priority)
        # the lane first and by its own subject: only so does the server count it no longer as waiting
        for events in (subjects.event(scan.pool, lane, scan.id), subjects.events_of(scan.pool, scan.id)):
            await self._parts.jetstream.purge(stream, events, below=held.sequence)
        if decide.is_expired(scan, self._parts.retention, now):
            await self._parts.jetstream.delete(stream, held.sequence)
            self._parts.expired(1)
            log.info("deleted a scan after its retention", scan_id=scan.id, pool=scan.pool)

    async def _orphans(self, named: set[str]) -> None:
        objects = {each.name: each.stored_at for each in await self._parts.exports.list()}
        now = self._parts.clockwork.now()
        for name in decide.orphans(objects, named, self._parts.retention.orphans, now):
            await self._parts.exports.delete(name)
            log.info("deleted an export that no event names", object=name)

    def _alarm(self, pool: str, found: set[decide.Disagreement]) -> None:
        for each in found & self._suspected.get(pool, set()):
            log.error(
                "places and events disagree; see `scanpool pools`",
                pool=pool,
                scanner=each.scanner,
                scan_id=each.scan_id,
                what=each.what,
            )
        self._suspected[pool] = found

    async def _events(self, pool: str) -> AsyncIterator[Stored]:
        stream, sequence = subjects.pool_stream(pool), 1
        while stored := await self._parts.jetstream.next_from(stream, sequence, subjects.events_of(pool, "*")):
            yield stored
            sequence = stored.sequence + 1

    async def _loads(self, pool: str) -> dict[str, Load]:
        stream, sequence = subjects.pool_stream(pool), 1
        pattern = subjects.key(pool, subjects.load_key("*"))
        loads = {}
        while stored := await self._parts.jetstream.next_from(stream, sequence, pattern):
            loads[stored.subject.rsplit(".", 1)[1]] = msgspec.json.decode(stored.body, type=Load)
            sequence = stored.sequence + 1
        return loads


def _export_named(scan: AnyScan) -> tuple[str, ...]:
    export = getattr(scan, "export", None)
    return (export.object,) if export is not None else ()
