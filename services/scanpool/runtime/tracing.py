"""W3C trace context and spans: read from headers, carried in headers, shown on every log line.

Needs nothing but OpenTelemetry's API: without its SDK spans are not kept, and a trace is only handed on.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import Link, Span, SpanKind, Status, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from structlog.contextvars import bound_contextvars

_propagator = TraceContextTextMapPropagator()
_tracer = trace.get_tracer("scanpool")
_NO_TRACE = 0

Attributes = Mapping[str, str | int | float | bool]


@contextmanager
def continued(
    headers: Mapping[str, str], name: str, *, kind: SpanKind = SpanKind.INTERNAL, attributes: Attributes | None = None
) -> Iterator[None]:
    """Work inside a span that continues the trace of the headers; a new trace where they carry none."""
    context = _context(_carrier(headers))
    with (
        _opened(name, context=context, kind=kind, attributes=attributes),
        bound_contextvars(trace_id=current_trace_id()),
    ):
        yield


@contextmanager
def span(name: str, *, kind: SpanKind = SpanKind.INTERNAL, attributes: Attributes | None = None) -> Iterator[Span]:
    """A part of the work at hand."""
    with _opened(name, kind=kind, attributes=attributes) as opened:
        yield opened


@contextmanager
def span_of(
    trace_id: str, traceparent: str, name: str, *, kind: SpanKind, attributes: Attributes | None = None
) -> Iterator[None]:
    """Work for the trace, whatever the work at hand was begun by; where that is another trace, both are linked.

    `traceparent` says which span of the trace it follows; it may be empty, or of another trace, which is then ignored.
    """
    at_hand = trace.get_current_span()
    if not trace_id or current_trace_id() == trace_id:
        with _opened(name, kind=kind, attributes=attributes):
            yield
        return
    links = [Link(at_hand.get_span_context())] if at_hand.get_span_context().is_valid else []
    context = _context({"traceparent": _of_trace(trace_id, traceparent)})
    with _opened(name, context=context, kind=kind, attributes=attributes, links=links) as opened:
        at_hand.add_link(opened.get_span_context())
        yield


def past(name: str, traceparent: str, began: datetime, ended: datetime, attributes: Attributes) -> None:
    """A span of what is over, beside what followed the span that `traceparent` names; none where it names none."""
    context = _context({"traceparent": traceparent})
    if not trace.get_current_span(context).get_span_context().is_valid:
        return
    told = _tracer.start_span(name, context=context, attributes=attributes, start_time=_nanoseconds(began))
    told.end(_nanoseconds(ended))


def note(attributes: Attributes) -> None:
    """Say more of the work at hand."""
    trace.get_current_span().set_attributes(attributes)


def failed(kind: str) -> None:
    """The work at hand failed; `kind` is a code or an exception's name, never its text, which may repeat anything."""
    current = trace.get_current_span()
    current.set_attribute("error.type", kind)
    current.set_status(Status(StatusCode.ERROR))


def is_recorded() -> bool:
    """Whether there is work at hand of which spans are kept."""
    return trace.get_current_span().is_recording()


def trace_headers(trace_id: str = "") -> dict[str, str]:
    """The header that carries the given trace on; without one, the current trace or a new one.

    Work that somebody else's trace started (a tick, a cancel by hand) is told under the scan's own trace.
    """
    headers: dict[str, str] = {}
    current = current_trace_id()
    if current and trace_id in {"", current}:
        _propagator.inject(headers)
        return {"traceparent": headers["traceparent"]}  # `tracestate` is free text of whoever began the trace
    return {"traceparent": f"00-{trace_id or secrets.token_hex(16)}-{secrets.token_hex(8)}-01"}


def current_trace_id() -> str:
    """The current trace's id, 32 hex digits; empty where there is none."""
    return _trace_id(trace.get_current_span())


def trace_id_of(headers: Mapping[str, str]) -> str:
    """The trace id that the headers carry; empty where they carry none."""
    return _trace_id(trace.get_current_span(_context(_carrier(headers))))


def traceparent_of(headers: Mapping[str, str]) -> str:
    """The header `traceparent` as it stands there; empty where it does not."""
    return _carrier(headers).get("traceparent", "")


@contextmanager
def _opened(
    name: str,
    *,
    context: Context | None = None,
    kind: SpanKind = SpanKind.INTERNAL,
    attributes: Attributes | None = None,
    links: list[Link] | None = None,
) -> Iterator[Span]:
    """An error that passes is told by its kind alone: its text may repeat anything, and a span goes far."""
    with _tracer.start_as_current_span(
        name,
        context=context,
        kind=kind,
        attributes=attributes,
        links=links,
        record_exception=False,
        set_status_on_exception=False,
    ) as opened:
        try:
            yield opened
        except Exception as error:
            failed(type(error).__name__)
            raise


def _of_trace(trace_id: str, traceparent: str) -> str:
    if trace_id_of({"traceparent": traceparent}) == trace_id:
        return traceparent
    return f"00-{trace_id}-{secrets.token_hex(8)}-01"


def _context(carrier: Mapping[str, str]) -> Context:
    """Of the carrier alone: what is not in it is not taken from the work at hand."""
    return _propagator.extract(carrier, context=Context())


def _trace_id(of: Span) -> str:
    trace_id = of.get_span_context().trace_id
    return "" if trace_id == _NO_TRACE else f"{trace_id:032x}"


def _nanoseconds(at: datetime) -> int:
    return int(at.timestamp() * 1e6) * 1000


def _carrier(headers: Mapping[str, str]) -> dict[str, str]:
    """Some languages' clients write `Traceparent`."""
    return {name.lower(): value for name, value in headers.items()}
