"""The three kinds of metrics, and the rows by which a table declares them.

Labels are given by position, in the order in which they are declared.

A counter or a duration keeps the trace in which it last moved as an exemplar: the way from a number to a scan.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import field
from functools import partial
from typing import TypeAlias

from prometheus_client import Counter, Gauge, Histogram, disable_created_metrics

from scanpool.runtime.tracing import current_trace_id

disable_created_metrics()  # type: ignore[no-untyped-call]


class Count:
    """Something that happened, by this process; only grows."""

    kind = "counter"

    def __init__(self, name: str, meaning: str, *labels: str) -> None:
        """`name` ends in `_total`."""
        self.name = name
        self.meaning = meaning
        self.labels = labels
        self.collector = Counter(name, meaning, labels, registry=None)

    def add(self, *values: str, by: float = 1, trace_id: str = "") -> None:
        """It happened `by` times, in the given trace or else the current one."""
        counter = self.collector.labels(*values) if self.labels else self.collector
        counter.inc(by, exemplar=_exemplar(trace_id))

    def begin(self, *values: str) -> None:
        """Say 0 until it happens for the first time: what appears with 1 has not grown, for Prometheus."""
        self.collector.labels(*values)


class Timing:
    """How long something took, in seconds, by this process."""

    kind = "histogram"

    def __init__(self, name: str, meaning: str, *labels: str, bounds_s: Sequence[float]) -> None:
        """`bounds_s` are the buckets' upper bounds."""
        self.name = name
        self.meaning = meaning
        self.labels = labels
        self.collector = Histogram(name, meaning, labels, registry=None, buckets=bounds_s)

    def observe(self, *values: str, seconds: float, trace_id: str = "") -> None:
        """It took so long, in the given trace or else the current one."""
        histogram = self.collector.labels(*values) if self.labels else self.collector
        histogram.observe(seconds, exemplar=_exemplar(trace_id))


class Level:
    """How something stands; read from NATS, or true of this process."""

    kind = "gauge"

    def __init__(self, name: str, meaning: str, *labels: str) -> None:
        self.name = name
        self.meaning = meaning
        self.labels = labels
        self.collector = Gauge(name, meaning, labels, registry=None)

    def set(self, *values: str, to: float) -> None:
        """It stands so now."""
        (self.collector.labels(*values) if self.labels else self.collector).set(to)

    def clear(self) -> None:
        """Forget everything that has labels, before what there is now is told."""
        if self.labels:
            self.collector.clear()


Family: TypeAlias = Count | Timing | Level


def count(name: str, meaning: str, *labels: str) -> Count:
    """A table's row: a `Count` of each instance's own."""
    return field(default_factory=partial(Count, name, meaning, *labels))


def timing(name: str, meaning: str, *labels: str, bounds_s: Sequence[float]) -> Timing:
    """A table's row: a `Timing` of each instance's own."""
    return field(default_factory=partial(Timing, name, meaning, *labels, bounds_s=bounds_s))


def level(name: str, meaning: str, *labels: str) -> Level:
    """A table's row: a `Level` of each instance's own."""
    return field(default_factory=partial(Level, name, meaning, *labels))


def _exemplar(trace_id: str) -> dict[str, str] | None:
    found = trace_id or current_trace_id()
    return {"trace_id": found} if found else None
