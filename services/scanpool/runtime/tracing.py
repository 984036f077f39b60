"""W3C trace context: read from headers, carried in headers, shown on every log line."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from opentelemetry import trace
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from structlog.contextvars import bound_contextvars

_propagator = TraceContextTextMapPropagator()
_tracer = trace.get_tracer("scanpool")
_NO_TRACE = 0


@contextmanager
def continued(headers: Mapping[str, str], name: str) -> Iterator[None]:
    """Work inside a span that continues the trace of the headers; a new trace where they carry none."""
    context = _propagator.extract(_carrier(headers))
    with _tracer.start_as_current_span(name, context=context), bound_contextvars(trace_id=current_trace_id()):
        yield


def record_spans() -> None:
    """Make real spans in this process, so that every piece of work has a trace; called by service processes."""
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider

    if not isinstance(trace.get_tracer_provider(), TracerProvider):
        trace.set_tracer_provider(TracerProvider(resource=Resource.create({"service.name": "scanpool"})))


def trace_headers(trace_id: str = "") -> dict[str, str]:
    """The header that carries the given trace on; without one, the current trace or a new one.

    Work that somebody else's trace started (a tick, a cancel by hand) is told under the scan's own trace.
    """
    headers: dict[str, str] = {}
    current = current_trace_id()
    if current and trace_id in {"", current}:
        _propagator.inject(headers)
        return headers
    return {"traceparent": f"00-{trace_id or secrets.token_hex(16)}-{secrets.token_hex(8)}-01"}


def current_trace_id() -> str:
    """The current trace's id, 32 hex digits; empty where there is none."""
    trace_id = trace.get_current_span().get_span_context().trace_id
    return "" if trace_id == _NO_TRACE else f"{trace_id:032x}"


def trace_id_of(headers: Mapping[str, str]) -> str:
    """The trace id that the headers carry; empty where they carry none."""
    span = trace.get_current_span(_propagator.extract(_carrier(headers)))
    trace_id = span.get_span_context().trace_id
    return "" if trace_id == _NO_TRACE else f"{trace_id:032x}"


def _carrier(headers: Mapping[str, str]) -> dict[str, str]:
    """Some languages' clients write `Traceparent`."""
    return {name.lower(): value for name, value in headers.items()}
