"""Scanners and pools emptied through the executable, against a running pipeline."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest
import pytest_asyncio

from tests.support.cli import Ended, ended, scanpool, started
from tests.support.pipeline import FAST, Pipeline, Scanner, running_pipeline
from tests.support.watching import holders, in_a_task, reaches

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.long]

LASTING = {"scan_seconds": 60_000}
"""Longer than any test."""
POOLS = {
    "late": (Scanner("s1", options=LASTING), Scanner("s2", options=LASTING)),
    "empty": (Scanner("s1"),),
}


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def pipeline() -> AsyncIterator[Pipeline]:
    async with in_a_task(running_pipeline(POOLS, settings=FAST)) as running:
        yield running


@pytest_asyncio.fixture(loop_scope="module")
async def held(pipeline: Pipeline) -> AsyncIterator[str]:
    """A scan that runs on `late.s1` for as long as the test; nothing is held back afterwards."""
    scan = await _running_on(pipeline, "late", "s1")
    yield scan
    await _ends(pipeline, scan)
    await _run(pipeline, "uncordon", "late.s1")
    await _run(pipeline, "resume", "late")


def _environ(pipeline: Pipeline) -> dict[str, str]:
    return {"SCANPOOL_NATS_URL": pipeline.nats.url}


async def _run(pipeline: Pipeline, *words: str) -> Ended:
    return await scanpool(*words, environ=_environ(pipeline))


async def _asked(pipeline: Pipeline, pool: str, scanner: str) -> str:
    return (await pipeline.client.submit(["10.10.0.1"], name="asked", pool=pool, scanner=scanner)).id


async def _running_on(pipeline: Pipeline, pool: str, scanner: str) -> str:
    scan = await _asked(pipeline, pool, scanner)
    await reaches(pipeline, scan, {"running"})
    return scan


async def _ends(pipeline: Pipeline, scan: str) -> None:
    await pipeline.client.cancel(scan)
    await pipeline.client.wait(scan, timeout=60)


async def _says(process: asyncio.subprocess.Process, word: str) -> str:
    """The next line on stderr that has the word."""
    assert process.stderr is not None
    async with asyncio.timeout(60):
        while word not in (line := (await process.stderr.readline()).decode()):
            assert line, f"it ended without a line that has {word!r}"
    return line


async def _cordons(pipeline: Pipeline, pool: str) -> dict[str, str]:
    scanners = await pipeline.client.scanners(pool=pool)
    return {each.name: each.cordoned.reason for each in scanners if each.cordoned}


def _ids(left: Sequence[dict[str, Any]]) -> set[str]:
    return {each["id"] for each in left}


async def test_a_drained_scanner_ends_what_it_has_and_gets_nothing_new(pipeline: Pipeline, held: str) -> None:
    words = ("drain", "late.s1", "--reason", "new disk", "--by", "alice", "--json")
    process = await started(*words, environ=_environ(pipeline))
    said = await _says(process, held)
    assert f"late.s1: 1 scan left: {held} (running" in said
    assert await _cordons(pipeline, "late") == {"s1": "new disk"}
    waits = await _asked(pipeline, "late", "s1")
    await pipeline.client.cancel(held)
    drained = await ended(process)
    assert drained.code == 0, drained.err
    assert "late.s1 is empty" in drained.err
    assert await holders(pipeline, "late", "s1") == ()
    document = drained.document
    assert (document["pool"], document["scanner_instance"], document["drained"]) == ("late", "late.s1", True)
    assert (document["held"]["by"], document["left"], document["waiting"]) == ("alice", [], [waits])

    again = await _run(pipeline, "drain", "late.s1")
    assert (again.code, await _cordons(pipeline, "late")) == (0, {"s1": "new disk"}), "the cordon that it has stays"
    assert again.out.splitlines() == [
        "late.s1 is empty and cordoned by alice (new disk)",
        "end it with: scanpool uncordon late.s1",
        f"waiting for late.s1 until then, 1 scan: {waits}",
    ]
    await _run(pipeline, "uncordon", "late.s1")
    await reaches(pipeline, waits, {"running"})
    await _ends(pipeline, waits)


async def test_a_drained_pool_waits_for_all_its_scanners(pipeline: Pipeline, held: str) -> None:
    other = await _running_on(pipeline, "late", "s2")
    process = await started("drain", "late", "--reason", "upgrade", "--json", environ=_environ(pipeline))
    said = await _says(process, held)
    assert other in said
    await _ends(pipeline, other)
    assert held in await _says(process, "late: 1 scan left"), "it waits on for the other scanner"
    await pipeline.client.cancel(held)
    drained = await ended(process)
    assert (drained.code, drained.document["drained"], drained.document["scanner_instance"]) == (0, True, None)
    assert [await holders(pipeline, "late", scanner) for scanner in ("s1", "s2")] == [(), ()]
    (pool,) = (each for each in await pipeline.client.pools() if each.pool == "late")
    assert (pool.paused and pool.paused.reason) == "upgrade"


async def test_when_the_time_is_over_it_stays_cordoned_and_what_is_left_is_named(pipeline: Pipeline, held: str) -> None:
    drained = await _run(pipeline, "drain", "late.s1", "--reason", "new disk", "--timeout", "1s", "--json")
    assert (drained.code, drained.document["drained"], _ids(drained.document["left"])) == (5, False, {held})
    assert drained.document["left"][0]["scanner_instance"] == "late.s1"
    assert "the wait is over; late.s1 stays held back" in drained.err
    assert await _cordons(pipeline, "late") == {"s1": "new disk"}


async def test_without_a_wait_it_is_only_begun(pipeline: Pipeline, held: str) -> None:
    begun = await _run(pipeline, "drain", "late", "--reason", "upgrade", "--no-wait")
    assert begun.code == 0
    assert begun.out.splitlines()[0].endswith("(upgrade); 1 scan left on it")
    assert [line.split()[:3] for line in begun.out.splitlines() if line.startswith(held)] == [
        [held, "late.s1", "running"]
    ]
    assert (await _run(pipeline, "drain", "late", "--no-wait", "--timeout", "1s")).code == 2


async def test_ctrl_c_ends_the_wait_and_nothing_else(pipeline: Pipeline, held: str) -> None:
    process = await started("drain", "late.s1", "--reason", "new disk", environ=_environ(pipeline))
    assert "left" in await _says(process, held), "the wait has begun"
    process.send_signal(signal.SIGINT)
    stopped = await ended(process)
    assert stopped.code == 130
    assert "late.s1 stays held back, end it with: scanpool uncordon late.s1" in stopped.err
    assert await _cordons(pipeline, "late") == {"s1": "new disk"}


async def test_a_drain_of_what_is_let_go_meanwhile_says_so(pipeline: Pipeline, held: str) -> None:
    process = await started("drain", "late.s1", "--reason", "new disk", "--json", environ=_environ(pipeline))
    await _says(process, held)
    await _run(pipeline, "uncordon", "late.s1")
    let_go = await ended(process)
    assert (let_go.code, let_go.document["error"]["code"]) == (1, "not_held_back")
    assert held in await holders(pipeline, "late", "s1")


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["empty.s2", "--reason", "x"], 1, "pool 'empty' has no scanner 's2'"),
        (["emty", "--reason", "x"], 1, "did you mean 'empty'?"),
        (["empty.s1"], 2, "say why, in a sentence"),
        (["empty.", "--reason", "x"], 2, "is not of the form POOL.SCANNER"),
    ],
)
async def test_what_cannot_be_drained_is_said(pipeline: Pipeline, words: list[str], code: int, said: str) -> None:
    refused = await _run(pipeline, "drain", *words)
    assert (refused.code, said in refused.err) == (code, True), refused.err
    assert await _cordons(pipeline, "empty") == {}
