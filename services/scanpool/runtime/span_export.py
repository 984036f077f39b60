"""Spans that are kept, and sent to a collector where the environment asks for it."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable, Sequence
from importlib.metadata import version

import structlog
from opentelemetry import trace
from opentelemetry.sdk.resources import OTELResourceDetector, Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult

from scanpool.runtime.noteworthy_spans import NoteworthySpans
from scanpool.runtime.otlp import is_installed, wish_of

FLUSH_S = 3.0
"""How long the last spans may take to be sent when a process ends."""
WARN_EVERY_S = 60.0
"""How often it is told that a collector takes no spans."""

log = structlog.get_logger(__name__)


def record_spans(service: str = "scanpool") -> None:
    """Make real spans in this process, so that every piece of work has a trace; send them where that is asked for.

    `service` is the process's `service.name`, where the environment gives it no other. The first call decides.
    What OpenTelemetry's own variables ask for is read from the process's environment, as its SDK reads the others.
    """
    if isinstance(trace.get_tracer_provider(), TracerProvider):
        return
    provider = TracerProvider(resource=_resource(service), shutdown_on_exit=False)
    wish = wish_of(os.environ, installed=is_installed())
    if wish.problem:
        log.warning("traces are not exported", why=wish.problem)
    if wish.export:
        _send(provider)
    trace.set_tracer_provider(provider)


def flush(within_s: float = FLUSH_S) -> None:
    """Send what was not sent yet; what the collector does not take in that time is lost."""
    provider = trace.get_tracer_provider()
    if isinstance(provider, TracerProvider):
        last = threading.Thread(target=provider.force_flush, name="last spans", daemon=True)
        last.start()
        last.join(within_s)


def _resource(service: str) -> Resource:
    """The environment's words win over ours."""
    own = Resource({"service.name": service, "service.version": version("scanpool")})
    return Resource.create().merge(own).merge(OTELResourceDetector().detect())


def _send(provider: TracerProvider) -> None:
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

    logging.getLogger("opentelemetry").setLevel(logging.CRITICAL)  # it tells every single failure
    provider.add_span_processor(NoteworthySpans(BatchSpanProcessor(Tolerant(OTLPSpanExporter()))))


class Tolerant(SpanExporter):
    """Hands spans to an exporter. Those that it cannot send are dropped, which is told now and then."""

    def __init__(self, exporter: SpanExporter, clock: Callable[[], float] = time.monotonic) -> None:
        self._exporter = exporter
        self._clock = clock
        self._dropped = 0
        self._quiet_until = 0.0

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Send them; called by one thread at a time."""
        result = self._exporter.export(spans)
        if result is SpanExportResult.FAILURE:
            self._dropped += len(spans)
            self._tell()
        return result

    def shutdown(self) -> None:
        """Send no more."""
        self._exporter.shutdown()

    def _tell(self) -> None:
        now = self._clock()
        if now < self._quiet_until:
            return
        log.warning("the collector takes no spans; they are dropped", spans=self._dropped)
        self._dropped, self._quiet_until = 0, now + WARN_EVERY_S
