"""The JetStream calls, against a real nats-server."""

from __future__ import annotations

import asyncio

import pytest

from scanpool.runtime.errors import (
    BrokerUnavailable,
    MessageTooLarge,
    PublishUnknown,
    SequenceMoved,
    SubjectFull,
    TopologyMissing,
)
from scanpool.runtime.jetstream import ApiRefused, JetStream, Write
from tests.support.broker import Stand, standing

LAST_OF_ONE = "s.*.one"


async def a_store(stand: Stand) -> None:
    await stand.stream("s", allow_atomic=True, max_msg_size=200_000)


async def body_of(stand: Stand, subject: str) -> bytes | None:
    stored = await stand.jetstream.last("s", subject)
    return stored.body if stored else None


def told(body: bytes, subject: str = "s.a.one", expected: int | None = None, over: str | None = None) -> Write:
    return Write(subject=subject, body=body, expected_sequence=expected, expected_over=over)


async def test_a_write_is_read_back_with_its_headers() -> None:
    async with standing() as stand:
        await a_store(stand)
        write = Write(subject="s.a.one", body=b"\x00\xffbody", headers={"ce-type": "t", "name": "Prüfung: x"})
        sequence = await stand.jetstream.publish(write)
        stored = await stand.jetstream.last("s", "s.a.one")
        assert stored is not None
        assert (stored.sequence, stored.subject, stored.body) == (sequence, "s.a.one", b"\x00\xffbody")
        assert stored.headers == {"ce-type": "t", "name": "Prüfung: x"}
        assert stored.time.tzinfo is not None


async def test_a_conditional_write_is_stored_only_if_the_subject_is_as_it_was_read() -> None:
    async with standing() as stand:
        await a_store(stand)
        first = await stand.jetstream.publish(told(b"1", expected=0))
        with pytest.raises(SequenceMoved):
            await stand.jetstream.publish(told(b"other", expected=0))
        second = await stand.jetstream.publish(told(b"2", expected=first))
        with pytest.raises(SequenceMoved):
            await stand.jetstream.publish(told(b"other", expected=first))
        assert second == first + 1
        assert await body_of(stand, "s.a.one") == b"2"


async def test_a_condition_over_a_filter_sees_every_subject_of_the_scan() -> None:
    async with standing() as stand:
        await a_store(stand)
        first = await stand.jetstream.publish(told(b"1", "s.queued.one", 0, LAST_OF_ONE))
        await stand.jetstream.publish(told(b"of another", "s.queued.two", 0, "s.*.two"))
        with pytest.raises(SequenceMoved):
            await stand.jetstream.publish(told(b"late", "s.running.one", 0, LAST_OF_ONE))
        second = await stand.jetstream.publish(told(b"2", "s.running.one", first, LAST_OF_ONE))
        last = await stand.jetstream.last("s", LAST_OF_ONE)
        assert last is not None
        assert (last.sequence, last.subject) == (second, "s.running.one")


async def test_a_batch_stores_all_of_its_writes() -> None:
    async with standing() as stand:
        await a_store(stand)
        sequence = await stand.jetstream.publish_together([told(b"1", "s.load"), told(b"2", "s.a.one", 0, LAST_OF_ONE)])
        assert sequence == 2
        assert [await body_of(stand, subject) for subject in ("s.load", "s.a.one")] == [b"1", b"2"]


@pytest.mark.parametrize("failing", [0, 1, 2])
async def test_a_batch_of_which_one_condition_fails_stores_nothing(failing: int) -> None:
    async with standing() as stand:
        await a_store(stand)
        expected = [77 if number == failing else 0 for number in range(3)]
        writes = [told(b"x", f"s.k{number}", expected[number]) for number in range(3)]
        with pytest.raises(SequenceMoved):
            await stand.jetstream.publish_together(writes)
        assert await stand.jetstream.next_from("s", 1, "s.>") is None


async def test_many_batches_at_once_are_all_stored() -> None:
    async with standing() as stand:
        await a_store(stand)
        batches = [[told(b"1", f"s.a{n}", 0), told(b"2", f"s.b{n}", 0)] for n in range(100)]
        sequences = await asyncio.gather(*(stand.jetstream.publish_together(batch) for batch in batches))
        assert sorted(sequences) == [2 * n for n in range(1, 101)]


