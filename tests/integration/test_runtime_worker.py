"""The worker: takes deliveries, has them handled and settled, and ends cleanly; against a real nats-server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest

from scanpool.runtime.delivery import Delivery
from scanpool.runtime.errors import BrokerUnavailable, MessageTooLarge, TopologyMissing
from scanpool.runtime.jetstream import Write
from scanpool.runtime.outcomes import Done, Outcome, Snooze
from scanpool.runtime.pull import Puller
from scanpool.runtime.worker import CONFLICTS, Handler, Job, Worker
from tests.support.broker import Stand, settler, standing, within
from tests.support.eventually import becomes, eventually

GRACE = timedelta(seconds=5)
SECOND_NS = 1_000_000_000


class Running:
    """A worker at work, and what it told."""

    def __init__(self) -> None:
        self.stopping = asyncio.Event()
        self.told: list[str] = []
        self.task: asyncio.Task[None]

    async def stop(self) -> None:
        self.stopping.set()
        await asyncio.wait_for(self.task, 60)


@asynccontextmanager
async def working(
    stand: Stand,
    handler: Handler,
    *,
    concurrency: int = 4,
    grace: timedelta = GRACE,
    keep_every: timedelta = timedelta(seconds=8),
) -> AsyncIterator[Running]:
    running = Running()
    source = Puller(stand.jetstream.client, "q", "c", credit=concurrency)
    job = Job(name="tester", source=source, handler=handler, concurrency=concurrency)
    worker = Worker(
        job,
        settler(stand.jetstream),
        observe=lambda _delivery, outcome: running.told.append(outcome),
        keep_every=keep_every,
    )
    running.task = asyncio.create_task(worker.run(running.stopping, grace))
    try:
        yield running
    finally:
        await running.stop()


async def a_queue(stand: Stand, count: int, *, ack_wait_s: float = 30) -> None:
    await stand.stream("q", retention="workqueue")
    await stand.consumer("q", "c", ack_wait=int(ack_wait_s * SECOND_NS))
    for number in range(count):
        await stand.jetstream.publish(Write(subject="q.x", body=str(number).encode()))


async def unsettled(stand: Stand) -> int:
    info = await stand.info("q", "c")
    return int(info["num_ack_pending"]) + int(info["num_pending"])


async def all_settled(stand: Stand) -> bool:
    return await unsettled(stand) == 0


async def test_no_more_handlers_run_at_once_than_the_concurrency_allows() -> None:
    async with standing() as stand:
        await a_queue(stand, 20)
        now, most = 0, 0

        async def handle(_delivery: Delivery) -> Outcome:
            nonlocal now, most
            now, most = now + 1, max(most, now + 1)
            await asyncio.sleep(0.02)  # in which a fourth would begin
            now -= 1
            return Done()

        async with working(stand, handle, concurrency=3):
            await becomes(lambda: all_settled(stand))
        assert most == 3


async def test_a_handler_that_takes_longer_than_the_ack_wait_keeps_its_delivery() -> None:
    async with standing() as stand:
        await a_queue(stand, 3, ack_wait_s=0.5)
        begun: list[bytes] = []

        async def handle(delivery: Delivery) -> Outcome:
            begun.append(delivery.body)
            await asyncio.sleep(0.8)  # the server's wait for an ack passes
            return Done()

        # one at a time: the others wait in the process, and are kept as well
        async with working(stand, handle, concurrency=1, keep_every=timedelta(seconds=0.15)):
            await becomes(lambda: all_settled(stand))
        assert begun == [b"0", b"1", b"2"]


async def test_a_conflict_is_decided_again_at_once() -> None:
    async with standing() as stand:
        await a_queue(stand, 1)
        answers = iter([None, None, "stored"])

        async def handle(_delivery: Delivery) -> Outcome:
            return Done(commit=commit)

        async def commit() -> str | None:
            return next(answers)

        async with working(stand, handle) as running:
            await becomes(lambda: all_settled(stand))
        assert running.told == ["done"]


async def test_a_delivery_whose_commit_goes_on_conflicting_is_handed_back_for_a_moment() -> None:
    async with standing() as stand:
        await a_queue(stand, 1)
        decided = 0

        async def handle(_delivery: Delivery) -> Outcome:
            nonlocal decided
            decided += 1
            return Done(commit=conflict if decided <= CONFLICTS else None)

        async def conflict() -> None:
            return None

        async with working(stand, handle):
            await becomes(lambda: all_settled(stand))
        assert decided == CONFLICTS + 1


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (LookupError("nobody thought of this"), "error"),
        (MessageTooLarge("the event"), "error"),
        (BrokerUnavailable("no leader"), "unsettled"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else value,
)
async def test_an_error_hands_the_delivery_back_and_the_worker_goes_on(error: Exception, told: str) -> None:
    async with standing() as stand:
        await a_queue(stand, 2)

        async def handle(delivery: Delivery) -> Outcome:
            if delivery.body == b"0":
                raise error
            return Done()

        async with working(stand, handle, concurrency=1) as running:
            await eventually(lambda: running.told == [told, "done"])
            assert await unsettled(stand) == 1


async def test_a_consumer_that_is_deleted_ends_the_worker_with_the_remedy() -> None:
    async with standing() as stand:
        await a_queue(stand, 0)
        source = Puller(stand.jetstream.client, "q", "c")
        job = Job(name="tester", source=source, handler=lambda _delivery: asyncio.sleep(0, Done()), concurrency=1)
        task = asyncio.create_task(Worker(job, settler(stand.jetstream)).run(asyncio.Event(), GRACE))
        await becomes(lambda: is_pulled(stand))
        await stand.jetstream.api("CONSUMER.DELETE.q.c", None, dict)
        with pytest.raises(ExceptionGroup) as caught:
            await asyncio.wait_for(task, 60)
        assert caught.group_contains(TopologyMissing, match="scanpool topology apply")


async def is_pulled(stand: Stand) -> bool:
    return bool((await stand.info("q", "c"))["num_waiting"])


async def test_a_stop_finishes_what_is_in_hand_and_hands_the_rest_back_at_once() -> None:
    async with standing() as stand:
        await a_queue(stand, 10)
        begun: list[bytes] = []
        finish = asyncio.Event()

        async def handle(delivery: Delivery) -> Outcome:
            begun.append(delivery.body)
            await finish.wait()
            return Done()

        async with working(stand, handle, concurrency=2) as running:
            await eventually(lambda: len(begun) == 2)
            running.stopping.set()
            other = await stand.puller("q", "c", credit=16)
            got = {(await within(60, other)).body for _ in range(8)}  # long before the ack wait of 30 s
            assert not running.task.done()
            finish.set()
        assert running.told == ["done", "done"]
        assert got == {str(number).encode() for number in range(10)} - set(begun)


async def test_a_handler_that_outlives_the_grace_is_cancelled_and_its_delivery_handed_back() -> None:
    async with standing() as stand:
        await a_queue(stand, 1)
        begun = asyncio.Event()

        async def handle(_delivery: Delivery) -> Outcome:
            begun.set()
            await asyncio.Event().wait()
            return Done()

        async with working(stand, handle, grace=timedelta(seconds=0.2)) as running:
            await begun.wait()
            await running.stop()
            assert running.told == []
            other = await stand.puller("q", "c")
            assert (await within(60, other)).attempt == 2


async def test_a_worker_that_is_cancelled_hands_back_what_it_holds() -> None:
    async with standing() as stand:
        await a_queue(stand, 6)
        begun = asyncio.Event()

        async def handle(_delivery: Delivery) -> Outcome:
            begun.set()
            await asyncio.Event().wait()
            return Done()

        source = Puller(stand.jetstream.client, "q", "c", credit=6)
        job = Job(name="tester", source=source, handler=handle, concurrency=1)
        task = asyncio.create_task(Worker(job, settler(stand.jetstream)).run(asyncio.Event(), GRACE))
        await begun.wait()
        task.cancel()
        await asyncio.wait({task})
        other = await stand.puller("q", "c", credit=6)
        assert {(await within(60, other)).body for _ in range(6)} == {str(number).encode() for number in range(6)}


async def test_a_worker_goes_on_after_the_server_was_restarted() -> None:
    async with standing() as stand:
        await a_queue(stand, 5, ack_wait_s=2)

        async def handle(delivery: Delivery) -> Outcome:
            if delivery.attempt == 1:
                return Snooze(delay=timedelta(seconds=0.5), reason="later")
            return Done()

        async with working(stand, handle):
            await eventually_asked(stand)
            await stand.broker.restart()
            other = await stand.connection()
            await other.publish(Write(subject="q.x", body=b"after"))
            await becomes(lambda: all_settled(stand))


async def eventually_asked(stand: Stand) -> None:
    async def pending() -> bool:
        return bool((await stand.info("q", "c"))["num_ack_pending"] == 5)

    await becomes(pending)
