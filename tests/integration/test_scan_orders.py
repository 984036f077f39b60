"""How running scans are paused and resumed by whoever asks: real broker, real HTTP, every service."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection
from dataclasses import replace
from datetime import timedelta

import msgspec
import pytest
import pytest_asyncio
from nats.aio.msg import Msg

from scanpool.cli.running.assembly import SERVICES
from scanpool.client import NoPoller, OrderRefused, OrderUnanswered, UnknownScan
from scanpool_schemas import subjects
from scanpool_schemas.events import OrderAnswer
from scanpool_schemas.status import ScanStatus
from tests.support.cli import Ended, scanpool
from tests.support.eventually import becomes
from tests.support.pipeline import Pipeline, Scanner, running_pipeline
from tests.support.watching import FASTER, fault, holders, in_a_task, on_scanner, reaches

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.long]

LASTING = {"scan_seconds": 24_000}
"""A scan waits on the scanner for two seconds, then runs for half a minute."""
POOLS = {
    "lab": (Scanner("s1", capacity=20, options=LASTING),),
    "narrow": (Scanner("s1", capacity=1, options=LASTING),),
    "quick": (Scanner("s1"),),
    "tripped": (Scanner("s1", options=LASTING),),
}
TARGETS = ["10.10.0.1"]


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def pipeline() -> AsyncIterator[Pipeline]:
    async with in_a_task(running_pipeline(POOLS, settings=FASTER)) as running:
        yield running


async def _asked_for(pipeline: Pipeline, scan_id: str, pool: str = "lab", **fields: object) -> None:
    await pipeline.client.submit(TARGETS, name="one", pool=pool, id=scan_id, **fields)


async def _runs(pipeline: Pipeline, scan_id: str, pool: str = "lab") -> ScanStatus:
    """Ask for the scan and wait until its scanner is at work on it."""
    await _asked_for(pipeline, scan_id, pool)
    return await _shows(pipeline, scan_id, {"running"})


async def _shows(pipeline: Pipeline, scan_id: str, words: Collection[str]) -> ScanStatus:
    """Wait until everybody sees the scanner's word for the scan."""
    seen: list[ScanStatus] = [await reaches(pipeline, scan_id, {"running"})]

    async def told() -> bool:
        seen.append(await pipeline.client.status(scan_id))
        progress = seen[-1].progress
        return progress is not None and progress.status in words

    await becomes(told)
    return seen[-1]


async def _on_the_scanner(pipeline: Pipeline, scan: ScanStatus) -> str:
    answer = await pipeline.emulators[scan.scanner_instance or ""].api.get(f"/scans/{scan.scanner_scan_id}")
    return str(answer.json()["info"]["status"])


async def _cli(pipeline: Pipeline, *words: str) -> Ended:
    return await scanpool(*words, environ={"SCANPOOL_NATS_URL": pipeline.nats.url})


async def test_a_paused_scan_stands_still_keeps_its_place_and_everybody_sees_who_and_why(pipeline: Pipeline) -> None:
    scan = await _runs(pipeline, "paused")
    answer = await pipeline.client.pause("paused", by="alice", reason="busy network")
    assert (answer.outcome, answer.message) == ("done", "scan paused is paused on lab.s1")
    assert await _on_the_scanner(pipeline, scan) == "paused"
    seen = await pipeline.client.status("paused")
    assert (seen.status, seen.state, seen.paused) == ("running", "running", True)
    assert seen.progress is not None
    assert (seen.progress.paused_by, seen.progress.paused_reason) == ("alice", "busy network")
    assert seen.progress.paused_since is not None
    assert seen.progress.paused_until is not None
    assert seen.progress.paused_until == seen.progress.paused_since + FASTER.poll.paused_limit
    assert "paused" in await holders(pipeline, "lab", "s1")


