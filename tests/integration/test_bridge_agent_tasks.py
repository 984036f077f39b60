"""Five tasks as an agent does them, in how many calls and in how much of its context."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import pytest_asyncio

from tests.support.agents import has_rules, policy
from tests.support.bridge import RunningBridge, connected, running_bridge
from tests.support.eventually import becomes
from tests.support.lasting import lasting
from tests.support.pipeline import Pipeline, Scanner, running_pipeline
from tests.support.scripted_agent import ScriptedAgent, outside_untrusted

pytestmark = pytest.mark.asyncio(loop_scope="module")

HOSTILE, HARMLESS = "10.10.66.6", "10.10.0.1"
INJECTED = ("ignore", "instruction")
"""What banners of the hostile host say among other things."""
WITHIN_S = 60.0


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def pipeline() -> AsyncIterator[Pipeline]:
    pools = {"lab": (Scanner("s1", capacity=4),), "slow": (Scanner("s2", options={"scan_seconds": 100_000.0}),)}
    async with running_pipeline(pools, clients=[policy()]) as pipeline:
        for pool in pools:
            await becomes(lambda pool=pool: has_rules(pipeline.jetstream, pool), within_s=WITHIN_S)  # type: ignore[misc]
        yield pipeline


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def bridge(pipeline: Pipeline) -> AsyncIterator[RunningBridge]:
    async with lasting(running_bridge(pipeline)) as bridge:
        yield bridge


@asynccontextmanager
async def an_agent(bridge: RunningBridge, *, calls: int, tokens: int) -> AsyncIterator[ScriptedAgent]:
    """An agent that has to do with so many calls and tokens."""
    async with connected(bridge) as client:
        agent = ScriptedAgent(client)
        yield agent
    assert len(agent.calls) <= calls, agent.tools
    assert agent.tokens <= tokens, [(call.tool, call.tokens) for call in agent.calls]


async def test_it_finds_what_is_critical_on_a_host(bridge: RunningBridge) -> None:
    async with an_agent(bridge, calls=4, tokens=1600) as agent:
        scan = await agent.call("run_untrusted_scan", targets=["10.10.0.0/29"], name="criticals", scanner_pool="lab")
        over = await agent.follow(scan)
        assert over.answer["status"] == "completed"
        page = await agent.call(
            "get_scan_results", task_id=over.answer["task_id"], filters={"severity": "critical", "host": HARMLESS}
        )
        (finding,) = page.answer["findings"]
        detail = await agent.call("get_finding", task_id=over.answer["task_id"], finding_id=finding["finding_id"])
    assert (finding["host_ip"], finding["severity_name"], finding["cve"]) == (HARMLESS, "critical", ["CVE-2025-900088"])
    assert "2.2.11" in detail.answer["finding"]["untrusted"]["solution"]


async def test_it_compares_a_scan_with_the_one_before(bridge: RunningBridge) -> None:
    async with an_agent(bridge, calls=3, tokens=1000) as agent:
        before = await agent.follow(
            await agent.call("run_untrusted_scan", targets=["10.10.0.8/30"], name="monday", scanner_pool="lab")
        )
    async with an_agent(bridge, calls=4, tokens=2200) as agent:
        known = await agent.call("list_tasks", target_filter="10.10.0.8/30", status_filter="completed", limit=1)
        (base,) = known.answer["tasks"]
        over = await agent.follow(
            await agent.call("run_untrusted_scan", targets=["10.10.0.8/29"], name="tuesday", scanner_pool="lab")
        )
        compared = await agent.call(
            "compare_scans", base_task_id=base["task_id"], task_id=over.answer["task_id"], min_severity="high"
        )
    assert base["task_id"] == before.answer["task_id"]
    counts = compared.answer["counts"]
    assert counts["new"] > 0
    assert counts["fixed"] == 0
    assert compared.answer["warnings"]  # the targets are not the same


async def test_it_cancels_what_is_not_wanted_any_more(bridge: RunningBridge) -> None:
    async with an_agent(bridge, calls=3, tokens=1000) as agent:
        scan = await agent.call("run_untrusted_scan", targets=["10.10.0.0/29"], name="oops", scanner_pool="slow")
        await agent.call("cancel_scan", task_id=scan.answer["task_id"], reason="the wrong network")
        over = await agent.follow(scan)
    assert (over.answer["status"], over.is_error) == ("cancelled", False)


async def test_it_gets_over_a_target_that_it_may_not_scan(bridge: RunningBridge) -> None:
    wanted = ["10.10.0.0/30", "192.0.2.1"]
    async with an_agent(bridge, calls=4, tokens=1000) as agent:
        denied = await agent.call("run_untrusted_scan", targets=wanted, name="both", scanner_pool="lab")
        assert (denied.answer["code"], denied.answer["retryable"]) == ("target_denied", False)
        assert "`check_targets`" in denied.answer["hint"]
        checked = await agent.call("check_targets", targets=wanted, scanner_pool="lab")
        allowed = [each["target"] for each in checked.answer["targets"] if each["allowed"]]
        scan = await agent.call("run_untrusted_scan", targets=allowed, name="one", scanner_pool="lab")
        over = await agent.follow(scan)
    assert allowed == wanted[:1]
    assert over.answer["status"] == "completed"


async def _looked_through(bridge: RunningBridge, host: str) -> ScriptedAgent:
    """Everything that was found on a host, with what it said itself."""
    async with an_agent(bridge, calls=3, tokens=6000) as agent:
        scan = await agent.call("run_untrusted_scan", targets=[host], name="all", scanner_pool="lab")
        over = await agent.follow(scan)
        await agent.call("get_scan_results", task_id=over.answer["task_id"], include_output=True, limit=50)
    return agent


async def test_what_a_host_writes_changes_nothing_that_it_does(bridge: RunningBridge) -> None:
    hostile, harmless = await _looked_through(bridge, HOSTILE), await _looked_through(bridge, HARMLESS)
    assert hostile.tools == harmless.tools
    written = json.dumps([call.answer for call in hostile.calls]).lower()
    believed = " ".join(outside_untrusted(call.answer) for call in hostile.calls).lower()
    for word in INJECTED:
        assert word in written
        assert word not in believed
