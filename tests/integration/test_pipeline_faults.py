"""What scanners do wrong, and what becomes of the scans: real broker, real HTTP, every service."""

from __future__ import annotations

from collections.abc import AsyncIterator

import msgspec
import pytest
import pytest_asyncio

from scanpool_schemas import subjects
from scanpool_schemas.scan import Dead
from tests.support.eventually import becomes
from tests.support.pipeline import Pipeline, Scanner, running_pipeline
from tests.support.watching import (
    FASTER,
    events_left,
    fault,
    faults_used_up,
    holders,
    in_a_task,
    is_ready,
    launches,
    on_scanner,
    reaches,
)

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.long]

POOLS = {
    "lab": (Scanner("s1", capacity=4),),
    "slow": (Scanner("s1", capacity=4, options={"scan_seconds": 2400}),),
    "pair": (Scanner("a"), Scanner("b")),
    "office": (Scanner("pro", options={"profile": "nessus-professional"}),),
}
TARGETS = ["10.10.0.1"]


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def pipeline() -> AsyncIterator[Pipeline]:
    async with in_a_task(running_pipeline(POOLS, settings=FASTER)) as running:
        yield running


@pytest.mark.parametrize("cut", ["cut_before_create", "cut_after_create", "cut_after_launch"])
async def test_a_call_whose_answer_is_lost_is_not_made_twice(pipeline: Pipeline, cut: str) -> None:
    await fault(pipeline, "lab.s1", cut, times=1, match=f"/{cut}/")
    await pipeline.client.submit(TARGETS, name="one", pool="lab", id=cut)
    ended = await pipeline.client.wait(cut, timeout=60)
    assert ended.status == "completed"
    assert ended.attempt >= 2
    (row,) = await on_scanner(pipeline, "lab.s1", cut)
    assert (row["created"], row["launched"]) == (1, 1)


async def test_a_launch_that_meets_a_conflict_looks_and_launches_later(pipeline: Pipeline) -> None:
    await fault(
        pipeline, "lab.s1", "server_error", status=409, times=1, match="/conflict/", path="/launch", method="POST"
    )
    await pipeline.client.submit(TARGETS, name="one", pool="lab", id="conflict")
    assert (await pipeline.client.wait("conflict", timeout=60)).status == "completed"
    assert await launches(pipeline, "conflict") == {"lab.s1": 1}


async def test_a_scan_that_somebody_else_launched_first_counts_as_launched(pipeline: Pipeline) -> None:
    await fault(pipeline, "slow.s1", "slow", seconds=0.7, times=1, match="/raced/", path="/launch", method="POST")
    await pipeline.client.submit(TARGETS, name="one", pool="slow", id="raced")
    scan = await reaches_intent(pipeline, "slow.s1", "raced")
    await faults_used_up(pipeline, "slow.s1")
    answer = await pipeline.emulators["slow.s1"].api.post(f"/scans/{scan}/launch", json={})
    answer.raise_for_status()
    assert (await pipeline.client.wait("raced", timeout=60)).status == "completed"
    assert await launches(pipeline, "raced") == {"slow.s1": 1}


async def reaches_intent(pipeline: Pipeline, instance: str, scan_id: str) -> int:
    """The number of the scan on the scanner, once it is there."""
    found: list[int] = []

    async def there() -> bool:
        found.extend(row["id"] for row in await on_scanner(pipeline, instance, scan_id))
        return bool(found)

    await becomes(there)
    return found[0]


async def test_a_scan_outlives_an_outage_of_its_scanner(pipeline: Pipeline) -> None:
    await pipeline.client.submit(TARGETS, name="one", pool="slow", id="outage")
    await reaches(pipeline, "outage", {"running"})
    await fault(pipeline, "slow.s1", "down")
    await is_ready(pipeline, "slow.s1", False)
    assert (await pipeline.client.status("outage")).state == "running"
    await pipeline.emulators["slow.s1"].control.clear_faults()
    assert (await pipeline.client.wait("outage", timeout=60)).status == "completed"
    assert await launches(pipeline, "outage") == {"slow.s1": 1}
    await is_ready(pipeline, "slow.s1")


