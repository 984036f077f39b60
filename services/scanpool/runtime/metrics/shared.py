"""How the pools stand, read from their streams and keys: every process that serves a pool tells the same.

Over processes take `max by`, never `sum`. Names without a pool are over the pools that the process serves.
"""

# ruff: noqa: RUF009 (a row is a dataclass's field)

from __future__ import annotations

from dataclasses import dataclass

from scanpool.runtime.metrics.families import Level, level


@dataclass(frozen=True, kw_only=True)
class Shared:
    """How the pools stand."""

    active: Level = level("nessus_active_scans", "Scans that hold a place on a scanner.")
    instances: Level = level("nessus_scanner_instances", "Scanners in the configuration.", "scanner_type", "enabled")
    queue: Level = level(
        "nessus_queue_depth",
        "Scans that wait, those put off included: `requested` for admission, `queued-high`, `queued-normal` and "
        "`queued-low` for a place.",
        "queue",
    )
    dead_letters: Level = level(
        "nessus_dlq_size", "Dead letters: scans given up and not retried, and messages that never became one."
    )
    scanner_active: Level = level(
        "nessus_scanner_active_scans", "Scans that hold a place on the scanner.", "scanner_instance"
    )
    scanner_capacity: Level = level("nessus_scanner_capacity", "Places of the scanner.", "scanner_instance")
    scanner_utilization: Level = level(
        "nessus_scanner_utilization_pct",
        "Share of the scanner's places that is taken, 0 to 100; more where its places were made fewer.",
        "scanner_instance",
    )
    scanner_ready: Level = level(
        "scanpool_scanner_ready",
        "1 where the scanner was ready when it was last looked at. Enabled scanners only.",
        "scanner_instance",
    )
    scanner_cordoned: Level = level(
        "scanpool_scanner_cordoned", "1 where a person lets it have no scan.", "scanner_instance"
    )
    circuit_state: Level = level(
        "nessus_circuit_state", "The scanner's breaker: 0 closed, 1 half-open, 2 open.", "scanner_instance"
    )
    pool_capacity: Level = level("nessus_pool_total_capacity", "Places of the pool.", "pool")
    pool_active: Level = level("nessus_pool_total_active", "Places of the pool that are taken.", "pool")
    pool_queue: Level = level(
        "nessus_pool_queue_depth", "Scans of it that wait for a place, those put off included.", "pool"
    )
    pool_dead_letters: Level = level("nessus_pool_dlq_depth", "Dead letters of the pool.", "pool")
    pool_oldest: Level = level(
        "scanpool_pool_oldest_waiting_seconds",
        "How long the scan at the head of the pool's queue has waited; 0 where none waits.",
        "pool",
    )
    pool_paused: Level = level("scanpool_pool_paused", "1 where a person paused the pool.", "pool")
    no_room: Level = level(
        "scanpool_no_room", "1 where scans of the pool wait since NATS has no room for more.", "pool"
    )
    pool_scans: Level = level(
        "scanpool_pool_scans", "Scans of the pool in each state that a service acts on.", "pool", "state"
    )
    pool_deliveries: Level = level(
        "scanpool_pool_deliveries",
        "Deliveries that the state's consumer made since it was created: grows while somebody takes them.",
        "pool",
        "state",
    )
    pool_pulls: Level = level(
        "scanpool_pool_pulls",
        "Pulls that wait at the state's consumer. 0 for long: no process takes its events, or all are full.",
        "pool",
        "state",
    )
    store_free: Level = level(
        "scanpool_store_free_ratio",
        "Share, 0 to 1, that is left of what limits NATS: its account, a stream, its disk where it is our own. "
        "Without a limit nothing is told; the bridge tells nothing of it.",
        "store",
    )
    refreshed: Level = level("scanpool_gauges_refreshed_seconds", "When this was last read from NATS, in Unix time.")

    def clear(self) -> None:
        """Forget every pool and scanner, before those that there are now are told."""
        for each in vars(self).values():
            each.clear()
