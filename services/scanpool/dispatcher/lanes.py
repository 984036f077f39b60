"""What the dispatcher pulls: as much as it can place, from three lanes by weight."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from itertools import cycle

import msgspec
import structlog
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription

from scanpool.runtime.delivery import Delivery
from scanpool.runtime.errors import BrokerUnavailable
from scanpool.runtime.keys import KeyUnreadable
from scanpool.runtime.pull import Puller
from scanpool_schemas import decoding, subjects
from scanpool_schemas.keys import Load
from scanpool_schemas.request import Priority
from scanpool_schemas.scan import lane_state

WEIGHTS: Mapping[Priority, int] = {"high": 6, "normal": 3, "low": 1}
"""Of ten scans placed while all lanes wait; low never starves."""
LOOK_AGAIN_S = 2.0
"""How long to wait for a sign that a place was freed before looking anyway."""
LOOK_SOON_S = 0.05
"""When to look again after a sign, which is heard when a commit is sent and may not be stored yet."""
SURVEY_HOLDS_S = 1.0
"""How long places that a survey found free are given out without another one, while nothing else is heard."""

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
    scanner sees the places that the choices before it took. What is heard of places decides only when the next one
    is handed out; whether it gets a place decides the commit.
    """

    def __init__(
        self, client: Client, pool: str, survey: Survey, *, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._client = client
        self._pool = pool
        self._survey = survey
        self._monotonic = monotonic
        self._sign = asyncio.Event()
        self._subscriptions: list[Subscription] = []
        self._handed_out: set[str] = set()
        """Subjects of scans that neither take their place, as far as is known, nor were settled."""
        self._taking: set[str] = set()
        """Subjects of scans that were heard to take their place, which may not be stored yet, and were not settled."""
        self._left = 0
        """Places that the last survey found free and that were not given out since."""
        self._holds_true = False
        """Nothing was heard since the last survey began that makes it worth nothing."""
        self._surveyed_at = 0.0
        self._held: dict[str, int] = {}
        """How many places of each scanner were held when a change of them was heard last."""
        self._turns = turns(WEIGHTS)
        stream = subjects.pool_stream(pool)
        self._lanes = {
            lane: Puller(client, stream, lane_state(lane), credit=1, on_arrival=self._sign.set) for lane in WEIGHTS
        }

    async def start(self) -> None:
        """Begin to pull, and to listen for places that are freed and scanners that become ready."""
        for lane in self._lanes.values():
            await lane.start()
        await self._hear(subjects.load_key("*"), self._places_changed)
        for key in (subjects.health_key("*"), subjects.breaker_key("*"), subjects.CONTROL_KEY):
            await self._hear(key, self._changed)

    async def next(self) -> Delivery:
        """The next scan, once there is both a scan and a place for it."""
        patience = LOOK_AGAIN_S
        while True:
            self._sign.clear()
            if any(lane.waiting for lane in self._lanes.values()) and await self._has_room():
                delivery = await self._by_weight()
                if delivery is not None:
                    self._handed_out.add(delivery.subject)
                    self._left -= 1
                    return delivery
            patience = LOOK_SOON_S if await self._sign_within(patience) else min(LOOK_AGAIN_S, 2 * patience)

    def settled(self, delivery: Delivery) -> None:
        """The scan was placed, sent to wait, or dropped: it no longer counts against the free places."""
        self._handed_out.discard(delivery.subject)
        self._taking.discard(delivery.subject)
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

    async def _hear(self, key: str, callback: Callable[[Msg], Awaitable[None]]) -> None:
        subscription = await self._client.subscribe(subjects.key(self._pool, key), cb=callback)
        self._subscriptions.append(subscription)

    async def _has_room(self) -> bool:
        fresh = self._holds_true and self._monotonic() - self._surveyed_at < SURVEY_HOLDS_S
        if fresh and self._left > 0:
            return not self._handed_out
        return await self._survey_finds_room()

    async def _survey_finds_room(self) -> bool:
        self._surveyed_at, self._holds_true = self._monotonic(), True
        try:
            room = await self._survey()
        except (BrokerUnavailable, KeyUnreadable) as error:
            log.warning("places cannot be read; waiting", pool=self._pool, error=str(error))
            return False
        self._handed_out -= _of(room.holders, self._handed_out)
        self._taking -= _of(room.holders, self._taking)
        self._left = room.free - len(self._handed_out) - len(self._taking)
        return (self._left > 0 or room.hopeless) and not self._handed_out

    async def _by_weight(self) -> Delivery | None:
        for lane in (next(self._turns) for _ in range(sum(WEIGHTS.values()))):
            if self._lanes[lane].waiting:
                return await self._lanes[lane].take()
        return None

    async def _places_changed(self, message: Msg) -> None:
        """A scan that was handed out takes its place; or somebody else took one, and the last survey is worth nothing.

        It is heard when it is sent: a survey right after it may find the place free still, and it may yet be refused.
        """
        holders = _holders(message.data)
        ours = _of(holders, self._handed_out)
        grew = len(holders) > self._held.get(message.subject, 0)
        self._held[message.subject] = len(holders)
        self._handed_out -= ours
        self._taking |= ours
        if grew and not ours:
            self._holds_true = False
        self._sign.set()

    async def _changed(self, _message: Msg) -> None:
        self._holds_true = False
        self._sign.set()

    async def _sign_within(self, seconds: float) -> bool:
        try:
            async with asyncio.timeout(seconds):
                return await self._sign.wait()
        except TimeoutError:
            return False


def _of(holders: Collection[str], scans: Collection[str]) -> set[str]:
    """Of the scans, by their subjects, those that are among the holders."""
    return {subject for subject in scans if subject.rsplit(".", 1)[1] in holders}


def _holders(body: bytes) -> frozenset[str]:
    """Who holds a place, by a key that people can write too."""
    try:
        return frozenset(decoding.decode(body, Load).holders)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return frozenset()
