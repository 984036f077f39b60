"""Finds pools and scans in NATS."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterable
from datetime import UTC, datetime

import msgspec

from scanpool.client.errors import AmbiguousScan, UnknownPool, UnknownScan
from scanpool.client.listing import decoded, newest
from scanpool.runtime.errors import TopologyMissing
from scanpool.runtime.jetstream import JetStream, Stored
from scanpool.runtime.keys import read_key
from scanpool.runtime.topology.apply import pools_in_nats
from scanpool_schemas import decoding, subjects
from scanpool_schemas.events import ScanProgress
from scanpool_schemas.keys import Control, PoolRules, Space
from scanpool_schemas.names import InvalidName, check_pool_name, check_scan_id, is_valid_scan_id, nearest
from scanpool_schemas.request import RequestInvalid, decode_scan_request
from scanpool_schemas.scan import AnyScan, Queued, Running
from scanpool_schemas.status import ScanStatus, Status, describe, describe_request

_READS_AT_ONCE = 64


class Lookup:
    """Reads what a user may see of pools and scans."""

    def __init__(self, jetstream: JetStream) -> None:
        self._jetstream = jetstream

    async def pools(self) -> tuple[str, ...]:
        """The names of all pools."""
        return await pools_in_nats(self._jetstream)

    async def rules(self, pool: str) -> PoolRules | None:
        """The pool's rules; None until a dispatcher wrote them.

        Raises:
            UnknownPool: there is no such pool.
            KeyUnreadable: somebody overwrote them.
        """
        try:
            return (await read_key(self._jetstream, pool, subjects.RULES_KEY, PoolRules)).value
        except TopologyMissing:
            raise await self._unknown(pool) from None

    async def chosen_pool(self, pool: str | None) -> str:
        """The pool that is meant: the one named, the only one, or the default one.

        Raises:
            UnknownPool: there is no such pool, or it takes a name to choose.
        """
        known = await self.pools()
        if pool is not None:
            if pool not in known:
                raise await self._unknown(pool)
            return pool
        if len(known) == 1:
            return known[0]
        for name in known:
            rules = await self.rules(name)
            if rules is not None and rules.default:
                return name
        raise UnknownPool(f"no pool was named and none is the default; name one of {', '.join(known) or 'none'}")

    async def scan(self, scan_id: str, pool: str | None = None) -> AnyScan:
        """The scan as it is now.

        Raises:
            UnknownScan: no pool has it.
            AmbiguousScan: several pools have it.
        """
        found = await self._events(scan_id, pool)
        if not found:
            where = f"pool {pool!r}" if pool else "any pool"
            raise UnknownScan(f"there is no scan {scan_id!r} in {where}")
        if len(found) > 1:
            pools = ", ".join(sorted(_pool(stored) for stored in found))
            raise AmbiguousScan(f"scan {scan_id!r} is in several pools ({pools}); name the pool")
        return decoded(found[0])

    async def pool_of(self, scan_id: str, pool: str | None = None) -> str:
        """The pool of a scan, also of one that was asked for and is not admitted yet.

        Raises:
            UnknownScan: nobody asked for it.
            AmbiguousScan: several pools have it.
        """
        return (await self.status_of(scan_id, pool)).pool

    async def status_of(self, scan_id: str, pool: str | None = None) -> ScanStatus:
        """What outward faces show of a scan, also of one that was asked for and is not admitted yet.

        Raises:
            UnknownScan: nobody asked for it.
            AmbiguousScan: several pools have it.
        """
        try:
            return await self.status(await self.scan(scan_id, pool))
        except UnknownScan:
            if not is_valid_scan_id(scan_id):
                raise
            waiting = await self._requested(scan_id, pool)
        return waiting or await self.status(await self.scan(scan_id, pool))

    async def status(self, scan: AnyScan) -> ScanStatus:
        """What outward faces show of the scan, with its progress where it runs, and what holds back its pool."""
        status = describe(scan, await self.progress(scan.pool, scan.id) if isinstance(scan, Running) else None)
        return await self._with_reason(status) if isinstance(scan, Queued) else status

    async def no_room(self, pool: str, now: datetime) -> Space | None:
        """What keeps scans of the pool waiting for room in NATS; None where nothing does.

        Raises:
            KeyUnreadable: somebody overwrote it.
        """
        space = (await read_key(self._jetstream, pool, subjects.SPACE_KEY, Space)).value
        return space if space is not None and space.holds_back(now) else None

    async def _with_reason(self, waiting: ScanStatus) -> ScanStatus:
        now = datetime.now(UTC)
        control = (await read_key(self._jetstream, waiting.pool, subjects.CONTROL_KEY, Control)).value or Control()
        space = await self.no_room(waiting.pool, now)
        reasons = [space.sentence] if space else []
        if waiting.state != "requested" and control.paused is not None and control.paused.holds(now):
            reasons.append(f"pool {waiting.pool} is paused by {control.paused.by}: {control.paused.reason}")
        return msgspec.structs.replace(waiting, held_back="; ".join(reasons) or None)

    async def progress(self, pool: str, scan_id: str) -> ScanProgress | None:
        """The scan's last told progress."""
        stored = await self._jetstream.last(f"KV_{subjects.PROGRESS_BUCKET}", subjects.progress_key(pool, scan_id))
        return decoding.decode(stored.body, ScanProgress) if stored else None

    async def newest(self, pool: str, status: Collection[Status], limit: int | None) -> list[AnyScan]:
        """The pool's scans of one of the statuses, or all of them, the newest first."""
        return await newest(self._jetstream, pool, status, limit)

    async def all_scans(self, pool: str) -> list[AnyScan]:
        """Every scan of the pool, the newest first."""
        return await newest(self._jetstream, pool, (), None)

    async def statuses(self, scans: Iterable[AnyScan]) -> list[ScanStatus]:
        """As `status`, of many, in their order."""
        at_once = asyncio.Semaphore(_READS_AT_ONCE)

        async def one(scan: AnyScan) -> ScanStatus:
            async with at_once:
                return await self.status(scan)

        return list(await asyncio.gather(*(one(scan) for scan in scans)))

    async def _requested(self, scan_id: str, pool: str | None) -> ScanStatus | None:
        """The scan as its request has it, while admission has not answered that."""
        subject = subjects.requested(pool or "*", scan_id)
        stored = await self._jetstream.last(subjects.SCAN_REQUESTS, subject)
        if stored is None:
            return None
        try:
            request = decode_scan_request(stored.body)
        except RequestInvalid as error:
            raise UnknownScan(f"what was asked for as {scan_id!r} is no valid request: {error}") from error
        waiting = describe_request(_pool(stored), scan_id, request, stored.time)
        try:
            return await self._with_reason(waiting)
        except TopologyMissing:  # of a pool that there is not: it will be told so by admission
            return waiting

    async def _events(self, scan_id: str, pool: str | None) -> list[Stored]:
        try:
            check_scan_id(scan_id)
        except InvalidName as error:
            raise UnknownScan(str(error)) from error
        pools = (await self.chosen_pool(pool),) if pool is not None else await self.pools()
        events = [
            await self._jetstream.last(subjects.pool_stream(name), subjects.events_of(name, scan_id)) for name in pools
        ]
        return [stored for stored in events if stored is not None]

    async def _unknown(self, pool: str) -> UnknownPool:
        known = await self.pools()
        try:
            check_pool_name(pool)
        except InvalidName as error:
            return UnknownPool(str(error))
        close = nearest(pool, known)
        hint = f"did you mean {close!r}?" if close else f"there are: {', '.join(known) or 'none'}"
        return UnknownPool(f"there is no pool {pool!r}; {hint}")


def _pool(stored: Stored) -> str:
    return stored.subject.split(".")[1]
