"""What operators hold back, open, close and count, through the executable against a running pipeline."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import msgspec
import pytest
import pytest_asyncio

from scanpool.runtime.jetstream import Write
from scanpool_schemas import subjects
from scanpool_schemas.events import ScannerEvent
from scanpool_schemas.scan import StateName
from tests.support.cli import Ended, scanpool
from tests.support.eventually import becomes
from tests.support.pipeline import FAST, Pipeline, Scanner, running_pipeline
from tests.support.watching import dead_letter, fault, reaches

pytestmark = pytest.mark.asyncio(loop_scope="module")

PATIENT = replace(FAST, breaker=replace(FAST.breaker, recovery=timedelta(seconds=600)))
"""No breaker that is open lets its scanner be probed while the tests run."""
POOLS = {
    "lab": (Scanner("a"), Scanner("b")),
    "slow": (Scanner("s1", options={"time_scale": 1.0}),),
    "dmz": (Scanner("s1"),),
    "idle": (Scanner("s1"),),
}
QUEUED: tuple[StateName, ...] = ("queued-high", "queued-normal", "queued-low")


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def pipeline() -> AsyncIterator[Pipeline]:
    async with running_pipeline(POOLS, settings=PATIENT) as running:
        for pool in POOLS:
            await all_ready(running, pool)
        yield running


async def all_ready(pipeline: Pipeline, pool: str) -> None:
    async def so() -> bool:
        scanners = await pipeline.client.scanners(pool=pool)
        return bool(scanners) and all(each.ready for each in scanners)

    await becomes(so)


async def run(pipeline: Pipeline, *words: str) -> Ended:
    return await scanpool(*words, environ={"SCANPOOL_NATS_URL": pipeline.nats.url})


async def document(pipeline: Pipeline, *words: str) -> Any:
    ended = await run(pipeline, *words, "--json")
    assert ended.code == 0, ended.err
    return ended.document


async def asked(pipeline: Pipeline, pool: str, **fields: Any) -> str:
    return (await pipeline.client.submit(["10.10.0.1"], name="asked", pool=pool, **fields)).id


async def run_on(pipeline: Pipeline, scans: Sequence[str]) -> set[str | None]:
    ended = [await pipeline.client.wait(scan, timeout=60) for scan in scans]
    assert {each.status for each in ended} == {"completed"}
    return {each.scanner_instance for each in ended}


async def told(pipeline: Pipeline, pool: str, scanner: str, event: str) -> ScannerEvent:
    stored = await pipeline.jetstream.last(subjects.SCANNER_EVENTS, subjects.scanner_event(pool, scanner, event))
    assert stored is not None
    return msgspec.json.decode(stored.body, type=ScannerEvent)


async def test_a_cordoned_scanner_gets_no_scan_and_gets_them_again_after_uncordon(pipeline: Pipeline) -> None:
    held = await document(pipeline, "cordon", "lab.a", "--reason", "new disk", "--by", "alice")
    assert (held["scanner_instance"], held["cordoned"]["by"], held["cordoned"]["until"]) == ("lab.a", "alice", None)
    assert await run_on(pipeline, [await asked(pipeline, "lab") for _ in range(4)]) == {"lab.b"}
    waits = await asked(pipeline, "lab", scanner="a")
    await reaches(pipeline, waits, QUEUED)

    shown = await run(pipeline, "scanners", "--pool", "lab")
    assert "cordoned by alice (new disk)" in shown.out
    assert "1 cordoned" in (await run(pipeline, "pools")).out

    ended = await document(pipeline, "uncordon", "lab.a", "--by", "bob")
    assert (ended["cordoned"], ended["ended"]["reason"]) == (None, "new disk")
    again = await asked(pipeline, "lab", scanner="a")
    assert await run_on(pipeline, [again]) == {"lab.a"}
    assert (
        (await told(pipeline, "lab", "a", "cordoned")).by,
        (await told(pipeline, "lab", "a", "cordoned")).reason,
    ) == (
        "alice",
        "new disk",
    )
    assert (await told(pipeline, "lab", "a", "uncordoned")).by == "bob"
    assert "lab.a was not cordoned" in (await run(pipeline, "uncordon", "lab.a")).out
    await pipeline.client.cancel(waits)


async def test_a_paused_pool_places_nothing_and_goes_on_after_resume(pipeline: Pipeline) -> None:
    paused = await run(pipeline, "pause", "dmz", "--reason", "firewall change", "--by", "alice")
    assert paused.out == ("pool dmz is paused by alice (firewall change); end it with: scanpool resume dmz\n")
    waits = await asked(pipeline, "dmz")
    await reaches(pipeline, waits, QUEUED)
    assert await run_on(pipeline, [await asked(pipeline, "lab")]) <= {"lab.a", "lab.b"}
    assert (await pipeline.client.status(waits)).state in QUEUED
    assert "paused by alice (firewall change)" in (await run(pipeline, "pools")).out

    resumed = await document(pipeline, "resume", "dmz")
    assert (resumed["paused"], resumed["ended"]["by"]) == (None, "alice")
    assert await run_on(pipeline, [waits]) == {"dmz.s1"}
    assert (await run(pipeline, "resume", "dmz")).out == "pool dmz was not paused\n"


async def test_a_pause_ends_by_itself(pipeline: Pipeline) -> None:
    held = (await document(pipeline, "pause", "dmz", "--reason", "short", "--for", "3s"))["paused"]
    assert held["until"] > held["since"]
    waits = await asked(pipeline, "dmz")
    await reaches(pipeline, waits, QUEUED)
    scan = await pipeline.client.wait(waits, timeout=60)
    (placed,) = (entry.at for entry in scan.timeline if entry.state == "launching" and "takes a place" in entry.why)
    assert placed.isoformat() >= held["until"].replace("Z", "+00:00")
    (pool,) = (each for each in await document(pipeline, "pools") if each["pool"] == "dmz")
    assert pool["paused"] is None


async def test_a_tripped_breaker_keeps_scans_away_until_it_is_reset(pipeline: Pipeline) -> None:
    words = ("breaker", "trip", "lab.b", "--reason", "wrong results", "--by", "alice")
    tripped = await document(pipeline, *words)
    assert (tripped["state"], tripped["until"], tripped["by"], tripped["opened"]) == ("open", None, "alice", 1)
    assert await run_on(pipeline, [await asked(pipeline, "lab") for _ in range(3)]) == {"lab.a"}

    (first, second) = await document(pipeline, "--pool", "lab", "breakers")
    assert (first["scanner_instance"], first["state"]) == ("lab.a", "closed")
    assert (second["scanner_instance"], second["state"], second["reason"]) == ("lab.b", "open", "wrong results")
    assert "1 breaker open" in (await run(pipeline, "pools")).out

    closed = await run(pipeline, "breaker", "reset", "lab.b", "--by", "bob")
    assert (closed.out, closed.err) == ("the breaker of lab.b is closed: the scanner is called\n", "")
    assert await run_on(pipeline, [await asked(pipeline, "lab", scanner="b")]) == {"lab.b"}
    assert (await told(pipeline, "lab", "b", "breaker-closed")).by == "bob"


async def test_a_scanner_that_is_well_is_used_again_once_a_probe_is_asked_for(pipeline: Pipeline) -> None:
    await run(pipeline, "breaker", "trip", "idle.s1", "--reason", "overloaded", "--for", "1h")
    waits = await asked(pipeline, "idle")
    await reaches(pipeline, waits, QUEUED)
    asked_for = await run(pipeline, "breaker", "probe", "idle.s1")
    assert asked_for.out == "the breaker of idle.s1 is open: the scanner is probed next\n"
    assert await run_on(pipeline, [waits]) == {"idle.s1"}
    (breaker,) = await document(pipeline, "breakers", "--pool", "idle")
    assert (breaker["state"], breaker["opened"]) == ("closed", 1)


async def test_stats_count_what_waits_what_is_under_way_and_what_was_given_up(pipeline: Pipeline) -> None:
    running = [await asked(pipeline, "slow") for _ in range(2)]
    for scan in running:
        await reaches(pipeline, scan, {"running"})
    waiting = [await asked(pipeline, "slow", priority=lane) for lane in ("high", "low", "low")]
    for scan in waiting:
        await reaches(pipeline, scan, QUEUED)
    await pipeline.client.cancel(waiting[-1])
    await reaches(pipeline, waiting[-1], {"failed"})
    await pipeline.jetstream.client.publish("scan.slow.requested.broken", b"{")
    await dead_letter(pipeline, "dlq.slow.>")
    await run(pipeline, "pause", "slow", "--reason", "busy", "--by", "alice")
    await run(pipeline, "cordon", "slow.s1", "--reason", "new disk", "--by", "bob", "--for", "1h")
    await run(pipeline, "breaker", "trip", "slow.s1", "--reason", "sick", "--by", "carol")

    async def counted() -> bool:
        (slow,) = await document(pipeline, "stats", "--pool", "slow")
        return bool(slow["queued"] == {"high": 1, "normal": 0, "low": 1} and not slow["in_flight"]["launching"])

    await becomes(counted)
    before, after = await asyncio.gather(
        document(pipeline, "--pool", "slow", "stats"), document(pipeline, "stats", "--pool", "slow")
    )
    (stats,) = after
    assert before[0]["queued"] == stats["queued"] == {"high": 1, "normal": 0, "low": 1}
    assert (stats["pool"], stats["paused"]["by"], stats["requested"]) == ("slow", "alice", 0)
    assert stats["in_flight"] == {"launching": 0, "running": 2, "exporting": 0, "validating": 0, "stopping": 0}
    assert (stats["dead_scans"], stats["dead_letters"]) == (0, 1)
    assert (stats["active"], stats["capacity"]) == (2, 2)
    assert 0 < stats["oldest_waiting_s"] < 120
    (scanner,) = stats["scanners"]
    assert (scanner["cordoned"]["by"], scanner["breaker"], scanner["active"]) == ("bob", "open", 2)
    assert [each["by"] for each in stats["breakers_not_closed"]] == ["carol"]

    seen = (await run(pipeline, "stats", "--pool", "slow")).out
    assert "paused by alice (busy)" in seen
    assert "1 high, 1 low; the oldest " in seen
    assert "2 running" in seen
    assert "2 of 2 taken" in seen
    assert "breaker open by carol until reset (sick)" in seen
    for words in (("resume", "slow"), ("uncordon", "slow.s1"), ("breaker", "reset", "slow.s1")):
        assert (await run(pipeline, *words)).code == 0


async def test_stats_count_a_dead_scan_until_it_is_retried(pipeline: Pipeline) -> None:
    await fault(pipeline, "dmz.s1", "truncated_export", match="/cut/")
    await asked(pipeline, "dmz", id="cut")
    await reaches(pipeline, "cut", {"dead"})

    async def kept() -> bool:
        return await pipeline.jetstream.last(subjects.SCAN_DLQ, subjects.event("dmz", "dead", "cut")) is not None

    await becomes(kept)
    (stats,) = await document(pipeline, "stats", "--pool", "dmz")
    assert (stats["dead_scans"], stats["dead_letters"]) == (1, 1)

    await pipeline.emulators["dmz.s1"].control.clear_faults()
    assert (await run(pipeline, "retry-dlq", "cut")).code == 0
    assert (await pipeline.client.wait("cut", timeout=60)).status == "completed"
    (stats,) = await document(pipeline, "stats", "--pool", "dmz")
    assert (stats["dead_scans"], stats["queued"]) == (0, {"high": 0, "normal": 0, "low": 0})


async def test_stats_are_of_the_default_pool_or_of_all(pipeline: Pipeline) -> None:
    assert [each["pool"] for each in await document(pipeline, "stats")] == ["lab"]
    assert [each["pool"] for each in await document(pipeline, "stats", "--all-pools")] == sorted(POOLS)


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["cordon", "lab.c", "--reason", "x"], "unknown_scanner", "pool 'lab' has no scanner 'c'; there are: a, b"),
        (["cordon", "slow.s11", "--reason", "x"], "unknown_scanner", "did you mean 'slow.s1'?"),
        (["uncordon", "slaw.s1"], "unknown_pool", "there is no pool 'slaw'; did you mean 'slow'?"),
        (["pause", "dnz", "--reason", "x"], "unknown_pool", "did you mean 'dmz'?"),
        (["resume", "dnz"], "unknown_pool", "did you mean 'dmz'?"),
        (["breaker", "reset", "lab.zzz"], "unknown_scanner", "there are: a, b"),
        (["breakers", "--pool", "lob"], "unknown_pool", "did you mean 'lab'?"),
        (["stats", "--pool", "lob"], "unknown_pool", "did you mean 'lab'?"),
    ],
    ids=lambda each: " ".join(each) if isinstance(each, list) else "",
)
async def test_what_is_not_there_is_told_with_the_nearest_name(
    pipeline: Pipeline, words: list[str], code: str, message: str
) -> None:
    ended = await run(pipeline, *words, "--json")
    assert ended.code == 1
    assert json.loads(ended.out)["error"]["code"] == code
    assert message in ended.err


async def test_a_key_that_a_person_broke_is_named_with_the_remedy(pipeline: Pipeline) -> None:
    subject = subjects.key("idle", subjects.CONTROL_KEY)
    await pipeline.jetstream.publish(Write(subject=subject, body=b"{nonsense"))
    for words in (("scanners", "--pool", "idle"), ("stats", "--pool", "idle"), ("resume", "idle")):
        ended = await run(pipeline, *words)
        assert (ended.code, ended.out) == (1, "")
        assert ended.err.startswith("error: key control of bucket pool-idle was not written by scanpool")
        assert "`nats kv del pool-idle control`" in ended.err
    await pipeline.jetstream.publish(Write(subject=subject, body=b""))
    assert (await run(pipeline, "scanners", "--pool", "idle")).code == 0
