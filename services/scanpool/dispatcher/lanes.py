"""What the dispatcher pulls: as much as it can place, from three lanes by weight."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import cycle

import structlog
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription

from scanpool.runtime.delivery import Delivery
from scanpool.runtime.errors import BrokerUnavailable
from scanpool.runtime.keys import KeyUnreadable
from scanpool.runtime.pull import Puller
from scanpool_schemas import subjects
from scanpool_schemas.request import Priority
from scanpool_schemas.scan import lane_state

WEIGHTS: Mapping[Priority, int] = {"high": 6, "normal": 3, "low": 1}
"""Of ten scans placed while all lanes wait; low never starves."""
LOOK_AGAIN_S = 2.0
"""How long to wait for a sign that a place was freed before looking anyway."""
LOOK_SOON_S = 0.05
"""When to look again after a sign, which is heard when a commit is sent and may not be stored yet."""

log = structlog.get_logger(__name__)

Survey = Callable[[], Awaitable["Room"]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Room:
    """Free places on the pool's scanners, and who holds the taken ones."""

    free: int
    holders: frozenset[str]
    hopeless: bool = False
    """No scanner of the pool can ever launch: scans are handed out to be answered, not to wait for a place."""


def turns(weights: Mapping[Priority, int]) -> Iterator[Priority]:
    """The lanes for ever, each as often as its weight and as evenly as can be."""
    total = sum(weights.values())
    credit = dict.fromkeys(weights, 0)
    order: list[Priority] = []
    for _ in range(total):
        for lane, weight in weights.items():
            credit[lane] += weight
        best = max(credit, key=lambda lane: credit[lane])
        credit[best] -= total
        order.append(best)
    return cycle(order)


class Lanes:
    """Hands out queued scans of one pool, one after the other, while there is a free place.

    The next one waits until the one before holds its place or was settled otherwise, so that each choice of a
    scanner sees the places that the choices before it took.
    """

    def __init__(self, client: Client, pool: str, survey: Survey) -> None:
        self._client = client
        self._pool = pool
        self._survey = survey
        self._sign = asyncio.Event()
        self._subscriptions: list[Subscription] = []
        self._handed_out: set[str] = set()
        self._turns = turns(WEIGHTS)
        stream = subjects.pool_stream(pool)
        self._lanes = {
            lane: Puller(client, stream, lane_state(lane), credit=1, on_arrival=self._sign.set) for lane in WEIGHTS
        }

    async def start(self) -> None:
        """Begin to pull, and to listen for places that are freed and scanners that become ready."""
        for lane in self._lanes.values():
            await lane.start()
        keys = (subjects.load_key("*"), subjects.health_key("*"), subjects.breaker_key("*"), subjects.CONTROL_KEY)
        for key in keys:
            subject = subjects.key(self._pool, key)
            self._subscriptions.append(await self._client.subscribe(subject, cb=self._changed))

    async def next(self) -> Delivery:
        """The next scan, once there is both a scan and a place for it."""
        patience = LOOK_AGAIN_S
        while True:
            self._sign.clear()
            if any(lane.waiting for lane in self._lanes.values()) and await self._has_room():
                delivery = await self._by_weight()
                if delivery is not None:
                    self._handed_out.add(delivery.subject)
                    return delivery
            patience = LOOK_SOON_S if await self._sign_within(patience) else min(LOOK_AGAIN_S, 2 * patience)

    def settled(self, delivery: Delivery) -> None:
        """The scan was placed, sent to wait, or dropped: it no longer counts against the free places."""
        self._handed_out.discard(delivery.subject)
        self._sign.set()

    @property
    def waiting(self) -> tuple[Delivery, ...]:
        return tuple(delivery for lane in self._lanes.values() for delivery in lane.waiting)

    async def stop(self) -> list[Delivery]:
        """Pull no more; answers the scans that were not handed out."""
        for subscription in self._subscriptions:
            if not self._client.is_closed:
                await subscription.unsubscribe()
        self._subscriptions.clear()
        return [delivery for lane in self._lanes.values() for delivery in await lane.stop()]

    async def _has_room(self) -> bool:
        try:
            room = await self._survey()
        except (BrokerUnavailable, KeyUnreadable) as error:
            log.warning("places cannot be read; waiting", pool=self._pool, error=str(error))
            return False
        self._handed_out = {subject for subject in self._handed_out if subject.rsplit(".", 1)[1] not in room.holders}
        return (room.free > 0 or room.hopeless) and not self._handed_out

    async def _by_weight(self) -> Delivery | None:
        for lane in (next(self._turns) for _ in range(sum(WEIGHTS.values()))):
            if self._lanes[lane].waiting:
                return await self._lanes[lane].take()
        return None

    async def _changed(self, _message: Msg) -> None:
        self._sign.set()

    async def _sign_within(self, seconds: float) -> bool:
        try:
            async with asyncio.timeout(seconds):
                return await self._sign.wait()
        except TimeoutError:
            return False
