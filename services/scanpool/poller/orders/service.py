"""The shell of orders: hears them, asks the scanner, looks at it afterwards, answers."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Protocol, get_args

import anyio
import msgspec
import structlog
from nats.aio.msg import Msg

from scanpool.coordination.ledger import Held
from scanpool.poller.orders import decide
from scanpool.poller.orders.decide import Ask, Verdict
from scanpool.poller.telling import Asked, Teller
from scanpool.runtime.errors import BrokerError
from scanpool.runtime.jetstream import JetStream
from scanpool.runtime.tracing import continued
from scanpool.scanners.errors import ScanConflict, ScannerError
from scanpool.scanners.scanner import Activity, Progress, Scanner
from scanpool_schemas import subjects
from scanpool_schemas.events import OrderAnswer, ScanProgress
from scanpool_schemas.request import OrderName, RequestInvalid, ScanOrder, decode_scan_order
from scanpool_schemas.scan import Running
from scanpool_schemas.wire import UnreadableEvent

AT_ONCE = 16
LOOKS = 6
"""How often a scan is looked at that is still pausing; then the answer is that it is."""

log = structlog.get_logger(__name__)


class Scanners(Protocol):
    """The scanners that the configuration gives this process."""

    def get(self, pool: str, name: str) -> Scanner | None:
        """The scanner; None where the configuration has it no more."""
        ...


class Scans(Protocol):
    """The scans as they are now."""

    async def read(self, pool: str, scan_id: str) -> Held | None:
        """The scan; None where there is no such scan."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class OrderParts:
    """What orders are carried out with."""

    jetstream: JetStream
    scans: Scans
    scanners: Scanners
    teller: Teller
    now: Callable[[], datetime]
    look_every: timedelta
    """How soon a scan is looked at again that is still pausing."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Order:
    """One order, as it was asked."""

    name: OrderName
    pool: str
    scan_id: str
    wanted: ScanOrder


@dataclass(frozen=True, kw_only=True, slots=True)
class _Came:
    """What came of an order, and how the scan was last seen."""

    verdict: Verdict
    seen: Progress | None = None
    just_now: bool = False
    """The scanner took this very order."""


class Orders:
    """Carries out the orders for the scans of one pool."""

    def __init__(self, parts: OrderParts) -> None:
        self._parts = parts

    async def serve(self, pool: str, stopping: asyncio.Event, grace: timedelta) -> None:
        """Answer until `stopping` is set; what is in hand then has `grace` to be answered.

        Raises:
            ExceptionGroup: of `BrokerUnavailable`, where there is no connection to hear orders over.
        """
        room = anyio.CapacityLimiter(AT_ONCE)
        async with anyio.create_task_group() as tasks, AsyncExitStack() as stack:

            async def heard(name: OrderName, message: Msg) -> None:
                tasks.start_soon(self._answer, name, pool, message, room)

            for name in get_args(OrderName):
                subject, callback = subjects.order(pool, name, "*"), partial(heard, name)
                await stack.enter_async_context(
                    self._parts.jetstream.hearing(subject, callback, group=subjects.ORDER_GROUP)
                )
            await stopping.wait()
            tasks.cancel_scope.deadline = anyio.current_time() + grace.total_seconds()

    async def _answer(self, name: OrderName, pool: str, message: Msg, room: anyio.CapacityLimiter) -> None:
        """Answer one order. An unforeseen error must not end the poller: whoever asked is told by hearing nothing."""
        scan_id = message.subject.rpartition(".")[2]
        async with room:
            with continued(message.headers or {}, f"order {name}"):
                try:
                    answer = await self.answered(name, pool, scan_id, message.data)
                    await self._parts.jetstream.tell(message.reply, msgspec.json.encode(answer))
                except BrokerError as error:
                    log.warning("order not answered", order=name, pool=pool, scan_id=scan_id, error=str(error))
                except Exception:
                    log.exception("order failed", order=name, pool=pool, scan_id=scan_id)

    async def answered(self, name: OrderName, pool: str, scan_id: str, body: bytes) -> OrderAnswer:
        """Have the scan paused or resumed, where it runs, and answer what its scanner says afterwards.

        Raises:
            BrokerError: the scan cannot be read, or its progress not be told; the scanner may have been asked.
        """
        try:
            order = Order(name=name, pool=pool, scan_id=scan_id, wanted=decode_scan_order(body))
        except RequestInvalid as error:
            nobody = Order(name=name, pool=pool, scan_id=scan_id, wanted=ScanOrder())
            return self._said(nobody, decide.refused("order_invalid", str(error)), None)
        try:
            held = await self._parts.scans.read(pool, scan_id)
        except UnreadableEvent as error:
            return self._said(order, decide.refused("undecodable_event", str(error)), None)
        match decide.open_to_orders(held.scan if held else None, pool, scan_id):
            case Verdict() as obstacle:
                return self._said(order, obstacle, None)
            case Running() as scan:
                came = await self._carried_out(order, scan)
                told = await self._told(order, scan, came.seen, came.just_now) if came.seen else None
                return self._said(order, came.verdict, told)

    async def _carried_out(self, order: Order, scan: Running) -> _Came:
        scanner = self._parts.scanners.get(scan.pool, scan.scanner)
        if scanner is None:
            why = f"scanner {scan.pool}.{scan.scanner} is not in the configuration of the poller that answers"
            return _Came(verdict=decide.refused("scanner_not_configured", why))
        try:
            progress = await scanner.progress(scan.scanner_scan_id)
        except ScannerError as error:
            return _Came(verdict=decide.refused(error.code, str(error), later=True))
        match decide.step(order.name, scan, progress):
            case Verdict() as verdict:
                return _Came(verdict=verdict, seen=progress)
            case Ask():
                return await self._asked(order, scan, scanner)

    async def _asked(self, order: Order, scan: Running, scanner: Scanner) -> _Came:
        call = scanner.pause if order.name == "pause" else scanner.resume
        conflict: ScanConflict | None = None
        try:
            await call(scan.scanner_scan_id)
        except ScanConflict as error:
            conflict = error
        except ScannerError as error:
            return _Came(verdict=decide.failed(error))
        try:
            seen = await self._settled(scanner, scan.scanner_scan_id)
        except ScannerError as error:
            return _Came(verdict=decide.failed(conflict) if conflict else decide.not_seen(scan, error))
        if conflict is not None:
            return _Came(verdict=decide.not_taken(order.name, scan, seen, conflict), seen=seen)
        return _Came(verdict=decide.taken(order.name, scan, seen), seen=seen, just_now=True)

    async def _settled(self, scanner: Scanner, number: int) -> Progress:
        """The scan once it is not pausing any more, or as it is after some looks."""
        for _ in range(LOOKS - 1):
            progress = await scanner.progress(number)
            if progress.activity is not Activity.PAUSING:
                return progress
            await anyio.sleep(self._parts.look_every.total_seconds())
        return await scanner.progress(number)

    async def _told(self, order: Order, scan: Running, seen: Progress, just_now: bool) -> ScanProgress:
        asked = Asked(by=order.wanted.by, why=order.wanted.reason, just_now=just_now)
        return await self._parts.teller.tell(scan, seen, self._parts.now(), asked if order.name == "pause" else None)

    def _said(self, order: Order, verdict: Verdict, told: ScanProgress | None) -> OrderAnswer:
        log.info(
            f"asked to {order.name} a scan",
            scan_id=order.scan_id,
            pool=order.pool,
            by=order.wanted.by,
            reason=order.wanted.reason,
            outcome=verdict.outcome,
            why=verdict.message,
        )
        return OrderAnswer(
            id=order.scan_id,
            pool=order.pool,
            order=order.name,
            outcome=verdict.outcome,
            message=verdict.message,
            progress=told,
            error=verdict.error,
            at=self._parts.now(),
        )
