"""Keeps the gauges of shared state: what the pools' streams and keys say, so that every process tells the same."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from scanpool.coordination.places import utilisation
from scanpool.coordination.pool_state import PoolState, pool_state
from scanpool.coordination.space import Room, measured
from scanpool.runtime import pool_counts
from scanpool.runtime.jetstream import JetStream
from scanpool.runtime.metrics import Metrics
from scanpool.runtime.metrics.shared import Shared
from scanpool_schemas.keys import Breaker, Load, ScannerRule
from scanpool_schemas.scan import lane_state

CIRCUIT = {"closed": 0, "half-open": 1, "open": 2}


async def rooms_of(jetstream: JetStream, pools: Sequence[str], store: Path | None) -> list[Room]:
    """Everything with a limit that the pools' scans need room in; `store` is the folder of a NATS of our own.

    Raises:
        BrokerError: NATS does not answer.
    """
    found = {room.what: room for pool in pools for room in await measured(jetstream, pool, store)}
    return list(found.values())


async def refresh(jetstream: JetStream, metrics: Metrics, pools: Sequence[str], rooms: Sequence[Room] = ()) -> None:
    """Set every gauge of the pools; what left the configuration is told no more.

    Raises:
        BrokerError: they could not be read; the gauges stay as they were.
    """
    now = datetime.now(UTC)
    states = {pool: state for pool in pools if (state := await pool_state(jetstream, pool, now)) is not None}
    dead_letters = await pool_counts.dead_letters(jetstream, "*")
    metrics.shared.clear()
    _set_all(metrics.shared, states, dead_letters)
    for room in rooms:
        metrics.shared.store_free.set(room.what, to=room.free_bytes / room.limit_bytes)
    metrics.shared.refreshed.set(to=now.timestamp())


def _set_all(shared: Shared, states: Mapping[str, PoolState], dead_letters: int) -> None:
    kinds = Counter((each.kind, each.enabled) for state in states.values() for each in state.rules.scanners)
    for (kind, enabled), number in kinds.items():
        shared.instances.set(kind, str(enabled).lower(), to=number)
    for pool, state in states.items():
        _set_pool(shared, pool, state)
        for scanner in state.rules.scanners:
            _set_scanner(shared, f"{pool}.{scanner.name}", scanner, state)
    shared.active.set(to=sum(state.active for state in states.values()))
    shared.dead_letters.set(to=dead_letters)
    shared.queue.set("requested", to=sum(state.requested for state in states.values()))
    for lane in pool_counts.LANES:
        shared.queue.set(lane_state(lane), to=sum(state.queued[lane] for state in states.values()))


def _set_pool(shared: Shared, pool: str, state: PoolState) -> None:
    shared.pool_capacity.set(pool, to=sum(load.capacity for load in state.loads.values()))
    shared.pool_active.set(pool, to=state.active)
    shared.pool_queue.set(pool, to=state.waiting)
    shared.pool_oldest.set(pool, to=state.oldest_waiting_s)
    shared.pool_dead_letters.set(pool, to=state.dead_letters)
    shared.pool_paused.set(pool, to=state.paused)
    shared.no_room.set(pool, to=not state.has_room)
    for name, info in state.consumers.items():
        shared.pool_scans.set(pool, name, to=info.unsettled)
        shared.pool_deliveries.set(pool, name, to=info.delivered.consumer_seq)
        shared.pool_pulls.set(pool, name, to=info.num_waiting)
    for lane in pool_counts.LANES:
        shared.pool_scans.set(pool, lane_state(lane), to=state.queued[lane])


def _set_scanner(shared: Shared, instance: str, scanner: ScannerRule, state: PoolState) -> None:
    load = state.loads.get(scanner.name, Load(capacity=0))
    shared.scanner_active.set(instance, to=len(load.holders))
    shared.scanner_capacity.set(instance, to=load.capacity)
    shared.scanner_utilization.set(instance, to=100 * utilisation(load))
    shared.scanner_cordoned.set(instance, to=state.cordoned(scanner.name))
    shared.circuit_state.set(instance, to=CIRCUIT[state.breakers.get(scanner.name, Breaker()).state])
    if scanner.enabled:
        known = state.health.get(scanner.name)
        shared.scanner_ready.set(instance, to=bool(known and known.ready))
