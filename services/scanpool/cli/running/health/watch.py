"""Looks, at intervals and within bounds, at what a process needs; what it found last is there at once for who asks."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterable
from datetime import datetime, timedelta

import nats.errors
import structlog

from scanpool.cli.running.assembly import ServiceName
from scanpool.cli.running.health import looks
from scanpool.cli.running.health.decide import Backlog, Still, has_places, lag, of_topology, still, unreachable
from scanpool.cli.running.process import Host
from scanpool.runtime.errors import BrokerError
from scanpool.runtime.http import Health
from scanpool.runtime.process import every
from scanpool_schemas import subjects

LOOK_S = 1.0
"""No look takes longer."""
AGAIN_S = 1.0
"""How soon NATS is asked again that did not answer."""
CALL_SCANNERS = frozenset({"dispatcher", "poller"})

log = structlog.get_logger(__name__)

_Look = Callable[[], Awaitable[Health]]


class HealthWatch:
    """What is known of one process's surroundings."""

    def __init__(self, services: Collection[ServiceName], host: Host, pools: Callable[[], tuple[str, ...]]) -> None:
        self._services = services
        self._host = host
        self._pools = pools
        self._unanswered = 0
        self._seen: dict[str, Health] = {}
        """By look, what it found the last time; not of one that did not come to its end then."""
        self._still: dict[tuple[str, str], Still] = {}
        self._places: dict[str, bool] = {}
        """By pool, whether a scan could be placed; where it is not known it is taken for false."""
        self._found = Health()

    def health(self) -> Health:
        """What the last look found."""
        if not self._host.client.is_connected:
            return Health(obstacles=("not connected to NATS",))
        return self._found

    async def run(self, stopping: asyncio.Event) -> None:
        """Look until it is time to stop."""
        while True:
            found = await self._look()
            if found.status != self._found.status:
                say = log.info if found.status == "ok" else log.warning
                say("health is " + found.status, reasons=list(found.reasons))
            self._found = found
            pause = AGAIN_S if self._unanswered else self._host.settings.health_every.total_seconds()
            if not await every(pause, stopping):
                return

    async def _look(self) -> Health:
        if not await self._answers():
            return self._silent()
        self._unanswered = 0
        health = await self._bounded("the streams and consumers", self._look_at_topology)
        health |= await self._bounded("the scanners", self._look_at_scanners)
        health |= await self._bounded("the consumers", self._look_at_consumers)
        return health | await self._bounded("the room in NATS", self._look_at_room)

    def _silent(self) -> Health:
        """NATS did not answer: once may be a busy moment, twice in a row is that it does not."""
        self._unanswered += 1
        sentence = f"NATS does not answer within {LOOK_S:g} s"
        return Health(troubles=(sentence,)) if self._unanswered == 1 else Health(obstacles=(sentence,))

    async def _answers(self) -> bool:
        try:
            await self._host.client.request("$JS.API.INFO", b"", timeout=LOOK_S)
        except (nats.errors.Error, OSError, TimeoutError):
            return False
        return True

    async def _bounded(self, what: str, look: _Look) -> Health:
        """What the look finds; where it takes too long what it found before, unless that was so the last time too."""
        before = self._seen.pop(what, None)
        try:
            async with asyncio.timeout(LOOK_S):
                self._seen[what] = await look()
        except TimeoutError:
            return before or Health(troubles=(f"{what} could not be looked at within {LOOK_S:g} s",))
        except BrokerError as error:
            return Health(troubles=(f"{what} could not be looked at: {error}",))
        return self._seen[what]

    async def _look_at_topology(self) -> Health:
        keeps = {"janitor", "poller"}.intersection(self._services)
        retention = self._host.settings.retention if keeps else None
        return of_topology(await looks.differences_of(self._host.jetstream, self._pools(), retention))

    async def _look_at_scanners(self) -> Health:
        self._places = {}
        if CALL_SCANNERS.isdisjoint(self._services):
            return Health()
        now, pools = self._now(), self._pools()
        found = await looks.scanners_of(self._host.jetstream, pools, now)
        held = await looks.held_back(self._host.jetstream, pools, now)
        self._places = {pool: pool not in held and has_places(scanners) for pool, scanners in found.items()}
        return Health(troubles=_sentences(unreachable(pool, each) for pool, each in found.items()))

    async def _look_at_consumers(self) -> Health:
        own = list(looks.own_consumers(self._services, self._pools()))
        found = await looks.backlogs(self._host.jetstream, own)
        return Health(troubles=_sentences(self._lag(each) for each in found))

    async def _look_at_room(self) -> Health:
        short = await looks.short_of_room(self._host.jetstream, self._pools(), self._now())
        return Health(troubles=tuple(f"pool {pool}: {why}" for pool, why in short.items()))

    def _lag(self, backlog: Backlog) -> str | None:
        key, now = (backlog.stream, backlog.consumer), self._now()
        places = self._places.get(subjects.pool_of_stream(backlog.stream) or "", False)
        self._still[key] = still(self._still.get(key), backlog, now, has_places=places)
        return lag(backlog, self._still[key], self._limit, now)

    @property
    def _limit(self) -> timedelta:
        """A scan that runs is not looked at more often than polls are apart."""
        settings = self._host.settings
        slowest = max(settings.poll.longest, settings.poll.unreachable, settings.launch.lease)
        return max(settings.health_lag, 2 * slowest)

    def _now(self) -> datetime:
        return self._host.clockwork.now()


def _sentences(found: Iterable[str | None]) -> tuple[str, ...]:
    return tuple(each for each in found if each is not None)
