"""The judgement of who runs: by whether anybody pulls from the consumers of each service."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from scanpool.cli.doctor.check import Check, fine, found
from scanpool.cli.views.elements import counted

BUSY = timedelta(minutes=5)
"""So long a process may be at work on what it has, all its hands full, without a pull."""
FULL_HANDS = frozenset({"janitor", "validator"})
"""Services with one consumer, of which a process takes few events at a time; others have one that is always pulled."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ConsumerStanding:
    """How a consumer stands."""

    service: str
    pool: str
    """Empty for one that serves all pools."""
    stream: str
    consumer: str
    pulls: int
    """Pulls that wait for an event: somebody is there."""
    pending: int
    """Events that nobody took yet."""
    unsettled: int
    """Events that were taken and are not settled."""
    last_active: datetime | None = None
    """When the last event was delivered, as far as the server remembers."""
    paused_until: datetime | None = None


def running(consumers: Sequence[ConsumerStanding], now: datetime) -> list[Check]:
    """One check for each service and pool, and one for each consumer that is paused."""
    parts: dict[tuple[str, str], list[ConsumerStanding]] = {}
    for each in consumers:
        parts.setdefault((each.service, each.pool), []).append(each)
    return [*_paused(consumers), *(_running(service, pool, own, now) for (service, pool), own in parts.items())]


def _paused(consumers: Iterable[ConsumerStanding]) -> list[Check]:
    return [
        found(
            "consumer_paused",
            f"{each.stream}/{each.consumer}",
            f"consumer {each.consumer} of {each.stream} is paused until {each.paused_until:%Y-%m-%d %H:%M:%S} UTC: "
            f"{counted(each.pending, 'event')} wait",
            f"nats consumer resume {each.stream} {each.consumer}",
            waiting=each.pending,
        )
        for each in consumers
        if each.paused_until is not None
    ]


def _running(service: str, pool: str, own: Sequence[ConsumerStanding], now: datetime) -> Check:
    place = f"{service} {pool}".strip()
    of = f" for pool {pool}" if pool else ""
    waiting = sum(each.pending for each in own)
    if any(_is_served(each, now) for each in own):
        return fine("running", place, f"{service} runs{of}", waiting=waiting)
    remedy = f"scanpool run {service}" + (f" --pools {pool}" if pool else "")
    message = f"no {service} runs{of}: nobody pulls its events, {counted(waiting, 'event')} wait"
    return found("service_not_running", place, message, remedy, waiting=waiting)


def _is_served(consumer: ConsumerStanding, now: datetime) -> bool:
    if consumer.pulls:
        return True
    recent = consumer.last_active is not None and now - consumer.last_active < BUSY
    return consumer.unsettled > 0 and recent and consumer.service in FULL_HANDS
