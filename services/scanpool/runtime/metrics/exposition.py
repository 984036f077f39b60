"""A process's metrics together, and how they are served."""

from __future__ import annotations

from dataclasses import dataclass

from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.exposition import choose_encoder

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
        self.work = Work(self.registry)
        self.shared = Shared(self.registry)
        ProcessCollector(registry=self.registry)

    def exposed(self, accept: str = "") -> Exposition:
        """Everything, in OpenMetrics with its exemplars where `accept` asks for that, else in Prometheus' format."""
        encode, content_type = choose_encoder(accept)
        return Exposition(body=encode(self.registry), content_type=content_type)
