"""The pull loop, against a real nats-server that is killed, frozen and changed under it."""

from __future__ import annotations

import asyncio
import time
from datetime import timedelta

import pytest

from scanpool.runtime.connection import NatsAddress, connect
from scanpool.runtime.delivery import Delivery
from scanpool.runtime.errors import BrokerUnavailable, TopologyMissing
from scanpool.runtime.jetstream import Write
from scanpool.runtime.pull import Puller
from tests.support.broker import Stand, standing, within
from tests.support.eventually import becomes


async def a_queue(stand: Stand, **consumer: object) -> None:
    await stand.stream("q", retention="workqueue")
    await stand.consumer("q", "c", **{"ack_wait": 30_000_000_000, "max_ack_pending": 10_000, **consumer})


async def put(stand: Stand, *bodies: str) -> None:
    await asyncio.gather(*(stand.jetstream.publish(Write(subject="q.x", body=body.encode())) for body in bodies))


async def test_every_message_comes_once_over_two_pullers() -> None:
    async with standing() as stand:
        await a_queue(stand)
        pullers = [await stand.puller("q", "c"), Puller((await stand.connection()).client, "q", "c", credit=3)]
        await pullers[1].start()
        wanted = {str(number) for number in range(2000)}
        got: list[str] = []

        async def take(puller: Puller) -> None:
            while True:
                delivery = await puller.next()
                got.append(delivery.body.decode())
                await delivery.ack()

        takers = [asyncio.create_task(take(puller)) for puller in pullers]
        for first in range(0, 2000, 200):
            await put(stand, *(str(number) for number in range(first, first + 200)))

        async def all_settled() -> bool:
            return len(got) >= 2000 and (await stand.info("q", "c"))["num_ack_pending"] == 0

        await becomes(all_settled)
        for taker in takers:
            taker.cancel()
        await pullers[1].stop()
        assert len(got) == 2000
        assert set(got) == wanted
        assert (await stand.info("q", "c"))["num_redelivered"] == 0


async def test_a_message_comes_at_once_after_a_time_without_any() -> None:
    async with standing() as stand:
        await a_queue(stand)
        puller = await stand.puller("q", "c", expires_s=1.0, heartbeat_s=0.2)
        with pytest.raises(TimeoutError):  # longer than a pull lives
            await within(1.5, puller)
        waited = []
        for number in range(5):
            began = time.perf_counter()
            await put(stand, str(number))
            await (await within(60, puller)).ack()
            waited.append(time.perf_counter() - began)
        assert min(waited) < 0.5, waited


async def test_no_more_is_pulled_than_the_credit() -> None:
    async with standing() as stand:
        await a_queue(stand)
        await put(stand, *map(str, range(20)))
        puller = await stand.puller("q", "c", credit=4)
        await within(60, puller)

        async def ahead() -> bool:
            return bool((await stand.info("q", "c"))["num_ack_pending"] == len(puller.waiting) + 1)

        await becomes(ahead)
        assert 0 < len(puller.waiting) <= 4


async def test_deliveries_go_on_after_the_server_was_killed_and_started_again() -> None:
    async with standing() as stand:
        await a_queue(stand)
        puller = await stand.puller("q", "c")
        await put(stand, "before")
        await (await within(60, puller)).ack()
        await stand.broker.restart()
        began = time.perf_counter()
        other = await stand.connection()
        await other.publish(Write(subject="q.x", body=b"after"))
        assert (await within(60, puller)).body == b"after"
        assert time.perf_counter() - began < 20


async def test_a_pull_that_the_server_lost_is_made_again_when_its_heartbeats_stop() -> None:
    async with standing() as stand:
        await a_queue(stand)
        puller = await stand.puller("q", "c", heartbeat_s=0.2)
        with stand.broker.frozen(), pytest.raises(TimeoutError):
            await within(1, puller)
        await put(stand, "x")
        assert (await within(60, puller)).body == b"x"