async def test_a_pause_is_told_on_while_the_poller_looks_and_asking_again_changes_nothing(pipeline: Pipeline) -> None:
    await _runs(pipeline, "twice")
    first = (await pipeline.client.pause("twice", by="alice", reason="busy network")).progress
    assert first is not None

    async def looked_at_again() -> bool:
        progress = (await pipeline.client.status("twice")).progress
        return progress is not None and progress.at > first.at

    await becomes(looked_at_again)
    again = await pipeline.client.pause("twice", by="bob", reason="to be sure")
    assert again.outcome == "already"
    assert again.progress is not None
    assert (again.progress.paused_since, again.progress.paused_by) == (first.paused_since, "alice")


async def test_a_resumed_scan_goes_on_and_is_paused_no_more(pipeline: Pipeline) -> None:
    scan = await _runs(pipeline, "resumed")
    await pipeline.client.pause("resumed", by="alice", reason="busy network")
    answer = await pipeline.client.resume("resumed", by="bob")
    assert (answer.outcome, answer.message) == ("done", "scan resumed goes on on lab.s1")
    seen = await _shows(pipeline, "resumed", {"running"})
    assert (seen.paused, seen.progress and seen.progress.paused_by) == (False, "")
    assert await _on_the_scanner(pipeline, scan) == "running"
    assert (await pipeline.client.resume("resumed")).outcome == "already"
    (row,) = await on_scanner(pipeline, "lab.s1", "resumed")
    assert (row["launched"], row["stopped"]) == (1, 0)


async def test_a_scan_that_was_paused_runs_to_its_end() -> None:
    async with running_pipeline({"lab": (Scanner("s1", options={"scan_seconds": 1_800}),)}, settings=FASTER) as small:
        await _runs(small, "whole")
        await small.client.pause("whole", by="alice", reason="busy network")
        await small.client.resume("whole")
        assert (await small.client.wait("whole", timeout=60)).status == "completed"


async def test_a_paused_scan_is_cancelled_and_gives_its_place_back(pipeline: Pipeline) -> None:
    await _runs(pipeline, "cancelled")
    await pipeline.client.pause("cancelled", by="alice", reason="busy network")
    await pipeline.client.cancel("cancelled", by="bob", reason="not needed")
    ended = await pipeline.client.wait("cancelled", timeout=60)
    assert (ended.status, ended.paused) == ("cancelled", False)
    (row,) = await on_scanner(pipeline, "lab.s1", "cancelled")
    assert row["stopped"] == 1
    assert "cancelled" not in await holders(pipeline, "lab", "s1")


async def test_what_does_not_run_is_refused_with_a_code(pipeline: Pipeline) -> None:
    await _runs(pipeline, "holds-the-place", "narrow")
    await _asked_for(pipeline, "waits", "narrow")
    await reaches(pipeline, "waits", {"queued-normal"})
    await _asked_for(pipeline, "over", "quick")
    await pipeline.client.wait("over", timeout=60)
    await _runs(pipeline, "stops")
    await fault(pipeline, "lab.s1", "down", match="/stops/")
    await pipeline.client.cancel("stops", by="bob")
    await reaches(pipeline, "stops", {"stopping"})
    refused: dict[str, set[str]] = {}
    for scan_id in ("waits", "over", "stops"):
        for order in (pipeline.client.pause, pipeline.client.resume):
            with pytest.raises(OrderRefused) as error:
                await order(scan_id)
            refused.setdefault(scan_id, set()).add(error.value.code)
    await pipeline.emulators["lab.s1"].control.clear_faults()
    assert refused == {"waits": {"scan_not_started"}, "over": {"scan_is_over"}, "stops": {"scan_is_stopping"}}
    with pytest.raises(UnknownScan):
        await pipeline.client.pause("never-asked-for")


async def test_a_scan_that_waits_on_its_scanner_cannot_be_paused_yet(pipeline: Pipeline) -> None:
    await _asked_for(pipeline, "pending")
    await _shows(pipeline, "pending", {"pending"})
    with pytest.raises(OrderRefused, match="cannot pause now") as error:
        await pipeline.client.pause("pending", by="alice")
    assert error.value.code == "scanner_conflict"


