"""Keeps the gauges of shared state, read from the pools' streams and keys."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from scanpool.coordination.places import utilisation
from scanpool.coordination.registry import read_rules
from scanpool.coordination.space import no_room
from scanpool.runtime.jetstream import JetStream
from scanpool.runtime.keys import read_key
from scanpool.runtime.metrics import Metrics
from scanpool_schemas import subjects
from scanpool_schemas.keys import Health, Load, PoolRules

_LANES = ("queued-high", "queued-normal", "queued-low")


@dataclass(frozen=True, kw_only=True, slots=True)
class PoolState:
    """What the gauges say of one pool."""

    rules: PoolRules
    loads: dict[str, Load]
    health: dict[str, Health]
    waiting: int
    """Scans that wait for a place, snoozed ones included."""
    has_room: bool
    """False where they wait for room in NATS."""


async def pool_state(jetstream: JetStream, pool: str) -> PoolState | None:
    """The pool as it is now; None until its rules were first written."""
    rules = await read_rules(jetstream, pool)
    if rules is None:
        return None
    stream = subjects.pool_stream(pool)
    loads: dict[str, Load] = {}
    health: dict[str, Health] = {}
    for scanner in rules.scanners:
        name = scanner.name
        load = await read_key(jetstream, pool, subjects.load_key(name), Load)
        loads[name] = load.value or Load(capacity=0)
        known = await read_key(jetstream, pool, subjects.health_key(name), Health)
        if known.value is not None:
            health[name] = known.value
    waiting = 0
    for lane in _LANES:
        info = await jetstream.api(f"CONSUMER.INFO.{stream}.{lane}", None, dict[str, Any])
        waiting += int(info["num_pending"]) + int(info["num_ack_pending"])
    short = await no_room(jetstream, pool, datetime.now(UTC))
    return PoolState(rules=rules, loads=loads, health=health, waiting=waiting, has_room=short is None)


async def refresh(jetstream: JetStream, metrics: Metrics, pools: tuple[str, ...]) -> None:
    """Set every gauge of the pools; what left the configuration is told no more."""
    states = {pool: state for pool in pools if (state := await pool_state(jetstream, pool)) is not None}
    metrics.clear_gauges()
    for pool, state in states.items():
        _set_pool(metrics, pool, state)
    metrics.active.set(sum(_taken(state) for state in states.values()))
    metrics.queue.labels("queued").set(sum(state.waiting for state in states.values()))


def _set_pool(metrics: Metrics, pool: str, state: PoolState) -> None:
    for scanner in state.rules.scanners:
        metrics.instances.labels(scanner.kind, str(scanner.enabled).lower()).inc()
        instance, load = f"{pool}.{scanner.name}", state.loads[scanner.name]
        metrics.scanner_active.labels(instance).set(len(load.holders))
        metrics.scanner_capacity.labels(instance).set(load.capacity)
        metrics.scanner_utilization.labels(instance).set(100 * utilisation(load))
        known = state.health.get(scanner.name)
        metrics.scanner_ready.labels(instance).set(bool(known and known.ready))
    metrics.pool_capacity.labels(pool).set(sum(load.capacity for load in state.loads.values()))
    metrics.pool_active.labels(pool).set(_taken(state))
    metrics.pool_queue.labels(pool).set(state.waiting)
    metrics.no_room.labels(pool).set(not state.has_room)


def _taken(state: PoolState) -> int:
    return sum(len(load.holders) for load in state.loads.values())
