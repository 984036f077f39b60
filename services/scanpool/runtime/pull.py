"""A durable consumer's deliveries, by a pull loop of our own on `CONSUMER.MSG.NEXT`.

nats-py's `fetch` can stall for its whole timeout when a message reaches a pull that it gave up, and does not
notice a pull that the server lost. Here one pull is outstanding at a time, heartbeats tell within seconds that
it was lost, and a reconnect renews it at once.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import deque
from collections.abc import Callable

import msgspec
import nats.errors
import structlog
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription

from scanpool.runtime.delivery import Delivery, delivery_of
from scanpool.runtime.errors import BrokerError, BrokerUnavailable, TopologyMissing
from scanpool.runtime.jetstream_answers import ABSENT, Answer
from scanpool_schemas import decoding

_HEARTBEAT = "100"
_RENEWED = {"404", "408"}
"""Statuses after which the pull is simply made again: nothing there, expired."""
_PAUSE_S = 0.25
_DRAIN_S = 2.0

log = structlog.get_logger(__name__)


class Puller:
    """Pulls at most `credit` deliveries ahead of those that were taken with `next`."""

    def __init__(
        self,
        client: Client,
        stream: str,
        consumer: str,
        *,
        credit: int = 16,
        expires_s: float = 30.0,
        heartbeat_s: float = 1.0,
        clock: Callable[[], float] = time.monotonic,
        on_arrival: Callable[[], None] = lambda: None,
    ) -> None:
        self._client = client
        self.stream = stream
        self.consumer = consumer
        self._subject = f"$JS.API.CONSUMER.MSG.NEXT.{stream}.{consumer}"
        self._credit = credit
        self._expires_s = expires_s
        self._heartbeat_s = heartbeat_s
        self._clock = clock
        self._on_arrival = on_arrival
        self._queue: deque[Delivery] = deque()
        self._arrived = asyncio.Event()
        self._inbox = client.new_inbox()
        self._subscription: Subscription | None = None
        self._monitor: asyncio.Task[None] | None = None
        self._outstanding = 0
        self._pull = 0
        self._heard = 0.0
        self._stopped = False
        self._refused = False
        """The last pull was answered with a status that may mean that the consumer is no more."""
        self._lost: BrokerError | None = None
        """Why no delivery can come any more."""

    async def start(self) -> None:
        """Begin to pull."""
        self._subscription = await self._client.subscribe(
            f"{self._inbox}.*", cb=self._received, pending_msgs_limit=-1, pending_bytes_limit=-1
        )
        await self._ask()
        self._monitor = asyncio.create_task(self._watch(), name=f"pull {self.stream}/{self.consumer}")

    async def next(self) -> Delivery:
        """The next delivery, whenever it comes.

        Raises:
            TopologyMissing: the consumer was deleted.
            BrokerUnavailable: the connection was closed for good.
        """
        while True:
            self._arrived.clear()  # before the look, or what arrives during it would wake nobody
            delivery = await self.take()
            if delivery is not None:
                return delivery
            await self._arrived.wait()

    async def take(self) -> Delivery | None:
        """The next delivery if it is here already.

        Raises: as `next`.
        """
        if self._lost is not None:
            raise self._lost
        delivery = self._queue.popleft() if self._queue else None
        try:
            await self._ask()
        except asyncio.CancelledError:
            if delivery is not None:
                self._queue.appendleft(delivery)
            raise
        return delivery

    @property
    def waiting(self) -> tuple[Delivery, ...]:
        """Deliveries that are here and that nobody took yet."""
        return tuple(self._queue)

    async def stop(self) -> list[Delivery]:
        """Pull no more; answers the deliveries that nobody took, which the caller hands back."""
        if self._monitor is not None:
            self._monitor.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._monitor
            self._monitor = None
        if self._subscription is not None:
            await self._unsubscribe(self._subscription)
        self._subscription = None
        left = list(self._queue)
        self._queue.clear()
        return left

    async def _unsubscribe(self, subscription: Subscription) -> None:
        """What is on its way still arrives; a delivery dropped here would come back only after the ack wait."""
        self._stopped = True
        with contextlib.suppress(nats.errors.Error, TimeoutError):
            async with asyncio.timeout(_DRAIN_S):
                if self._client.is_connected:
                    await subscription.drain()  # type: ignore[no-untyped-call]
                else:
                    await subscription.unsubscribe()

    async def _ask(self) -> None:
        """Pull again when the last pull is over and half the credit is free."""
        if self._stopped or self._lost or self._outstanding > 0 or len(self._queue) > self._credit // 2:
            return
        self._pull += 1
        self._outstanding = self._credit - len(self._queue)
        self._heard = self._clock()
        request = {
            "batch": self._outstanding,
            "expires": int(self._expires_s * 1e9),
            "idle_heartbeat": int(self._heartbeat_s * 1e9),
        }
        try:
            await self._client.publish(self._subject, msgspec.json.encode(request), reply=f"{self._inbox}.{self._pull}")
        except (nats.errors.Error, OSError) as error:
            self._outstanding = 0
            log.debug("pull not sent", consumer=self.consumer, error=str(error))

    async def _received(self, message: Msg) -> None:
        if not message.reply:
            await self._heard_status(message)
            return
        self._heard = self._clock()
        self._outstanding -= 1
        self._queue.append(delivery_of(self._client, message))
        self._wake()
        await self._ask()

    async def _heard_status(self, message: Msg) -> None:
        if int(message.subject.rsplit(".", 1)[1]) != self._pull:
            return  # of a pull that was given up
        self._heard = self._clock()
        status = (message.headers or {}).get("Status", "")
        if status in {"", _HEARTBEAT}:
            return
        self._outstanding = 0
        if status in _RENEWED:
            await self._ask()
        else:
            self._refused = True  # made again by `_watch`, after a moment

    def _wake(self) -> None:
        self._arrived.set()
        self._on_arrival()

    async def _watch(self) -> None:
        """Make the pull again when the server lost it, refused it for now, or the connection was renewed."""
        reconnects = self._client.stats["reconnects"]
        while not self._client.is_closed:
            await asyncio.sleep(min(_PAUSE_S, self._heartbeat_s / 2))
            if not self._client.is_connected:
                continue
            if self._refused and await self._is_gone():
                self._lose(
                    TopologyMissing(
                        f"consumer {self.consumer} of stream {self.stream} was deleted; run `scanpool topology apply`"
                    )
                )
                return
            renewed = self._client.stats["reconnects"] != reconnects
            silent = self._outstanding > 0 and self._clock() - self._heard > 2 * self._heartbeat_s + _PAUSE_S
            if renewed or silent:
                reconnects = self._client.stats["reconnects"]
                self._outstanding = 0
            await self._ask()
        self._lose(BrokerUnavailable("the connection to NATS was closed for good"))

    async def _is_gone(self) -> bool:
        """Whether the server says that there is no such consumer; what it does not answer is no answer."""
        self._refused = False
        subject = f"$JS.API.CONSUMER.INFO.{self.stream}.{self.consumer}"
        try:
            answer = await self._client.request(subject, b"", timeout=1)
        except (nats.errors.Error, TimeoutError, OSError):
            return False
        error = decoding.decode(answer.data, Answer).error
        return error is not None and error.err_code in ABSENT

    def _lose(self, error: BrokerError) -> None:
        self._lost = error
        self._wake()