async def test_a_scanner_that_is_down_from_the_start_is_given_nothing() -> None:
    async with running_pipeline({"lab": (Scanner("dead"), Scanner("alive"))}, services=()) as pipeline:
        await fault(pipeline, "lab.dead", "down")
        await pipeline.start()
        scans = [await pipeline.client.submit(TARGETS, name=f"scan {n}") for n in range(3)]
        ended = [await pipeline.client.wait(scan.id, timeout=60) for scan in scans]
        assert {(each.status, each.scanner_instance) for each in ended} == {("completed", "lab.alive")}
        assert (await pipeline.emulators["lab.dead"].control.stats())["scans"] == []


async def test_a_scan_that_its_scanner_lost_fails_and_is_not_run_again(pipeline: Pipeline) -> None:
    await pipeline.client.submit(TARGETS, name="one", pool="slow", id="lost")
    await reaches(pipeline, "lost", {"running"})
    await fault(pipeline, "slow.s1", "lost_scan", times=1, match="/lost/")
    ended = await pipeline.client.wait("lost", timeout=60)
    assert (ended.status, ended.error and ended.error.code) == ("failed", "scanner_lost_scan")
    assert await launches(pipeline, "lost") == {"slow.s1": 1}
    assert "lost" not in await holders(pipeline, "slow", "s1")


async def test_a_scan_that_was_lost_before_its_launch_fails_without_a_launch(pipeline: Pipeline) -> None:
    await fault(pipeline, "lab.s1", "lost_scan", times=1, match="/lost-early/")
    await pipeline.client.submit(TARGETS, name="one", pool="lab", id="lost-early")
    ended = await pipeline.client.wait("lost-early", timeout=60)
    assert (ended.status, ended.error and ended.error.code) == ("failed", "scanner_lost_scan")
    assert await launches(pipeline, "lost-early") == {"lab.s1": 0}


async def test_a_scan_that_its_scanner_aborts_fails(pipeline: Pipeline) -> None:
    await fault(pipeline, "lab.s1", "aborted", times=1, match="/aborted/")
    await pipeline.client.submit(TARGETS, name="one", pool="lab", id="aborted")
    ended = await pipeline.client.wait("aborted", timeout=60)
    assert (ended.status, ended.error and ended.error.code) == ("failed", "scan_aborted")
    assert "aborted" not in await holders(pipeline, "lab", "s1")


async def test_a_scan_that_somebody_stops_on_the_scanner_fails(pipeline: Pipeline) -> None:
    await fault(pipeline, "slow.s1", "canceled", times=1, match="/meddled/")
    await pipeline.client.submit(TARGETS, name="one", pool="slow", id="meddled")
    ended = await pipeline.client.wait("meddled", timeout=60)
    assert (ended.status, ended.error and ended.error.code) == ("failed", "scan_canceled_on_scanner")


async def test_a_report_that_arrives_cut_is_exported_again(pipeline: Pipeline) -> None:
    await fault(pipeline, "lab.s1", "truncated_export", times=1, match="/cut-once/")
    await pipeline.client.submit(TARGETS, name="one", pool="lab", id="cut-once")
    ended = await pipeline.client.wait("cut-once", timeout=60)
    assert (ended.status, ended.result and ended.result.valid) == ("completed", True)


async def test_a_report_that_always_arrives_cut_makes_a_dead_letter_and_frees_the_place(pipeline: Pipeline) -> None:
    await fault(pipeline, "lab.s1", "truncated_export", match="/cut-always/")
    await pipeline.client.submit(TARGETS, name="one", pool="lab", id="cut-always")
    ended = await pipeline.client.wait("cut-always", timeout=60)
    assert (ended.state, ended.dead_letter, ended.error and ended.error.code) == ("dead", True, "export_failed")
    assert "cut-always" not in await holders(pipeline, "lab", "s1")
    kept = subjects.event("lab", "dead", "cut-always")
    await becomes(lambda: _in_stream(pipeline, subjects.SCAN_DLQ, kept))
    stored = await pipeline.jetstream.last(subjects.SCAN_DLQ, kept)
    assert stored is not None
    scan = msgspec.json.decode(stored.body, type=Dead)
    assert (scan.dead.state, scan.stage_attempts) == ("exporting", {"exporting": 1})
    await becomes(lambda: _in_stream(pipeline, subjects.SCAN_FAILED, kept))


