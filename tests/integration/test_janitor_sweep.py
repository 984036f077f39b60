"""All of a stream under a subject, read by a real server, and the census that is kept of it."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import msgspec
import pytest

from scanpool.janitor.census import Censuses
from scanpool.runtime.errors import TopologyMissing
from scanpool.runtime.jetstream import ApiRefused, JetStream, Stored, Write
from scanpool.runtime.sweep import BATCH, sweep
from scanpool_schemas import subjects
from scanpool_schemas.scan import AnyScan, state_of
from tests.support.broker import Stand, standing
from tests.support.builders import a_completed_scan, a_queued_scan
from tests.support.eventually import eventually

_T = TypeVar("_T")
DAY = timedelta(days=1)


async def _stored(jetstream: JetStream, scan: AnyScan) -> int:
    subject = subjects.event("lab", state_of(scan), scan.id)
    return await jetstream.publish(Write(subject=subject, body=msgspec.json.encode(scan), headers={"ce-id": scan.id}))


async def _consumers(stand: Stand) -> set[str]:
    answer = await stand.jetstream.api("CONSUMER.NAMES.events", {}, dict[str, Any])
    return set(answer["consumers"] or ())


@pytest.mark.parametrize("number", [0, 1, BATCH - 1, BATCH, BATCH + 1, 3 * BATCH])
async def test_every_message_that_fits_comes_once_in_order_and_no_consumer_is_left(number: int) -> None:
    async with standing() as stand:
        await stand.stream("events")
        writes = [Write(subject=f"events.{'a' if n % 2 else 'b'}.{n}", body=b"%d" % n) for n in range(2 * number)]
        await asyncio.gather(*(stand.jetstream.publish(write) for write in writes))
        found = [stored async for stored in sweep(stand.jetstream, "events", "events.a.*")]
        assert {int(each.body) for each in found} == {n for n in range(2 * number) if n % 2}
        assert [each.sequence for each in found] == sorted(each.sequence for each in found)
        assert len(found) == number
        assert await _consumers(stand) == set()


async def test_a_sweep_begins_where_it_is_told_and_gives_what_the_stream_holds() -> None:
    async with standing() as stand:
        await stand.stream("events")
        for number in range(5):
            await stand.jetstream.publish(Write(subject=f"events.{number}", body=b"x", headers={"a": "b"}))
        found = [stored async for stored in sweep(stand.jetstream, "events", "events.>", 4)]
        held = [await stand.jetstream.at("events", sequence) for sequence in (4, 5)]
        assert [_what(each) for each in found] == [_what(each) for each in held if each is not None]


def _what(stored: Stored) -> tuple[str, int, bytes, object]:
    """Without its time, of which the two ways to read it round the last digit differently."""
    return stored.subject, stored.sequence, stored.body, stored.headers


class KnownLate(JetStream):
    """As in a cluster: a consumer is made, and where its first pull comes to nobody knows of it yet."""

    async def api(self, operation: str, request: object, answer: type[_T]) -> _T:
        if not operation.startswith("CONSUMER.CREATE."):
            return await super().api(operation, request, answer)
        self.made = asyncio.create_task(self._made_when_a_pull_was_refused(operation, request, answer))
        return answer()

    async def _made_when_a_pull_was_refused(self, operation: str, request: object, answer: type[_T]) -> None:
        before = self.client.stats["in_msgs"]
        await eventually(lambda: self.client.stats["in_msgs"] > before)
        await super().api(operation, request, answer)


async def test_a_consumer_that_is_not_known_everywhere_yet_is_asked_again() -> None:
    async with standing() as stand:
        await stand.stream("events")
        await stand.jetstream.publish(Write(subject="events.1", body=b"x"))
        jetstream = KnownLate(stand.jetstream.client)
        assert [stored.sequence async for stored in sweep(jetstream, "events", "events.>")] == [1]
        assert jetstream.made.done()


async def test_a_stream_that_is_not_there_is_said() -> None:
    async with standing() as stand:
        with pytest.raises(ApiRefused):
            [stored async for stored in sweep(stand.jetstream, "nothing", ">")]
        with pytest.raises(TopologyMissing):
            await Censuses(DAY).of(stand.jetstream, "nothing", datetime.now(UTC))


async def test_a_census_reads_on_where_it_stopped() -> None:
    async with standing(("lab",)) as stand:
        censuses, now = Censuses(DAY), datetime.now(UTC)
        await _stored(stand.jetstream, a_queued_scan(id="one"))
        first, _ = await censuses.of(stand.jetstream, "lab", now)
        assert [each.scan_id for each in first.entries] == ["one"]
        await _stored(stand.jetstream, a_completed_scan(id="one"))
        await _stored(stand.jetstream, a_completed_scan(id="two"))
        again, _ = await censuses.of(stand.jetstream, "lab", now)
        assert again is first
        assert {each.scan_id: (each.state, each.spent) for each in again.entries} == {
            "one": ("completed", ("queued-normal",)),
            "two": ("completed", ()),
        }


async def test_a_stream_that_was_made_anew_is_read_anew() -> None:
    async with standing(("lab",)) as stand:
        censuses, now = Censuses(DAY), datetime.now(UTC)
        await _stored(stand.jetstream, a_queued_scan(id="one"))
        await censuses.of(stand.jetstream, "lab", now)
        info = await stand.jetstream.api("STREAM.INFO.KV_pool-lab", None, dict[str, Any])
        await stand.jetstream.api("STREAM.DELETE.KV_pool-lab", None, dict[str, object])
        await stand.jetstream.api("STREAM.CREATE.KV_pool-lab", info["config"], dict[str, object])
        await _stored(stand.jetstream, a_completed_scan(id="two"))
        census, _ = await censuses.of(stand.jetstream, "lab", now)
        assert [each.scan_id for each in census.entries] == ["two"]