async def test_a_deleted_consumer_is_missing_topology_with_its_remedy() -> None:
    async with standing() as stand:
        await a_queue(stand)
        puller = await stand.puller("q", "c")
        await stand.jetstream.api("CONSUMER.DELETE.q.c", None, dict)
        with pytest.raises(TopologyMissing, match="consumer c of stream q was deleted; run `scanpool topology apply`"):
            await within(60, puller)


async def test_a_consumer_that_was_deleted_while_no_pull_was_open_is_noticed_too() -> None:
    async with standing() as stand:
        await a_queue(stand)
        await put(stand, "1")
        puller = await stand.puller("q", "c", credit=1)

        async def arrived() -> bool:
            return len(puller.waiting) == 1

        await becomes(arrived)
        await stand.jetstream.api("STREAM.DELETE.q", None, dict)
        await within(60, puller)
        with pytest.raises(TopologyMissing):
            await within(60, puller)


async def test_a_connection_that_is_closed_for_good_ends_the_wait() -> None:
    async with standing() as stand:
        await a_queue(stand)
        client = await connect(NatsAddress(url=stand.broker.url), name="test")
        puller = Puller(client, "q", "c")
        await puller.start()
        waiting = asyncio.create_task(puller.next())
        await client.close()
        with pytest.raises(BrokerUnavailable):
            await asyncio.wait_for(waiting, 60)
        await puller.stop()


async def test_a_stopped_puller_leaves_nothing_behind_that_waits_for_its_ack() -> None:
    async with standing() as stand:
        await a_queue(stand)
        puller = await stand.puller("q", "c", credit=8)
        putting = asyncio.create_task(put(stand, *map(str, range(500))))
        taken = [await within(60, puller)]
        left = await puller.stop()
        await putting
        for delivery in [*taken, *left]:
            await delivery.nak(timedelta(0))
        other = await stand.puller("q", "c", credit=64)
        got: set[str] = set()
        while len(got) < 500:
            delivery = await within(60, other)  # far sooner than the wait for an ack (30 s)
            got.add(delivery.body.decode())
            await delivery.ack()


async def test_a_delivery_is_not_lost_to_a_cancelled_take() -> None:
    async with standing() as stand:
        await a_queue(stand)
        puller = await stand.puller("q", "c", credit=1)
        seen: list[Delivery] = []
        for number in range(50):
            await put(stand, str(number))
            taking = asyncio.create_task(puller.next())
            await asyncio.sleep(0)  # it begins to wait
            taking.cancel()
            await asyncio.wait({taking})
            seen.append(taking.result() if not taking.cancelled() else await within(60, puller))
            await seen[-1].ack()
        assert [delivery.body for delivery in seen] == [str(number).encode() for number in range(50)]


async def test_headers_that_are_no_text_do_not_make_the_process_deaf() -> None:
    async with standing() as stand:
        await a_queue(stand)
        puller = await stand.puller("q", "c")
        for headers in (
            b"NATS/1.0 \xff\xfe\xfd x\r\n\r\n",
            b"NATS/1.0\r\nk: \xff\x01\r\n\r\n",
            b"NATS/1.0\r\n\xff\r\n\r\n",
        ):
            await raw_publish(stand.broker.port, "q.x", headers, b"hostile")
        await put(stand, "good")
        got = [await within(60, puller) for _ in range(4)]
        assert [delivery.body for delivery in got] == [b"hostile"] * 3 + [b"good"]


async def raw_publish(port: int, subject: str, headers: bytes, body: bytes) -> None:
    """Publish as a client that checks nothing would."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    await reader.readline()
    size = len(headers) + len(body)
    writer.write(b'CONNECT {"headers":true,"verbose":false}\r\n')
    writer.write(f"HPUB {subject} {len(headers)} {size}\r\n".encode() + headers + body + b"\r\nPING\r\n")
    assert await reader.readline() == b"PONG\r\n"
    writer.close()
    await writer.wait_closed()