async def _in_stream(pipeline: Pipeline, stream: str, subject: str) -> bool:
    return await pipeline.jetstream.last(stream, subject) is not None


async def test_a_report_that_is_no_xml_fails_with_the_reason_of_the_report(pipeline: Pipeline) -> None:
    await fault(pipeline, "lab.s1", "malformed_export", match="/malformed/")
    await pipeline.client.submit(TARGETS, name="one", pool="lab", id="malformed")
    ended = await pipeline.client.wait("malformed", timeout=60)
    assert (ended.status, ended.error and ended.error.code) == ("failed", "report_malformed")
    assert ended.result is not None
    assert ended.result.valid is False


async def test_a_scanner_that_lost_its_licence_is_given_nothing_and_others_take_over(pipeline: Pipeline) -> None:
    await fault(pipeline, "pair.a", "licence")
    scans = [await pipeline.client.submit(TARGETS, name=f"scan {n}", pool="pair") for n in range(3)]
    ended = [await pipeline.client.wait(scan.id, timeout=60) for scan in scans]
    assert {(each.status, each.scanner_instance) for each in ended} == {("completed", "pair.b")}
    await becomes(lambda: _may_launch(pipeline, "pair.a", False))
    await pipeline.emulators["pair.a"].control.clear_faults()
    await becomes(lambda: _may_launch(pipeline, "pair.a", True))
    assert (await pipeline.emulators["pair.a"].control.stats())["scans"] == []


async def _may_launch(pipeline: Pipeline, instance: str, may: bool) -> bool:
    scanners = await pipeline.client.scanners(pool=instance.split(".")[0])
    return any(each.scanner_instance == instance and each.can_launch is may for each in scanners)


async def test_a_scan_is_refused_where_no_scanner_of_its_pool_may_launch(pipeline: Pipeline) -> None:
    await pipeline.client.submit(TARGETS, name="one", pool="office", id="unlicensed")
    ended = await pipeline.client.wait("unlicensed", timeout=60)
    assert (ended.status, ended.error and ended.error.code) == ("failed", "scan_api_not_licensed")
    assert ended.attempt == 0


async def test_a_scanner_that_is_loading_plugins_is_given_nothing_until_it_is_ready(pipeline: Pipeline) -> None:
    await fault(pipeline, "pair.a", "loading")
    await is_ready(pipeline, "pair.a", False)
    scans = [await pipeline.client.submit(TARGETS, name=f"scan {n}", pool="pair") for n in range(2)]
    ended = [await pipeline.client.wait(scan.id, timeout=60) for scan in scans]
    assert {(each.status, each.scanner_instance) for each in ended} == {("completed", "pair.b")}
    await pipeline.emulators["pair.a"].control.clear_faults()
    await is_ready(pipeline, "pair.a")


async def test_spent_events_of_an_ended_scan_are_purged(pipeline: Pipeline) -> None:
    await pipeline.client.submit(TARGETS, name="one", pool="lab", id="spent")
    await pipeline.client.wait("spent", timeout=60)

    async def alone() -> bool:
        return len(await events_left(pipeline, "lab", "spent")) == 1

    await becomes(alone)


async def test_a_refused_look_at_the_intended_scan_ends_nothing(pipeline: Pipeline) -> None:
    await fault(pipeline, "lab.s1", "server_error", status=403, times=1, match="/looked/", method="GET")
    await pipeline.client.submit(TARGETS, name="one", pool="lab", id="looked")
    assert (await pipeline.client.wait("looked", timeout=60)).status == "completed"
    assert await launches(pipeline, "looked") == {"lab.s1": 1}
