"""Applying and verifying the topology, against a real nats-server."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from scanpool.runtime.errors import TopologyMissing
from scanpool.runtime.jetstream import Write
from scanpool.runtime.topology.apply import apply, differences, pools_in_nats, verify
from scanpool.runtime.topology.definitions import topology
from scanpool_schemas import subjects
from tests.support.broker import Stand, standing, within
from tests.support.eventually import becomes, eventually


async def config(stand: Stand, stream: str) -> dict[str, Any]:
    answer = await stand.jetstream.api(f"STREAM.INFO.{stream}", None, dict[str, Any])
    found: dict[str, Any] = answer["config"]
    return found


async def change(stand: Stand, stream: str, **fields: Any) -> None:
    """As an operator would, by hand."""
    await stand.jetstream.api(f"STREAM.UPDATE.{stream}", await config(stand, stream) | fields, dict[str, Any])


def said(found: list[Any]) -> list[str]:
    return [str(difference) for difference in found]


async def test_an_empty_server_gets_everything_and_a_second_time_nothing() -> None:
    async with standing() as stand:
        wanted = topology(("lab", "dmz"), replicas=1)
        done = await apply(stand.jetstream, wanted)
        assert len(done) == len(wanted.streams) + len(wanted.consumers) + len(wanted.schedules)
        assert {difference.missing for difference in done} == {True}
        assert await apply(stand.jetstream, wanted) == []
        assert await differences(stand.jetstream, wanted) == []
        await verify(stand.jetstream, wanted)


async def test_everything_is_described_to_whoever_looks_with_the_tools_of_nats() -> None:
    async with standing(("lab",)) as stand:
        wanted = topology(("lab",))
        for stream in wanted.streams:
            found = await config(stand, stream["name"])
            assert len(found["description"]) > 20
            assert found["metadata"]["owner"] == "scanpool"
        for consumer in wanted.consumers:
            info = await stand.info(consumer.stream, consumer.name)
            assert len(info["config"]["description"]) > 20
            assert info["config"]["metadata"]["owner"] == "scanpool"
            assert info["config"]["max_deliver"] == -1


async def test_what_is_missing_and_what_differs_is_told_in_words() -> None:
    async with standing(("lab",)) as stand:
        await stand.jetstream.api("STREAM.DELETE.SCANNER_EVENTS", None, dict[str, Any])
        await stand.consumer("KV_pool-lab", "running", ack_wait=1_000_000_000, filter_subject="scan.lab.running.*")
        found = said(await differences(stand.jetstream, topology(("lab", "dmz"))))
        assert "stream SCANNER_EVENTS is missing" in found
        assert "stream KV_pool-dmz is missing" in found
        assert "consumer KV_pool-dmz/running is missing" in found
        assert "stream SCAN_COMPLETED differs: sources: + KV_pool-dmz (scan.dmz.completed.*)" in found
        assert "schedule cleanup-dmz is missing" in found
        (consumer,) = [each for each in found if each.startswith("consumer KV_pool-lab/running differs")]
        assert "ack_wait: 1 s -> 30 s" in consumer


async def test_a_stream_that_takes_other_subjects_of_a_pool_is_told_and_corrected() -> None:
    async with standing(("lab",)) as stand:
        (source,) = (await config(stand, subjects.SCAN_FAILED))["sources"]
        transforms = [each for each in source["subject_transforms"] if each["src"] != "scan.lab.dead.*"]
        await change(stand, subjects.SCAN_FAILED, sources=[{**source, "subject_transforms": transforms}])
        taken = "sources: KV_pool-lab (scan.lab.failed.*) -> (scan.lab.failed.*, scan.lab.dead.*)"
        assert said(await differences(stand.jetstream, topology(("lab",)))) == [f"stream SCAN_FAILED differs: {taken}"]
        (done,) = await apply(stand.jetstream, topology(("lab",)))
        assert done.corrected == f"corrected stream SCAN_FAILED: {taken}"
        assert await differences(stand.jetstream, topology(("lab",))) == []


async def test_a_changed_consumer_is_corrected_and_nothing_else_touched() -> None:
    async with standing(("lab",)) as stand:
        await stand.consumer("KV_pool-lab", "running", ack_wait=1_000_000_000, filter_subject="scan.lab.running.*")
        (done,) = await apply(stand.jetstream, topology(("lab",)))
        assert done.name == "KV_pool-lab/running"
        assert (await stand.info("KV_pool-lab", "running"))["config"]["ack_wait"] == 30_000_000_000


async def test_a_stream_that_was_deleted_is_made_anew_with_its_consumers() -> None:
    async with standing(("lab",)) as stand:
        await stand.jetstream.api("STREAM.DELETE.SCAN_REQUESTS", None, dict[str, Any])
        done = await apply(stand.jetstream, topology(("lab",)))
        assert {difference.name for difference in done} == {
            "SCAN_REQUESTS",
            "SCAN_REQUESTS/admission",
            "SCAN_REQUESTS/cancel",
        }


async def test_one_more_pool_leaves_the_others_as_they_are() -> None:
    async with standing(("lab",)) as stand:
        event = Write(subject="scan.lab.completed.one", body=b"{}")
        await stand.jetstream.publish(event)
        await apply(stand.jetstream, topology(("dmz",)))
        assert await pools_in_nats(stand.jetstream) == ("dmz", "lab")
        for stream in (subjects.SCAN_COMPLETED, subjects.SCAN_FAILED, subjects.SCAN_DLQ):
            sources = {source["name"] for source in (await config(stand, stream))["sources"]}
            assert sources == {"KV_pool-lab", "KV_pool-dmz"}
        await stand.jetstream.publish(Write(subject="scan.lab.completed.two", body=b"{}"))
        puller = await subscribed(stand, subjects.SCAN_COMPLETED)
        assert [(await within(60, puller)).subject for _ in range(2)] == [
            "scan.lab.completed.one",
            "scan.lab.completed.two",
        ]


async def subscribed(stand: Stand, stream: str) -> Any:
    await stand.consumer(stream, "test")
    return await stand.puller(stream, "test")


async def test_what_an_operator_set_beside_the_definitions_stays() -> None:
    async with standing(("lab",)) as stand:
        pool = subjects.pool_stream("lab")
        await change(stand, pool, max_bytes=123_456_789, metadata={"owner": "scanpool", "team": "blue"})
        await change(stand, pool, description="changed by hand")
        (done,) = await apply(stand.jetstream, topology(("lab",)))
        assert done.name == pool
        found = await config(stand, pool)
        assert (found["max_bytes"], found["metadata"]["team"]) == (123_456_789, "blue")
        assert found["description"].startswith("Pool lab")


async def test_services_do_not_ask_for_a_number_of_replicas_and_apply_does() -> None:
    async with standing(("lab",)) as stand:
        await verify(stand.jetstream, topology(("lab",)))
        found = said(await differences(stand.jetstream, topology(("lab",), replicas=3)))
        assert f"stream {subjects.SCAN_REQUESTS} differs: num_replicas: 1 -> 3" in found
        with pytest.raises(TopologyMissing, match="num_replicas"):
            await verify(stand.jetstream, topology(("lab",), replicas=3))


async def test_a_service_that_finds_something_missing_says_what_and_how_to_mend_it() -> None:
    async with standing() as stand:
        with pytest.raises(TopologyMissing) as caught:
            await verify(stand.jetstream, topology(("lab",)))
        sentence = str(caught.value)
        assert sentence.startswith("NATS is not set up as needed: stream SCAN_REQUESTS is missing; ")
        assert " more. Run `scanpool topology apply`" in sentence


async def test_how_often_a_job_ticks_is_no_concern_of_services_but_that_it_does_is() -> None:
    async with standing() as stand:
        await apply(stand.jetstream, topology(("lab",), replicas=1, janitor_every_s=5))
        await verify(stand.jetstream, topology(("lab",)))
        assert said(await differences(stand.jetstream, topology(("lab",)))) == [
            "schedule janitor differs: every: @every 5s -> @every 30s"
        ]
        await stand.jetstream.purge(subjects.SCAN_TICKS, subjects.schedule("janitor"), below=1000)
        with pytest.raises(TopologyMissing, match="schedule janitor is missing"):
            await verify(stand.jetstream, topology(("lab",)))


async def test_buckets_that_are_no_pools_are_not_taken_for_pools() -> None:
    async with standing(("lab",)) as stand:
        await stand.jetstream.api(
            "STREAM.CREATE.KV_pool-NOT", {"name": "KV_pool-NOT", "subjects": ["x.>"]}, dict[str, Any]
        )
        assert await pools_in_nats(stand.jetstream) == ("lab",)


async def test_a_tick_comes_every_interval_to_one_of_two_replicas() -> None:
    async with standing() as stand:
        await apply(stand.jetstream, topology(("lab",), replicas=1, janitor_every_s=1))
        replicas = [await stand.puller(subjects.SCAN_TICKS, subjects.JANITOR_JOB, credit=1) for _ in range(2)]
        sequences: list[int] = []

        async def take(number: int) -> None:
            while True:
                delivery = await replicas[number].next()
                sequences.append(delivery.sequence)
                await delivery.ack()

        takers = [asyncio.create_task(take(number)) for number in range(2)]
        await eventually(lambda: len(sequences) >= 3)
        for taker in takers:
            taker.cancel()
        await asyncio.wait(takers)
        assert len(set(sequences)) == len(sequences)


async def test_ticks_that_nobody_takes_do_not_pile_up() -> None:
    async with standing() as stand:
        await apply(stand.jetstream, topology(("lab",), replicas=1, janitor_every_s=1))
        subject = subjects.tick(subjects.JANITOR_JOB)
        seen: set[int] = set()

        async def three_came() -> bool:
            tick = await stand.jetstream.last(subjects.SCAN_TICKS, subject)
            seen.update({tick.sequence} if tick else set())
            return len(seen) >= 3

        await becomes(three_came)
        info = await stand.info(subjects.SCAN_TICKS, subjects.JANITOR_JOB)
        assert info["num_pending"] + info["num_ack_pending"] == 1
