"""What agents are told of scanners: addresses if operators, names if readers of pools, else their own scan's."""

from __future__ import annotations

from typing import Any

import pytest

from scanpool.bridge.caller import SCOPES, Caller, Scope
from scanpool.bridge.configuration.settings import BridgeSettings
from tests.support.agents import policy
from tests.support.bridge import called, connected, refusal, running_bridge
from tests.support.eventually import becomes
from tests.support.pipeline import Pipeline, Scanner, running_pipeline

POOLS = {"lab": (Scanner("s1", capacity=1), Scanner("hidden", capacity=1))}
SLOW = {"lab": tuple(Scanner(name, capacity=1, options={"scan_seconds": 60_000.0}) for name in ("s1", "hidden"))}
"""Scans take longer than the test."""


def settings(*without: Scope, submits_per_minute: int = 100) -> BridgeSettings:
    """A caller with all scopes but these."""
    caller = Caller(subject="agent", scopes=frozenset(SCOPES).difference(without))
    return BridgeSettings(local=caller, submits_per_minute=submits_per_minute)


async def every_answer(pipeline: Pipeline, bridge_settings: BridgeSettings) -> list[dict[str, Any]]:
    """Each answer that can tell where a scanner is."""
    wanted = {"targets": ["10.10.0.1"], "name": "weekly", "scanner_instance": "lab.s1"}
    async with running_bridge(pipeline, bridge_settings) as bridge, connected(bridge) as client:
        asked = await called(client, "run_untrusted_scan", **wanted)
        task = {"task_id": asked["task_id"]}
        waited = await called(client, "wait_for_scan", **task)
        status = await called(client, "get_scan_status", **task)
        cancelled = await called(client, "cancel_scan", **task)
        resource = await client.read_resource(f"scan://{task['task_id']}/status")
        assert ("scanner_url" in resource.contents[0].text) is ("scanner_url" in status)  # type: ignore[union-attr]
        listed = (await called(client, "list_scanners"))["scanners"]
        of_pool = (await called(client, "get_pool_status", scanner_pool="lab"))["scanners"]
    scanners = [each for each in (*listed, *of_pool) if each["scanner_instance"] == "lab.s1"]
    assert len(scanners) == 2
    return [asked, waited, status, cancelled, *scanners]


async def test_an_operator_is_told_where_a_scanner_is_in_every_answer_and_nobody_else_is() -> None:
    async with running_pipeline(POOLS, clients=[policy("agent")]) as pipeline:
        url = pipeline.emulators["lab.s1"].url
        told = await every_answer(pipeline, settings())
        hidden = await every_answer(pipeline, settings("ops"))
    assert [each.get("scanner_url") for each in told] == [url] * 6
    assert [each.get("scanner_url") for each in hidden] == [None] * 6


async def test_where_the_pool_exposes_it_everybody_is_told() -> None:
    async with running_pipeline(POOLS, clients=[policy("agent")], rules={"expose_url": True}) as pipeline:
        url = pipeline.emulators["lab.s1"].url
        told = await every_answer(pipeline, settings("ops"))
    assert [each.get("scanner_url") for each in told] == [url] * 6


@pytest.mark.parametrize("wanted", ["nowhere", "s2"])
async def test_a_refusal_names_no_scanner_that_the_caller_did_not(wanted: str) -> None:
    async with running_pipeline(POOLS, clients=[policy("agent")]) as pipeline:
        for scanner in (wanted, f"lab.{wanted}"):
            call = {"targets": ["10.10.0.1"], "name": "weekly", "scanner_instance": scanner}
            async with running_bridge(pipeline, settings("pool:read")) as bridge, connected(bridge) as client:
                problem = await refusal(client, "run_untrusted_scan", **call)
            assert "unknown_scanner" in problem["message"]
            assert not [name for name in ("s1", "hidden") if name in str(problem)]
        assert not await pipeline.client.list()


async def test_a_scan_that_admission_refused_names_the_scanners_to_who_may_read_the_pool() -> None:
    """One that was not asked for through the bridge."""
    async with running_pipeline(POOLS) as pipeline:
        scan = await pipeline.client.submit(["10.10.0.1"], name="weekly", owner="agent", scanner="nowhere")
        await pipeline.client.admitted(scan)
        full = {"task_id": scan.id, "detail": "full"}
        async with running_bridge(pipeline, settings()) as bridge, connected(bridge) as client:
            told = await called(client, "get_scan_status", **full)
        async with running_bridge(pipeline, settings("pool:read")) as bridge, connected(bridge) as client:
            hidden = await called(client, "get_scan_status", **full)
    assert "hidden" in told["untrusted"]["error"]
    assert "hidden" in told["untrusted"]["timeline"][0]
    assert not [name for name in ("s1", "hidden") if name in str(hidden)]
    assert hidden["error"] == told["error"]


async def test_why_a_scan_waits_names_the_scanners_to_who_may_read_the_pool() -> None:
    async with running_pipeline(SLOW) as pipeline:
        for _ in range(2):
            await pipeline.client.submit(["10.10.0.1"], name="theirs", owner="somebody")
        await becomes(lambda: are_full(pipeline))
        scan = await pipeline.client.submit(["10.10.0.1"], name="weekly", owner="agent")
        own = await pipeline.client.submit(["10.10.0.1"], name="weekly", owner="agent", scanner="s1")
        for each in (scan, own):
            await pipeline.client.admitted(each)
        async with running_bridge(pipeline, settings()) as bridge, connected(bridge) as client:
            told = await called(client, "get_scan_status", task_id=scan.id)
        async with running_bridge(pipeline, settings("pool:read")) as bridge, connected(bridge) as client:
            hidden = await called(client, "get_scan_status", task_id=scan.id)
            wanted = await called(client, "get_scan_status", task_id=own.id)
    assert [each["scanner_instance"] for each in told["explain"]["scanners"]] == ["lab.s1", "lab.hidden"]
    assert "scanners" not in hidden["explain"]
    assert (hidden["explain"]["cause"], hidden["explain"]["message"]) == (
        told["explain"]["cause"],
        told["explain"]["message"],
    )
    assert [each["scanner_instance"] for each in wanted["explain"]["scanners"]] == ["lab.s1"]


async def are_full(pipeline: Pipeline) -> bool:
    scanners = await pipeline.client.scanners()
    return bool(scanners) and all(each.active == each.capacity for each in scanners)
