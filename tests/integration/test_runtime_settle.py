"""What each outcome does to its delivery, against a real nats-server."""

from __future__ import annotations

import base64
import time
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from scanpool.runtime.connection import NatsAddress, connect
from scanpool.runtime.errors import BrokerUnavailable, PublishUnknown
from scanpool.runtime.jetstream import JetStream, Write
from scanpool.runtime.outcomes import DeadLetter, Done, Retry, Snooze
from scanpool.runtime.pull import Puller
from scanpool.runtime.settle import Settled
from scanpool_schemas import events, subjects
from tests.support.broker import Stand, settler, standing, within

STREAM, CONSUMER = subjects.SCAN_REQUESTS, subjects.ADMISSION_CONSUMER
SUBJECT = subjects.requested("lab", "one")
LETTER = DeadLetter(reason="invalid_request", message="no targets", pool="lab", scan_id="one")


async def ask(stand: Stand, body: bytes = b"{}", headers: dict[str, str] | None = None) -> None:
    await stand.jetstream.publish(Write(subject=SUBJECT, body=body, headers=headers or {}))


async def is_settled(stand: Stand) -> bool:
    info = await stand.info(STREAM, CONSUMER)
    return bool(info["num_ack_pending"] == 0 and info["num_pending"] == 0)


async def dead_letters(stand: Stand) -> list[events.DeadLetter]:
    found: list[events.DeadLetter] = []
    sequence = 1
    while stored := await stand.jetstream.next_from(subjects.SCAN_DLQ, sequence, "dlq.>"):
        found.append(msgspec.json.decode(stored.body, type=events.DeadLetter))
        sequence = stored.sequence + 1
    return found


async def test_done_commits_then_acks_then_goes_on() -> None:
    async with standing(("lab",)) as stand:
        await ask(stand)
        puller = await stand.puller(STREAM, CONSUMER)
        happened: list[str] = []

        async def commit() -> str:
            happened.append(f"commit, settled {await is_settled(stand)}")
            return "stored"

        async def then(stored: str) -> None:
            happened.append(f"then {stored}, settled {await is_settled(stand)}")

        delivery = await within(60, puller)
        assert await settler(stand.jetstream).settle(delivery, Done(commit=commit, then=then)) is Settled.YES
        assert happened == ["commit, settled False", "then stored, settled True"]


async def test_done_without_a_commit_only_acks() -> None:
    async with standing(("lab",)) as stand:
        await ask(stand)
        puller = await stand.puller(STREAM, CONSUMER)
        assert await settler(stand.jetstream).settle(await within(60, puller), Done()) is Settled.YES
        assert await is_settled(stand)


async def test_a_conflict_leaves_the_delivery_in_hand_to_decide_again() -> None:
    async with standing(("lab",)) as stand:
        await ask(stand)
        puller = await stand.puller(STREAM, CONSUMER)

        async def conflict() -> None:
            return None

        async def then(_stored: Any) -> None:
            pytest.fail("nothing was stored")

        delivery = await within(60, puller)
        answer = await settler(stand.jetstream).settle(delivery, Done(commit=conflict, then=then))
        assert answer is Settled.DECIDE_AGAIN
        assert (await stand.info(STREAM, CONSUMER))["num_ack_pending"] == 1


async def test_a_snooze_brings_the_delivery_back_after_its_delay() -> None:
    async with standing(("lab",)) as stand:
        await ask(stand)
        puller = await stand.puller(STREAM, CONSUMER)
        delivery = await within(60, puller)
        began = time.perf_counter()
        await settler(stand.jetstream).settle(delivery, Snooze(delay=timedelta(seconds=0.6), reason="full"))
        again = await within(60, puller)
        assert 0.5 < time.perf_counter() - began < 20
        assert (again.sequence, again.attempt) == (delivery.sequence, 2)


async def test_a_retry_waits_out_the_backoff() -> None:
    async with standing(("lab",)) as stand:
        await ask(stand)
        puller = await stand.puller(STREAM, CONSUMER)
        delivery = await within(60, puller)
        await settler(stand.jetstream).settle(delivery, Retry(code="broken", message="it broke"))
        assert (await within(60, puller)).attempt == 2


async def test_a_dead_letter_is_kept_and_its_message_acked() -> None:
    async with standing(("lab",)) as stand:
        await ask(stand, b"\xffnot json", {"traceparent": "00-1"})
        puller = await stand.puller(STREAM, CONSUMER)
        await settler(stand.jetstream).settle(await within(60, puller), LETTER)
        (letter,) = await dead_letters(stand)
        assert (letter.reason, letter.stage, letter.subject) == ("invalid_request", CONSUMER, SUBJECT)
        assert letter.headers == {"traceparent": "00-1"}
        assert await is_settled(stand)


async def test_a_dead_letter_that_is_delivered_twice_is_kept_once() -> None:
    async with standing(("lab",)) as stand:
        await ask(stand)
        puller = await stand.puller(STREAM, CONSUMER)
        first = await within(60, puller)
        await first.nak(timedelta(0))
        second = await within(60, puller)
        for delivery in (first, second):
            await settler(stand.jetstream).settle(delivery, LETTER)
        assert len(await dead_letters(stand)) == 1


async def test_the_largest_message_that_the_door_takes_is_kept_as_a_dead_letter() -> None:
    async with standing(("lab",)) as stand:
        headers = {f"x-{n}": "\x01" * 2000 for n in range(30)}
        await ask(stand, b"\x01" * 190_000, headers)
        puller = await stand.puller(STREAM, CONSUMER)
        await settler(stand.jetstream).settle(await within(60, puller), LETTER)
        (letter,) = await dead_letters(stand)
        assert letter.headers == headers
        assert letter.body_base64 == base64.b64encode(b"\x01" * 190_000).decode()


async def test_what_cannot_be_stored_is_not_acked() -> None:
    async with standing(("lab",)) as stand:
        await ask(stand)
        puller = await stand.puller(STREAM, CONSUMER)
        delivery = await within(60, puller)
        impatient = JetStream(stand.jetstream.client, timeout_s=0.2)
        with stand.broker.frozen(), pytest.raises(PublishUnknown):
            await settler(impatient).settle(delivery, LETTER)
        assert not await is_settled(stand)


async def test_an_ack_that_is_lost_leads_to_a_second_delivery() -> None:
    async with standing() as stand:
        await stand.stream("q", retention="workqueue")
        await stand.consumer("q", "c", ack_wait=1_000_000_000)
        await stand.jetstream.publish(Write(subject="q.x", body=b"x"))
        client = await connect(NatsAddress(url=stand.broker.url), name="dies")
        doomed = Puller(client, "q", "c")
        await doomed.start()

        async def commit() -> str:
            await client.close()
            return "stored"

        async def then(_stored: str) -> None:
            pytest.fail("the delivery was not settled")

        delivery = await within(60, doomed)
        with pytest.raises(BrokerUnavailable, match="ack of"):
            await settler(JetStream(client)).settle(delivery, Done(commit=commit, then=then))
        again = await within(60, await stand.puller("q", "c"))
        assert (again.sequence, again.attempt) == (delivery.sequence, 2)
