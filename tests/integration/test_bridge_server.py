"""The bridge answers official clients of either era, strictly."""

from __future__ import annotations

import pytest

from scanpool.bridge.caller import Caller
from scanpool.bridge.configuration.settings import BridgeSettings
from tests.support.bridge import called, connected, refusal, running_bridge
from tests.support.pipeline import running_pipeline


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_a_client_of_either_era_reads_a_scan(mode: str) -> None:
    async with running_pipeline(services=()) as pipeline, running_bridge(pipeline) as bridge:
        scan = await pipeline.client.submit(["10.10.0.1"], name="weekly", owner="local")
        async with connected(bridge, mode=mode) as client:
            status = await called(client, "get_scan_status", task_id=scan.id)
    assert (status["task_id"], status["status"], status["scanner_pool"]) == (scan.id, "queued", "lab")


async def test_a_scan_of_somebody_else_looks_as_one_that_never_was() -> None:
    reader = Caller(subject="agent", scopes=frozenset({"scan:read"}))
    async with (
        running_pipeline(services=()) as pipeline,
        running_bridge(pipeline, BridgeSettings(local=reader)) as bridge,
    ):
        scan = await pipeline.client.submit(["10.10.0.1"], name="weekly", owner="somebody", id="same-length-1")
        async with connected(bridge) as client:
            foreign = await refusal(client, "get_scan_status", task_id=scan.id)
            unknown = await refusal(client, "get_scan_status", task_id="same-length-2")
    assert str(foreign).replace(scan.id, "") == str(unknown).replace("same-length-2", "")
    assert foreign["code"] == "unknown_task"


async def test_an_argument_that_the_tool_has_not_is_refused_without_its_value() -> None:
    async with (
        running_pipeline(services=()) as pipeline,
        running_bridge(pipeline) as bridge,
        connected(bridge) as client,
    ):
        problem = await refusal(client, "get_scan_status", task_id="x", colour="hunter2")
    assert problem["code"] == "invalid_argument"
    assert "hunter2" not in str(problem)
