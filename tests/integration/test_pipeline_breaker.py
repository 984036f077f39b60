"""A scanner that fails is left alone, and used again when it is well; real broker, real HTTP, every service."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import msgspec

from scanpool.runtime.keys import read_key
from scanpool_schemas import subjects
from scanpool_schemas.events import ScannerEvent
from scanpool_schemas.keys import Breaker
from tests.support.eventually import becomes
from tests.support.pipeline import Pipeline, Scanner, running_pipeline
from tests.support.watching import FASTER, fault, launches, reaches

TARGETS = ["10.10.0.1"]


async def state(pipeline: Pipeline, scanner: str) -> str:
    key = await read_key(pipeline.jetstream, "lab", subjects.breaker_key(scanner), Breaker)
    return (key.value or Breaker()).state


async def is_in(pipeline: Pipeline, scanner: str, states: Sequence[str]) -> None:
    async def so() -> bool:
        return await state(pipeline, scanner) in states

    await becomes(so)


async def told(pipeline: Pipeline, scanner: str) -> list[str]:
    found: list[str] = []
    sequence = 1
    while stored := await pipeline.jetstream.next_from(
        subjects.SCANNER_EVENTS, sequence, subjects.scanner_event("lab", scanner, "*")
    ):
        found.append(msgspec.json.decode(stored.body, type=ScannerEvent).event)
        sequence = stored.sequence + 1
    return [event for event in found if event.startswith("breaker")]


async def test_scans_pass_by_a_scanner_that_fails_to_create_and_it_is_used_again_when_it_is_well() -> None:
    pools = {"lab": (Scanner("sick"), Scanner("well"))}
    patient = replace(FASTER, backoff=replace(FASTER.backoff, attempts=12))
    async with running_pipeline(pools, settings=patient) as pipeline:
        await fault(pipeline, "lab.sick", "server_error", status=500, path="/scans", method="POST")
        scans = [await pipeline.client.submit(TARGETS, name=f"scan {n}") for n in range(12)]
        ended = [await pipeline.client.wait(scan.id, timeout=60) for scan in scans]
        assert {(each.status, each.scanner_instance) for each in ended} == {("completed", "lab.well")}
        assert "breaker-opened" in await told(pipeline, "sick")
        await pipeline.emulators["lab.sick"].control.clear_faults()
        await is_in(pipeline, "sick", ["closed"])
        again = await pipeline.client.submit(TARGETS, name="again", scanner="sick")
        assert (await pipeline.client.wait(again.id, timeout=60)).scanner_instance == "lab.sick"
        assert await launches(pipeline, again.id) == {"lab.sick": 1}


async def test_a_scanner_that_hangs_with_scans_running_is_left_alone_and_the_scans_are_followed_again() -> None:
    pools = {"lab": (Scanner("s1", capacity=4, options={"scan_seconds": 900}),)}
    async with running_pipeline(pools, settings=FASTER) as pipeline:
        ids = [(await pipeline.client.submit(TARGETS, name=f"scan {n}")).id for n in range(3)]
        for scan_id in ids:
            await reaches(pipeline, scan_id, {"running"})
        await fault(pipeline, "lab.s1", "down")
        await is_in(pipeline, "s1", ["open", "half-open"])
        waits = await pipeline.client.submit(TARGETS, name="waits")
        await reaches(pipeline, waits.id, {"queued-normal"})
        await pipeline.emulators["lab.s1"].control.clear_faults()
        await is_in(pipeline, "s1", ["closed"])
        for scan_id in (*ids, waits.id):
            ended = await pipeline.client.wait(scan_id, timeout=60)
            assert (ended.status, await launches(pipeline, scan_id)) == ("completed", {"lab.s1": 1})
