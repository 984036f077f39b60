"""The metrics that every service serves, by their established names."""

from __future__ import annotations

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    disable_created_metrics,
    generate_latest,
)

disable_created_metrics()  # type: ignore[no-untyped-call]


class Metrics:
    """One process's metrics. Gauges of shared state are read from NATS, so every replica tells the same."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._gauges: list[Gauge] = []
        self.scans = self._counter("nessus_scans", "Scans that ended, by this process", "scan_type", "status")
        self.settled = self._counter("scanpool_deliveries", "Deliveries settled, by this process", "stage", "outcome")
        self.api_requests = self._counter(
            "nessus_api_requests", "Calls to scanners, and of the bridge's tools, by this process", "tool", "status"
        )
        self.api_seconds = Histogram(
            "scanpool_scanner_request_seconds",
            "Duration of calls to scanners",
            ("tool",),
            registry=self.registry,
        )
        self.validations = self._counter("nessus_validation", "Reports read, by this process", "pool", "result")
        self.deleted = self._counter(
            "nessus_ttl_deletions", "What was deleted since it was over, by this process", "kind"
        )
        self.freed_bytes = self._counter(
            "scanpool_ttl_freed_bytes", "Bytes of what was deleted, by this process", "kind"
        )
        self.repairs = self._counter("scanpool_place_repairs", "Places put right, by this process", "kind")
        self.overdue = self._counter("scanpool_overdue_scans", "Scans ended since they were overdue, by this process")
        self.disagreements = self._counter(
            "scanpool_place_disagreements", "Places and events found to disagree, once a round, by this process", "pool"
        )
        self.rounds = Histogram(
            "scanpool_janitor_round_seconds", "Duration of the janitor's rounds", registry=self.registry
        )
        self.no_room = self._gauge("scanpool_no_room", "1 where scans of the pool wait for room in NATS", "pool")
        self.active = self._gauge("nessus_active_scans", "Scans that hold a place, all pools")
        self.instances = self._gauge("nessus_scanner_instances", "Scanners configured", "scanner_type", "enabled")
        self.scanner_active = self._gauge(
            "nessus_scanner_active_scans", "Scans that hold a place on the scanner", "scanner_instance"
        )
        self.scanner_capacity = self._gauge("nessus_scanner_capacity", "Places of the scanner", "scanner_instance")
        self.scanner_utilization = self._gauge(
            "nessus_scanner_utilization_pct",
            "Share of the scanner's places taken, 0 to 100",
            "scanner_instance",
        )
        self.scanner_ready = self._gauge(
            "scanpool_scanner_ready", "1 where the scanner was ready when last looked at", "scanner_instance"
        )
        self.pool_capacity = self._gauge("nessus_pool_total_capacity", "Places of the pool", "pool")
        self.pool_active = self._gauge("nessus_pool_total_active", "Places of the pool taken", "pool")
        self.pool_queue = self._gauge("nessus_pool_queue_depth", "Scans of the pool that wait for a place", "pool")
        self.queue = self._gauge("nessus_queue_depth", "Scans that wait for a place, all pools", "queue")

    def clear_gauges(self) -> None:
        """Forget every pool and scanner, before those that there are now are told."""
        for gauge in self._gauges:
            gauge.clear()

    def text(self) -> bytes:
        """Everything in Prometheus' text format."""
        return generate_latest(self.registry)

    def _counter(self, name: str, what: str, *labels: str) -> Counter:
        return Counter(name, what, labels, registry=self.registry)

    def _gauge(self, name: str, what: str, *labels: str) -> Gauge:
        gauge = Gauge(name, what, labels, registry=self.registry)
        if labels:
            self._gauges.append(gauge)
        return gauge
