"""Subscriptions: the ends of scans, durable or live, and the progress of those that run."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, TypeAlias

import msgspec
import structlog
from nats.aio.msg import Msg

from scanpool.runtime.delivery import Delivery
from scanpool.runtime.jetstream import JetStream
from scanpool.runtime.pull import Puller
from scanpool_schemas import subjects
from scanpool_schemas.events import ScanProgress
from scanpool_schemas.scan import UnreadableEvent, decode_scan
from scanpool_schemas.status import ScanStatus, describe

Kind = Literal["completed", "failed", "progress"]
ALL_KINDS: tuple[Kind, ...] = ("completed", "failed", "progress")

_LIVE_KEPT_NS = 60 * 1_000_000_000
"""How long the server keeps the consumer of a live subscription that went away."""
_STREAMS: dict[Kind, str] = {"completed": subjects.SCAN_COMPLETED, "failed": subjects.SCAN_FAILED}
_STATES: dict[Kind, tuple[Literal["completed", "failed", "dead"], ...]] = {
    "completed": ("completed",),
    "failed": ("failed", "dead"),
}

log = structlog.get_logger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class ScanEvent:
    """A scan ended: completed, or failed, cancelled, timed out, dead."""

    kind: Literal["completed", "failed"]
    scan: ScanStatus
    at: datetime
    """When the stream for subscribers stored it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ProgressEvent:
    """A running scan was looked at."""

    progress: ScanProgress
    kind: Literal["progress"] = "progress"


Event: TypeAlias = ScanEvent | ProgressEvent


class Subscription:
    """Events as they come. An event of a durable subscription counts as read when the next one is asked for."""

    def __init__(self, jetstream: JetStream, pools: Sequence[str], kinds: Sequence[Kind], durable: str | None) -> None:
        self._jetstream = jetstream
        self._pools = tuple(pools) or ("*",)
        self._kinds = tuple(kinds)
        self._durable = durable
        self._queue: asyncio.Queue[tuple[Event, Delivery | None]] = asyncio.Queue(maxsize=1)

    async def __call__(self) -> AsyncIterator[Event]:
        """Subscribe and yield events until closed."""
        async with contextlib.AsyncExitStack() as stack:
            for kind in self._kinds:
                if kind == "progress":
                    await self._hear_progress(stack)
                else:
                    await self._pull(stack, kind)
            while True:
                event, delivery = await self._queue.get()
                yield event
                if delivery is not None:
                    await delivery.ack()

    async def _hear_progress(self, stack: contextlib.AsyncExitStack) -> None:
        async def heard(message: Msg) -> None:
            progress = msgspec.json.decode(message.data, type=ScanProgress)
            await self._queue.put((ProgressEvent(progress=progress), None))

        for pool in self._pools:
            subscription = await self._jetstream.client.subscribe(subjects.progress(pool, "*"), cb=heard)
            stack.push_async_callback(subscription.unsubscribe)

    async def _pull(self, stack: contextlib.AsyncExitStack, kind: Kind) -> None:
        consumer = await self._consumer(kind)
        puller = Puller(self._jetstream.client, _STREAMS[kind], consumer, credit=1)
        await puller.start()
        stack.push_async_callback(puller.stop)
        task = asyncio.create_task(self._forward(puller, kind), name=f"events {kind}")
        stack.callback(task.cancel)

    async def _forward(self, puller: Puller, kind: Kind) -> None:
        while True:
            delivery = await puller.next()
            event = _event(kind, delivery)
            if event is None:
                await delivery.ack()
                continue
            await self._queue.put((event, delivery))

    async def _consumer(self, kind: Kind) -> str:
        filters = [subjects.event(pool, state, "*") for pool in self._pools for state in _STATES[kind]]
        config: dict[str, Any] = {
            "description": "a subscriber of scanpool.client",
            "ack_policy": "explicit",
            "ack_wait": 30 * 1_000_000_000,
            "max_deliver": -1,
            "max_ack_pending": 100,
            "filter_subjects": filters,
        }
        if self._durable:
            config |= {"durable_name": self._durable, "name": self._durable, "deliver_policy": "all"}
        else:
            config |= {"deliver_policy": "new", "inactive_threshold": _LIVE_KEPT_NS}
        return await self._made(_STREAMS[kind], config)

    async def _made(self, stream: str, config: dict[str, Any]) -> str:
        name = config.get("name")
        operation = f"CONSUMER.CREATE.{stream}.{name}" if name else f"CONSUMER.CREATE.{stream}"
        request = {"stream_name": stream, "config": config, "action": ""}
        answer = await self._jetstream.api(operation, request, dict[str, Any])
        return str(answer["name"])


def _event(kind: Kind, delivery: Delivery) -> Event | None:
    """The event of a delivery; None for one that this version cannot read, which is said in the log."""
    parts = subjects.parse_scan_subject(delivery.subject)
    assert parts is not None
    try:
        scan = decode_scan(parts.kind, delivery.body, delivery.headers.get("ce-type"))
    except UnreadableEvent as error:
        log.warning("event not understood, passed over", subject=delivery.subject, reason=str(error))
        return None
    assert kind != "progress"
    return ScanEvent(kind=kind, scan=describe(scan), at=delivery.stored_at)
