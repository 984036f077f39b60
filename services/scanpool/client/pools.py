"""What a user may see of pools and their scanners."""

from __future__ import annotations

from datetime import datetime
from typing import Any, TypeVar

import msgspec

from scanpool.client.lookup import Lookup
from scanpool.runtime.jetstream import JetStream
from scanpool_schemas import subjects
from scanpool_schemas.keys import Health, Load, PoolRules, ScannerRule

_T = TypeVar("_T")
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


class Pools:
    """Reads pools and scanners."""

    def __init__(self, jetstream: JetStream, lookup: Lookup) -> None:
        self._jetstream = jetstream
        self._lookup = lookup

    async def scanners(self, pool: str) -> list[ScannerStatus]:
        """The pool's scanners; none until a dispatcher wrote its rules."""
        rules = await self._lookup.rules(pool)
        return [await self._scanner(pool, rule) for rule in rules.scanners] if rules else []

    async def pool(self, pool: str) -> PoolStatus:
        """One pool."""
        rules = await self._lookup.rules(pool) or PoolRules()
        scanners = await self.scanners(pool)
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
        )

    async def _scanner(self, pool: str, rule: ScannerRule) -> ScannerStatus:
        load = await self._key(pool, subjects.load_key(rule.name), Load) or Load(capacity=rule.capacity)
        health = await self._key(pool, subjects.health_key(rule.name), Health)
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
        )

    async def _key(self, pool: str, key: str, kind: type[_T]) -> _T | None:
        stored = await self._jetstream.last(subjects.pool_stream(pool), subjects.key(pool, key))
        return msgspec.json.decode(stored.body, type=kind) if stored else None

    async def _waiting(self, pool: str) -> int:
        stream = subjects.pool_stream(pool)
        infos = [await self._jetstream.api(f"CONSUMER.INFO.{stream}.{lane}", None, dict[str, Any]) for lane in _LANES]
        return sum(int(info["num_pending"]) + int(info["num_ack_pending"]) for info in infos)


def _reason(rule: ScannerRule, health: Health | None) -> str:
    if not rule.enabled:
        return "disabled in the configuration"
    return health.reason if health else "not looked at yet"