async def test_what_is_too_large_for_the_server_is_never_sent_and_the_connection_stays() -> None:
    async with standing() as stand:
        await a_store(stand)
        limit = stand.jetstream.client.max_payload
        with pytest.raises(MessageTooLarge):
            await stand.jetstream.publish(told(b"x" * limit))
        with pytest.raises(MessageTooLarge):
            await stand.jetstream.publish(Write(subject="s.a", body=b"", headers={"k": "ü" * (limit // 2)}))
        with pytest.raises(MessageTooLarge):
            await stand.jetstream.tell("s.a", b"x" * limit)
        assert stand.jetstream.client.stats["reconnects"] == 0
        assert await stand.jetstream.publish(told(b"fits")) == 1


async def test_a_batch_with_a_member_that_is_too_large_sends_none_of_its_members() -> None:
    async with standing() as stand:
        await a_store(stand)
        before = stand.jetstream.client.stats["out_msgs"]
        with pytest.raises(MessageTooLarge):
            await stand.jetstream.publish_together([told(b"1", "s.k"), told(b"x" * stand.jetstream.client.max_payload)])
        assert stand.jetstream.client.stats["out_msgs"] == before


async def test_what_is_too_large_for_the_stream_is_refused_as_too_large() -> None:
    async with standing() as stand:
        await a_store(stand)
        with pytest.raises(MessageTooLarge):
            await stand.jetstream.publish(told(b"x" * 300_000))


async def test_a_batch_that_lost_a_member_may_be_sent_again() -> None:
    async with standing() as stand:
        await a_store(stand)
        with pytest.raises(BrokerUnavailable):
            await stand.jetstream.publish_together([told(b"x" * 300_000, "s.k"), told(b"1")])
        assert await stand.jetstream.publish_together([told(b"x", "s.k"), told(b"1")]) == 2


async def test_a_subject_that_takes_one_message_refuses_the_second() -> None:
    async with standing() as stand:
        await stand.stream("s", discard="new", discard_new_per_subject=True, max_msgs_per_subject=1)
        await stand.jetstream.publish(told(b"1"))
        with pytest.raises(SubjectFull):
            await stand.jetstream.publish(told(b"2"))


async def test_a_write_that_no_stream_takes_was_certainly_not_stored() -> None:
    async with standing() as stand:
        with pytest.raises(BrokerUnavailable, match="no stream has it"):
            await stand.jetstream.publish(told(b"1"))


async def test_a_write_without_an_answer_is_unknown_and_reading_settles_it() -> None:
    async with standing() as stand:
        await a_store(stand)
        impatient = JetStream(stand.jetstream.client, timeout_s=0.3)
        with stand.broker.frozen():
            with pytest.raises(PublishUnknown, match=r"s\.a\.one"):
                await impatient.publish(told(b"once", expected=0))
            with pytest.raises(PublishUnknown):
                await impatient.publish_together([told(b"k", "s.k", 0), told(b"two", "s.a.two", 0)])
        with pytest.raises(SequenceMoved):  # what was unknown was stored after all
            await stand.jetstream.publish(told(b"again", expected=0))
        assert await body_of(stand, "s.a.one") == b"once"
        assert await body_of(stand, "s.a.two") == b"two"


async def test_a_read_without_an_answer_may_succeed_later() -> None:
    async with standing() as stand:
        await a_store(stand)
        with stand.broker.frozen(), pytest.raises(BrokerUnavailable):
            await JetStream(stand.jetstream.client, timeout_s=0.2).last("s", "s.a.one")
        assert await stand.jetstream.last("s", "s.a.one") is None


async def test_reading_walks_over_what_fits_the_filter() -> None:
    async with standing() as stand:
        await a_store(stand)
        for subject in ("s.a.one", "s.a.two", "s.b.one"):
            await stand.jetstream.publish(told(b"x", subject))
        first = await stand.jetstream.next_from("s", 1, LAST_OF_ONE)
        second = await stand.jetstream.next_from("s", 2, LAST_OF_ONE)
        assert first is not None
        assert second is not None
        assert (first.sequence, second.sequence) == (1, 3)
        assert await stand.jetstream.next_from("s", 4, LAST_OF_ONE) is None
        assert await stand.jetstream.at("s", 9) is None


async def test_a_stream_that_does_not_exist_is_missing_topology_with_its_remedy() -> None:
    async with standing() as stand:
        with pytest.raises(TopologyMissing, match="scanpool topology apply"):
            await stand.jetstream.last("nowhere", "a")


async def test_a_purge_removes_what_fits_and_stands_before_the_sequence() -> None:
    async with standing() as stand:
        await a_store(stand)
        for subject in ("s.a.one", "s.b.one", "s.a.two", "s.c.one"):
            await stand.jetstream.publish(told(b"x", subject))
        assert await stand.jetstream.purge("s", LAST_OF_ONE, below=4) == 2
        left = [n for n in range(1, 5) if await stand.jetstream.at("s", n) is not None]
        assert left == [3, 4]


async def test_a_purge_below_nothing_removes_nothing() -> None:
    async with standing() as stand:
        await a_store(stand)
        await stand.jetstream.publish(told(b"x"))
        assert await stand.jetstream.purge("s", "s.>", below=0) == 0
        assert await stand.jetstream.at("s", 1) is not None


async def test_a_message_can_be_deleted_twice() -> None:
    async with standing() as stand:
        await a_store(stand)
        for _ in range(2):
            await stand.jetstream.publish(told(b"x"))
        await stand.jetstream.delete("s", 1)
        await stand.jetstream.delete("s", 1)
        await stand.jetstream.delete("s", 99)
        assert await stand.jetstream.at("s", 1) is None
        assert await stand.jetstream.at("s", 2) is not None


async def test_a_deletion_that_the_stream_denies_is_an_error() -> None:
    async with standing() as stand:
        await stand.stream("s", deny_delete=True)
        await stand.jetstream.publish(told(b"x"))
        with pytest.raises(ApiRefused, match=r"STREAM\.MSG\.DELETE\.s"):
            await stand.jetstream.delete("s", 1)


async def test_an_error_of_the_api_is_told_with_its_code() -> None:
    async with standing() as stand:
        with pytest.raises(ApiRefused) as caught:
            await stand.jetstream.api("STREAM.INFO.nowhere", None, dict)
        assert caught.value.code == 10059
