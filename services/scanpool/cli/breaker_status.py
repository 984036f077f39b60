"""A scanner's breaker as the command line shows it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import msgspec

from scanpool.cli.operator_options import Instance
from scanpool_schemas import subjects
from scanpool_schemas.instants import Instant
from scanpool_schemas.keys import Breaker

if TYPE_CHECKING:
    from scanpool.runtime.jetstream import JetStream


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


def breaker_status(scanner: Instance, breaker: Breaker) -> BreakerStatus:
    """The breaker of the scanner."""
    return BreakerStatus(
        scanner_instance=str(scanner),
        pool=scanner.pool,
        name=scanner.scanner,
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
    from scanpool.cli.known import scanners_of
    from scanpool.runtime.keys import read_key

    found = []
    for name in await scanners_of(jetstream, pool):
        key = await read_key(jetstream, pool, subjects.breaker_key(name), Breaker)
        found.append(breaker_status(Instance(pool, name), key.value or Breaker()))
    return found
