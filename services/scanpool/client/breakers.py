"""A scanner's breaker as outward faces show it."""

from __future__ import annotations

from typing import Literal

import msgspec

from scanpool.client.lookup import Lookup
from scanpool.runtime.jetstream import JetStream
from scanpool.runtime.keys import read_key
from scanpool_schemas import subjects
from scanpool_schemas.instants import Instant
from scanpool_schemas.keys import Breaker


class BreakerStatus(msgspec.Struct, frozen=True, kw_only=True):
    """The key of a breaker with every field there, and whose it is."""

    scanner_instance: str
    pool: str
    name: str
    state: Literal["closed", "open", "half-open"]
    failures: int
    since: Instant | None
    until: Instant | None
    """When an open breaker lets the scanner be probed; null is when a person resets it."""
    reason: str
    by: str
    opened: int
    """How often it has opened."""


def breaker_status(pool: str, scanner: str, breaker: Breaker) -> BreakerStatus:
    """The breaker of the scanner."""
    return BreakerStatus(
        scanner_instance=f"{pool}.{scanner}",
        pool=pool,
        name=scanner,
        state=breaker.state,
        failures=breaker.failures,
        since=breaker.since,
        until=breaker.until,
        reason=breaker.reason,
        by=breaker.by,
        opened=breaker.opened,
    )


async def read_breakers(jetstream: JetStream, pool: str) -> list[BreakerStatus]:
    """The breakers of the pool's scanners.

    Raises:
        UnknownPool: there is no such pool.
    """
    rules = await Lookup(jetstream).rules(pool)
    found = []
    for scanner in rules.scanners if rules else ():
        key = await read_key(jetstream, pool, subjects.breaker_key(scanner.name), Breaker)
        found.append(breaker_status(pool, scanner.name, key.value or Breaker()))
    return found
