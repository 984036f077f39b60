"""Agents ask for scans: a handle at once, the same scan for the same key, and a reason where there is none."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from scanpool.bridge.caller import SCOPES, Caller
from scanpool.bridge.configuration.settings import BridgeSettings
from scanpool.runtime.tracing import continued
from tests.support.agents import every_message, has_rules, policy
from tests.support.bridge import RunningBridge, called, connected, refusal, running_bridge
from tests.support.bridge_tasks import posted
from tests.support.eventually import becomes
from tests.support.lasting import lasting
from tests.support.pipeline import Pipeline, Scanner, running_pipeline

pytestmark = pytest.mark.asyncio(loop_scope="module")

CLIENTS = (
    policy(),
    policy("careful", intensity="safe", max_hosts=4, credentials=[]),
    policy("busy", max_concurrent=1),
    policy("elsewhere", pools=["dmz"]),
    policy("timid"),
)


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def pipeline() -> AsyncIterator[Pipeline]:
    pools = {"lab": (Scanner("s1", capacity=8),), "dmz": (Scanner("d1"),)}
    async with running_pipeline(pools, clients=CLIENTS) as pipeline:
        yield pipeline


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def bridge(pipeline: Pipeline) -> AsyncIterator[RunningBridge]:
    async with lasting(running_bridge(pipeline, BridgeSettings(submits_per_minute=10_000))) as bridge:
        yield bridge


def as_subject(subject: str, *without: str) -> BridgeSettings:
    """A bridge on which this subject calls, with all scopes but some."""
    return BridgeSettings(local=Caller(subject=subject, scopes=frozenset(s for s in SCOPES if s not in without)))


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_a_scan_is_asked_for_and_its_handle_answered_at_once(bridge: RunningBridge, mode: str) -> None:
    async with connected(bridge, mode=mode) as client:
        task = await called(client, "run_untrusted_scan", targets=["10.10.0.1"], name="weekly")
    assert task["status"] in {"queued", "running"}
    assert (task["scanner_pool"], task["idempotent"], task["retention_days"]) == ("lab", False, 7)
    assert f"wait_for_scan(task_id='{task['task_id']}')" in task["next"]
    assert "schema_profile='brief'" in task["next"]
    scan = await bridge.parts.scanpool.wait(task["task_id"], timeout=60)
    assert (scan.status, scan.owner, scan.trace_id) == ("completed", "local", task["trace_id"])


async def test_a_queued_scan_is_answered_with_its_place_and_what_is_thought_of_its_wait(bridge: RunningBridge) -> None:
    async with connected(bridge) as client:
        task = await called(client, "run_untrusted_scan", targets=["10.10.0.1"], name="weekly")
    if task["status"] == "queued":
        assert task["queue_position"] >= 1
        assert task["estimate_confidence"] in {"none", "low", "medium", "high"}


async def test_targets_may_be_one_comma_separated_string(bridge: RunningBridge) -> None:
    async with connected(bridge) as client:
        task = await called(client, "run_untrusted_scan", targets="10.10.0.1, 10.10.0.2,", name="weekly")
    assert (await bridge.parts.scanpool.status(task["task_id"])).targets == ("10.10.0.1", "10.10.0.2")


@pytest.mark.parametrize("instance", ["lab.s1", "s1"])
async def test_a_scanner_is_named_with_its_pool_or_without(bridge: RunningBridge, instance: str) -> None:
    async with connected(bridge) as client:
        task = await called(
            client, "run_untrusted_scan", targets=["10.10.0.1"], name="weekly", scanner_instance=instance
        )
    assert task["scanner_instance"] == "lab.s1"
    assert (await bridge.parts.scanpool.status(task["task_id"])).wanted_scanner == "s1"


async def test_the_pool_and_the_scanner_may_not_contradict_each_other(bridge: RunningBridge) -> None:
    async with connected(bridge) as client:
        problem = await refusal(
            client,
            "run_untrusted_scan",
            targets=["10.10.0.1"],
            name="weekly",
            scanner_pool="dmz",
            scanner_instance="lab.s1",
        )
    assert problem["code"] == "invalid_argument"
    assert "another pool" in problem["message"]


async def test_a_pool_that_is_named_gets_the_scan(bridge: RunningBridge) -> None:
    async with connected(bridge) as client:
        task = await called(client, "run_untrusted_scan", targets=["10.10.0.1"], name="weekly", scanner_pool="dmz")
    assert task["scanner_pool"] == "dmz"


async def test_the_same_key_is_the_same_scan_and_not_judged_again(pipeline: Pipeline) -> None:
    async with running_bridge(pipeline, as_subject("busy")) as bridge, connected(bridge) as client:
        request = {"targets": ["10.10.0.1"], "name": "weekly", "idempotency_key": "monday"}
        first = await called(client, "run_untrusted_scan", **request)
        second = await called(client, "run_untrusted_scan", **request)
    assert second["task_id"] == first["task_id"]
    assert (first["idempotent"], second["idempotent"]) == (False, True)


async def test_the_same_key_for_something_else_is_a_conflict_that_names_the_difference(bridge: RunningBridge) -> None:
    async with connected(bridge) as client:
        await called(client, "run_untrusted_scan", targets=["10.10.0.1"], name="weekly", idempotency_key="tuesday")
        problem = await refusal(
            client, "run_untrusted_scan", targets=["10.10.0.2"], name="weekly", idempotency_key="tuesday"
        )
    assert problem["code"] == "conflict"
    assert "targets" in problem["message"]


async def test_a_key_that_was_used_in_another_pool_is_a_conflict(bridge: RunningBridge) -> None:
    request = {"targets": ["10.10.0.1"], "name": "weekly", "idempotency_key": "sunday"}
    async with connected(bridge) as client:
        first = await called(client, "run_untrusted_scan", **request)
        problem = await refusal(client, "run_untrusted_scan", **request, scanner_pool="dmz")
    assert (problem["code"], problem["task_id"]) == ("conflict", first["task_id"])
    assert "pool lab" in problem["message"]


async def test_a_key_of_somebody_else_is_another_scan(pipeline: Pipeline, bridge: RunningBridge) -> None:
    request = {"targets": ["10.10.0.1"], "name": "weekly", "idempotency_key": "wednesday"}
    async with running_bridge(pipeline, as_subject("timid")) as other:
        async with connected(bridge) as client:
            mine = await called(client, "run_untrusted_scan", **request)
        async with connected(other) as client:
            theirs = await called(client, "run_untrusted_scan", **request)
    assert mine["task_id"] != theirs["task_id"]
    assert not theirs["idempotent"]


async def test_an_authenticated_scan_names_a_credential(bridge: RunningBridge) -> None:
    async with connected(bridge) as client:
        task = await called(
            client, "run_authenticated_scan", targets=["10.10.0.1"], name="weekly", credential_ref="linux"
        )
    scan = await bridge.parts.scanpool.wait(task["task_id"], timeout=60)
    assert (scan.scan_type, scan.status) == ("authenticated", "completed")


@pytest.mark.parametrize(
    ("request_", "code", "said"),
    [
        ({"targets": ["10.10.0.300"]}, "invalid_target", "10.10.0.300"),
        ({"targets": ["0.0.0.0/0"]}, "invalid_target", "4,294,967,296 addresses"),
        ({"targets": ["::ffff:127.0.0.1"]}, "invalid_target", "IPv6 form of an IPv4 address"),
        ({"targets": ["fe80::1"]}, "target_denied", "fe80::1"),
        ({"targets": ["2a00:1450::/120"]}, "target_denied", "2a00:1450::/120"),
        ({"targets": ["10.9.255.0-10.10.0.1"]}, "target_denied", "10.10.0.0/16"),
        ({"targets": ["127.0.0.1"]}, "target_denied", "127.0.0.1"),
        ({"targets": []}, "invalid_argument", "targets"),
        ({"targets": ["10.10.0.1"], "name": ""}, "invalid_argument", "name"),
        ({"targets": ["10.10.0.1"], "scanner_pool": "nowhere"}, "unknown_pool", "nowhere"),
        ({"targets": ["10.10.0.1"], "scanner_instance": "s9"}, "invalid_argument", "unknown_scanner"),
        ({"targets": ["10.10.0.1"], "max_duration_s": 5}, "invalid_argument", "max_duration_s"),
        ({"targets": ["10.10.0.1"], "intensity": "brutal"}, "invalid_argument", "intensity"),
        ({"targets": ["10.10.0.1"], "exclude": ["10.10.0.2"]}, "invalid_argument", "exclude"),
    ],
)
async def test_what_cannot_be_done_is_refused_at_once_with_its_reason(
    bridge: RunningBridge, request_: dict[str, object], code: str, said: str
) -> None:
    async with connected(bridge) as client:
        problem = await refusal(client, "run_untrusted_scan", **{"name": "weekly", **request_})
    assert problem["code"] == code
    assert said in problem["message"]
    assert problem["hint"]


@pytest.mark.parametrize(
    ("subject", "request_", "code", "catalogued"),
    [
        ("nobody", {}, "policy_denied", "client_unknown"),
        ("elsewhere", {}, "policy_denied", "client_unknown"),
        ("careful", {"intensity": "intrusive"}, "policy_denied", "client_intensity_denied"),
        ("careful", {"targets": ["10.10.0.0/24"]}, "limit", "client_too_many_hosts"),
    ],
)
async def test_what_the_policy_does_not_allow_is_refused_with_its_rule(
    pipeline: Pipeline, subject: str, request_: dict[str, object], code: str, catalogued: str
) -> None:
    async with running_bridge(pipeline, as_subject(subject)) as bridge, connected(bridge) as client:
        problem = await refusal(
            client, "run_untrusted_scan", **{"targets": ["10.10.0.1"], "name": "weekly", **request_}
        )
    assert problem["code"] == code
    assert catalogued in problem["message"]


async def test_a_credential_that_the_policy_does_not_name_is_refused(pipeline: Pipeline) -> None:
    async with running_bridge(pipeline, as_subject("careful")) as bridge, connected(bridge) as client:
        problem = await refusal(
            client, "run_authenticated_scan", targets=["10.10.0.1"], name="weekly", credential_ref="linux"
        )
    assert (problem["code"], "client_credential_denied" in problem["message"]) == ("policy_denied", True)


async def test_too_many_scans_at_once_are_refused_and_may_be_asked_for_later(pipeline: Pipeline) -> None:
    async with running_bridge(pipeline, as_subject("busy")) as bridge, connected(bridge) as client:
        running = await bridge.parts.scanpool.submit(["10.10.0.1"], name="one", owner="busy", client="busy")
        await bridge.parts.scanpool.admitted(running)
        problem = await refusal(client, "run_untrusted_scan", targets=["10.10.0.2"], name="two")
    assert (problem["code"], problem["retryable"]) == ("limit", True)
    assert problem["retry_after_s"] > 0


@pytest.mark.parametrize(
    ("without", "tool", "arguments"),
    [
        ("scan:run", "run_untrusted_scan", {}),
        ("scan:intrusive", "run_untrusted_scan", {"intensity": "intrusive"}),
        ("scan:run:auth", "run_authenticated_scan", {"credential_ref": "linux"}),
    ],
)
async def test_a_scan_needs_its_scope(
    pipeline: Pipeline, without: str, tool: str, arguments: dict[str, object]
) -> None:
    async with running_bridge(pipeline, as_subject("timid", without)) as bridge, connected(bridge) as client:
        problem = await refusal(client, tool, targets=["10.10.0.1"], name="weekly", **arguments)
    assert problem["code"] == "scope"
    assert without in problem["message"]


async def test_hostnames_are_judged_by_the_addresses_that_they_have(pipeline: Pipeline) -> None:
    async def resolver(name: str) -> tuple[str, ...]:
        return ("10.10.0.1", "169.254.169.254") if name == "rebound.example" else ()

    async with running_bridge(pipeline, resolver=resolver) as bridge, connected(bridge) as client:
        rebound = await refusal(client, "run_untrusted_scan", targets=["rebound.example"], name="weekly")
        unknown = await refusal(client, "run_untrusted_scan", targets=["nowhere.example"], name="weekly")
    assert rebound["code"] == "target_denied"
    assert "169.254.169.254" in rebound["message"]
    assert unknown["code"] in {"target_denied", "invalid_target"}
    assert "no address is known for nowhere.example" in unknown["message"]


async def test_the_agents_trace_goes_on_through_the_scan(bridge: RunningBridge) -> None:
    trace_id = "4bf92f3577b34da6a3ce929d0e0e4736"
    with continued({"traceparent": f"00-{trace_id}-00f067aa0ba902b7-01"}, "the agent's turn"):
        async with connected(bridge) as client:
            task = await called(client, "run_untrusted_scan", targets=["10.10.0.1"], name="weekly")
    assert task["trace_id"] == trace_id
    assert (await bridge.parts.scanpool.wait(task["task_id"], timeout=60)).trace_id == trace_id


async def test_of_the_agents_trace_context_nothing_but_the_ids_is_kept(
    pipeline: Pipeline, bridge: RunningBridge
) -> None:
    trace_id = "4bf92f3577b34da6a3ce929d0e0e4737"
    context = {
        "traceparent": f"00-{trace_id}-00f067aa0ba902b7-01",
        "tracestate": "x=kept-nowhere",
        "baggage": "x=kept-nowhere",
    }
    call = {"name": "run_untrusted_scan", "arguments": {"targets": ["10.10.0.1"], "name": "weekly"}}
    answer = await posted(
        bridge.url, "tools/call", call, headers={"Mcp-Name": "run_untrusted_scan"}, meta=context, knows_tasks=False
    )
    task = answer["result"]["structuredContent"]
    assert task["trace_id"] == trace_id
    await bridge.parts.scanpool.wait(task["task_id"], timeout=60)
    stored = [str((name, each)) async for name, each in every_message(pipeline.jetstream)]
    assert not [each for each in stored if "kept-nowhere" in each]


async def test_a_scanners_address_is_told_where_its_pool_exposes_it() -> None:
    async with (
        running_pipeline(clients=[policy()], rules={"expose_url": True}) as pipeline,
        running_bridge(pipeline) as bridge,
        connected(bridge) as client,
    ):
        url = pipeline.emulators["lab.s1"].url
        task = await called(
            client, "run_untrusted_scan", targets=["10.10.0.1"], name="weekly", scanner_instance="lab.s1"
        )
        over = await called(client, "wait_for_scan", task_id=task["task_id"])
        (scanner,) = (await called(client, "list_scanners"))["scanners"]
    assert (task["scanner_url"], over["scanner_url"], scanner["scanner_url"]) == (url, url, url)


async def test_a_request_that_nobody_admits_yet_has_its_handle_all_the_same() -> None:
    async with running_pipeline(services=("dispatcher",), clients=[policy()]) as pipeline:
        await becomes(lambda: has_rules(pipeline.jetstream))
        async with running_bridge(pipeline) as bridge, connected(bridge) as client:
            task = await called(client, "run_untrusted_scan", targets=["10.10.0.1"], name="weekly")
            status = await called(client, "get_scan_status", task_id=task["task_id"])
    assert (task["status"], status["state"]) == ("queued", "requested")
    assert len(task["trace_id"]) == 32


async def test_a_pool_that_nobody_serves_yet_is_worth_another_try() -> None:
    async with (
        running_pipeline(services=()) as pipeline,
        running_bridge(pipeline) as bridge,
        connected(bridge) as client,
    ):
        problem = await refusal(client, "run_untrusted_scan", targets=["10.10.0.1"], name="weekly")
    assert (problem["code"], problem["retryable"]) == ("backend_unavailable", True)
