"""A collector of spans: an OTLP/HTTP receiver that keeps what it is sent, or refuses it."""

from __future__ import annotations

import gzip
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from scanpool.runtime.http import serving
from tests.support.eventually import eventually
from tests.support.ports import own_port

SOON = {"OTEL_BSP_SCHEDULE_DELAY": "200"}
"""Spans are sent sooner than every five seconds."""


@dataclass(frozen=True)
class Seen:
    """A span as it was sent."""

    service: str
    """The `service.name` of the process that made it."""
    name: str
    kind: str
    trace_id: str
    span_id: str
    parent_id: str
    began_ns: int
    ended_ns: int
    attributes: dict[str, Any]
    links: tuple[tuple[str, str], ...]
    """Trace and span of each."""
    is_error: bool
    events: int

    @property
    def lasted_s(self) -> float:
        return (self.ended_ns - self.began_ns) / 1e9


@dataclass
class Collector:
    """What came so far."""

    port: int
    spans: list[Seen] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    """As they came, unpacked."""
    status: int = 200
    """What it answers; what it refuses it does not keep."""
    asked: int = 0

    @property
    def environ(self) -> dict[str, str]:
        """Has a process send its spans here."""
        return {"OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{self.port}", **SOON}

    def trace(self, trace_id: str) -> list[Seen]:
        """The spans of a trace, in the order in which they began."""
        return sorted((each for each in self.spans if each.trace_id == trace_id), key=lambda each: each.began_ns)

    async def until(self, condition: Callable[[], bool], *, within_s: float = 30.0) -> None:
        """Wait until what came is what is wanted."""
        await eventually(condition, within_s=within_s)

    async def take(self, request: Request) -> Response:
        """One export."""
        body = await request.body()
        self.asked += 1
        if self.status == 200:
            plain = gzip.decompress(body) if request.headers.get("content-encoding") == "gzip" else body
            self.bodies.append(plain)
            self.spans += _read(plain)
        return Response(status_code=self.status, media_type="application/x-protobuf")


@asynccontextmanager
async def collecting() -> AsyncIterator[Collector]:
    """A collector that listens."""
    collector = Collector(port=own_port())
    app = Starlette(routes=[Route("/v1/traces", collector.take, methods=["POST"])])
    async with serving(app, "127.0.0.1", collector.port):
        yield collector


def _read(body: bytes) -> list[Seen]:
    request = ExportTraceServiceRequest()
    request.ParseFromString(body)
    return [
        _seen(str(_value_of("service.name", resource.resource.attributes)), span)
        for resource in request.resource_spans
        for scope in resource.scope_spans
        for span in scope.spans
    ]


def _seen(service: str, span: Span) -> Seen:
    return Seen(
        service=service,
        name=span.name,
        kind=Span.SpanKind.Name(span.kind).removeprefix("SPAN_KIND_"),
        trace_id=span.trace_id.hex(),
        span_id=span.span_id.hex(),
        parent_id=span.parent_span_id.hex(),
        began_ns=span.start_time_unix_nano,
        ended_ns=span.end_time_unix_nano,
        attributes={each.key: _plain(each.value) for each in span.attributes},
        links=tuple((link.trace_id.hex(), link.span_id.hex()) for link in span.links),
        is_error=span.status.code == Status.STATUS_CODE_ERROR,
        events=len(span.events),
    )


def _value_of(key: str, attributes: Any) -> object:
    return next((_plain(each.value) for each in attributes if each.key == key), None)


def _plain(value: AnyValue) -> object:
    kind = value.WhichOneof("value")
    return getattr(value, kind) if kind else None
