"""Services as separate processes share the work."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from tests.support.forking import program
from tests.support.pipeline import Pipeline, Scanner, running_pipeline
from tests.support.processes import running

pytestmark = pytest.mark.long

SCANS = 200
POOL = tuple(Scanner(f"s{number}", capacity=capacity) for number, capacity in enumerate((1, 2, 2, 3, 3, 4), start=1))
SERVICES = ("admission", "dispatcher", "dispatcher", "poller", "poller", "validator", "validator", "janitor")


async def test_two_of_each_service_share_two_hundred_scans_and_each_runs_once(tmp_path: Path) -> None:
    async with running_pipeline({"lab": POOL}, services=()) as pipeline, AsyncExitStack() as stack:
        for number, service in enumerate(SERVICES):
            arguments = ["run", service, "--nats", pipeline.nats.url, "--config", str(pipeline.configuration)]
            log = tmp_path / f"{number}-{service}.log"
            await stack.enter_async_context(running(arguments, log, program=program()))
        submitted = [await pipeline.client.submit([f"10.10.0.{n % 250}"], name=f"scan {n}") for n in range(SCANS)]
        ended = await asyncio.gather(*(pipeline.client.wait(scan.id, timeout=150) for scan in submitted))
        assert {each.status for each in ended} == {"completed"}
        await assert_exactly_once(pipeline, SCANS)


async def assert_exactly_once(pipeline: Pipeline, expected: int) -> None:
    """The scanners themselves counted: each scan created and launched once, no limit exceeded."""
    seen: list[str] = []
    for scanner in POOL:
        stats = await pipeline.emulators[f"lab.{scanner.name}"].control.stats()
        assert stats["max_running"] <= scanner.capacity
        for scan in stats["scans"]:
            assert (scan["created"], scan["launched"]) == (1, 1), scan
            seen.append(scan["name"])
    assert len(seen) == len(set(seen)) == expected
