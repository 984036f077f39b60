"""Takes deliveries, has them handled, and has the answers settled."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

import anyio
import structlog

from scanpool.runtime.delivery import Delivery
from scanpool.runtime.errors import BrokerError, BrokerUnavailable, PublishUnknown, TopologyMissing
from scanpool.runtime.message_spans import OUTCOME, processing
from scanpool.runtime.outcomes import Outcome, Snooze
from scanpool.runtime.settle import Settled, Settler
from scanpool.runtime.tracing import failed, note

Handler = Callable[[Delivery], Awaitable[Outcome]]
Observer = Callable[[Delivery, str], None]
"""Told each settled delivery and the name of its outcome."""

KEEP_EVERY = timedelta(seconds=8)
"""How often deliveries in hand are kept; well under the consumers' wait for an ack (30 s)."""
CONFLICTS = 5
"""How often a handler decides again at once before the delivery is handed back for a moment."""
BUSY = Snooze(delay=timedelta(milliseconds=500), reason="somebody else keeps writing this scan")
BROKEN = timedelta(seconds=10)
"""How soon a delivery comes back that was not settled."""

log = structlog.get_logger(__name__)


class Source(Protocol):
    """Where deliveries come from."""

    async def start(self) -> None:
        """Begin to pull."""
        ...

    async def next(self) -> Delivery:
        """The next delivery, whenever it comes."""
        ...

    @property
    def waiting(self) -> Sequence[Delivery]:
        """Deliveries that arrived and that nobody took yet."""
        ...

    async def stop(self) -> list[Delivery]:
        """Pull no more; answers what nobody took."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Job:
    """What a worker does: whose deliveries, handled how, how many at once."""

    name: str
    source: Source
    handler: Handler
    concurrency: int
    settled: Callable[[Delivery], None] = lambda _delivery: None
    """Told each delivery that was dealt with, whatever came of it."""


class Worker:
    """Runs one job until told to stop, then finishes what is in hand and hands back the rest."""

    def __init__(
        self,
        job: Job,
        settler: Settler,
        *,
        observe: Observer = lambda _delivery, _outcome: None,
        keep_every: timedelta = KEEP_EVERY,
    ) -> None:
        """`keep_every` is how often deliveries in hand are kept from coming again."""
        self._job = job
        self._settler = settler
        self._observe = observe
        self._keep_every = keep_every
        self._in_hand: dict[int, Delivery] = {}

    async def run(self, stopping: asyncio.Event, grace: timedelta) -> None:
        """Work until `stopping` is set; handlers then have `grace` to finish.

        Raises:
            TopologyMissing: the consumer was deleted.
            BrokerUnavailable: the connection was closed for good.
        """
        async with anyio.create_task_group() as handlers:
            await self._job.source.start()
            keeper = asyncio.create_task(self._keep(), name=f"{self._job.name} keeper")
            try:
                await self._take_until(stopping, handlers)
                with anyio.move_on_after(grace.total_seconds()):
                    await self._until_idle()
                handlers.cancel_scope.cancel()
            finally:
                keeper.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await keeper

    async def _take_until(self, stopping: asyncio.Event, handlers: anyio.abc.TaskGroup) -> None:
        """Have deliveries handled until told to stop; those that came and were not begun are handed back."""
        taking = asyncio.create_task(self._take_all(stopping, handlers), name=f"{self._job.name} taker")
        stop = asyncio.create_task(stopping.wait())
        try:
            await asyncio.wait({taking, stop}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            taking.cancel()
            stop.cancel()
            with anyio.CancelScope(shield=True):
                await asyncio.wait({taking})
                await self._hand_back(await self._job.source.stop())
        if not taking.cancelled():
            taking.result()

    async def _take_all(self, stopping: asyncio.Event, handlers: anyio.abc.TaskGroup) -> None:
        slots = asyncio.Semaphore(self._job.concurrency)
        while not stopping.is_set():
            await slots.acquire()
            self._start(await self._job.source.next(), slots, handlers)

    def _start(self, delivery: Delivery, slots: asyncio.Semaphore, handlers: anyio.abc.TaskGroup) -> None:
        self._in_hand[id(delivery)] = delivery
        handlers.start_soon(self._handle, delivery, slots)

    async def _handle(self, delivery: Delivery, slots: asyncio.Semaphore) -> None:
        try:
            with processing(delivery, self._job.name):
                await self._answered(delivery)
        except asyncio.CancelledError:
            with anyio.CancelScope(shield=True):
                await self._hand_back([delivery])
            raise
        finally:
            self._in_hand.pop(id(delivery), None)
            self._job.settled(delivery)
            slots.release()

    async def _answered(self, delivery: Delivery) -> None:
        """Handle and settle; the one place where an unforeseen error is caught: it must not end the worker."""
        try:
            for _ in range(CONFLICTS):
                outcome = await self._job.handler(delivery)
                if await self._settler.settle(delivery, outcome) is Settled.YES:
                    self._tell(delivery, type(outcome).__name__.lower())
                    return
            await self._settler.settle(delivery, BUSY)
        except TopologyMissing:
            raise
        except (BrokerUnavailable, PublishUnknown) as error:
            log.warning("not settled; it will be delivered again", error=str(error))
            failed(type(error).__name__)
            self._tell(delivery, "unsettled")
            await self._hand_back([delivery], BROKEN)
        except Exception as error:
            log.exception("handler failed; the delivery is handed back")
            failed(type(error).__name__)
            self._tell(delivery, "error")
            await self._hand_back([delivery], BROKEN)

    def _tell(self, delivery: Delivery, outcome: str) -> None:
        note({OUTCOME: outcome})
        self._observe(delivery, outcome)

    async def _keep(self) -> None:
        while True:
            await asyncio.sleep(self._keep_every.total_seconds())
            for delivery in [*self._in_hand.values(), *self._job.source.waiting]:
                with contextlib.suppress(BrokerError):
                    await delivery.in_progress()

    async def _until_idle(self) -> None:
        while self._in_hand:
            await asyncio.sleep(0.02)

    async def _hand_back(self, deliveries: Sequence[Delivery], delay: timedelta = timedelta(0)) -> None:
        """What cannot be handed back comes again by itself, when the server's wait for its ack is over."""
        for delivery in deliveries:
            with contextlib.suppress(BrokerError):
                await delivery.nak(delay)
