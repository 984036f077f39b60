"""How a pool stands, read from its streams and keys, for the gauges."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from scanpool.coordination.control import holding, read_control
from scanpool.coordination.registry import read_rules
from scanpool.coordination.space import no_room
from scanpool.runtime import pool_counts
from scanpool.runtime.jetstream import JetStream
from scanpool.runtime.keys import read_key
from scanpool.runtime.pool_counts import IN_FLIGHT, LANES, ConsumerInfo
from scanpool_schemas import subjects
from scanpool_schemas.keys import Breaker, Control, Health, Load, PoolRules
from scanpool_schemas.request import Priority
from scanpool_schemas.scan import StateName, lane_state

_KeyT = TypeVar("_KeyT", Load, Health, Breaker)


@dataclass(frozen=True, kw_only=True, slots=True)
class PoolState:
    """What the gauges say of one pool."""

    at: datetime
    rules: PoolRules
    control: Control
    loads: Mapping[str, Load]
    """By scanner, as the next two."""
    health: Mapping[str, Health]
    breakers: Mapping[str, Breaker]
    requested: int
    """Scans that wait to be admitted."""
    queued: Mapping[Priority, int]
    """Scans that wait for a place, snoozed ones included."""
    oldest_waiting_s: float
    consumers: Mapping[StateName, ConsumerInfo]
    dead_letters: int
    has_room: bool
    """False where scans wait for room in NATS."""

    @property
    def waiting(self) -> int:
        """Scans that wait for a place."""
        return sum(self.queued.values())

    @property
    def active(self) -> int:
        """Places that are taken."""
        return sum(len(load.holders) for load in self.loads.values())

    @property
    def paused(self) -> bool:
        return holding(self.control.paused, self.at) is not None

    def cordoned(self, scanner: str) -> bool:
        """Whether a person lets the scanner have no scan."""
        return holding(self.control.cordoned.get(scanner), self.at) is not None


async def pool_state(jetstream: JetStream, pool: str, now: datetime) -> PoolState | None:
    """The pool as it is now; None until its rules were first written.

    Raises:
        BrokerError: it could not be read.
    """
    rules = await read_rules(jetstream, pool)
    if rules is None:
        return None
    names = [scanner.name for scanner in rules.scanners]
    loads = await _keys(jetstream, pool, {name: subjects.load_key(name) for name in names}, Load)
    holders = {holder for load in loads.values() for holder in load.holders}
    lanes = {lane: await pool_counts.consumer(jetstream, pool, lane_state(lane)) for lane in LANES}
    flight = {state: await pool_counts.consumer(jetstream, pool, state) for state in IN_FLIGHT}
    return PoolState(
        at=now,
        rules=rules,
        control=await read_control(jetstream, pool),
        loads={name: loads.get(name) or Load(capacity=0) for name in names},
        health=await _keys(jetstream, pool, {name: subjects.health_key(name) for name in names}, Health),
        breakers=await _keys(jetstream, pool, {name: subjects.breaker_key(name) for name in names}, Breaker),
        requested=await pool_counts.requested(jetstream, pool),
        queued={lane: await pool_counts.queued(jetstream, pool, lane, info, holders) for lane, info in lanes.items()},
        oldest_waiting_s=await pool_counts.oldest_waiting_s(jetstream, pool, lanes, now) or 0.0,
        consumers={lane_state(lane): info for lane, info in lanes.items()} | flight,
        dead_letters=await pool_counts.dead_letters(jetstream, pool),
        has_room=await no_room(jetstream, pool, now) is None,
    )


async def _keys(jetstream: JetStream, pool: str, keys: Mapping[str, str], kind: type[_KeyT]) -> dict[str, _KeyT]:
    """By scanner; those that have no such key are left out."""
    found = {name: await read_key(jetstream, pool, key, kind) for name, key in keys.items()}
    return {name: key.value for name, key in found.items() if key.value is not None}
