"""Whether spans are sent, and what becomes of those that cannot be."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest
import structlog
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

from scanpool.runtime.otlp import Wish, wish_of
from scanpool.runtime.span_export import WARN_EVERY_S, Tolerant

HERE = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318"}


@pytest.mark.parametrize(
    "environ",
    [
        HERE,
        {"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://collector:4318/v1/traces"},
        {"OTEL_TRACES_EXPORTER": "otlp"},
        {**HERE, "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf"},
        {**HERE, "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc", "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL": "http/protobuf"},
    ],
)
def test_spans_are_sent_where_the_environment_asks_for_it(environ: Mapping[str, str]) -> None:
    assert wish_of(environ, installed=True) == Wish(export=True)


@pytest.mark.parametrize(
    "environ",
    [{}, {**HERE, "OTEL_TRACES_EXPORTER": "none"}, {**HERE, "OTEL_SDK_DISABLED": "true"}, {"OTEL_SERVICE_NAME": "x"}],
)
def test_else_they_are_not_and_nothing_is_said(environ: Mapping[str, str]) -> None:
    assert wish_of(environ, installed=False) == Wish()


@pytest.mark.parametrize(
    ("environ", "installed", "said"),
    [
        (HERE, False, "install 'scanpool[otlp]'"),
        ({**HERE, "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}, True, "takes http/protobuf"),
        ({"OTEL_TRACES_EXPORTER": "zipkin"}, True, "takes otlp or none"),
    ],
)
def test_what_cannot_be_done_is_said(environ: Mapping[str, str], installed: bool, said: str) -> None:
    wish = wish_of(environ, installed=installed)
    assert not wish.export
    assert said in wish.problem


class Down(SpanExporter):
    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        del spans
        return SpanExportResult.FAILURE


def test_a_collector_that_is_down_is_told_now_and_then_with_what_was_dropped_since() -> None:
    at = 100.0
    exporter = Tolerant(Down(), clock=lambda: at)
    with structlog.testing.capture_logs() as lines:
        for _ in range(50):
            exporter.export([ReadableSpan("one")])
        at += WARN_EVERY_S
        exporter.export([ReadableSpan("one")])
    assert [(line["log_level"], line["spans"]) for line in lines] == [("warning", 1), ("warning", 50)]
