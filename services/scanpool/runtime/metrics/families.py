"""The three kinds of metrics. Labels are given by position, in the order in which they are declared.

A counter or a duration keeps the trace in which it last moved as an exemplar: the way from a number to a scan.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, disable_created_metrics

from scanpool.runtime.tracing import current_trace_id

disable_created_metrics()  # type: ignore[no-untyped-call]


class Count:
    """Something that happened, by this process; only grows."""

    kind = "counter"

    def __init__(self, registry: CollectorRegistry, name: str, meaning: str, *labels: str) -> None:
        """`name` ends in `_total`."""
        self.name = name
        self.meaning = meaning
        self.labels = labels
        self._counter = Counter(name, meaning, labels, registry=registry)

    def add(self, *values: str, by: float = 1, trace_id: str = "") -> None:
        """It happened `by` times, in the given trace or else the current one."""
        counter = self._counter.labels(*values) if self.labels else self._counter
        counter.inc(by, exemplar=_exemplar(trace_id))

    def begin(self, *values: str) -> None:
        """Say 0 until it happens for the first time: what appears with 1 has not grown, for Prometheus."""
        self._counter.labels(*values)


class Timing:
    """How long something took, in seconds, by this process."""

    kind = "histogram"

    def __init__(
        self, registry: CollectorRegistry, name: str, meaning: str, *labels: str, bounds_s: Sequence[float]
    ) -> None:
        """`bounds_s` are the buckets' upper bounds."""
        self.name = name
        self.meaning = meaning
        self.labels = labels
        self._histogram = Histogram(name, meaning, labels, registry=registry, buckets=bounds_s)

    def observe(self, *values: str, seconds: float, trace_id: str = "") -> None:
        """It took so long, in the given trace or else the current one."""
        histogram = self._histogram.labels(*values) if self.labels else self._histogram
        histogram.observe(seconds, exemplar=_exemplar(trace_id))


class Level:
    """How something stands; read from NATS, or true of this process."""

    kind = "gauge"

    def __init__(self, registry: CollectorRegistry, name: str, meaning: str, *labels: str) -> None:
        self.name = name
        self.meaning = meaning
        self.labels = labels
        self._gauge = Gauge(name, meaning, labels, registry=registry)

    def set(self, *values: str, to: float) -> None:
        """It stands so now."""
        (self._gauge.labels(*values) if self.labels else self._gauge).set(to)

    def clear(self) -> None:
        """Forget everything that has labels, before what there is now is told."""
        if self.labels:
            self._gauge.clear()


Family: TypeAlias = Count | Timing | Level


def _exemplar(trace_id: str) -> dict[str, str] | None:
    found = trace_id or current_trace_id()
    return {"trace_id": found} if found else None
