"""What the dispatcher is handed while there are places: real server, a survey that is counted."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import anyio
import msgspec

from scanpool.dispatcher.lanes import Lanes, Room
from scanpool.runtime.delivery import Delivery
from scanpool.runtime.jetstream import Write
from scanpool_schemas import subjects
from scanpool_schemas.keys import Load
from tests.support.broker import Stand, standing
from tests.support.builders import a_queued_scan
from tests.support.eventually import eventually

POOL = "lab"


@dataclass
class Surveyed:
    """A pool with free places, and how often it was looked at."""

    free: int
    holders: frozenset[str] = field(default_factory=frozenset)
    times: int = 0

    async def __call__(self) -> Room:
        self.times += 1
        return Room(free=self.free, holders=self.holders)


@asynccontextmanager
async def handing_out(stand: Stand, survey: Surveyed) -> AsyncIterator[Lanes]:
    """Lanes over four queued scans; the clock stands still."""
    for number in range(4):
        scan = a_queued_scan(id=f"s{number}")
        write = Write(subject=subjects.event(POOL, "queued-normal", scan.id), body=msgspec.json.encode(scan))
        await stand.jetstream.publish(write)
    lanes = Lanes(stand.jetstream.client, POOL, survey, monotonic=lambda: 0.0)
    await lanes.start()
    try:
        yield lanes
    finally:
        await lanes.stop()


async def handed_out(lanes: Lanes) -> Delivery:
    with anyio.fail_after(60):
        return await lanes.next()


async def takes_place(stand: Stand, *holders: str) -> None:
    body = msgspec.json.encode(Load(capacity=9, holders=holders))
    await stand.jetstream.publish(Write(subject=subjects.key(POOL, subjects.load_key("a")), body=body))


async def test_one_survey_is_good_for_as_many_scans_as_it_found_places() -> None:
    survey = Surveyed(free=3)
    async with standing((POOL,)) as stand, handing_out(stand, survey) as lanes:
        for _ in range(3):
            lanes.settled(await handed_out(lanes))
        assert survey.times == 1
        await handed_out(lanes)
        assert survey.times == 2


async def test_the_next_scan_is_handed_out_once_the_one_before_is_heard_to_hold_its_place() -> None:
    survey = Surveyed(free=3)
    async with standing((POOL,)) as stand, handing_out(stand, survey) as lanes:
        await handed_out(lanes)
        await takes_place(stand, "s0")
        assert (await handed_out(lanes)).subject.endswith(".s1")
        assert survey.times == 1


async def test_a_place_that_somebody_else_took_asks_for_another_survey() -> None:
    survey = Surveyed(free=3)
    async with standing((POOL,)) as stand, handing_out(stand, survey) as lanes:
        lanes.settled(await handed_out(lanes))
        await takes_place(stand, "stranger")
        await eventually(lambda: bool(lanes.waiting))
        await stand.jetstream.client.flush()
        await handed_out(lanes)
        assert survey.times == 2
