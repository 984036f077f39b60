"""Subscriptions: the ends of scans, durable or live, and the progress of those that run."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import TracebackType
from typing import Any, Literal, Self, TypeAlias

import msgspec
import structlog
from nats.aio.msg import Msg

from scanpool.client.lookup import Lookup
from scanpool.runtime.delivery import Delivery
from scanpool.runtime.errors import BrokerError, BrokerUnavailable
from scanpool.runtime.jetstream import JetStream
from scanpool.runtime.pull import Puller
from scanpool_schemas import decoding, subjects
from scanpool_schemas.events import ScanProgress
from scanpool_schemas.names import InvalidName, is_valid_scan_id
from scanpool_schemas.status import ScanStatus, describe
from scanpool_schemas.wire import UnreadableEvent, decode_scan

Kind = Literal["completed", "failed", "progress"]
ALL_KINDS: tuple[Kind, ...] = ("completed", "failed", "progress")

_SECOND_NS = 1_000_000_000
_LIVE_KEPT_NS = 60 * _SECOND_NS
"""How long the server keeps the consumer of a live subscription that went away."""
_ACK_WAIT = timedelta(seconds=30)
_KEEP_EVERY_S = 10.0
"""How often the event in hand is kept from coming again; well under the wait for its ack."""
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


@dataclass(frozen=True, kw_only=True, slots=True)
class Wanted:
    """Which events a subscription is for."""

    pools: tuple[str, ...] = ()
    """None means all."""
    kinds: tuple[Kind, ...] = ALL_KINDS
    durable: str | None = None
    """The name under which the server remembers what was read."""


@dataclass(frozen=True, slots=True)
class _Arrived:
    event: Event
    delivery: Delivery | None = None


class Subscription(AsyncIterator[Event]):
    """Events as they come, from the moment it is entered (or, not entered, first asked) until it is closed.

    An event of a durable subscription counts as read when the next one is asked for; what was not read when the
    subscription is closed comes again. However long an event is worked on, nobody else gets it meanwhile.
    """

    def __init__(self, jetstream: JetStream, lookup: Lookup, wanted: Wanted) -> None:
        self._jetstream = jetstream
        self._lookup = lookup
        self._wanted = wanted
        self._queue: asyncio.Queue[_Arrived | BrokerError] = asyncio.Queue(maxsize=1)
        self._stack: contextlib.AsyncExitStack | None = None
        self._pullers: list[Puller] = []
        self._in_hand: list[Delivery] = []
        """Taken from a puller and not acked: the one that is worked on, and those that wait in line."""
        self._worked_on: Delivery | None = None
        self._closed = False

    async def __aenter__(self) -> Self:
        await self._start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def __anext__(self) -> Event:
        if self._closed:
            raise StopAsyncIteration
        await self._start()
        await self._read()
        arrived = await self._queue.get()
        if isinstance(arrived, BrokerError):
            raise arrived
        self._worked_on = arrived.delivery
        return arrived.event

    async def aclose(self) -> None:
        """Hear no more; what was not read is handed back."""
        self._closed = True
        stack, self._stack = self._stack, None
        if stack is not None:
            await stack.aclose()

    async def _start(self) -> None:
        if self._stack is not None:
            return
        durable = self._wanted.durable
        if durable is not None and not is_valid_scan_id(durable):
            raise InvalidName(f"{durable!r} may not name a subscription: it must be 1 to 64 of A-Z, a-z, 0-9, '_', '-'")
        for pool in self._wanted.pools:
            await self._lookup.chosen_pool(pool)  # of a pool that does not exist nothing would ever be heard
        async with contextlib.AsyncExitStack() as stack:
            stack.push_async_callback(self._hand_back)
            keeping = asyncio.create_task(self._keep(), name="events in hand")
            stack.push_async_callback(_ended, keeping)
            for kind in self._wanted.kinds:
                await (self._hear_progress(stack) if kind == "progress" else self._pull(stack, kind))
            self._stack = stack.pop_all()

    async def _read(self) -> None:
        delivery, self._worked_on = self._worked_on, None
        if delivery is None:
            return
        self._in_hand.remove(delivery)
        try:
            await delivery.ack()
        except BrokerUnavailable as error:
            log.info("event read, and NATS did not say that it knows: it may come again", error=str(error))

    async def _hear_progress(self, stack: contextlib.AsyncExitStack) -> None:
        async def heard(message: Msg) -> None:
            try:
                progress = decoding.decode(message.data, ScanProgress)
            except msgspec.DecodeError as error:
                log.warning("progress not understood, passed over", subject=message.subject, reason=str(error))
                return
            await self._queue.put(_Arrived(ProgressEvent(progress=progress)))

        for pool in self._wanted.pools or ("*",):
            await stack.enter_async_context(self._jetstream.hearing(subjects.progress(pool, "*"), heard))

    async def _pull(self, stack: contextlib.AsyncExitStack, kind: Kind) -> None:
        puller = Puller(self._jetstream.client, _STREAMS[kind], await self._consumer(kind), credit=1)
        await puller.start()
        self._pullers.append(puller)
        forwarding = asyncio.create_task(self._forward(puller, kind), name=f"events {kind}")
        stack.push_async_callback(_ended, forwarding)

    async def _forward(self, puller: Puller, kind: Kind) -> None:
        try:
            while True:
                delivery = await puller.next()
                self._in_hand.append(delivery)
                event = _event(kind, delivery)
                if event is None:
                    await delivery.ack()
                    self._in_hand.remove(delivery)
                    continue
                await self._queue.put(_Arrived(event, delivery))
        except BrokerError as error:
            await self._queue.put(error)

    async def _keep(self) -> None:
        while True:
            await asyncio.sleep(_KEEP_EVERY_S)
            for delivery in [*self._in_hand, *(each for puller in self._pullers for each in puller.waiting)]:
                with contextlib.suppress(BrokerError):
                    await delivery.in_progress()

    async def _hand_back(self) -> None:
        for puller in self._pullers:
            self._in_hand += await puller.stop()
        self._pullers.clear()
        for delivery in self._in_hand:
            with contextlib.suppress(BrokerError):
                await delivery.nak(timedelta(0))
        self._in_hand.clear()

    async def _consumer(self, kind: Kind) -> str:
        """Make the consumer, or set an existing one of this name to what is wanted now."""
        wanted = self._wanted
        filters = [subjects.event(pool, state, "*") for pool in wanted.pools or ("*",) for state in _STATES[kind]]
        config: dict[str, Any] = {
            "description": "a subscriber of scanpool.client",
            "ack_policy": "explicit",
            "ack_wait": int(_ACK_WAIT.total_seconds()) * _SECOND_NS,
            "max_deliver": -1,
            "max_ack_pending": 100,
            "filter_subjects": filters,
        }
        if wanted.durable:
            config |= {"durable_name": wanted.durable, "name": wanted.durable, "deliver_policy": "all"}
        else:
            config |= {"deliver_policy": "new", "inactive_threshold": _LIVE_KEPT_NS}
        return await self._made(_STREAMS[kind], config)

    async def _made(self, stream: str, config: dict[str, Any]) -> str:
        name = config.get("name")
        operation = f"CONSUMER.CREATE.{stream}.{name}" if name else f"CONSUMER.CREATE.{stream}"
        request = {"stream_name": stream, "config": config, "action": ""}
        answer = await self._jetstream.api(operation, request, dict[str, Any])
        return str(answer["name"])


async def _ended(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.wait({task})


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
