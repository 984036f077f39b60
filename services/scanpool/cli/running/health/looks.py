"""What a process looks at: the consumers that it pulls from, its pools' scanners, the room in NATS."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterator, Sequence
from datetime import datetime

import msgspec

from scanpool.cli.running.assembly import ServiceName
from scanpool.cli.running.health.decide import Backlog, Kind
from scanpool.client.lookup import Lookup
from scanpool.client.pools import Pools, ScannerStatus
from scanpool.coordination.control import holding, read_control
from scanpool.coordination.space import no_room
from scanpool.runtime.jetstream import JetStream
from scanpool.runtime.settings import RetentionSettings
from scanpool.runtime.topology.apply import differences
from scanpool.runtime.topology.definitions import topology
from scanpool.runtime.topology.difference import Difference
from scanpool_schemas import subjects
from scanpool_schemas.scan import StateName

_LANES: tuple[StateName, ...] = ("queued-high", "queued-normal", "queued-low")


class _Delivered(msgspec.Struct):
    consumer_seq: int = 0
    stream_seq: int = 0


class _Config(msgspec.Struct):
    filter_subject: str = ""


class _Info(msgspec.Struct):
    num_pending: int
    num_ack_pending: int
    num_waiting: int
    delivered: _Delivered
    config: _Config
    paused: bool = False


Own = tuple[str, str, Kind]
"""Stream, consumer and kind."""


def own_consumers(services: Collection[ServiceName], pools: Sequence[str]) -> Iterator[Own]:
    """The consumers from which a process with these services pulls."""
    if "admission" in services:
        yield subjects.SCAN_REQUESTS, subjects.ADMISSION_CONSUMER, "returning"
        yield subjects.SCAN_REQUESTS, subjects.CANCEL_CONSUMER, "returning"
    if "janitor" in services:
        yield subjects.SCAN_TICKS, subjects.JANITOR_JOB, "once"
    for pool in pools:
        stream = subjects.pool_stream(pool)
        if "dispatcher" in services:
            yield from ((stream, lane, "lane") for lane in _LANES)
            yield stream, "launching", "returning"
        if "poller" in services:
            yield from ((stream, state, "returning") for state in ("running", "stopping"))
            yield stream, "exporting", "once"
            yield subjects.SCAN_TICKS, subjects.cleanup_job(pool), "once"
        if "validator" in services:
            yield stream, "validating", "once"


async def backlogs(jetstream: JetStream, consumers: Collection[Own]) -> list[Backlog]:
    """What each has before it.

    Raises:
        ApiRefused: one of them is missing.
        BrokerUnavailable: NATS does not answer.
    """
    return list(await asyncio.gather(*(_backlog(jetstream, each) for each in consumers)))


async def differences_of(
    jetstream: JetStream, pools: Sequence[str], retention: RetentionSettings | None
) -> list[Difference]:
    """What is missing or differs in NATS; `retention` None leaves open how long ended scans are kept."""
    return await differences(jetstream, topology(pools, retention=retention))


async def scanners_of(jetstream: JetStream, pools: Sequence[str], now: datetime) -> dict[str, list[ScannerStatus]]:
    """The scanners of each pool, as the pool's keys have them."""
    reader = Pools(jetstream, Lookup(jetstream), now=lambda: now)
    found = await asyncio.gather(*(reader.scanners(pool) for pool in pools))
    return dict(zip(pools, found, strict=True))


async def held_back(jetstream: JetStream, pools: Sequence[str], now: datetime) -> set[str]:
    """The pools that people hold back, so that nothing of them is placed."""
    controls = await asyncio.gather(*(read_control(jetstream, pool) for pool in pools))
    return {pool for pool, each in zip(pools, controls, strict=True) if holding(each.paused, now) is not None}


async def short_of_room(jetstream: JetStream, pools: Sequence[str], now: datetime) -> dict[str, str]:
    """The pools whose scans wait for room in NATS, and why."""
    found = await asyncio.gather(*(no_room(jetstream, pool, now) for pool in pools))
    return {pool: space.sentence for pool, space in zip(pools, found, strict=True) if space is not None}


async def _backlog(jetstream: JetStream, own: Own) -> Backlog:
    stream, consumer, kind = own
    info = await jetstream.api(f"CONSUMER.INFO.{stream}.{consumer}", None, _Info)
    oldest = None
    if info.num_pending and kind != "lane":
        subject = info.config.filter_subject
        oldest = await jetstream.next_from(stream, info.delivered.stream_seq + 1, subject)
    return Backlog(
        stream=stream,
        consumer=consumer,
        kind=kind,
        pending=info.num_pending,
        unsettled=info.num_ack_pending,
        pulls=info.num_waiting,
        taken=info.delivered.consumer_seq,
        paused=info.paused,
        oldest=oldest.time if oldest else None,
    )
