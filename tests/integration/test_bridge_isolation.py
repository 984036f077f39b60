"""What belongs to somebody else is answered as what never was, byte for byte, whatever asks for it."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from scanpool.bridge.caller import SCOPES, Scope
from scanpool.bridge.configuration.model import Token
from scanpool.bridge.configuration.settings import BridgeSettings
from scanpool.bridge.gate.identity.minting import new_token, token_hash
from tests.support.agents import has_rules, policy
from tests.support.bridge import RunningBridge, called, running_bridge, signed_in
from tests.support.bridge_tasks import TASKS
from tests.support.eras import MODERN
from tests.support.eventually import becomes
from tests.support.lasting import lasting
from tests.support.pipeline import Pipeline, running_pipeline
from tests.support.web import plain_http

pytestmark = pytest.mark.asyncio(loop_scope="module")

FOREIGN, UNKNOWN = "scan-aaaa", "scan-bbbb"
"""One of somebody else, which is over; one that never was."""
OWN = "scan-of-other"
"""One of the caller itself, which is over."""
LIVE, NEVER = "live-aaaa", "live-bbbb"
"""The same of one that still waits."""
SEAL = "5" * 32
PAIRS = ((FOREIGN, UNKNOWN), (LIVE, NEVER))
EVERY: tuple[Scope, ...] = tuple(each for each in SCOPES if each not in {"scan:read:all", "ops"})
TOKENS = {"owner": new_token(), "other": new_token()}
WITHIN_S = 60.0


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def pipeline() -> AsyncIterator[Pipeline]:
    async with running_pipeline(clients=[policy("owner"), policy("other")]) as pipeline:
        await becomes(lambda: has_rules(pipeline.jetstream), within_s=WITHIN_S)
        await pipeline.client.submit(["10.10.0.1"], name="weekly", owner="owner", id=FOREIGN)
        await pipeline.client.submit(["10.10.0.2"], name="weekly", owner="other", id=OWN)
        for scan_id in (FOREIGN, OWN):
            await pipeline.client.wait(scan_id, timeout=WITHIN_S)
        await pipeline.stop()
        await pipeline.start(["admission"])
        await pipeline.client.submit(["10.10.0.1"], name="weekly", owner="owner", id=LIVE)
        yield pipeline


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def bridge(pipeline: Pipeline) -> AsyncIterator[RunningBridge]:
    tokens = tuple(Token(subject=who, sha256=token_hash(token), scopes=EVERY) for who, token in TOKENS.items())
    settings = BridgeSettings(tokens=tokens, requests_per_minute=100_000, submits_per_minute=100_000)
    async with lasting(running_bridge(pipeline, settings)) as bridge:
        yield bridge


async def answered(bridge: RunningBridge, who: str, method: str, params: dict[str, Any], name: str = "") -> str:
    """Everything that comes back over the wire but the date: status, headers, body."""
    meta = {
        "io.modelcontextprotocol/protocolVersion": MODERN,
        "io.modelcontextprotocol/clientCapabilities": {"extensions": {TASKS: {}}},
    }
    body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": {**params, "_meta": meta}}
    headers = {
        "accept": "application/json, text/event-stream",
        "authorization": f"Bearer {TOKENS[who]}",
        "mcp-protocol-version": MODERN,
        "mcp-method": method,
    }
    async with plain_http(timeout=WITHIN_S) as http:
        answer = await http.post(bridge.url, json=body, headers={**headers, **({"mcp-name": name} if name else {})})
    told = [each for each in answer.headers.raw if each[0].lower() != b"date"]
    return f"{answer.status_code} {told} {answer.text}"


def about(template: Any, scan_id: str) -> Any:
    """The arguments with the id in its place."""
    return json.loads(json.dumps(template).replace("ID", scan_id))


async def assert_alike(bridge: RunningBridge, method: str, template: dict[str, Any], name: str = "") -> None:
    """Another gets the same for the owner's as for none."""
    for foreign, unknown in PAIRS:
        theirs = await answered(bridge, "other", method, about(template, foreign), name.replace("ID", foreign))
        none = await answered(bridge, "other", method, about(template, unknown), name.replace("ID", unknown))
        assert theirs.replace(foreign, "ID") == none.replace(unknown, "ID")


async def differs_for_the_owner(bridge: RunningBridge, method: str, template: dict[str, Any], name: str = "") -> bool:
    """Whether the owner is told anything at all: else the comparison would be of no worth."""
    mine = await answered(bridge, "owner", method, about(template, FOREIGN), name.replace("ID", FOREIGN))
    none = await answered(bridge, "owner", method, about(template, UNKNOWN), name.replace("ID", UNKNOWN))
    return mine.replace(FOREIGN, "ID") != none.replace(UNKNOWN, "ID")