async def test_without_a_poller_nothing_is_done_and_it_is_said_so() -> None:
    without = tuple(each for each in SERVICES if each != "poller")
    async with running_pipeline({"lab": (Scanner("s1", options=LASTING),)}, services=without, settings=FASTER) as small:
        await _asked_for(small, "unserved")
        scan = await reaches(small, "unserved", {"running"})
        with pytest.raises(NoPoller, match=r"no poller serves pool 'lab' now.*was not paused"):
            await small.client.pause("unserved", by="alice")
        assert await _on_the_scanner(small, scan) in {"pending", "running"}


async def test_an_answer_that_is_late_may_mean_that_it_was_done_and_asking_again_tells(pipeline: Pipeline) -> None:
    await _runs(pipeline, "late")
    await fault(pipeline, "lab.s1", "slow", seconds=1.5, times=1, match="/late/", path="/pause")
    with pytest.raises(OrderUnanswered, match=r"may be paused.*`scanpool status late`.*asking again does no harm"):
        await pipeline.client.pause("late", by="alice", reason="busy network", timeout=0.3)

    async def told() -> bool:
        progress = (await pipeline.client.status("late")).progress
        return progress is not None and progress.paused_by == "alice"

    await becomes(told)
    assert (await pipeline.client.pause("late", by="alice")).outcome == "already"


async def test_a_scanner_that_does_not_answer_may_have_done_it_and_asking_again_helps(pipeline: Pipeline) -> None:
    scan = await _runs(pipeline, "silent")
    await fault(pipeline, "lab.s1", "down", times=1, match="/silent/", path="/pause")
    with pytest.raises(OrderUnanswered, match="may have been done"):
        await pipeline.client.pause("silent", by="alice", reason="busy network")
    assert (await pipeline.client.pause("silent", by="alice", reason="busy network")).outcome == "done"
    assert await _on_the_scanner(pipeline, scan) == "paused"


async def test_a_poller_that_died_after_it_asked_leaves_a_paused_scan_and_asking_again_says_who(
    pipeline: Pipeline,
) -> None:
    scan = await _runs(pipeline, "left")
    await pipeline.emulators["lab.s1"].api.post(f"/scans/{scan.scanner_scan_id}/pause")
    seen = await _shows(pipeline, "left", {"paused"})
    assert (seen.paused, seen.progress and seen.progress.paused_by) == (True, "")
    again = await pipeline.client.pause("left", by="alice", reason="busy network")
    assert again.outcome == "already"
    assert again.progress is not None
    assert (again.progress.paused_by, again.progress.paused_reason) == ("alice", "busy network")
    assert seen.progress is not None
    assert again.progress.paused_since == seen.progress.paused_since


async def test_a_scan_that_is_paused_for_too_long_is_stopped_when_it_was_said() -> None:
    limit = timedelta(seconds=1.5)
    settings = replace(FASTER, poll=replace(FASTER.poll, paused_limit=limit))
    async with running_pipeline({"lab": (Scanner("s1", options=LASTING),)}, settings=settings) as small:
        await _runs(small, "forgotten")
        progress = (await small.client.pause("forgotten", by="alice", reason="busy network")).progress
        assert progress is not None
        assert progress.paused_since is not None
        assert progress.paused_until == progress.paused_since + limit
        ended = await small.client.wait("forgotten", timeout=60)
        assert (ended.status, ended.error and ended.error.code) == ("timeout", "paused_too_long")
        stopped_at = next(entry.at for entry in ended.timeline if entry.state == "stopping")
        assert stopped_at >= progress.paused_until


