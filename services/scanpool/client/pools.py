"""What a user may see of pools and their scanners."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, Literal

import msgspec

from scanpool.client.lookup import Lookup
from scanpool.runtime.jetstream import JetStream
from scanpool.runtime.keys import read_key
from scanpool_schemas import subjects
from scanpool_schemas.keys import Breaker, Control, Health, Hold, Load, PoolRules, ScannerRule, Space

_LANES = ("queued-high", "queued-normal", "queued-low")


class ScannerStatus(msgspec.Struct, frozen=True, kw_only=True):
    """A scanner as outward faces show it."""

    scanner_instance: str
    pool: str
    name: str
    kind: str
    enabled: bool
    ready: bool
    reason: str
    """Why it is not ready, or may not launch."""
    can_launch: bool | None
    edition: str
    version: str
    capacity: int
    active: int
    """Scans of ours that hold a place on it."""
    last_seen: datetime | None
    cordoned: Hold | None = None
    """That it is given no scan, by hand."""
    breaker: Literal["closed", "open", "half-open"] = "closed"
    """Open or half-open, it is not called for scans."""
    url: str | None = None
    """Where it answers; null unless its pool exposes that."""
    breaker_until: datetime | None = None
    """When an open breaker lets it be probed; null is when a person resets it."""


class PoolStatus(msgspec.Struct, frozen=True, kw_only=True):
    """A pool as outward faces show it."""

    pool: str
    default: bool
    retired: bool
    scanners: int
    scanners_ready: int
    capacity: int
    active: int
    waiting: int
    """Scans that wait for a place."""
    allow: tuple[str, ...]
    templates: dict[str, str]
    credentials: tuple[str, ...]
    """Ids that requests may name."""
    paused: Hold | None = None
    """That no scan of it is placed, by hand."""
    no_room: Space | None = None
    """That no scan of it is admitted or placed, since NATS is nearly full."""
    scanners_cordoned: int = 0
    breakers_open: int = 0
    """Half-open ones included."""


class Pools:
    """Reads pools and scanners."""

    def __init__(self, jetstream: JetStream, lookup: Lookup, *, now: Callable[[], datetime]) -> None:
        self._jetstream = jetstream
        self._lookup = lookup
        self._now = now

    async def scanners(self, pool: str) -> list[ScannerStatus]:
        """The pool's scanners; none until a dispatcher wrote its rules."""
        return await self._scanners(pool, await self._lookup.rules(pool), await self._control(pool))

    async def pool(self, pool: str) -> PoolStatus:
        """One pool."""
        rules = await self._lookup.rules(pool) or PoolRules()
        control = await self._control(pool)
        scanners = await self._scanners(pool, rules, control)
        return PoolStatus(
            pool=pool,
            default=rules.default,
            retired=rules.retired,
            scanners=len(scanners),
            scanners_ready=sum(each.ready for each in scanners),
            capacity=sum(each.capacity for each in scanners),
            active=sum(each.active for each in scanners),
            waiting=await self._waiting(pool),
            allow=rules.allow,
            templates=rules.templates,
            credentials=tuple(each.id for each in rules.credentials),
            paused=self._holding(control.paused),
            no_room=await self._lookup.no_room(pool, self._now()),
            scanners_cordoned=sum(each.cordoned is not None for each in scanners),
            breakers_open=sum(each.breaker != "closed" for each in scanners),
        )

    async def _scanners(self, pool: str, rules: PoolRules | None, control: Control) -> list[ScannerStatus]:
        return [await self._scanner(pool, rule, control) for rule in rules.scanners] if rules else []

    async def _scanner(self, pool: str, rule: ScannerRule, control: Control) -> ScannerStatus:
        known = (await read_key(self._jetstream, pool, subjects.load_key(rule.name), Load)).value
        load = known or Load(capacity=rule.capacity)
        health = (await read_key(self._jetstream, pool, subjects.health_key(rule.name), Health)).value
        breaker = (await read_key(self._jetstream, pool, subjects.breaker_key(rule.name), Breaker)).value or Breaker()
        return ScannerStatus(
            scanner_instance=f"{pool}.{rule.name}",
            pool=pool,
            name=rule.name,
            kind=rule.kind,
            enabled=rule.enabled,
            ready=bool(health and health.ready and rule.enabled),
            reason=_reason(rule, health),
            can_launch=health.can_launch if health else None,
            edition=health.edition if health else "",
            version=health.version if health else "",
            capacity=load.capacity,
            active=len(load.holders),
            last_seen=health.last_seen if health else None,
            cordoned=self._holding(control.cordoned.get(rule.name)),
            breaker=breaker.state,
            url=rule.url or None,
            breaker_until=breaker.until,
        )

    async def _control(self, pool: str) -> Control:
        return (await read_key(self._jetstream, pool, subjects.CONTROL_KEY, Control)).value or Control()

    def _holding(self, hold: Hold | None) -> Hold | None:
        return hold if hold is not None and hold.holds(self._now()) else None

    async def _waiting(self, pool: str) -> int:
        stream = subjects.pool_stream(pool)
        infos = [await self._jetstream.api(f"CONSUMER.INFO.{stream}.{lane}", None, dict[str, Any]) for lane in _LANES]
        return sum(int(info["num_pending"]) + int(info["num_ack_pending"]) for info in infos)


def _reason(rule: ScannerRule, health: Health | None) -> str:
    if not rule.enabled:
        return "disabled in the configuration"
    return health.reason if health else "not looked at yet"