@pytest.mark.parametrize(
    ("tool", "arguments"),
    [
        ("get_scan_status", {"task_id": "ID"}),
        ("get_scan_status", {"task_id": "ID", "detail": "full"}),
        ("wait_for_scan", {"task_id": "ID", "timeout_s": 1}),
        ("get_scan_results", {"task_id": "ID"}),
        ("get_scan_results", {"task_id": "ID", "format": "jsonl", "filters": {"host": "10.10.0.1"}}),
        ("summarize_findings", {"task_id": "ID"}),
        ("get_finding", {"task_id": "ID", "finding_id": 1}),
        ("compare_scans", {"base_task_id": "ID", "task_id": "ID"}),
        ("compare_scans", {"base_task_id": OWN, "task_id": "ID"}),
        ("cancel_scan", {"task_id": "ID", "reason": "theirs"}),
    ],
)
async def test_tools_tell_nothing_of_it(bridge: RunningBridge, tool: str, arguments: dict[str, Any]) -> None:
    params = {"name": tool, "arguments": arguments}
    await assert_alike(bridge, "tools/call", params, tool)
    if OWN not in arguments.values():
        assert await differs_for_the_owner(bridge, "tools/call", params, tool)


@pytest.mark.parametrize(
    "form", ["status", "summary", "findings", "findings?severity=critical&limit=1", "findings/1", "report.jsonl"]
)
async def test_resources_tell_nothing_of_it(bridge: RunningBridge, form: str) -> None:
    uri = f"scan://ID/{form}"
    await assert_alike(bridge, "resources/read", {"uri": uri}, uri)
    assert await differs_for_the_owner(bridge, "resources/read", {"uri": uri}, uri)


async def test_there_is_nothing_to_listen_to(bridge: RunningBridge) -> None:
    template = {"notifications": {"resourceSubscriptions": ["scan://ID/status"]}}
    await assert_alike(bridge, "subscriptions/listen", template)
    none = await answered(bridge, "owner", "subscriptions/listen", about(template, UNKNOWN))
    mine = [f"scan://{FOREIGN}/status"]
    async with signed_in(bridge, TOKENS["owner"]) as client, client.listen(resource_subscriptions=mine):
        pass
    assert "there is no such resource to listen to" in none


@pytest.mark.parametrize("method", ["tasks/get", "tasks/update", "tasks/cancel"])
async def test_its_task_is_none(bridge: RunningBridge, method: str) -> None:
    wait = {"name": "wait_for_scan", "arguments": {"task_id": LIVE}}
    created = await answered(bridge, "owner", "tools/call", wait, "wait_for_scan")
    mine: str = json.loads(created[created.index('{"jsonrpc"') :])["result"]["taskId"]
    none = f"{NEVER}.{SEAL}"
    assert mine.startswith(f"{LIVE}.")
    assert len(mine) == len(none)
    answers = [
        (await answered(bridge, "other", method, {"taskId": each, "inputResponses": {}}, each)).replace(each, "ID")
        for each in (mine, none, f"{LIVE}.{SEAL}")
    ]
    assert len(set(answers)) == 1
    own = await answered(bridge, "owner", "tasks/get", {"taskId": mine}, mine)
    assert '"status":"working"' in own


async def test_neither_prompts_nor_completions_know_it(bridge: RunningBridge) -> None:
    prompt = {"name": "triage_scan", "arguments": {"task_id": "ID"}}
    await assert_alike(bridge, "prompts/get", prompt, "triage_scan")
    for named in (
        {"type": "ref/prompt", "name": "triage_scan"},
        {"type": "ref/resource", "uri": "scan://{task_id}/status"},
    ):
        completion = {"ref": named, "argument": {"name": "task_id", "value": "ID"}}
        await assert_alike(bridge, "completion/complete", completion)
        assert await differs_for_the_owner(bridge, "completion/complete", completion)
        whole = {"ref": named, "argument": {"name": "task_id", "value": ""}}
        assert FOREIGN not in await answered(bridge, "other", "completion/complete", whole)


@pytest.mark.parametrize("filters", [{}, {"target_filter": "10.10.0.0/24"}, {"status_filter": "completed"}])
async def test_lists_hold_and_count_what_is_ones_own(bridge: RunningBridge, filters: dict[str, str]) -> None:
    async with signed_in(bridge, TOKENS["owner"]) as owner, signed_in(bridge, TOKENS["other"]) as other:
        mine, theirs = await called(owner, "list_tasks", **filters), await called(other, "list_tasks", **filters)
        queue = await called(other, "get_queue_status", scanner_pool="lab")
    assert mine["total"] >= 1
    assert (theirs["total"], [each["task_id"] for each in theirs["tasks"]]) == (1, [OWN])
    assert LIVE not in json.dumps(queue)


async def test_the_same_key_of_two_subjects_is_two_scans(bridge: RunningBridge) -> None:
    asked = {"targets": ["10.10.0.1"], "name": "weekly", "idempotency_key": "monday"}
    async with signed_in(bridge, TOKENS["owner"]) as owner, signed_in(bridge, TOKENS["other"]) as other:
        mine = await called(owner, "run_untrusted_scan", **asked)
        theirs = await called(other, "run_untrusted_scan", **asked)
        again = await called(owner, "run_untrusted_scan", **asked)
    assert (mine["idempotent"], theirs["idempotent"], again["idempotent"]) == (False, False, True)
    assert mine["task_id"] == again["task_id"] != theirs["task_id"]
