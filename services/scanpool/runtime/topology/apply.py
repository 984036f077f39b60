"""Compares NATS with the definitions, and creates and corrects what differs."""

from __future__ import annotations

from typing import Any

from scanpool.runtime.errors import TopologyMissing
from scanpool.runtime.jetstream import ApiRefused, JetStream, Write
from scanpool.runtime.topology.definitions import Consumer, Schedule, Topology
from scanpool.runtime.topology.difference import Difference, difference
from scanpool.runtime.topology.streams import Config
from scanpool_schemas import subjects
from scanpool_schemas.names import is_valid_pool_name

_SCHEDULE = "Nats-Schedule"
_TARGET = "Nats-Schedule-Target"


async def differences(jetstream: JetStream, wanted: Topology) -> list[Difference]:
    """What is missing or differs in NATS, in the order in which it would be made."""
    found = [await _stream_difference(jetstream, stream) for stream in wanted.streams]
    found += [await _consumer_difference(jetstream, consumer) for consumer in wanted.consumers]
    found += [await _schedule_difference(jetstream, schedule) for schedule in wanted.schedules]
    return [each for each in found if each is not None]


async def apply(jetstream: JetStream, wanted: Topology) -> list[Difference]:
    """Create and correct what differs; answers what was done.

    Raises:
        ApiRefused: the server will not have a change (a stream's retention cannot be changed, for one).
    """
    done = []
    for stream in wanted.streams:
        if found := await _stream_difference(jetstream, stream):
            verb = "CREATE" if found.missing else "UPDATE"
            config = corrected(await _config(jetstream, f"STREAM.INFO.{stream['name']}"), stream)
            await jetstream.api(f"STREAM.{verb}.{stream['name']}", config, dict[str, Any])
            done.append(found)
    for consumer in wanted.consumers:
        if found := await _consumer_difference(jetstream, consumer):
            await _make_consumer(jetstream, consumer)
            done.append(found)
    for schedule in wanted.schedules:
        if found := await _schedule_difference(jetstream, schedule):
            await jetstream.publish(_schedule_write(schedule))
            done.append(found)
    return done


async def verify(jetstream: JetStream, wanted: Topology) -> None:
    """Check that all is there and as defined; how often jobs tick is for whoever applied the topology.

    Raises:
        TopologyMissing: names what is not, and the remedy.
    """
    found = [d for d in await differences(jetstream, wanted) if d.missing or d.kind != "schedule"]
    if found:
        sentences = "; ".join(map(str, found[:5]))
        more = f" and {len(found) - 5} more" if len(found) > 5 else ""
        raise TopologyMissing(f"NATS is not set up as needed: {sentences}{more}. Run `scanpool topology apply`")


async def pools_in_nats(jetstream: JetStream) -> tuple[str, ...]:
    """The pools that have a stream."""
    names: list[str] = []
    while True:
        answer = await jetstream.api("STREAM.NAMES", {"offset": len(names)}, dict[str, Any])
        page = answer.get("streams") or []
        names += page
        if not page or len(names) >= answer["total"]:
            break
    pools = (subjects.pool_of_stream(name) for name in names)
    return tuple(sorted(pool for pool in pools if pool and is_valid_pool_name(pool)))


def corrected(found: Config | None, wanted: Config) -> Config:
    """The settings to write: as defined, and for the rest as they are in NATS.

    What an operator set and no definition speaks of stays (replicas, placement, a limit of bytes), and so do the
    sources of other pools.
    """
    if found is None:
        return wanted
    config = {**found, **wanted}
    if "metadata" in wanted:
        config["metadata"] = {**(found.get("metadata") or {}), **wanted["metadata"]}
    if "sources" in wanted:
        ours = {source["name"] for source in wanted["sources"]}
        others = [source for source in found.get("sources") or [] if source["name"] not in ours]
        config["sources"] = [*others, *wanted["sources"]]
    return config


async def _make_consumer(jetstream: JetStream, consumer: Consumer) -> None:
    found = await _config(jetstream, f"CONSUMER.INFO.{consumer.stream}.{consumer.name}")
    config = corrected(found, consumer.config)
    request = {"stream_name": consumer.stream, "config": config, "action": ""}
    await jetstream.api(f"CONSUMER.CREATE.{consumer.stream}.{consumer.name}", request, dict[str, Any])


async def _stream_difference(jetstream: JetStream, wanted: Config) -> Difference | None:
    found = await _config(jetstream, f"STREAM.INFO.{wanted['name']}")
    return difference("stream", wanted["name"], found, wanted)


async def _consumer_difference(jetstream: JetStream, wanted: Consumer) -> Difference | None:
    found = await _config(jetstream, f"CONSUMER.INFO.{wanted.stream}.{wanted.name}")
    return difference("consumer", f"{wanted.stream}/{wanted.name}", found, wanted.config)


async def _schedule_difference(jetstream: JetStream, wanted: Schedule) -> Difference | None:
    try:
        found = await jetstream.last(subjects.SCAN_TICKS, subjects.schedule(wanted.job))
    except TopologyMissing:
        found = None
    if found is None:
        return Difference(kind="schedule", name=wanted.job, missing=True)
    every = found.headers.get(_SCHEDULE, "")
    if every == _every(wanted):
        return None
    return Difference(kind="schedule", name=wanted.job, missing=False, fields=(f"every: {every} -> {_every(wanted)}",))


def _schedule_write(schedule: Schedule) -> Write:
    return Write(
        subject=subjects.schedule(schedule.job),
        body=b"{}",
        headers={_SCHEDULE: _every(schedule), _TARGET: subjects.tick(schedule.job)},
    )


def _every(schedule: Schedule) -> str:
    return f"@every {schedule.every_s}s"


async def _config(jetstream: JetStream, operation: str) -> Config | None:
    try:
        answer = await jetstream.api(operation, None, dict[str, Any])
    except ApiRefused as refusal:
        if refusal.is_absence:
            return None
        raise
    config: Config = answer["config"]
    return config
