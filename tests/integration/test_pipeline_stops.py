"""How scans are cancelled, time out and wait for a place: real broker, real HTTP, every service."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
import pytest_asyncio

from scanpool.cli.running.assembly import SERVICES
from scanpool_schemas import subjects
from tests.support.eventually import becomes
from tests.support.pipeline import Pipeline, Scanner, running_pipeline
from tests.support.watching import (
    FASTER,
    fault,
    holders,
    in_a_task,
    launches,
    on_scanner,
    reaches,
)

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.long]

ENDLESS = {"scan_seconds": 60_000}
POOLS = {
    "lab": (Scanner("s1", capacity=4),),
    "endless": (Scanner("s1", capacity=4, options=ENDLESS),),
    "full": (Scanner("s1", capacity=1, options=ENDLESS), Scanner("s2", capacity=1)),
    "narrow": (Scanner("s1", capacity=1),),
}
TARGETS = ["10.10.0.1"]
LONG_S = 40.0
"""Until what was not told is looked for."""


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def pipeline() -> AsyncIterator[Pipeline]:
    async with in_a_task(running_pipeline(POOLS, settings=FASTER)) as running:
        yield running


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def full(pipeline: Pipeline) -> Pipeline:
    """The only place on `full.s1` is taken by a scan that does not end."""
    await _asked_for(pipeline, "full", "holds", scanner="s1")
    await reaches(pipeline, "holds", {"running"})
    return pipeline


async def _asked_for(pipeline: Pipeline, pool: str, scan_id: str, **fields: object) -> None:
    await pipeline.client.submit(TARGETS, name="one", pool=pool, id=scan_id, **fields)


async def _cancelled(pipeline: Pipeline, scan_id: str) -> None:
    ended = await pipeline.client.wait(scan_id, timeout=60)
    assert (ended.status, ended.error and ended.error.code) == ("cancelled", "cancelled")
    assert "by me: why not" in (ended.error.message if ended.error else "")


async def _cancel(pipeline: Pipeline, scan_id: str) -> None:
    await pipeline.client.cancel(scan_id, by="me", reason="why not")


async def test_a_cancel_that_comes_before_admission_waits_for_the_scan() -> None:
    async with running_pipeline({"lab": (Scanner("s1", options=ENDLESS),)}, services=(), settings=FASTER) as pipeline:
        await _asked_for(pipeline, "lab", "hasty")
        body = b'{"by":"me","reason":"why not"}'
        await pipeline.jetstream.client.request(subjects.cancel("lab", "hasty"), body, timeout=60)
        await pipeline.start()
        await _cancelled(pipeline, "hasty")
        assert await holders(pipeline, "lab", "s1") == ()


async def test_a_scan_that_waits_for_a_place_is_cancelled_at_once(full: Pipeline) -> None:
    await _asked_for(full, "full", "waits-1", scanner="s1")
    await reaches(full, "waits-1", {"queued-normal"})
    await _cancel(full, "waits-1")
    await _cancelled(full, "waits-1")
    assert await launches(full, "waits-1") == {}


async def test_a_scan_cancelled_while_it_is_created_is_never_launched_and_leaves_nothing(pipeline: Pipeline) -> None:
    await fault(pipeline, "endless.s1", "slow", seconds=1.0, times=1, path="/scans", method="POST")
    await _asked_for(pipeline, "endless", "unborn")
    await reaches(pipeline, "unborn", {"launching"})
    await _cancel(pipeline, "unborn")
    await _cancelled(pipeline, "unborn")
    assert "unborn" not in await holders(pipeline, "endless", "s1")

    async def cleaned() -> bool:
        rows = await on_scanner(pipeline, "endless.s1", "unborn")
        return [(row["launched"], row["deleted"]) for row in rows] == [(0, 1)]

    await becomes(cleaned)


async def test_a_scan_cancelled_while_its_launch_is_on_the_way_is_stopped_on_the_scanner(pipeline: Pipeline) -> None:
    await fault(pipeline, "endless.s1", "slow", seconds=0.5, times=1, match="/on-its-way/", path="/launch")
    await _asked_for(pipeline, "endless", "on-its-way")

    async def created() -> bool:
        scan = await pipeline.client.status("on-its-way")
        return any("is scan" in entry.why for entry in scan.timeline)

    await reaches(pipeline, "on-its-way", {"launching"})
    await becomes(created)
    await _cancel(pipeline, "on-its-way")
    await reaches(pipeline, "on-its-way", {"stopping"})
    assert "on-its-way" in await holders(pipeline, "endless", "s1")
    await _cancelled(pipeline, "on-its-way")
    (row,) = await on_scanner(pipeline, "endless.s1", "on-its-way")
    assert (row["launched"], row["stopped"]) == (1, 1)


async def test_a_running_scan_is_stopped_on_its_scanner_before_it_counts_as_cancelled(pipeline: Pipeline) -> None:
    await _asked_for(pipeline, "endless", "running")
    await reaches(pipeline, "running", {"running"})
    await _cancel(pipeline, "running")
    await _cancelled(pipeline, "running")
    (row,) = await on_scanner(pipeline, "endless.s1", "running")
    assert (row["launched"], row["stopped"]) == (1, 1)
    assert "running" not in await holders(pipeline, "endless", "s1")


async def test_a_scan_that_is_to_stop_keeps_its_place_until_its_scanner_answers(pipeline: Pipeline) -> None:
    await _asked_for(pipeline, "endless", "unreachable")
    await reaches(pipeline, "unreachable", {"running"})
    await fault(pipeline, "endless.s1", "down", match="/unreachable/")
    await _cancel(pipeline, "unreachable")
    status = await reaches(pipeline, "unreachable", {"stopping"})
    assert (status.status, status.cancelling) == ("running", True)
    assert "unreachable" in await holders(pipeline, "endless", "s1")
    await pipeline.emulators["endless.s1"].control.clear_faults()
    await _cancelled(pipeline, "unreachable")
    assert "unreachable" not in await holders(pipeline, "endless", "s1")


async def test_a_scan_whose_report_is_being_fetched_is_cancelled_at_once(pipeline: Pipeline) -> None:
    await fault(pipeline, "lab.s1", "slow", seconds=1.5, times=1, match="/fetched/", path="/export")
    await _asked_for(pipeline, "lab", "fetched")
    await reaches(pipeline, "fetched", {"exporting"})
    await _cancel(pipeline, "fetched")
    await _cancelled(pipeline, "fetched")


async def test_a_scan_whose_report_waits_to_be_read_is_cancelled_and_never_completes() -> None:
    services = tuple(each for each in SERVICES if each != "validator")
    async with running_pipeline(services=services) as pipeline:
        await _asked_for(pipeline, "lab", "unread")
        await reaches(pipeline, "unread", {"validating"})
        await _cancel(pipeline, "unread")
        await _cancelled(pipeline, "unread")
        await pipeline.start(("validator",))
        await _asked_for(pipeline, "lab", "read")
        assert (await pipeline.client.wait("read", timeout=60)).status == "completed"
        assert (await pipeline.client.status("unread")).status == "cancelled"


async def test_a_cancel_of_a_scan_that_is_over_changes_nothing(pipeline: Pipeline) -> None:
    await _asked_for(pipeline, "lab", "over")
    await pipeline.client.wait("over", timeout=60)
    await _cancel(pipeline, "over")
    subject = subjects.cancel("lab", "over")

    async def answered() -> bool:
        return await pipeline.jetstream.last(subjects.SCAN_REQUESTS, subject) is None

    await becomes(answered)
    assert (await pipeline.client.status("over")).status == "completed"


async def test_a_scan_that_waits_too_long_for_a_place_ends_as_timeout(full: Pipeline) -> None:
    await _asked_for(full, "full", "waits-2", scanner="s1", max_wait_s=1)
    ended = await full.client.wait("waits-2", timeout=60)
    assert (ended.status, ended.error and ended.error.code) == ("timeout", "max_wait_exceeded")


async def test_a_scan_that_runs_too_long_is_stopped_on_its_scanner_and_ends_as_timeout() -> None:
    settings = replace(FASTER, max_duration=timedelta(seconds=1.5))
    async with running_pipeline({"lab": (Scanner("s1", options=ENDLESS),)}, settings=settings) as pipeline:
        await _asked_for(pipeline, "lab", "too-long")
        ended = await pipeline.client.wait("too-long", timeout=60)
        assert (ended.status, ended.error and ended.error.code) == ("timeout", "max_duration_exceeded")
        (row,) = await on_scanner(pipeline, "lab.s1", "too-long")
        assert (row["launched"], row["stopped"]) == (1, 1)
        assert await holders(pipeline, "lab", "s1") == ()


async def test_a_scan_that_waits_for_its_named_scanner_lets_others_of_its_lane_pass(full: Pipeline) -> None:
    await _asked_for(full, "full", "waits-3", scanner="s1")
    await reaches(full, "waits-3", {"queued-normal"})
    await _asked_for(full, "full", "passes")
    ended = await full.client.wait("passes", timeout=60)
    assert (ended.status, ended.scanner_instance) == ("completed", "full.s2")
    assert (await full.client.status("waits-3")).state == "queued-normal"


async def test_urgent_scans_get_a_contended_place_first(pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scanpool.dispatcher.service.FULL", timedelta(seconds=LONG_S))
    monkeypatch.setattr("scanpool.dispatcher.lanes.LOOK_AGAIN_S", LONG_S)
    await fault(pipeline, "narrow.s1", "slow", seconds=0.7, times=1, path="/scans", method="POST")
    await _asked_for(pipeline, "narrow", "first")
    await reaches(pipeline, "first", {"launching"})
    for n in range(3):
        await _asked_for(pipeline, "narrow", f"low-{n}", priority="low")
    for n in range(3):
        await _asked_for(pipeline, "narrow", f"high-{n}", priority="high")
    ended = [await pipeline.client.wait(f"{lane}-{n}", timeout=60) for lane in ("high", "low") for n in range(3)]
    begun = {scan.id: next(e.at for e in scan.timeline if e.state == "launching") for scan in ended}
    order = [scan_id.split("-")[0] for scan_id in sorted(begun, key=lambda scan_id: begun[scan_id])]
    assert order.index("high") <= 1
    last_high = max(place for place, lane in enumerate(order) if lane == "high")
    assert order[:last_high].count("low") <= 1, "of ten scans placed while all lanes wait, one is of the low lane"
    freed = sorted(next(e.at for e in scan.timeline if e.state == "exporting") for scan in ended)
    waited = [taken - given for given, taken in zip(freed[:-1], sorted(begun.values())[1:], strict=True)]
    assert max(waited) < timedelta(seconds=LONG_S / 2), "a place that was given back is taken at once"


async def test_who_waits_for_a_scan_learns_of_its_end_at_once(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("scanpool.client.waiting.LOOK_AGAIN_S", LONG_S)
    await _asked_for(pipeline, "endless", "awaited")
    await reaches(pipeline, "awaited", {"running"})
    await _cancel(pipeline, "awaited")
    ended = await pipeline.client.wait("awaited", timeout=60)
    assert datetime.now(UTC) - ended.updated_at < timedelta(seconds=LONG_S / 2)
