"""What there is to do in a pool and what keeps it from being done, as the server counts it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, get_args

import msgspec

from scanpool.client.breakers import BreakerStatus, read_breakers
from scanpool.client.lookup import Lookup
from scanpool.client.pools import Pools, ScannerStatus
from scanpool.runtime.jetstream import JetStream, Stored
from scanpool.runtime.keys import read_key
from scanpool_schemas import subjects
from scanpool_schemas.keys import Control, Hold, Load, Space
from scanpool_schemas.request import Priority
from scanpool_schemas.scan import Queued, StateName, UnreadableEvent, decode_scan, lane_state

LANES: tuple[Priority, ...] = get_args(Priority)
IN_FLIGHT: tuple[StateName, ...] = ("launching", "running", "exporting", "validating", "stopping")
AT_ONCE = 100
"""Reads that are under way at the same time."""


class _Floor(msgspec.Struct):
    stream_seq: int


class _Info(msgspec.Struct):
    """What the server says of a consumer."""

    num_pending: int
    num_ack_pending: int
    ack_floor: _Floor


class PoolStats(msgspec.Struct, frozen=True, kw_only=True):
    """A pool in numbers."""

    pool: str
    paused: Hold | None
    no_room: Space | None = None
    """That nothing is admitted or placed, since NATS is nearly full."""
    requested: int
    """Asked for and not admitted yet."""
    queued: dict[str, int]
    """By lane: scans that wait for a place."""
    oldest_waiting_s: float | None
    """Since when the scan at the head of the queue waits; null where none waits."""
    in_flight: dict[str, int]
    """By state."""
    dead_scans: int
    """Given up, and not retried since."""
    dead_letters: int
    """What `list-dlq` lists: dead scans, and messages that never became a scan."""
    active: int
    """Places that are taken."""
    capacity: int
    scanners: tuple[ScannerStatus, ...]
    breakers_not_closed: tuple[BreakerStatus, ...]


async def pool_stats(jetstream: JetStream, pool: str, now: datetime) -> PoolStats:
    """The pool as it is now.

    Raises:
        UnknownPool: there is no such pool.
    """
    lookup = Lookup(jetstream)
    scanners = tuple(await Pools(jetstream, lookup, now=lambda: now).scanners(pool))
    control = (await read_key(jetstream, pool, subjects.CONTROL_KEY, Control)).value or Control()
    breakers = await read_breakers(jetstream, pool)
    lanes = {lane: await _consumer(jetstream, pool, lane_state(lane)) for lane in LANES}
    dead = await _dead_scans(jetstream, pool)
    elsewhere = dead | await _holders(jetstream, pool, scanners)
    return PoolStats(
        pool=pool,
        paused=control.paused if control.paused and control.paused.holds(now) else None,
        no_room=await lookup.no_room(pool, now),
        requested=len(await _subjects(jetstream, subjects.SCAN_REQUESTS, subjects.requested(pool, "*"))),
        queued={lane: await _queued(jetstream, pool, lane, info, elsewhere) for lane, info in lanes.items()},
        oldest_waiting_s=await _oldest_waiting_s(jetstream, pool, lanes, now),
        in_flight={state: _unsettled(await _consumer(jetstream, pool, state)) for state in IN_FLIGHT},
        dead_scans=len(dead),
        dead_letters=await _dead_letters(jetstream, pool),
        active=sum(each.active for each in scanners),
        capacity=sum(each.capacity for each in scanners),
        scanners=scanners,
        breakers_not_closed=tuple(each for each in breakers if each.state != "closed"),
    )


async def _consumer(jetstream: JetStream, pool: str, state: StateName) -> _Info:
    return await jetstream.api(f"CONSUMER.INFO.{subjects.pool_stream(pool)}.{state}", None, _Info)


def _unsettled(info: _Info) -> int:
    """Events that are not acked yet: those of scans that are in the state, while spent events are acked."""
    return info.num_pending + info.num_ack_pending


async def _queued(jetstream: JetStream, pool: str, lane: Priority, info: _Info, elsewhere: frozenset[str]) -> int:
    """Scans that wait in the lane.

    The consumer counts cancelled scans, whose events were removed, until it comes to their place; the stream holds
    spent events of scans that are elsewhere by now. The truth is at most the lower of both.
    """
    if not _unsettled(info):
        return 0
    found = await _subjects(jetstream, subjects.pool_stream(pool), subjects.event(pool, lane_state(lane), "*"))
    return min(_unsettled(info), sum(_scan_id(subject) not in elsewhere for subject in found))


async def _holders(jetstream: JetStream, pool: str, scanners: Iterable[ScannerStatus]) -> frozenset[str]:
    keys = [await read_key(jetstream, pool, subjects.load_key(each.name), Load) for each in scanners]
    return frozenset(holder for key in keys if key.value for holder in key.value.holders)


async def _oldest_waiting_s(
    jetstream: JetStream, pool: str, lanes: Mapping[Priority, _Info], now: datetime
) -> float | None:
    heads = [await _head(jetstream, pool, lane, info) for lane, info in lanes.items()]
    waiting = [(now - since).total_seconds() for since in heads if since is not None]
    return round(max(0.0, *waiting), 1) if waiting else None


async def _head(jetstream: JetStream, pool: str, lane: Priority, info: _Info) -> datetime | None:
    """Since when the first scan of the lane waits that is not settled; None where none waits."""
    if not _unsettled(info):
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


async def _dead_scans(jetstream: JetStream, pool: str) -> frozenset[str]:
    """Scans whose last event says dead: of one that was retried the event is still there."""
    found = await _subjects(jetstream, subjects.pool_stream(pool), subjects.event(pool, "dead", "*"))
    dead: set[str] = set()
    for place in range(0, len(found), AT_ONCE):
        part = found[place : place + AT_ONCE]
        last = await asyncio.gather(*(_is_last(jetstream, pool, subject) for subject in part))
        dead |= {_scan_id(subject) for subject, is_last in zip(part, last, strict=True) if is_last}
    return frozenset(dead)


async def _is_last(jetstream: JetStream, pool: str, subject: str) -> bool:
    stored = await jetstream.last(subjects.pool_stream(pool), subjects.events_of(pool, _scan_id(subject)))
    return stored is not None and stored.subject == subject


def _scan_id(subject: str) -> str:
    return subject.rsplit(".", 1)[1]


async def _dead_letters(jetstream: JetStream, pool: str) -> int:
    filters = (subjects.event(pool, "dead", "*"), f"dlq.{pool}.>")
    return sum([len(await _subjects(jetstream, subjects.SCAN_DLQ, each)) for each in filters])


async def _subjects(jetstream: JetStream, stream: str, subject: str) -> list[str]:
    """The subjects of the stream that fit the filter and have a message."""
    found: list[str] = []
    while True:
        request = {"subjects_filter": subject, "offset": len(found)}
        answer = await jetstream.api(f"STREAM.INFO.{stream}", request, dict[str, Any])
        page = answer["state"].get("subjects") or {}
        found += page
        if not page or len(found) >= answer.get("total", 0):
            return found
