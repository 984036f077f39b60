"""Spans of messages, by OpenTelemetry's conventions for messaging: what is published, what is handled of a delivery."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from opentelemetry.trace import SpanKind
from structlog.contextvars import bound_contextvars

from scanpool.runtime.delivery import Delivery, Server, server_of
from scanpool.runtime.tracing import Attributes, continued, span, span_of, trace_headers, trace_id_of, traceparent_of
from scanpool_schemas import subjects
from scanpool_schemas.names import is_valid_pool_name, is_valid_scan_id

SCAN_ID = "scanpool.scan.id"
POOL = "scanpool.pool"
SERVICE = "scanpool.service"
SCANNER = "scanpool.scanner"
ATTEMPT = "scanpool.attempt"
RUN = "scanpool.run"
OUTCOME = "scanpool.outcome"


@dataclass(frozen=True, kw_only=True, slots=True)
class Message:
    """A message that is about to be published."""

    subject: str
    size_bytes: int
    id: str = ""
    server: Server | None = None
    more: Attributes = field(default_factory=dict)


@contextmanager
def processing(delivery: Delivery, service: str) -> Iterator[None]:
    """The handling of a delivery: a span in the trace of whoever published it; log lines within say whose they are."""
    attributes: dict[str, str | int | float | bool] = {
        **_attributes(delivery.subject, "process", "process", server_of(delivery.client)),
        "messaging.message.id": _id_of(delivery),
        "messaging.message.body.size": len(delivery.body),
        "messaging.consumer.group.name": delivery.consumer,
        "scanpool.stream": delivery.stream,
        "scanpool.delivery": delivery.attempt,
        SERVICE: service,
    }
    name = f"process {template(delivery.subject)}"
    said = {"subject": delivery.subject, "service": service, **_scan_of(delivery.subject)}
    with (
        bound_contextvars(**said),
        continued(delivery.headers, name, kind=SpanKind.CONSUMER, attributes=attributes),
    ):
        yield


@contextmanager
def publishing(message: Message) -> Iterator[dict[str, str]]:
    """A publish as a part of the work at hand; yields the headers that carry its trace on."""
    name = f"publish {template(message.subject)}"
    with span(name, kind=SpanKind.PRODUCER, attributes=_published(message)):
        yield trace_headers()


@contextmanager
def publishing_for(trace_id: str, traceparent: str, message: Message) -> Iterator[dict[str, str]]:
    """A publish in the given trace, after the span that `traceparent` names; yields the headers that carry it on."""
    name = f"publish {template(message.subject)}"
    with span_of(trace_id, traceparent, name, kind=SpanKind.PRODUCER, attributes=_published(message)):
        yield trace_headers(trace_id)


@contextmanager
def deleting(pool: str, scan_id: str, headers: Mapping[str, str]) -> Iterator[None]:
    """The end of a scan's retention: a span in its own trace, after that of its last event, which has the headers."""
    attributes = {SCAN_ID: scan_id, POOL: pool}
    traceparent = traceparent_of(headers)
    with span_of(trace_id_of(headers), traceparent, "delete", kind=SpanKind.INTERNAL, attributes=attributes):
        yield


def template(subject: str) -> str:
    """The subject with names of pools and scans left open: what spans of one kind have in common."""
    match subject.split("."):
        case ["scan", _, kind, _]:
            return f"scan.{{pool}}.{kind}.{{id}}"
        case ["dlq", *_]:
            return "dlq.{pool}.{stage}.{id}.{sequence}"
        case [first, *_]:
            return first + ".{job}" if first in {"tick", "sched"} else first
        case _:
            return subject


def _published(message: Message) -> Attributes:
    return {
        **_attributes(message.subject, "publish", "send", message.server),
        **({"messaging.message.id": message.id} if message.id else {}),
        "messaging.message.body.size": message.size_bytes,
        **message.more,
    }


def _attributes(subject: str, name: str, kind: str, server: Server | None) -> dict[str, str | int | float | bool]:
    scan = _scan_of(subject)
    attributes: dict[str, str | int | float | bool] = {
        "messaging.system": "nats",
        "messaging.operation.name": name,
        "messaging.operation.type": kind,
        "messaging.destination.name": subject,
        "messaging.destination.template": template(subject),
        **({SCAN_ID: scan["scan_id"], POOL: scan["pool"]} if scan else {}),
    }
    if server is not None:
        attributes |= {"server.address": server.host, "server.port": server.port}
    return attributes


def _scan_of(subject: str) -> Mapping[str, str]:
    """Pool and scan that the subject names; nothing where it names none, or not as we name them."""
    parts = subjects.parse_scan_subject(subject)
    if parts is None or not is_valid_pool_name(parts.pool) or not is_valid_scan_id(parts.scan_id):
        return {}
    return {"pool": parts.pool, "scan_id": parts.scan_id}


def _id_of(delivery: Delivery) -> str:
    return delivery.headers.get("ce-id") or f"{delivery.stream}:{delivery.sequence}"
