"""What the looks of a process at its surroundings amount to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, TypeAlias

from scanpool.cli.views.elements import counted, span
from scanpool.client.pools import ScannerStatus
from scanpool.runtime.http import Health
from scanpool.runtime.topology.difference import Difference

Kind: TypeAlias = Literal["lane", "returning", "once"]
"""Of a consumer: pulled only while there are free places; its deliveries come again at intervals; taken when there is
time for them."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Backlog:
    """What a consumer of this process has before it."""

    stream: str
    consumer: str
    kind: Kind
    pending: int
    """Events that nobody took yet."""
    unsettled: int
    """Events that were taken, and are in hand or come again later."""
    pulls: int
    """Pulls that wait for an event."""
    taken: int
    """How many deliveries there have ever been."""
    paused: bool = False
    oldest: datetime | None = None
    """When the first one was stored that nobody took yet; None where there is none."""

    @property
    def due(self) -> int:
        """Events that have to be delivered some time soon."""
        return self.pending + (self.unsettled if self.kind == "returning" else 0)


@dataclass(frozen=True, kw_only=True, slots=True)
class Still:
    """Since when a consumer has not moved."""

    taken: int
    since: datetime


def still(before: Still | None, backlog: Backlog, now: datetime, *, has_places: bool) -> Still:
    """Since when the consumer has not moved although it should; since now where it did, or had no reason to."""
    waits_rightly = backlog.kind == "lane" and not has_places
    if before is None or before.taken != backlog.taken or not backlog.due or waits_rightly:
        return Still(taken=backlog.taken, since=now)
    return before


def lag(backlog: Backlog, unmoved: Still, limit: timedelta, now: datetime) -> str | None:
    """What is wrong with a consumer, in a sentence; None where nothing is."""
    where = f"consumer {backlog.consumer} of stream {backlog.stream}"
    if backlog.paused:
        return f"{where} is paused by hand: nothing of it is delivered"
    pulled = "" if backlog.pulls else ", and nobody pulls"
    if now - unmoved.since > limit:
        waits = counted(backlog.due, "event")
        return f"{where}: none of {waits} was delivered for {span(now - unmoved.since)}{pulled}"
    if backlog.kind != "lane" and backlog.oldest is not None and now - backlog.oldest > limit:
        waits = counted(backlog.pending, "event")
        return f"{where}: {waits} wait, the oldest for {span(now - backlog.oldest)}{pulled}"
    return None


def has_places(scanners: Sequence[ScannerStatus]) -> bool:
    """Whether a scan could be placed on one of them now."""
    return any(
        each.ready and each.breaker == "closed" and each.cordoned is None and each.active < each.capacity
        for each in scanners
    )


def unreachable(pool: str, scanners: Sequence[ScannerStatus]) -> str | None:
    """That no scanner of the pool can be reached, and why; None where one can."""
    enabled = [each for each in scanners if each.enabled]
    if any(each.ready and each.breaker == "closed" for each in enabled):
        return None
    if not enabled:
        return f"pool {pool} has no scanner that is enabled"
    reasons = "; ".join(f"{each.name}: {_why(each)}" for each in enabled[:3])
    more = f"; and {len(enabled) - 3} more" if len(enabled) > 3 else ""
    return f"no scanner of pool {pool} is ready ({reasons}{more})"


def of_topology(found: Sequence[Difference]) -> Health:
    """Missing streams and consumers keep the process from working; those that differ may not."""
    remedy = "run `scanpool topology apply`"
    missing = [f"{each}; {remedy}" for each in found if each.missing and each.kind != "schedule"]
    others = [f"{each}; {remedy}" for each in found if not each.missing and each.kind != "schedule"]
    unscheduled = [f"{each}; {remedy}" for each in found if each.missing and each.kind == "schedule"]
    return Health(obstacles=tuple(missing), troubles=(*others, *unscheduled))


def _why(scanner: ScannerStatus) -> str:
    return scanner.reason if not scanner.ready else f"its breaker is {scanner.breaker}"
