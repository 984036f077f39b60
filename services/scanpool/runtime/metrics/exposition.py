"""A process's metrics together, and how they are served."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.exposition import choose_encoder

from scanpool.runtime.metrics.families import Family
from scanpool.runtime.metrics.shared import Shared
from scanpool.runtime.metrics.work import Work


@dataclass(frozen=True, kw_only=True, slots=True)
class Exposition:
    """What is answered to who asks for metrics."""

    body: bytes
    content_type: str


class Metrics:
    """One process's metrics."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.work = Work()
        self.shared = Shared()
        for family in self.families:
            self.registry.register(family.collector)
        ProcessCollector(registry=self.registry)

    @property
    def families(self) -> Sequence[Family]:
        """Every metric of both tables, in their order."""
        return (*vars(self.work).values(), *vars(self.shared).values())

    def exposed(self, accept: str = "") -> Exposition:
        """Everything, in OpenMetrics with its exemplars where `accept` asks for that, else in Prometheus' format."""
        encode, content_type = choose_encoder(accept)
        return Exposition(body=encode(self.registry), content_type=content_type)
