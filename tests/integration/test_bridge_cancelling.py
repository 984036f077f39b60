"""Agents cancel their own scans."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from scanpool.bridge.caller import Caller, Scope
from scanpool.bridge.configuration.settings import BridgeSettings
from tests.support.agents import policy
from tests.support.bridge import called, connected, refusal, running_bridge
from tests.support.pipeline import Pipeline, running_pipeline

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def pipeline() -> AsyncIterator[Pipeline]:
    async with running_pipeline(clients=[policy()]) as pipeline:
        yield pipeline


def of(subject: str, *scopes: Scope) -> BridgeSettings:
    return BridgeSettings(local=Caller(subject=subject, scopes=frozenset({"scan:read", "scan:cancel", *scopes})))


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_a_scan_is_cancelled_and_says_by_whom_and_why(pipeline: Pipeline, mode: str) -> None:
    async with running_bridge(pipeline) as bridge, connected(bridge, mode=mode) as client:
        task = await called(client, "run_untrusted_scan", targets=["10.10.0.1"], name="weekly")
        status = await called(client, "cancel_scan", task_id=task["task_id"], reason="wrong network")
        assert status["status"] in {"running", "cancelled", "completed"}
        again = await called(client, "cancel_scan", task_id=task["task_id"])
        assert again["task_id"] == task["task_id"]
    scan = await pipeline.client.wait(task["task_id"], timeout=60)
    if scan.status == "cancelled":
        assert scan.error is not None
        assert scan.error.message == "cancelled by local: wrong network"


async def test_a_scan_that_is_over_stays_as_it_is(pipeline: Pipeline) -> None:
    async with running_bridge(pipeline) as bridge, connected(bridge) as client:
        task = await called(client, "run_untrusted_scan", targets=["10.10.0.1"], name="weekly")
        await pipeline.client.wait(task["task_id"], timeout=60)
        status = await called(client, "cancel_scan", task_id=task["task_id"])
    assert status["status"] == "completed"


async def test_a_scan_of_somebody_else_looks_as_one_that_never_was(pipeline: Pipeline) -> None:
    scan = await pipeline.client.submit(["10.10.0.1"], name="weekly", owner="somebody", id="theirs-0")
    async with running_bridge(pipeline, of("agent")) as bridge, connected(bridge) as client:
        foreign = await refusal(client, "cancel_scan", task_id=scan.id)
        unknown = await refusal(client, "cancel_scan", task_id="nobody-0")
    assert str(foreign).replace("theirs-0", "") == str(unknown).replace("nobody-0", "")
    assert (await pipeline.client.wait(scan.id, timeout=60)).status == "completed"


async def test_who_may_read_the_scans_of_others_may_not_cancel_them(pipeline: Pipeline) -> None:
    scan = await pipeline.client.submit(["10.10.0.1"], name="weekly", owner="somebody")
    async with running_bridge(pipeline, of("auditor", "scan:read:all")) as bridge, connected(bridge) as client:
        problem = await refusal(client, "cancel_scan", task_id=scan.id)
    assert problem["code"] == "scope"
    assert (await pipeline.client.wait(scan.id, timeout=60)).status == "completed"


async def test_cancelling_needs_its_scope(pipeline: Pipeline) -> None:
    reader = Caller(subject="local", scopes=frozenset({"scan:read"}))
    async with running_bridge(pipeline, BridgeSettings(local=reader)) as bridge, connected(bridge) as client:
        problem = await refusal(client, "cancel_scan", task_id="any")
    assert (problem["code"], "scan:cancel" in problem["message"]) == ("scope", True)
