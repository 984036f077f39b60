"""What a round of the janitor changes, or in a dry run would change: every write is here and nowhere else."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from scanpool.coordination.ledger import Held, Ledger
from scanpool.coordination.transitions import Change
from scanpool.janitor.decide import Entry
from scanpool.janitor.places import Places, Seen
from scanpool.runtime.jetstream import JetStream
from scanpool.runtime.message_spans import deleting
from scanpool.runtime.objects import Objects
from scanpool_schemas import subjects


class Hands(Protocol):
    """What a round does. Each answers what came of it."""

    async def commit(self, held: Held, change: Change) -> bool:
        """Commit the change; False where the scan went on meanwhile."""
        ...

    async def purge(self, pool: str, entry: Entry) -> int:
        """Remove what is older than the scan's last event; answers how many events."""
        ...

    async def delete(self, pool: str, entry: Entry) -> bool:
        """Remove the scan with all its events; False where it is not what was seen."""
        ...

    async def drop(self, objects: Objects, name: str) -> None:
        """Remove an object."""
        ...

    async def alarm(self, seen: Seen, now: datetime) -> None:
        """Tell a disagreement."""
        ...

    async def repair(self, seen: Seen, now: datetime) -> bool:
        """Repair a disagreement; False where something moved."""
        ...


class Doing:
    """Does it."""

    def __init__(self, jetstream: JetStream, ledger: Ledger) -> None:
        self._jetstream = jetstream
        self._ledger = ledger
        self._places = Places(jetstream, ledger)

    async def commit(self, held: Held, change: Change) -> bool:
        return await self._ledger.commit(held, change) is not None

    async def purge(self, pool: str, entry: Entry) -> int:
        stream = subjects.pool_stream(pool)
        # lanes first and by their own subject: only so does the server count the scan no longer as waiting
        lanes = [subjects.event(pool, state, entry.scan_id) for state in entry.spent if state.startswith("queued")]
        events = (*lanes, subjects.events_of(pool, entry.scan_id))
        return sum([await self._jetstream.purge(stream, each, below=entry.sequence) for each in events])

    async def delete(self, pool: str, entry: Entry) -> bool:
        """The last event last, or an older one would become the scan.

        A retry of a dead scan that comes in between is on condition of the dead event: either it is stored first,
        and then what is removed here is spent, or it finds no scan any more.
        """
        found = await self._ledger.last_event(pool, entry.scan_id)
        if found is None or found.sequence != entry.sequence:
            return False
        with deleting(pool, entry.scan_id, found.headers):
            return await self._deleted(pool, entry)

    async def _deleted(self, pool: str, entry: Entry) -> bool:
        if entry.spent:
            await self.purge(pool, entry)
        # a purge of this one event: to delete a message by its sequence makes the server write over it, thirty times
        # as slow
        last = subjects.event(pool, entry.state, entry.scan_id)
        await self._jetstream.purge(subjects.pool_stream(pool), last, below=entry.sequence + 1)
        return await self._last_sequence(pool, entry) == 0

    async def drop(self, objects: Objects, name: str) -> None:
        await objects.delete(name)

    async def alarm(self, seen: Seen, now: datetime) -> None:
        await self._places.tell(seen, "places-disagree", now)

    async def repair(self, seen: Seen, now: datetime) -> bool:
        return await self._places.repair(seen, now)

    async def _last_sequence(self, pool: str, entry: Entry) -> int:
        last = await self._ledger.last_event(pool, entry.scan_id)
        return last.sequence if last is not None else 0


class Pretending:
    """Changes nothing: it has nothing to change it with."""

    async def commit(self, _held: Held, _change: Change) -> bool:
        return True

    async def purge(self, _pool: str, entry: Entry) -> int:
        return len(entry.spent)

    async def delete(self, _pool: str, _entry: Entry) -> bool:
        return True

    async def drop(self, _objects: Objects, _name: str) -> None:
        return

    async def alarm(self, _seen: Seen, _now: datetime) -> None:
        return

    async def repair(self, _seen: Seen, _now: datetime) -> bool:
        return True
