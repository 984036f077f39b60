"""The breakers of a pool's scanners as all processes share them: keys of the pool's bucket."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import msgspec
import structlog

from scanpool.coordination import breaker as transitions
from scanpool.runtime.jetstream import JetStream, Write
from scanpool.runtime.keys import Changed, change_key, read_key
from scanpool.runtime.settings import BreakerSettings
from scanpool_schemas import subjects
from scanpool_schemas.events import ScannerEvent
from scanpool_schemas.keys import Breaker

SEEN_FOR_S = 0.5
"""How long a process goes by what it read last; so it sees another's change within a second."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Seen:
    breaker: Breaker
    at: float


class Breakers:
    """Reads breakers, and changes them by compare-and-swap."""

    def __init__(
        self,
        jetstream: JetStream,
        rules: BreakerSettings,
        *,
        replica: str,
        now: Callable[[], datetime],
        monotonic: Callable[[], float] = time.monotonic,
        failed: Callable[[str], None] = lambda _instance: None,
        opened: Callable[[str], None] = lambda _instance: None,
    ) -> None:
        """`failed` is told the scanner of each call that counts against it, `opened` of each breaker opened here."""
        self.rules = rules
        self._jetstream = jetstream
        self._replica = replica
        self._now = now
        self._monotonic = monotonic
        self._failed = failed
        self._opened = opened
        self._seen: dict[tuple[str, str], _Seen] = {}

    async def of(self, pool: str, scanner: str) -> Breaker:
        """The scanner's breaker, as it was at most half a second ago.

        Raises:
            BrokerUnavailable, TopologyMissing, KeyUnreadable: it could not be read.
        """
        seen = self._seen.get((pool, scanner))
        if seen is not None and self._monotonic() - seen.at < SEEN_FOR_S:
            return seen.breaker
        return await self.read(pool, scanner)

    async def read(self, pool: str, scanner: str) -> Breaker:
        """The scanner's breaker as it is now: a scan that is placed after it was opened by hand goes elsewhere.

        Raises:
            BrokerUnavailable, TopologyMissing, KeyUnreadable: it could not be read.
        """
        at = self._monotonic()
        key = await read_key(self._jetstream, pool, subjects.breaker_key(scanner), Breaker)
        return self._keep(pool, scanner, key.value or Breaker(), at)

    async def why_shut(self, pool: str, scanner: str) -> str | None:
        """Why the scanner may not be called for scans now; None is that it may."""
        breaker = await self.of(pool, scanner)
        return None if transitions.lets_through(breaker) else transitions.said(breaker)

    async def call_failed(self, pool: str, scanner: str, operation: str, reason: str) -> None:
        """A call for a scan failed in a way that counts."""
        now = self._now()
        self._failed(f"{pool}.{scanner}")
        await self._change(
            pool, scanner, lambda each: transitions.call_failed(each, operation, reason, now, self.rules)
        )

    async def call_succeeded(self, pool: str, scanner: str, operation: str) -> None:
        """A call for a scan was answered."""
        seen = await self.of(pool, scanner)
        if transitions.call_succeeded(seen, operation) != seen:
            await self._change(pool, scanner, lambda each: transitions.call_succeeded(each, operation))

    async def take_probe(self, pool: str, scanner: str) -> bool:
        """Whether this process, and no other, may probe the scanner now."""
        now = self._now()
        if not transitions.may_probe(await self.of(pool, scanner), now):
            return False

        def taken(each: Breaker) -> Breaker:
            if not transitions.may_probe(each, now):
                return each
            return transitions.probing(each, self._replica, now, self.rules)

        after = await self._change(pool, scanner, taken)
        return after.probe is not None and after.probe.by == self._replica

    async def probe_ended(self, pool: str, scanner: str, failure: str | None) -> None:
        """What this process's probe told; None is that the scanner is well."""
        now = self._now()

        def told(each: Breaker) -> Breaker:
            if failure is None:
                return transitions.probe_succeeded(each, self._replica, now, self.rules)
            return transitions.probe_failed(each, self._replica, failure, now, self.rules)

        await self._change(pool, scanner, told)

    async def _change(self, pool: str, scanner: str, step: Callable[[Breaker], Breaker]) -> Breaker:
        at = self._monotonic()
        changed = await _changed(self._jetstream, pool, scanner, step, self._now())
        if transitions.event_of(changed.before or Breaker(), changed.after) == "breaker-opened":
            self._opened(f"{pool}.{scanner}")
        return self._keep(pool, scanner, changed.after, at)

    def _keep(self, pool: str, scanner: str, breaker: Breaker, at: float) -> Breaker:
        self._seen[pool, scanner] = _Seen(breaker, at)
        return breaker


async def change_breaker(
    jetstream: JetStream, pool: str, scanner: str, step: Callable[[Breaker], Breaker], now: datetime
) -> Breaker:
    """Change a scanner's breaker, and tell of it where its state changed.

    Raises:
        BrokerUnavailable, PublishUnknown, TopologyMissing, KeyUnreadable: it may not have been changed.
    """
    return (await _changed(jetstream, pool, scanner, step, now)).after


async def _changed(
    jetstream: JetStream, pool: str, scanner: str, step: Callable[[Breaker], Breaker], now: datetime
) -> Changed[Breaker]:
    name = subjects.breaker_key(scanner)
    changed = await change_key(jetstream, pool, name, Breaker, lambda before: step(before or Breaker()))
    after = changed.after
    event = transitions.event_of(changed.before or Breaker(), after)
    if event is not None:
        log.warning("breaker of the scanner is " + after.state, pool=pool, scanner=scanner, reason=after.reason)
        told = ScannerEvent(pool=pool, scanner=scanner, event=event, reason=after.reason, by=after.by, at=now)
        subject = subjects.scanner_event(pool, scanner, event)
        await jetstream.publish(Write(subject=subject, body=msgspec.json.encode(told)))
    return changed
