"""Facts of NATS: streams and their copies, clocks, limits, consumers, room."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from typing import Any

import msgspec

from scanpool.cli.doctor.judge.nats import Limit, Peer, RoomFacts, StreamStanding
from scanpool.cli.doctor.judge.services import ConsumerStanding
from scanpool.janitor import room
from scanpool.runtime.errors import BrokerError
from scanpool.runtime.jetstream import ApiRefused, JetStream
from scanpool.runtime.keys import read_key
from scanpool.runtime.settings import SpaceSettings
from scanpool.runtime.topology.streams import SECOND_NS
from scanpool_schemas import subjects
from scanpool_schemas.instants import Instant
from scanpool_schemas.keys import Space

_OF_POOL: dict[str, tuple[str, ...]] = {
    "dispatcher": ("launching", "queued-high", "queued-normal", "queued-low"),
    "poller": ("running", "exporting", "stopping"),
    "validator": ("validating",),
}


class _Replica(msgspec.Struct):
    name: str
    current: bool = False
    offline: bool = False
    active: int = 0
    """Nanoseconds since the leader heard of it; 0 where it never did."""


class _Cluster(msgspec.Struct):
    name: str = ""
    leader: str = ""
    replicas: list[_Replica] | None = None


class _StreamConfig(msgspec.Struct):
    num_replicas: int = 1


class _Stream(msgspec.Struct):
    config: _StreamConfig
    cluster: _Cluster | None = None
    ts: Instant | None = None


class _Delivered(msgspec.Struct):
    last_active: Instant | None = None


class _ConsumerConfig(msgspec.Struct):
    pause_until: Instant | None = None


class _Consumer(msgspec.Struct):
    num_pending: int
    num_ack_pending: int
    num_waiting: int
    delivered: _Delivered
    config: _ConsumerConfig
    paused: bool = False


async def stream_standings(
    jetstream: JetStream, names: Collection[str], now: Callable[[], datetime]
) -> list[StreamStanding]:
    """How each stream stands; those that do not exist are left out."""
    found = await asyncio.gather(*(_stream(jetstream, name, now) for name in names))
    return [each for each in found if each is not None]


async def limits(jetstream: JetStream) -> list[Limit]:
    """The account's limits on streams and consumers; it has one of each, or one for each number of copies."""
    info = await jetstream.api("INFO", None, dict[str, Any])
    tiers: dict[str, Any] = info.get("tiers") or {"": info}
    return [
        Limit(what=what, used=int(tier.get(what, 0)), most=int(tier["limits"].get(f"max_{what}", -1)))
        for tier in tiers.values()
        for what in ("streams", "consumers")
    ]


async def rooms(jetstream: JetStream, pool: str, policy: SpaceSettings) -> RoomFacts:
    """What the janitor wrote of the pool's room, and what is seen from here."""
    key = await read_key(jetstream, pool, subjects.SPACE_KEY, Space)
    measured = await room.measured(jetstream, pool, None)
    short = tuple(str(each) for each in measured if room.is_short(each, policy, was=False))
    return RoomFacts(pool=pool, space=key.value, short=short)


async def consumers_of_all(jetstream: JetStream) -> list[ConsumerStanding]:
    """Of the services that serve all pools at once."""
    wanted = [
        ("admission", subjects.SCAN_REQUESTS, subjects.ADMISSION_CONSUMER),
        ("admission", subjects.SCAN_REQUESTS, subjects.CANCEL_CONSUMER),
        ("janitor", subjects.SCAN_TICKS, subjects.JANITOR_JOB),
    ]
    return await _consumers(jetstream, [(service, "", stream, name) for service, stream, name in wanted])


async def consumers_of(jetstream: JetStream, pool: str) -> list[ConsumerStanding]:
    """Of the services that serve the pool."""
    stream = subjects.pool_stream(pool)
    wanted = [(service, pool, stream, name) for service, names in _OF_POOL.items() for name in names]
    return await _consumers(jetstream, wanted)


async def _consumers(jetstream: JetStream, wanted: Sequence[tuple[str, str, str, str]]) -> list[ConsumerStanding]:
    found = await asyncio.gather(*(_consumer(jetstream, *each) for each in wanted))
    return [each for each in found if each is not None]


async def _consumer(jetstream: JetStream, service: str, pool: str, stream: str, name: str) -> ConsumerStanding | None:
    """None where it does not exist, which the topology says."""
    try:
        info = await jetstream.api(f"CONSUMER.INFO.{stream}.{name}", None, _Consumer)
    except ApiRefused as refusal:
        if refusal.is_absence:
            return None
        raise
    return ConsumerStanding(
        service=service,
        pool=pool,
        stream=stream,
        consumer=name,
        pulls=info.num_waiting,
        pending=info.num_pending,
        unsettled=info.num_ack_pending,
        last_active=info.delivered.last_active,
        paused_until=info.config.pause_until if info.paused else None,
    )


async def _stream(jetstream: JetStream, name: str, now: Callable[[], datetime]) -> StreamStanding | None:
    before = now()
    try:
        info = await jetstream.api(f"STREAM.INFO.{name}", None, _Stream)
    except ApiRefused as refusal:
        return None if refusal.is_absence else StreamStanding(name=name, silent=str(refusal))
    except BrokerError as error:
        return StreamStanding(name=name, silent=str(error))
    took = now() - before
    cluster = info.cluster or _Cluster()
    return StreamStanding(
        name=name,
        copies=info.config.num_replicas,
        cluster=cluster.name,
        leader=cluster.leader,
        peers=tuple(
            Peer(
                server=each.name,
                current=each.current,
                offline=each.offline,
                heard_s=each.active / SECOND_NS if each.active else None,
            )
            for each in cluster.replicas or ()
        ),
        ahead_s=(info.ts - (before + took / 2)).total_seconds() if info.ts else None,
        unsure_s=took.total_seconds() / 2,
    )
