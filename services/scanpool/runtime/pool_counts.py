"""How many scans of a pool stand where, as NATS counts them. The one way to count: what people and metrics are told.

A consumer knows what it has not handed over (pending) and what it handed over and nobody settled, which a snoozed
event is too: together they are the scans that wait.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import Any, get_args

import msgspec

from scanpool.runtime.jetstream import JetStream, Stored
from scanpool_schemas import subjects
from scanpool_schemas.request import Priority
from scanpool_schemas.scan import Queued, StateName, lane_state
from scanpool_schemas.wire import UnreadableEvent, decode_scan

LANES: tuple[Priority, ...] = get_args(Priority)
IN_FLIGHT: tuple[StateName, ...] = ("launching", "running", "exporting", "validating", "stopping")
AT_ONCE = 100
"""Reads that are under way at the same time."""


class Position(msgspec.Struct, frozen=True):
    """Where a consumer is."""

    consumer_seq: int = 0
    stream_seq: int = 0


class ConsumerInfo(msgspec.Struct, frozen=True):
    """What the server says of a consumer."""

    num_pending: int
    num_ack_pending: int
    num_waiting: int
    delivered: Position
    ack_floor: Position

    @property
    def unsettled(self) -> int:
        """Events that are not acked yet: those of scans that are in the state, while spent events are acked."""
        return self.num_pending + self.num_ack_pending


async def consumer(jetstream: JetStream, pool: str, state: StateName) -> ConsumerInfo:
    """What the server says of the state's consumer."""
    return await jetstream.api(f"CONSUMER.INFO.{subjects.pool_stream(pool)}.{state}", None, ConsumerInfo)


async def requested(jetstream: JetStream, pool: str) -> int:
    """Scans that were asked for and not admitted yet."""
    return len(await subjects_of(jetstream, subjects.SCAN_REQUESTS, subjects.requested(pool, "*")))


async def queued(jetstream: JetStream, pool: str, lane: Priority, info: ConsumerInfo, holders: Collection[str]) -> int:
    """Scans that wait in the lane; `holders` hold a place, and so wait no more.

    The consumer counts cancelled scans, whose events were removed, until it comes to their place; the stream holds
    spent events of scans that are elsewhere by now. The truth is at most the lower of both.
    """
    if not info.unsettled:
        return 0
    found = await _scans(jetstream, pool, lane_state(lane)) - frozenset(holders)
    given_up = found & await _scans(jetstream, pool, "dead")
    if len(found) - len(given_up) >= info.unsettled:
        return info.unsettled
    return min(info.unsettled, len(found - await _still_dead(jetstream, pool, given_up)))


async def oldest_waiting_s(
    jetstream: JetStream, pool: str, lanes: Mapping[Priority, ConsumerInfo], now: datetime
) -> float | None:
    """For how many seconds the scan at the head of the queue has waited; None where none waits."""
    heads = [await _head(jetstream, pool, lane, info) for lane, info in lanes.items()]
    waiting = [(now - since).total_seconds() for since in heads if since is not None]
    return round(max(0.0, *waiting), 1) if waiting else None


async def dead_scans(jetstream: JetStream, pool: str) -> frozenset[str]:
    """Scans whose last event says dead: of one that was retried the event is still there."""
    return await _still_dead(jetstream, pool, await _scans(jetstream, pool, "dead"))


async def dead_letters(jetstream: JetStream, pool: str) -> int:
    """Dead letters of the pool: dead scans, and messages that never became a scan; `_` is what named no pool."""
    filters = (subjects.event(pool, "dead", "*"), f"dlq.{pool}.>")
    return sum([len(await subjects_of(jetstream, subjects.SCAN_DLQ, each)) for each in filters])


async def subjects_of(jetstream: JetStream, stream: str, subject: str) -> list[str]:
    """The subjects of the stream that fit the filter and have a message."""
    found: list[str] = []
    while True:
        request = {"subjects_filter": subject, "offset": len(found)}
        answer = await jetstream.api(f"STREAM.INFO.{stream}", request, dict[str, Any])
        page = answer["state"].get("subjects") or {}
        found += page
        if not page or len(found) >= answer.get("total", 0):
            return found


async def _head(jetstream: JetStream, pool: str, lane: Priority, info: ConsumerInfo) -> datetime | None:
    """Since when the first scan of the lane waits that is not settled; None where none waits."""
    if not info.unsettled:
        return None
    first = info.ack_floor.stream_seq + 1
    subject = subjects.event(pool, lane_state(lane), "*")
    stored = await jetstream.next_from(subjects.pool_stream(pool), first, subject)
    return _queued_at(stored, lane) if stored else None


def _queued_at(stored: Stored, lane: Priority) -> datetime:
    """When the scan came to the queue; where its event cannot be read, when that was stored."""
    try:
        scan = decode_scan(lane_state(lane), stored.body, stored.headers.get("ce-type"))
    except UnreadableEvent:
        return stored.time
    return scan.queued_at if isinstance(scan, Queued) else stored.time


async def _scans(jetstream: JetStream, pool: str, state: StateName) -> frozenset[str]:
    """Scans of which the stream holds an event of the state, spent or not."""
    found = await subjects_of(jetstream, subjects.pool_stream(pool), subjects.event(pool, state, "*"))
    return frozenset(subject.rsplit(".", 1)[1] for subject in found)


async def _still_dead(jetstream: JetStream, pool: str, scans: Iterable[str]) -> frozenset[str]:
    ids, dead = list(scans), set[str]()
    for place in range(0, len(ids), AT_ONCE):
        part = ids[place : place + AT_ONCE]
        last = await asyncio.gather(*(_is_dead(jetstream, pool, each) for each in part))
        dead |= {each for each, is_dead in zip(part, last, strict=True) if is_dead}
    return frozenset(dead)


async def _is_dead(jetstream: JetStream, pool: str, scan_id: str) -> bool:
    stored = await jetstream.last(subjects.pool_stream(pool), subjects.events_of(pool, scan_id))
    return stored is not None and stored.subject == subjects.event(pool, "dead", scan_id)
