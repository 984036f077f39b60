"""What agents may scan and with what: a dry run that changes nothing, and credentials without values."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from scanpool.bridge.caller import SCOPES, Caller
from scanpool.bridge.configuration.settings import BridgeSettings
from tests.support.agents import every_message, policy
from tests.support.bridge import RunningBridge, called, connected, refusal, running_bridge
from tests.support.lasting import lasting
from tests.support.pipeline import CREDENTIALS, Pipeline, Scanner, running_pipeline

pytestmark = pytest.mark.asyncio(loop_scope="module")

KNOWN = {"web.example": ("10.10.0.7",), "rebound.example": ("10.10.0.7", "127.0.0.1")}


async def resolver(name: str) -> tuple[str, ...]:
    return KNOWN.get(name, ())


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def pipeline() -> AsyncIterator[Pipeline]:
    clients = [
        policy(networks=["10.10.0.0/16", "*.example"], exclude=["10.10.9.0/24"], max_hosts=64),
        policy("dmz-only", pools=["dmz"], credentials=["linux", "linux-sudo"]),
    ]
    async with running_pipeline({"lab": (Scanner("s1"),), "dmz": (Scanner("d1"),)}, clients=clients) as pipeline:
        yield pipeline


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def bridge(pipeline: Pipeline) -> AsyncIterator[RunningBridge]:
    async with lasting(running_bridge(pipeline, resolver=resolver)) as bridge:
        yield bridge


def of(subject: str) -> BridgeSettings:
    return BridgeSettings(local=Caller(subject=subject, scopes=frozenset(SCOPES)))


async def checked(bridge: RunningBridge, *targets: str) -> dict[str, Any]:
    async with connected(bridge) as client:
        return await called(client, "check_targets", targets=list(targets))


@pytest.mark.parametrize(
    ("target", "allowed", "rule", "addresses"),
    [
        ("10.10.0.1", True, "10.10.0.0/16", 1),
        ("10.10.0.0/29", True, "10.10.0.0/16", 8),
        ("web.example", True, "10.10.0.0/16", 1),
        ("10.11.0.1", False, "the client's networks", 1),
        ("10.9.255.0-10.10.0.0", False, "the client's networks", 257),
        ("10.10.9.1", False, "the client's exclude", 1),
        ("127.0.0.1", False, "protected", 1),
        ("rebound.example", False, "protected", 2),
        ("nowhere.example", False, "hostnames by their addresses", 0),
        ("10.10.0.300", False, "the forms of a target", 0),
    ],
)
async def test_each_target_is_told_with_the_rule_that_decides(
    bridge: RunningBridge, target: str, allowed: bool, rule: str, addresses: int
) -> None:
    (verdict,) = (await checked(bridge, target))["targets"]
    assert (verdict["allowed"], verdict["rule"], verdict["addresses"]) == (allowed, rule, addresses)
    assert ("reason" in verdict) == (not allowed)


@pytest.mark.parametrize(
    ("targets", "decision", "reason"),
    [
        (["10.10.0.1"], "allowed", None),
        (["10.10.0.1", "10.11.0.1"], "denied", "not every target"),
        (["10.10.0.0/27"], "needs_confirmation", "32 addresses, more than 16"),
        (["10.10.0.0/26", "10.10.1.1"], "denied", "client_too_many_hosts"),
    ],
)
async def test_the_targets_are_judged_together_as_well(
    bridge: RunningBridge, targets: list[str], decision: str, reason: str | None
) -> None:
    found = await checked(bridge, *targets)
    assert found["decision"] == decision
    assert (reason or "") in found.get("reason", "")
    assert found["scanner_pool"] == "lab"
    assert found["next"]


async def test_a_dry_run_changes_nothing(pipeline: Pipeline, bridge: RunningBridge) -> None:
    async def kept() -> set[tuple[str, int]]:
        ours = ("SCAN_REQUESTS", "KV_pool-lab", "KV_pool-dmz", "BRIDGE_AUDIT", "SCAN_DLQ")
        found = [(name, each) async for name, each in every_message(pipeline.jetstream) if name in ours]
        return {(name, each.sequence) for name, each in found if "health" not in each.subject}

    before = await kept()
    await checked(bridge, "10.10.0.1", "10.11.0.1")
    assert await kept() == before


async def test_how_long_scans_take_is_told_once_some_have_completed(pipeline: Pipeline) -> None:
    scan = await pipeline.client.submit(["10.10.0.1"], name="one", pool="dmz")
    await pipeline.client.wait(scan.id, timeout=60)
    async with running_bridge(pipeline) as bridge, connected(bridge) as client:
        found = await called(client, "check_targets", targets=["10.10.0.1"], scanner_pool="dmz")
    assert found["estimated_duration_s"] >= 0


async def test_a_client_without_a_policy_may_scan_nothing(pipeline: Pipeline) -> None:
    async with running_bridge(pipeline, of("nobody")) as bridge:
        found = await checked(bridge, "10.10.0.1")
    assert (found["decision"], found["targets"][0]["rule"]) == ("denied", "no policy")


async def test_a_pool_that_there_is_not_is_said_so(bridge: RunningBridge) -> None:
    async with connected(bridge) as client:
        problem = await refusal(client, "check_targets", targets=["10.10.0.1"], scanner_pool="nowhere")
    assert problem["code"] == "unknown_pool"


@pytest.mark.parametrize(
    ("subject", "expected"),
    [
        ("local", {"linux": ["dmz", "lab"]}),
        ("dmz-only", {"linux": ["dmz"], "linux-sudo": ["dmz"]}),
        ("nobody", {}),
    ],
)
async def test_credentials_are_those_that_the_callers_policy_names(
    pipeline: Pipeline, subject: str, expected: dict[str, list[str]]
) -> None:
    async with running_bridge(pipeline, of(subject)) as bridge, connected(bridge) as client:
        found = await called(client, "list_credentials")
    assert {each["id"]: each["scanner_pools"] for each in found["credentials"]} == expected
    assert found["total"] == len(expected)
    assert not any(str(each["password"]) in str(found) for each in CREDENTIALS)
