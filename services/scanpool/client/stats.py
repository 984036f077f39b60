"""What there is to do in a pool and what keeps it from being done, as the server counts it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

import msgspec

from scanpool.client.breakers import BreakerStatus, read_breakers
from scanpool.client.lookup import Lookup
from scanpool.client.pools import Pools, ScannerStatus
from scanpool.runtime import pool_counts
from scanpool.runtime.jetstream import JetStream
from scanpool.runtime.keys import read_key
from scanpool.runtime.pool_counts import IN_FLIGHT, LANES
from scanpool_schemas import subjects
from scanpool_schemas.keys import Control, Hold, Load, Space
from scanpool_schemas.scan import lane_state


class PoolStats(msgspec.Struct, frozen=True, kw_only=True):
    """A pool in numbers."""

    pool: str
    paused: Hold | None
    no_room: Space | None = None
    """That nothing is admitted or placed, since NATS is nearly full."""
    requested: int
    """Asked for and not admitted yet."""
    queued: dict[str, int]
    """By lane: scans that wait for a place."""
    oldest_waiting_s: float | None
    """Since when the scan at the head of the queue waits; null where none waits."""
    in_flight: dict[str, int]
    """By state."""
    dead_scans: int
    """Given up, and not retried since."""
    dead_letters: int
    """What `list-dlq` lists: dead scans, and messages that never became a scan."""
    active: int
    """Places that are taken."""
    capacity: int
    scanners: tuple[ScannerStatus, ...]
    breakers_not_closed: tuple[BreakerStatus, ...]


async def pool_stats(jetstream: JetStream, pool: str, now: datetime) -> PoolStats:
    """The pool as it is now.

    Raises:
        UnknownPool: there is no such pool.
    """
    lookup = Lookup(jetstream)
    scanners = tuple(await Pools(jetstream, lookup, now=lambda: now).scanners(pool))
    control = (await read_key(jetstream, pool, subjects.CONTROL_KEY, Control)).value or Control()
    breakers = await read_breakers(jetstream, pool)
    lanes = {lane: await pool_counts.consumer(jetstream, pool, lane_state(lane)) for lane in LANES}
    holders = await _holders(jetstream, pool, scanners)
    return PoolStats(
        pool=pool,
        paused=control.paused if control.paused and control.paused.holds(now) else None,
        no_room=await lookup.no_room(pool, now),
        requested=await pool_counts.requested(jetstream, pool),
        queued={lane: await pool_counts.queued(jetstream, pool, lane, info, holders) for lane, info in lanes.items()},
        oldest_waiting_s=await pool_counts.oldest_waiting_s(jetstream, pool, lanes, now),
        in_flight={state: (await pool_counts.consumer(jetstream, pool, state)).unsettled for state in IN_FLIGHT},
        dead_scans=len(await pool_counts.dead_scans(jetstream, pool)),
        dead_letters=await pool_counts.dead_letters(jetstream, pool),
        active=sum(each.active for each in scanners),
        capacity=sum(each.capacity for each in scanners),
        scanners=scanners,
        breakers_not_closed=tuple(each for each in breakers if each.state != "closed"),
    )


async def _holders(jetstream: JetStream, pool: str, scanners: Iterable[ScannerStatus]) -> frozenset[str]:
    keys = [await read_key(jetstream, pool, subjects.load_key(each.name), Load) for each in scanners]
    return frozenset(holder for key in keys if key.value for holder in key.value.holders)
