"""Subscriptions of the client library, with events committed by the test itself."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import msgspec
import pytest

from scanpool.client import ProgressEvent, ScanEvent, ScanPool, Subscription, UnknownPool
from scanpool.runtime.errors import BrokerError, BrokerUnavailable
from scanpool.runtime.jetstream import Write
from scanpool_schemas import subjects
from scanpool_schemas.events import ScanProgress
from scanpool_schemas.names import InvalidName
from scanpool_schemas.scan import AnyScan, state_of
from tests.support.broker import Stand, standing
from tests.support.builders import NOW, a_completed_scan, a_dead_scan, a_failed_scan, a_queued_scan
from tests.support.eventually import becomes
from tests.support.pipeline import running_pipeline


class Listening:
    """A stand with a client."""

    def __init__(self, stand: Stand, client: ScanPool) -> None:
        self.stand = stand
        self.client = client

    async def tell(self, scan: AnyScan) -> None:
        """Store the event as its stage would."""
        subject = subjects.event(scan.pool, state_of(scan), scan.id)
        await self.stand.jetstream.publish(Write(subject=subject, body=msgspec.json.encode(scan)))

    async def unread(self, durable: str) -> int:
        info = await self.stand.info(subjects.SCAN_COMPLETED, durable)
        return int(info["num_pending"]) + int(info["num_ack_pending"])


@asynccontextmanager
async def listening() -> AsyncIterator[Listening]:
    async with standing(("lab", "dmz")) as stand:
        yield Listening(stand, ScanPool(await stand.connection()))


async def ids(events: Subscription, count: int) -> list[str]:
    """The ids of the next ends of scans."""
    found: list[str] = []
    async with asyncio.timeout(60):
        while len(found) < count:
            event = await anext(events)
            assert isinstance(event, ScanEvent)
            found.append(event.scan.id)
    return found


async def nothing_comes(events: Subscription) -> None:
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(anext(events), 0.5)


async def test_every_end_of_a_scan_is_told_with_what_it_was() -> None:
    async with listening() as here, here.client.events() as events:
        for scan in (a_completed_scan(id="c"), a_failed_scan(id="f"), a_dead_scan(id="d")):
            await here.tell(scan)
        heard: dict[str, tuple[str, str, bool]] = {}
        async with asyncio.timeout(60):
            while len(heard) < 3:
                event = await anext(events)
                assert isinstance(event, ScanEvent)
                heard[event.scan.id] = (event.kind, event.scan.status, event.scan.dead_letter)
        assert heard == {
            "c": ("completed", "completed", False),
            "f": ("failed", "failed", False),
            "d": ("failed", "failed", True),
        }


async def test_what_is_no_end_is_not_told() -> None:
    async with listening() as here, here.client.events(kinds=["completed"]) as events:
        await here.tell(a_queued_scan(id="q"))
        await here.tell(a_failed_scan(id="f"))
        await here.tell(a_completed_scan(id="c"))
        assert await ids(events, 1) == ["c"]


async def test_only_events_of_the_named_pools_are_told() -> None:
    async with listening() as here, here.client.events(pools=["dmz"], kinds=["completed"]) as events:
        await here.tell(a_completed_scan(id="l"))
        await here.tell(a_completed_scan(id="d", pool="dmz"))
        assert await ids(events, 1) == ["d"]
        await nothing_comes(events)


async def test_a_live_subscription_hears_what_comes_after_it_was_entered() -> None:
    async with listening() as here:
        await here.tell(a_completed_scan(id="before"))
        await becomes(lambda: has_arrived(here, 1))
        async with here.client.events(kinds=["completed"]) as events:
            await here.tell(a_completed_scan(id="after"))
            assert await ids(events, 1) == ["after"]


async def has_arrived(here: Listening, count: int) -> bool:
    """The server takes a moment to copy an event to the stream for subscribers."""
    info = await here.stand.jetstream.api(f"STREAM.INFO.{subjects.SCAN_COMPLETED}", None, dict[str, Any])
    return bool(info["state"]["messages"] == count)


async def test_a_subscription_that_is_only_iterated_over_begins_with_the_first_step() -> None:
    async with listening() as here:
        events = here.client.events(kinds=["completed"], durable="plain")
        await here.tell(a_completed_scan(id="c"))
        async for event in events:
            assert isinstance(event, ScanEvent)
            assert event.scan.id == "c"
            break
        await events.aclose()
        with pytest.raises(StopAsyncIteration):
            await anext(events)


async def test_a_durable_subscription_goes_on_where_it_stopped() -> None:
    async with listening() as here:
        for number in range(4):
            await here.tell(a_completed_scan(id=f"s{number}"))
        async with here.client.events(kinds=["completed"], durable="mail") as events:
            assert await ids(events, 3) == ["s0", "s1", "s2"]
        other = ScanPool(await here.stand.connection())
        async with other.events(kinds=["completed"], durable="mail") as events:
            assert sorted(await ids(events, 2)) == ["s2", "s3"]  # s2 had not been left for the next one
        await becomes(lambda: nothing_unread_but(here, 1))


async def nothing_unread_but(here: Listening, count: int) -> bool:
    return await here.unread("mail") == count


async def test_an_event_that_was_in_hand_when_the_connection_died_comes_again() -> None:
    async with listening() as here:
        await here.tell(a_completed_scan(id="c"))
        doomed = await here.stand.connection()
        events = ScanPool(doomed).events(kinds=["completed"], durable="mail")
        async with events:
            assert await ids(events, 1) == ["c"]
        async with here.client.events(kinds=["completed"], durable="mail") as again:
            assert await ids(again, 1) == ["c"]


async def test_a_subscription_goes_on_after_the_server_was_restarted() -> None:
    async with listening() as here, here.client.events(kinds=["completed"], durable="mail") as events:
        await here.tell(a_completed_scan(id="before"))
        assert await ids(events, 1) == ["before"]
        await here.stand.broker.restart()

        async def tells() -> bool:
            try:
                await here.tell(a_completed_scan(id="after"))
            except BrokerError:
                return False
            return True

        await becomes(tells)
        async with asyncio.timeout(60):
            while (event := await anext(events)).kind != "completed" or event.scan.id != "after":
                pass


async def test_two_processes_of_one_name_share_its_events() -> None:
    async with listening() as here:
        for number in range(10):
            await here.tell(a_completed_scan(id=f"s{number}"))
        await becomes(lambda: has_arrived(here, 10))
        got: list[str] = []

        async def take(client: ScanPool) -> None:
            async with client.events(kinds=["completed"], durable="mail") as events:
                async for event in events:
                    assert isinstance(event, ScanEvent)
                    got.append(event.scan.id)
                    await asyncio.sleep(0)  # the other's turn

        clients = [here.client, ScanPool(await here.stand.connection())]
        takers = [asyncio.create_task(take(client)) for client in clients]

        async def all_read() -> bool:
            return len(got) >= 10

        await becomes(all_read)
        for taker in takers:
            taker.cancel()
        await asyncio.wait(takers)
        assert sorted(got) == [f"s{number}" for number in range(10)]


async def test_an_event_that_this_version_cannot_read_is_passed_over() -> None:
    async with listening() as here, here.client.events(kinds=["completed"]) as events:
        await here.stand.jetstream.publish(Write(subject="scan.lab.completed.spoiled", body=b"{"))
        await here.tell(a_completed_scan(id="c"))
        assert await ids(events, 1) == ["c"]


async def test_progress_is_told_as_it_happens_and_what_is_none_is_passed_over() -> None:
    async with listening() as here, here.client.events(kinds=["progress"], pools=["lab"]) as events:
        progress = ScanProgress(id="s1", pool="lab", scanner="a", percent=40, status="running", at=NOW)
        await here.stand.jetstream.tell(subjects.progress("lab", "s1"), b"rubbish")
        for percent in (40, 50):
            told = msgspec.structs.replace(progress, percent=percent)
            await here.stand.jetstream.tell(subjects.progress("lab", "s1"), msgspec.json.encode(told))
        async with asyncio.timeout(60):
            heard = [await anext(events) for _ in range(2)]
        assert [each.progress.percent for each in heard if isinstance(each, ProgressEvent)] == [40, 50]


async def test_a_pool_that_does_not_exist_is_refused_when_it_is_entered() -> None:
    async with listening() as here:
        with pytest.raises(UnknownPool, match="did you mean 'dmz'"):
            async with here.client.events(pools=["dmy"]):
                pytest.fail("it was entered")


async def test_a_name_that_nats_would_not_take_is_refused() -> None:
    async with listening() as here:
        with pytest.raises(InvalidName, match=r"'my\.mail' may not name a subscription"):
            await anext(here.client.events(durable="my.mail"))


async def test_a_connection_that_is_closed_ends_the_iteration_with_the_reason() -> None:
    async with listening() as here:
        client = await ScanPool.connect(here.stand.broker.url)
        async with client.events(kinds=["completed"]) as events:
            waiting = asyncio.create_task(anext(events))
            await asyncio.sleep(0)  # it begins to wait
            await client.close()
            with pytest.raises(BrokerUnavailable):
                await asyncio.wait_for(waiting, 60)


async def test_a_scan_of_the_pipeline_is_told_with_its_progress_and_its_end() -> None:
    async with running_pipeline() as pipeline, pipeline.client.events() as events:
        scan = await pipeline.client.submit(["10.10.0.1"], name="one")
        async with asyncio.timeout(60):
            async for event in events:
                if isinstance(event, ScanEvent):
                    assert (event.scan.id, event.kind) == (scan.id, "completed")
                    break
                assert event.progress.id == scan.id
