"""The janitor's shell: goes through every scan of its pools once a tick."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from datetime import datetime, timedelta
from functools import partial
from itertools import islice

import msgspec
import structlog

from scanpool.coordination.transitions import Mark
from scanpool.janitor import decide, room
from scanpool.janitor.census import Census, Censuses
from scanpool.janitor.decide import Disagreement, Entry
from scanpool.janitor.deliveries import Deliveries
from scanpool.janitor.hands import Doing, Hands, Pretending
from scanpool.janitor.orphans import Orphans
from scanpool.janitor.parts import JanitorParts
from scanpool.janitor.places import Places, Seen
from scanpool.janitor.report import DeletedScan, EndedScan, PurgedEvents, Round, Unread
from scanpool.janitor.together import AT_ONCE, for_each
from scanpool.runtime.delivery import Delivery
from scanpool.runtime.errors import TopologyMissing
from scanpool.runtime.jetstream import JetStream
from scanpool.runtime.keys import KeyUnreadable
from scanpool.runtime.outcomes import Done, Outcome
from scanpool.runtime.sweep import sweep
from scanpool_schemas import decoding, subjects
from scanpool_schemas.keys import Load
from scanpool_schemas.scan import state_of
from scanpool_schemas.wire import UnreadableEvent

REPAIR_TRIES = 5
"""On a scanner whose places keep changing hands."""
EXPORTS_EVERY = timedelta(minutes=10)
"""How often all exports are looked through; an orphan waits for an hour anyway."""

__all__ = ["Janitor", "JanitorParts"]

log = structlog.get_logger(__name__)


class Janitor:
    """One tick: what is overdue, lost, spent or expired, orphaned exports, the invariant, the room in NATS."""

    def __init__(self, parts: JanitorParts) -> None:
        self._parts = parts
        self._censuses = Censuses(parts.max_duration)
        self._deliveries = Deliveries(parts)
        self._orphans = Orphans(parts, self._censuses)
        self._places = Places(parts.jetstream, parts.ledger)
        self._doing = Doing(parts.jetstream, parts.ledger)
        self._suspected: dict[str, set[Disagreement]] = {}
        self._alarmed: dict[str, set[Disagreement]] = {}
        self._exports_due_at: datetime | None = None

    async def tick(self, _delivery: Delivery) -> Outcome:
        """Go through everything once; what is found wrong twice in a row is an alarm.

        What frees room comes first, so that a NATS that is full and refuses every write is still cleaned.
        """
        began, done = time.monotonic(), self._round(self._parts.pools(), dry_run=False)
        said = await self._deliveries.asked(done.pools, done)
        censuses = await self._clean(done, self._doing)
        if self._exports_due_at is None or done.at >= self._exports_due_at:
            await self._orphans.drop(done, self._doing)
            self._exports_due_at = done.at + EXPORTS_EVERY
        for census in censuses:
            await self._measure(census.pool, done)
            await self._end_overdue(census, done, self._doing)
            await self._deliveries.tell_again(census, said[census.pool], done, self._doing)
            await self._check(census, done)
        self._over(done, began)
        return Done()

    async def once(self, *, dry_run: bool, repair: bool) -> Round:
        """One round on a person's word; `repair` puts places right, a dry run changes nothing and says what it would.

        A disagreement counts when the walk through all events and a look at one moment both show it.

        Raises:
            BrokerError: what was not done then is done by the next round.
        """
        hands: Hands = Pretending() if dry_run else self._doing
        began, done = time.monotonic(), self._round(self._parts.pools(), dry_run=dry_run)
        said = await self._deliveries.asked(done.pools, done)
        censuses = await self._clean(done, hands)
        await self._orphans.drop(done, hands)
        for census in censuses:
            await self._look_for_room(census.pool, done)
            await self._end_overdue(census, done, hands)
            await self._deliveries.tell_again(census, said[census.pool], done, hands)
            for suspect in _in_order(await self._suspects(census)):
                await self._put_right(census.pool, suspect, done, hands if repair else None)
        self._over(done, began)
        return done

    def _round(self, pools: Sequence[str], *, dry_run: bool) -> Round:
        return Round(at=self._parts.clockwork.now(), dry_run=dry_run, pools=tuple(pools))

    def _over(self, done: Round, began: float) -> None:
        done.took_s = round(time.monotonic() - began, 3)
        log.info("janitor's round", pools=list(done.pools), dry_run=done.dry_run, **done.counts, took_s=done.took_s)
        self._parts.told(done)

    async def _clean(self, done: Round, hands: Hands) -> list[Census]:
        """Delete and purge what is over; answers the pools' censuses, those left out that are gone."""
        read = [await self._census(pool, done) for pool in done.pools]
        censuses = [census for census in read if census is not None]
        for census in censuses:
            for part in _parts_of(census.entries, AT_ONCE * 64):
                expired, kept = _divided(part, lambda each: decide.is_expired(each, self._parts.retention, done.at))
                spent = [each for each in kept if decide.has_spent(each)]
                await for_each(expired, partial(self._delete, census, done, hands))
                await for_each(spent, partial(self._purge, census, done, hands))
                await asyncio.sleep(0)  # others in this process go on
        return censuses

    async def _end_overdue(self, census: Census, done: Round, hands: Hands) -> None:
        due = [each for each in census.entries if decide.is_due(each, done.at)]
        await for_each(due, partial(self._end, census, done, hands))

    async def _check(self, census: Census, done: Round) -> None:
        """Alarm where places and events disagree now as they did the last time."""
        pool, suspects = census.pool, await self._suspects(census)
        twice = _in_order(suspects & self._suspected.get(pool, set()))
        found = [seen for each in twice if (seen := await self._look(pool, each, done)) is not None]
        done.disagreements += [seen.place for seen in found]
        self._suspected[pool] = suspects
        await self._alarm(pool, found, done.at)

    async def _census(self, pool: str, done: Round) -> Census | None:
        try:
            census, problems = await self._censuses.of(self._parts.jetstream, pool, done.at)
        except TopologyMissing as error:
            done.not_read.append(Unread(pool=pool, what=str(error)))
            return None
        for problem in problems:
            log.error("unreadable event", pool=pool, what=problem)
        done.not_read += [Unread(pool=pool, what=f"the events of scan {each}") for each in sorted(census.unreadable)]
        return census

    async def _end(self, census: Census, done: Round, hands: Hands, entry: Entry) -> None:
        clock = self._parts.clockwork
        held = await self._parts.ledger.read(census.pool, entry.scan_id)
        mark = Mark(at=clock.now(), by="janitor", nonce=clock.nonce())
        change = decide.overdue(held.scan, self._parts.max_duration, mark) if held is not None else None
        if held is None or change is None or not await hands.commit(held, change):
            return
        becomes = state_of(change.scan)
        done.scans_ended.append(EndedScan(pool=census.pool, id=entry.scan_id, was=held.state, becomes=becomes))

    async def _delete(self, census: Census, done: Round, hands: Hands, entry: Entry) -> None:
        deleted = await hands.delete(census.pool, entry)
        if not done.dry_run:
            census.forget(entry.scan_id)
        if not deleted:
            return
        size_bytes = entry.size_bytes + entry.spent_bytes
        done.scans_deleted.append(
            DeletedScan(
                pool=census.pool, id=entry.scan_id, state=entry.state, over_since=entry.at, size_bytes=size_bytes
            )
        )
        log.debug("deleted a scan after its retention", scan_id=entry.scan_id, pool=census.pool)

    async def _purge(self, census: Census, done: Round, hands: Hands, entry: Entry) -> None:
        events = await hands.purge(census.pool, entry)
        if not done.dry_run:
            census.purged(entry.scan_id)
        if events:
            purged = PurgedEvents(pool=census.pool, id=entry.scan_id, events=events, size_bytes=entry.spent_bytes)
            done.events_purged.append(purged)

    async def _suspects(self, census: Census) -> set[Disagreement]:
        return decide.unequal(await self._loads(census.pool), decide.places_spoken_of(census.entries))

    async def _look(self, pool: str, suspect: Disagreement, done: Round) -> Seen | None:
        try:
            return await self._places.look(pool, suspect)
        except (UnreadableEvent, KeyUnreadable) as error:
            done.not_read.append(Unread(pool=pool, what=f"a place of scan {suspect.scan_id}: {error}"))
            return None

    async def _put_right(self, pool: str, suspect: Disagreement, done: Round, hands: Hands | None) -> None:
        """Look at a suspect and repair it; what moved meanwhile is looked at again."""
        told = False
        for _ in range(REPAIR_TRIES):
            seen = await self._look(pool, suspect, done)
            if seen is None:
                return
            if not told:
                done.disagreements.append(seen.place)
                told = True
            if hands is None:
                return
            if await hands.repair(seen, done.at):
                done.repaired.append(seen.place)
                return

    async def _alarm(self, pool: str, found: Sequence[Seen], now: datetime) -> None:
        """Logged in each round that finds it, told as an event once."""
        before = self._alarmed.get(pool, set())
        for seen in found:
            log.error(
                "places and events disagree; `scanpool janitor --once --repair` puts them right",
                pool=pool,
                scanner=seen.found.scanner,
                scan_id=seen.found.scan_id,
                what=seen.found.what,
                state=seen.state,
            )
            if seen.found not in before:
                await self._doing.alarm(seen, now)
        self._alarmed[pool] = {seen.found for seen in found}

    async def _measure(self, pool: str, done: Round) -> None:
        parts = self._parts
        rooms = await room.measured(parts.jetstream, pool, parts.store)
        space = await room.write_space(parts.jetstream, pool, rooms, parts.space, done.at)
        if space is not None and space.low:
            done.nearly_full[pool] = space.why

    async def _look_for_room(self, pool: str, done: Round) -> None:
        """Says what is short of room and writes nothing down: a NATS of ours is looked at where it runs."""
        rooms = await room.measured(self._parts.jetstream, pool, self._parts.store)
        short = [str(each) for each in rooms if room.is_short(each, self._parts.space, was=False)]
        if short:
            done.nearly_full[pool] = "; ".join(short)

    async def _loads(self, pool: str) -> dict[str, Load]:
        loads = {}
        async for name, body in _keys(self._parts.jetstream, pool, subjects.load_key("*")):
            try:
                loads[name] = decoding.decode(body, Load) if body else Load(capacity=0)
            except (msgspec.DecodeError, UnicodeDecodeError) as error:
                log.error("unreadable key", pool=pool, key=subjects.load_key(name), reason=str(error))
        return loads


async def _keys(jetstream: JetStream, pool: str, pattern: str) -> AsyncIterator[tuple[str, bytes]]:
    """The keys of the pool's bucket that fit, each with the name of what it is of."""
    async for stored in sweep(jetstream, subjects.pool_stream(pool), subjects.key(pool, pattern)):
        yield stored.subject.rsplit(".", 1)[1], stored.body


def _in_order(suspects: Iterable[Disagreement]) -> list[Disagreement]:
    return sorted(suspects, key=lambda each: (each.scanner, each.scan_id, each.what))


def _divided(entries: Iterable[Entry], fits: Callable[[Entry], bool]) -> tuple[list[Entry], list[Entry]]:
    """Those that fit, and the others."""
    fitting, others = list[Entry](), list[Entry]()
    for entry in entries:
        (fitting if fits(entry) else others).append(entry)
    return fitting, others


def _parts_of(entries: Iterable[Entry], size: int) -> Iterable[list[Entry]]:
    """The entries in parts; whoever takes them may change where they come from."""
    every = iter(list(entries))
    while part := list(islice(every, size)):
        yield part
