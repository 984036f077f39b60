"""A Nessus and Tenable Vulnerability Management in one pool: real broker, real HTTP, every service."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from scanpool_schemas.status import ScanStatus
from tests.support.pipeline import Pipeline, Scanner, running_pipeline
from tests.support.watching import FASTER, fault, launches, reaches

pytestmark = pytest.mark.long

CLOUD = {"profile": "tenable-vm"}
MIXED = (Scanner("onsite", capacity=3), Scanner("cloud", capacity=3, options=CLOUD))
TARGETS = ["10.10.0.1"]
WITHIN_S = 120


async def _submitted(pipeline: Pipeline, count: int, **request: Any) -> list[str]:
    return [(await pipeline.client.submit(TARGETS, name=f"scan {n}", **request)).id for n in range(count)]


async def _ended(pipeline: Pipeline, ids: Sequence[str]) -> list[ScanStatus]:
    return [await pipeline.client.wait(each, timeout=WITHIN_S) for each in ids]


async def _stats(pipeline: Pipeline, instance: str) -> dict[str, Any]:
    return await pipeline.emulators[instance].control.stats()


async def test_scans_complete_on_both_with_the_right_verdicts() -> None:
    async with running_pipeline({"lab": MIXED}, settings=FASTER) as pipeline:
        wanted = {
            (scanner, credential): await pipeline.client.submit(
                TARGETS,
                name=f"{scanner} {credential}",
                scanner=scanner,
                scan_type="authenticated",
                credential_ref=credential,
            )
            for scanner in ("onsite", "cloud")
            for credential in ("linux", "wrong")
        }
        ended = {key: await pipeline.client.wait(scan.id, timeout=WITHIN_S) for key, scan in wanted.items()}
        told = {key: each.result and each.result.authentication_status for key, each in ended.items()}
        assert told == {
            ("onsite", "linux"): "success",
            ("cloud", "linux"): "success",
            ("onsite", "wrong"): "failed",
            ("cloud", "wrong"): "failed",
        }
        assert {each.scanner_instance for each in ended.values()} == {"lab.onsite", "lab.cloud"}
        unnamed = await _ended(pipeline, await _submitted(pipeline, 6))
        assert {each.status for each in unnamed} == {"completed"}
        assert {each.scanner_instance for each in unnamed} == {"lab.onsite", "lab.cloud"}
        assert (await _stats(pipeline, "lab.cloud"))["rate_limited"] == 0


async def test_the_active_limit_of_the_cloud_loses_and_repeats_no_scan() -> None:
    crowded = Scanner("cloud", capacity=6, options={**CLOUD, "max_active_scans": 1, "scan_seconds": 3600})
    async with running_pipeline({"lab": (crowded,)}, settings=FASTER) as pipeline:
        ids = await _submitted(pipeline, 2)
        assert [each.status for each in await _ended(pipeline, ids)] == ["completed"] * 2
        assert [await launches(pipeline, each) for each in ids] == [{"lab.cloud": 1}] * 2
        stats = await _stats(pipeline, "lab.cloud")
        assert stats["max_running"] == 1
        assert stats["rate_limited"] > 0
        assert stats["too_early"] == 0


async def test_a_rate_limit_under_load_loses_and_repeats_no_scan() -> None:
    async with running_pipeline({"lab": MIXED}, settings=FASTER) as pipeline:
        await fault(pipeline, "lab.cloud", "rate_limit", allowed=8, retry_after=1)
        ids = await _submitted(pipeline, 2) + await _submitted(pipeline, 3, scanner="cloud")
        ended = await _ended(pipeline, ids)
        assert [each.status for each in ended] == ["completed"] * 5
        assert [sum((await launches(pipeline, each)).values()) for each in ids] == [1] * 5
        stats = await _stats(pipeline, "lab.cloud")
        assert stats["rate_limited"] > 0
        assert stats["too_early"] == 0
        assert sum(row["launched"] for row in stats["scans"]) >= 3


async def test_a_create_and_a_launch_that_are_answered_429_are_made_later_and_once() -> None:
    settings = FASTER
    async with running_pipeline({"lab": (Scanner("cloud", options=CLOUD),)}, settings=settings) as pipeline:
        tries = settings.backoff.attempts + 1
        await fault(pipeline, "lab.cloud", "rate_limit", times=tries, path="/scans", method="POST", match="")
        (scan,) = await _submitted(pipeline, 1)
        running = await reaches(pipeline, scan, {"running", "exporting", "validating", "completed"})
        assert running.dead_letter is False
        (ended,) = await _ended(pipeline, [scan])
        assert ended.status == "completed"
        assert await launches(pipeline, scan) == {"lab.cloud": 1}
        stats = await _stats(pipeline, "lab.cloud")
        assert (stats["rate_limited"], stats["too_early"]) == (tries, 0)
        assert sum(row["created"] for row in stats["scans"]) == 1
