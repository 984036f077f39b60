"""Trace context in headers."""

from __future__ import annotations

import re

import pytest
import structlog

from scanpool.runtime.span_export import record_spans
from scanpool.runtime.tracing import continued, current_trace_id, trace_headers, trace_id_of

TRACE = "0af7651916cd43dd8448eb211c80319c"
HEADERS = {"traceparent": f"00-{TRACE}-b7ad6b7169203331-01", "tracestate": "vendor=1"}


@pytest.fixture(autouse=True)
def _spans() -> None:
    record_spans()


def test_work_goes_on_in_the_trace_of_its_headers_and_hands_it_on() -> None:
    with continued(HEADERS, "poller"):
        onward = trace_headers()
    assert trace_id_of(onward) == TRACE
    assert onward.keys() == {"traceparent"}  # the rest is free text of whoever began it
    assert onward["traceparent"] != HEADERS["traceparent"]


@pytest.mark.parametrize("name", ["traceparent", "Traceparent", "TRACEPARENT"])
def test_the_header_is_found_in_whatever_case_a_publisher_wrote_it(name: str) -> None:
    assert trace_id_of({name: HEADERS["traceparent"]}) == TRACE


@pytest.mark.parametrize("headers", [{}, {"traceparent": "rubbish"}, {"traceparent": f"00-{'0' * 32}-{'0' * 16}-01"}])
def test_work_without_a_trace_begins_one(headers: dict[str, str]) -> None:
    assert trace_id_of(headers) == ""
    with continued(headers, "admission"):
        begun = current_trace_id()
        assert trace_id_of(trace_headers()) == begun
    assert re.fullmatch("[0-9a-f]{32}", begun)
    assert current_trace_id() == ""


def test_a_scan_is_told_under_its_own_trace_whatever_the_work_was_started_by() -> None:
    with continued({}, "janitor"):
        assert trace_id_of(trace_headers(TRACE)) == TRACE


def test_outside_of_any_work_the_given_trace_is_carried_or_a_new_one() -> None:
    assert trace_id_of(trace_headers(TRACE)) == TRACE
    one, other = trace_id_of(trace_headers()), trace_id_of(trace_headers())
    assert one
    assert other
    assert one != other


def test_the_trace_id_stands_on_every_log_line_within() -> None:
    with continued(HEADERS, "poller"):
        assert structlog.contextvars.get_contextvars()["trace_id"] == TRACE
    assert "trace_id" not in structlog.contextvars.get_contextvars()
