"""Nothing is given up by JetStream itself: a real nats-server hands out again for ever what is not acked."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from typing import Any

import pytest
import pytest_asyncio
from nats.aio.msg import Msg

from scanpool.runtime.errors import TopologyMissing
from scanpool.runtime.jetstream import Write
from scanpool.runtime.topology.apply import apply, differences, verify
from scanpool.runtime.topology.definitions import Consumer, topology
from scanpool_schemas import subjects
from tests.support.broker import Stand, standing
from tests.support.eventually import becomes
from tests.support.watching import in_a_task

pytestmark = pytest.mark.asyncio(loop_scope="module")

WANTED = topology(("lab",))
DELIVERIES = 50
SOON = timedelta(milliseconds=1)


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def stand() -> AsyncIterator[Stand]:
    async with in_a_task(standing(("lab",))) as running:
        yield running


def _subject(consumer: Consumer) -> str:
    """A subject of a message that the consumer hands out."""
    wanted: str = consumer.config["filter_subject"]
    head, _, last = wanted.rpartition(".")
    return f"{head.replace('*', 'lab')}.{last.replace('*', 'patient')}"


async def _handed_out(stand: Stand, consumer: Consumer, times: int) -> list[int]:
    """Have a message of the consumer's handed out so often, handed back at once each time; answers the attempts."""
    puller = await stand.puller(consumer.stream, consumer.name, credit=1)
    attempts: list[int] = []
    async with asyncio.timeout(60):
        while len(attempts) < times:
            delivery = await puller.next()
            attempts.append(delivery.attempt)
            await delivery.nak(SOON)
    return attempts


async def _advisories(stand: Stand) -> list[dict[str, Any]]:
    """What the server tells of messages that it gives up, from now on."""
    told: list[dict[str, Any]] = []

    async def hear(message: Msg) -> None:
        told.append(json.loads(message.data))

    await stand.jetstream.client.subscribe("$JS.EVENT.ADVISORY.CONSUMER.MAX_DELIVERIES.>", cb=hear)
    await stand.jetstream.client.flush()
    return told


async def test_every_durable_hands_out_again_what_was_handed_back_fifty_times(stand: Stand) -> None:
    told = await _advisories(stand)
    for consumer in WANTED.consumers:
        await stand.jetstream.publish(Write(subject=_subject(consumer), body=b"{}"))
    attempts: Sequence[list[int]] = await asyncio.gather(
        *(_handed_out(stand, consumer, DELIVERIES) for consumer in WANTED.consumers)
    )
    assert len(attempts) == len(WANTED.consumers) >= 12
    assert all(each == list(range(1, DELIVERIES + 1)) for each in attempts)
    assert told == []
    for consumer in WANTED.consumers:
        info = await stand.info(consumer.stream, consumer.name)
        assert info["num_ack_pending"] + info["num_pending"] >= 1, f"{consumer.name} still has it"


async def test_a_durable_with_a_limit_would_have_given_up(stand: Stand) -> None:
    """What the test above would see: so little does it take to lose a scan."""
    told = await _advisories(stand)
    await stand.stream("limited")
    await stand.consumer("limited", "giving-up", max_deliver=5)
    await stand.jetstream.client.jetstream().publish("limited.one", b"{}")
    limited = Consumer(stream="limited", name="giving-up", config={"filter_subject": "limited.*"})
    assert await _handed_out(stand, limited, 5) == [1, 2, 3, 4, 5]

    async def given_up() -> bool:
        return [each["deliveries"] for each in told] == [5]

    await becomes(given_up)


@pytest.mark.parametrize("consumer", WANTED.consumers, ids=lambda each: f"{each.stream}.{each.name}")
async def test_a_service_refuses_a_durable_whose_deliveries_were_limited_by_hand(
    stand: Stand, consumer: Consumer
) -> None:
    await verify(stand.jetstream, WANTED)
    config = (await stand.info(consumer.stream, consumer.name))["config"]
    request = {"stream_name": consumer.stream, "config": config | {"max_deliver": 10}, "action": "update"}
    await stand.jetstream.api(f"CONSUMER.CREATE.{consumer.stream}.{consumer.name}", request, dict[str, Any])
    with pytest.raises(TopologyMissing) as refused:
        await verify(stand.jetstream, WANTED)
    assert f"consumer {consumer.stream}/{consumer.name} differs: max_deliver: 10 -> -1" in str(refused.value)
    assert "scanpool topology apply" in str(refused.value)
    await apply(stand.jetstream, WANTED)
    assert await differences(stand.jetstream, WANTED) == []


@pytest.mark.parametrize(
    ("stream", "limit"),
    [
        (subjects.SCAN_REQUESTS, {"max_age": 3_600_000_000_000}),
        (subjects.pool_stream("lab"), {"max_age": 3_600_000_000_000}),
        (subjects.pool_stream("lab"), {"max_msgs": 1000}),
    ],
)
async def test_a_service_refuses_a_stream_that_was_made_to_drop_scans_by_age_or_number(
    stand: Stand, stream: str, limit: dict[str, int]
) -> None:
    found = (await stand.jetstream.api(f"STREAM.INFO.{stream}", None, dict[str, Any]))["config"]
    await stand.jetstream.api(f"STREAM.UPDATE.{stream}", found | limit, dict[str, Any])
    with pytest.raises(TopologyMissing, match=f"stream {stream} differs: {next(iter(limit))}"):
        await verify(stand.jetstream, WANTED)
    await apply(stand.jetstream, WANTED)
    await verify(stand.jetstream, WANTED)
