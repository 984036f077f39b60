"""Keeps a trace readable: of the deliveries that came to nothing, spans are dropped.

A scan that runs for a day is looked at a thousand times, and one that waits is delivered every few seconds. What
such a delivery did is known only when it is over, so that its spans are held back until then: they are passed on where
something was published in it, or where something failed in it, the latter a number of times a trace.
"""

from __future__ import annotations

import threading
from collections import OrderedDict, deque
from dataclasses import dataclass, field

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.sdk.trace import ReadableSpan, Span, SpanProcessor
from opentelemetry.trace import SpanKind, StatusCode
from structlog.contextvars import get_contextvars

HELD_BACK = 128
"""Spans of one delivery, the newest: an export is asked for every second whether it is ready."""
FAILURES_TOLD = 20
"""Deliveries of one trace that came to nothing but a failure, of which this process tells."""
TRACES_REMEMBERED = 4096
"""Of which failures are counted."""
_BOUND = {"scan_id": "scanpool.scan.id", "pool": "scanpool.pool", "service": "scanpool.service"}
"""What is bound to log lines, and the attribute of spans that says the same."""


@dataclass(slots=True)
class _Work:
    """What one local root, and all spans within it, came to."""

    root: int
    is_delivery: bool
    held_back: deque[ReadableSpan] = field(default_factory=lambda: deque(maxlen=HELD_BACK))
    is_told: bool = False
    has_failed: bool = False


class NoteworthySpans(SpanProcessor):
    """Passes on to the next processor what is worth it, and says on each span whose scan it is of.

    Spans end in any thread; a lock guards what is remembered of those that are open.
    """

    def __init__(self, next_: SpanProcessor) -> None:
        self._next = next_
        self._open: dict[int, _Work] = {}
        self._failures: OrderedDict[int, int] = OrderedDict()
        self._lock = threading.Lock()

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        """Say whose scan it is of, and to which work it belongs."""
        bound = get_contextvars()
        known = span.attributes or {}
        said = {name: str(bound[key]) for key, name in _BOUND.items() if bound.get(key) and name not in known}
        span.set_attributes(said)
        parent = trace.get_current_span(parent_context).get_span_context().span_id
        own = span.get_span_context().span_id
        with self._lock:
            work = self._open.get(parent) or _Work(root=own, is_delivery=span.kind is SpanKind.CONSUMER)
            self._open[own] = work
        self._next.on_start(span, parent_context)

    def on_end(self, span: ReadableSpan) -> None:
        """Pass it on, hold it back, or drop it with all that was held back."""
        with self._lock:
            tellable = self._tellable(span)
        for each in tellable:
            self._next.on_end(each)

    def shutdown(self) -> None:
        self._next.shutdown()

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        return self._next.force_flush(timeout_millis)

    def _tellable(self, span: ReadableSpan) -> list[ReadableSpan]:
        context = span.get_span_context()
        work = self._open.pop(context.span_id, None) if context else None
        if work is None or context is None or not work.is_delivery:
            return [span]
        work.held_back.append(span)
        work.has_failed |= span.status.status_code is StatusCode.ERROR
        is_root = context.span_id == work.root
        # what goes on without the delivery, once it is over, is told or not as the delivery was
        work.is_told |= _changed_something(span) or (is_root and work.has_failed and self._may_tell(context.trace_id))
        if not work.is_told and not is_root:
            return []
        tellable = list(work.held_back) if work.is_told else []
        work.held_back.clear()
        return tellable

    def _may_tell(self, trace_id: int) -> bool:
        told = self._failures.pop(trace_id, 0)
        self._failures[trace_id] = told + 1
        if len(self._failures) > TRACES_REMEMBERED:
            self._failures.popitem(last=False)
        return told < FAILURES_TOLD


def _changed_something(span: ReadableSpan) -> bool:
    """It published, or is linked with what was done for others."""
    return span.kind is SpanKind.PRODUCER or bool(span.links)
