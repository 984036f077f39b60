"""Scans through the whole pipeline: real broker, real HTTP, every service."""

from __future__ import annotations

import pytest

from scanpool_schemas.status import ScanStatus
from tests.support.pipeline import Pipeline, Scanner, running_pipeline


@pytest.mark.parametrize(
    ("targets", "scan_type", "credential", "status", "verdict"),
    [
        (["10.10.0.1-3"], "untrusted", None, "completed", "not_applicable"),
        (["10.10.0.1-3"], "authenticated", "linux", "completed", "success"),
        (["10.10.0.1", "10.10.1.1"], "authenticated", "linux", "completed", "partial"),
        (["10.10.0.1"], "authenticated", "wrong", "failed", "failed"),
        (["10.10.2.1"], "authenticated_privileged", "linux-sudo", "completed", "partial"),
        (["10.10.0.1"], "authenticated_privileged", "linux-sudo", "completed", "success"),
    ],
)
async def test_a_scan_ends_with_the_verdict_that_its_credentials_deserve(
    targets: list[str], scan_type: str, credential: str | None, status: str, verdict: str
) -> None:
    async with running_pipeline() as pipeline:
        scan = await pipeline.client.submit(targets, name="one", scan_type=scan_type, credential_ref=credential)
        ended = await pipeline.client.wait(scan.id, timeout=60)
        assert (ended.status, ended.authentication_status) == (status, verdict)
        assert [entry.state for entry in ended.timeline][:1] == ["queued-normal"]
        await judged_exactly_once(pipeline)


async def test_scans_spread_over_the_scanners_and_no_limit_is_exceeded() -> None:
    scanners = (Scanner("large", capacity=3), Scanner("small", capacity=1))
    async with running_pipeline({"lab": scanners}) as pipeline:
        scans = [await pipeline.client.submit([f"10.10.0.{n}"], name=f"scan {n}") for n in range(1, 13)]
        ended: list[ScanStatus] = [await pipeline.client.wait(scan.id, timeout=60) for scan in scans]
        assert {each.status for each in ended} == {"completed"}
        assert {each.scanner_instance for each in ended} == {"lab.large", "lab.small"}
        await judged_exactly_once(pipeline)
        assert (await pipeline.emulators["lab.large"].control.stats())["max_running"] <= 3
        assert (await pipeline.emulators["lab.small"].control.stats())["max_running"] <= 1


async def judged_exactly_once(pipeline: Pipeline) -> None:
    """Every scan on every scanner was created and launched once."""
    for emulator in pipeline.emulators.values():
        for scan in (await emulator.control.stats())["scans"]:
            assert (scan["created"], scan["launched"]) == (1, 1), scan
