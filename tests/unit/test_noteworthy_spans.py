"""Which spans of a process are worth sending."""

from __future__ import annotations

import pytest
from opentelemetry.context import Context
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor, Tracer, TracerProvider
from opentelemetry.trace import SpanContext, SpanKind, Status, StatusCode
from structlog.contextvars import bound_contextvars

from scanpool.runtime.noteworthy_spans import FAILURES_TOLD, HELD_BACK, NoteworthySpans


class Kept(SpanProcessor):
    """What was passed on."""

    def __init__(self) -> None:
        self.spans: list[ReadableSpan] = []

    def on_end(self, span: ReadableSpan) -> None:
        self.spans.append(span)

    @property
    def names(self) -> list[str]:
        return [each.name for each in self.spans]


@pytest.fixture
def kept() -> Kept:
    return Kept()


@pytest.fixture
def tracer(kept: Kept) -> Tracer:
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(NoteworthySpans(kept))
    tracer = provider.get_tracer("test")
    assert isinstance(tracer, Tracer)
    return tracer


def delivery(tracer: Tracer, *calls: str) -> None:
    """A delivery in which the scanner was called, and nothing came of it."""
    with tracer.start_as_current_span("process", kind=SpanKind.CONSUMER):
        for name in calls:
            tracer.start_span(name, kind=SpanKind.CLIENT).end()


def failing(tracer: Tracer) -> None:
    """A delivery that came to nothing since a call failed."""
    with tracer.start_as_current_span("process", kind=SpanKind.CONSUMER):
        call = tracer.start_span("call", kind=SpanKind.CLIENT)
        call.set_status(Status(StatusCode.ERROR))
        call.end()


def test_of_a_delivery_that_came_to_nothing_nothing_is_told(tracer: Tracer, kept: Kept) -> None:
    for _ in range(1000):
        delivery(tracer, "look")
    assert kept.names == []


def test_a_delivery_that_published_is_told_whole(tracer: Tracer, kept: Kept) -> None:
    with tracer.start_as_current_span("process", kind=SpanKind.CONSUMER):
        tracer.start_span("before", kind=SpanKind.CLIENT).end()
        with tracer.start_as_current_span("launch"):
            tracer.start_span("publish", kind=SpanKind.PRODUCER).end()
            tracer.start_span("after", kind=SpanKind.CLIENT).end()
    assert kept.names == ["before", "publish", "after", "launch", "process"]


def test_a_delivery_that_did_something_for_others_is_told(tracer: Tracer, kept: Kept) -> None:
    other = tracer.start_span("of another trace")
    with tracer.start_as_current_span("round", kind=SpanKind.CONSUMER) as span:
        span.add_link(other.get_span_context())
    assert kept.names == ["round"]


def test_failures_are_told_a_number_of_times_a_trace(tracer: Tracer, kept: Kept) -> None:
    with tracer.start_as_current_span("of the publisher") as publisher:
        context = publisher.get_span_context()
    for _ in range(FAILURES_TOLD + 10):
        with tracer.start_as_current_span("process", kind=SpanKind.CONSUMER, context=_remote(context)):
            call = tracer.start_span("call", kind=SpanKind.CLIENT)
            call.set_status(Status(StatusCode.ERROR))
            call.end()
    assert kept.names.count("process") == kept.names.count("call") == FAILURES_TOLD
    failing(tracer)
    assert kept.names.count("process") == FAILURES_TOLD + 1


def test_what_one_delivery_holds_back_is_bounded_and_the_newest_of_it_is_kept(tracer: Tracer, kept: Kept) -> None:
    with tracer.start_as_current_span("process", kind=SpanKind.CONSUMER):
        for number in range(10 * HELD_BACK):
            tracer.start_span(f"look {number}", kind=SpanKind.CLIENT).end()
        tracer.start_span("publish", kind=SpanKind.PRODUCER).end()
    assert len(kept.spans) == HELD_BACK + 1
    assert kept.names[-3:] == [f"look {10 * HELD_BACK - 1}", "publish", "process"]


def test_what_is_no_delivery_is_told_as_it_comes(tracer: Tracer, kept: Kept) -> None:
    with tracer.start_as_current_span("tools/call", kind=SpanKind.SERVER):
        tracer.start_span("within").end()
        assert kept.names == ["within"]
    assert kept.names == ["within", "tools/call"]


def test_every_span_says_what_the_log_lines_say_of_the_scan(tracer: Tracer, kept: Kept) -> None:
    with bound_contextvars(scan_id="one", pool="lab", service="poller"):
        tracer.start_span("call", attributes={"scanpool.service": "already said"}).end()
    assert dict(kept.spans[0].attributes or {}) == {
        "scanpool.scan.id": "one",
        "scanpool.pool": "lab",
        "scanpool.service": "already said",
    }


def _remote(context: SpanContext) -> Context:
    from opentelemetry.trace import NonRecordingSpan, set_span_in_context

    return set_span_in_context(NonRecordingSpan(context))