async def test_a_scanner_whose_breaker_is_open_is_not_asked(pipeline: Pipeline) -> None:
    scan = await _runs(pipeline, "guarded", "tripped")
    assert (await _cli(pipeline, "breaker", "trip", "tripped.s1", "--reason", "wrong results")).code == 0

    async def known_to_the_poller() -> bool:
        try:
            await pipeline.client.resume("guarded")  # of a scan that runs it changes nothing
        except OrderRefused as error:
            return error.code == "scanner_breaker_open"
        return False

    await becomes(known_to_the_poller)
    with pytest.raises(OrderRefused) as error:
        await pipeline.client.pause("guarded", by="alice")
    assert error.value.code == "scanner_breaker_open"
    assert await _on_the_scanner(pipeline, scan) == "running"


async def test_an_order_by_hand_is_answered_in_json_and_a_mistyped_one_is_refused(pipeline: Pipeline) -> None:
    client = pipeline.jetstream.client
    await _runs(pipeline, "by-hand")
    subject = subjects.order("lab", "pause", "by-hand")
    mistyped = msgspec.json.decode((await client.request(subject, b'{"reasn":"x"}', timeout=60)).data, type=OrderAnswer)
    assert mistyped.error is not None
    assert (mistyped.error.code, "did you mean 'reason'?" in mistyped.message) == ("order_invalid", True)
    answer = msgspec.json.decode((await client.request(subject, b"", timeout=60)).data, type=OrderAnswer)
    assert (answer.outcome, answer.order) == ("done", "pause")


async def test_of_several_pollers_one_answers(pipeline: Pipeline) -> None:
    second = await pipeline.start(("poller",))
    heard: list[Msg] = []
    client = pipeline.jetstream.client

    async def hear(message: Msg) -> None:
        heard.append(message)

    subscription = await client.subscribe("answers.here", cb=hear)
    for n in range(20):
        await client.publish(subjects.order("lab", "pause", f"nobody-{n}"), b"", reply="answers.here")
    try:
        await becomes(lambda: _is(len(heard) >= 20))
        with pytest.raises(TimeoutError):
            await becomes(lambda: _is(len(heard) > 20), within_s=0.5)
    finally:
        await subscription.unsubscribe()
        second.stop()
    ids = [msgspec.json.decode(message.data, type=OrderAnswer).id for message in heard]
    assert sorted(ids) == sorted(f"nobody-{n}" for n in range(20))


async def _is(holds: bool) -> bool:
    return holds


async def test_operators_pause_resume_and_see_it_on_the_command_line(pipeline: Pipeline) -> None:
    await _runs(pipeline, "typed")
    paused = await _cli(pipeline, "pause-scan", "typed", "--reason", "busy network", "--by", "alice")
    assert paused.out.startswith("scan typed is paused on lab.s1, since ")
    assert ", by alice (busy network); it keeps its place, and is stopped at " in paused.out
    assert paused.out.endswith("unless you end it: scanpool resume-scan typed\n")
    shown = await _cli(pipeline, "status", "typed")
    assert "running (paused)" in shown.out
    assert "by alice (busy network); stopped at " in shown.out
    listed = await _cli(pipeline, "list", "--pool", "lab", "--status", "running")
    assert [line for line in listed.out.splitlines() if line.startswith("typed ") and "running (paused)" in line]
    again = (await _cli(pipeline, "pause-scan", "typed", "--reason", "to be sure", "--json")).document
    assert (again["outcome"], again["progress"]["paused_by"]) == ("already", "alice")
    resumed = (await _cli(pipeline, "resume-scan", "typed", "--by", "bob", "--json")).document
    assert (resumed["outcome"], resumed["order"]) == ("done", "resume")
    await pipeline.client.cancel("typed")
    await pipeline.client.wait("typed", timeout=60)
    refused = await _cli(pipeline, "resume-scan", "typed", "--json")
    assert (refused.code, refused.document["error"]["code"]) == (1, "scan_is_over")
    assert (await _cli(pipeline, "pause-scan", "typed")).code == 2, "without saying why"
