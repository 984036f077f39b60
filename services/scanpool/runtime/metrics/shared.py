"""How the pools stand, read from their streams and keys: every process that serves a pool tells the same.

Over processes take `max by`, never `sum`. Names without a pool are over the pools that the process serves.
"""

from __future__ import annotations

from prometheus_client import CollectorRegistry

from scanpool.runtime.metrics.families import Level


class Shared:
    """How the pools stand."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.active = Level(registry, "nessus_active_scans", "Scans that hold a place on a scanner.")
        self.instances = Level(
            registry, "nessus_scanner_instances", "Scanners in the configuration.", "scanner_type", "enabled"
        )
        self.queue = Level(
            registry,
            "nessus_queue_depth",
            "Scans that wait, those put off included: `requested` for admission, `queued-high`, `queued-normal` and "
            "`queued-low` for a place.",
            "queue",
        )
        self.dead_letters = Level(
            registry,
            "nessus_dlq_size",
            "Dead letters: scans given up and not retried, and messages that never became one.",
        )
        self.scanner_active = Level(
            registry, "nessus_scanner_active_scans", "Scans that hold a place on the scanner.", "scanner_instance"
        )
        self.scanner_capacity = Level(registry, "nessus_scanner_capacity", "Places of the scanner.", "scanner_instance")
        self.scanner_utilization = Level(
            registry,
            "nessus_scanner_utilization_pct",
            "Share of the scanner's places that is taken, 0 to 100; more where its places were made fewer.",
            "scanner_instance",
        )
        self.scanner_ready = Level(
            registry,
            "scanpool_scanner_ready",
            "1 where the scanner was ready when it was last looked at. Enabled scanners only.",
            "scanner_instance",
        )
        self.scanner_cordoned = Level(
            registry, "scanpool_scanner_cordoned", "1 where a person lets it have no scan.", "scanner_instance"
        )
        self.circuit_state = Level(
            registry,
            "nessus_circuit_state",
            "The scanner's breaker: 0 closed, 1 half-open, 2 open.",
            "scanner_instance",
        )
        self.pool_capacity = Level(registry, "nessus_pool_total_capacity", "Places of the pool.", "pool")
        self.pool_active = Level(registry, "nessus_pool_total_active", "Places of the pool that are taken.", "pool")
        self.pool_queue = Level(
            registry,
            "nessus_pool_queue_depth",
            "Scans of it that wait for a place, those put off included.",
            "pool",
        )
        self.pool_dead_letters = Level(registry, "nessus_pool_dlq_depth", "Dead letters of the pool.", "pool")
        self.pool_oldest = Level(
            registry,
            "scanpool_pool_oldest_waiting_seconds",
            "How long the scan at the head of the pool's queue has waited; 0 where none waits.",
            "pool",
        )
        self.pool_paused = Level(registry, "scanpool_pool_paused", "1 where a person paused the pool.", "pool")
        self.no_room = Level(
            registry, "scanpool_no_room", "1 where scans of the pool wait since NATS has no room for more.", "pool"
        )
        self.pool_scans = Level(
            registry, "scanpool_pool_scans", "Scans of the pool in each state that a service acts on.", "pool", "state"
        )
        self.pool_deliveries = Level(
            registry,
            "scanpool_pool_deliveries",
            "Deliveries that the state's consumer made since it was created: grows while somebody takes them.",
            "pool",
            "state",
        )
        self.pool_pulls = Level(
            registry,
            "scanpool_pool_pulls",
            "Pulls that wait at the state's consumer. 0 for long: no process takes its events, or all are full.",
            "pool",
            "state",
        )
        self.store_free = Level(
            registry,
            "scanpool_store_free_ratio",
            "Share, 0 to 1, that is left of what limits NATS: its account, a stream, its disk where it is our own. "
            "Without a limit nothing is told; the bridge tells nothing of it.",
            "store",
        )
        self.refreshed = Level(
            registry, "scanpool_gauges_refreshed_seconds", "When this was last read from NATS, in Unix time."
        )

    def clear(self) -> None:
        """Forget every pool and scanner, before those that there are now are told."""
        for level in vars(self).values():
            level.clear()
