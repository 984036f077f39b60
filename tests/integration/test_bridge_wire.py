"""The bridge as clients of every kind see it: versions, transports, and what the protocol says of each message."""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import itertools
import json
import secrets
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
import pytest_asyncio
from mcp import Client, StdioServerParameters
from mcp.types import HEADER_MISMATCH, INVALID_PARAMS, METHOD_NOT_FOUND

from scanpool.bridge.configuration.settings import BridgeSettings
from scanpool.coordination.approvals import Approvals
from scanpool.coordination.dead_letters import Operator
from scanpool.coordination.ledger import Ledger
from tests.support.agents import YES, Person, has_rules, policy
from tests.support.bridge import RunningBridge, called, refusal, running_bridge
from tests.support.bridge_command import environment
from tests.support.bridge_tasks import KnowsTasks
from tests.support.eras import MODERN, VERSIONS, client_of
from tests.support.eventually import becomes
from tests.support.forking import program
from tests.support.lasting import lasting
from tests.support.pipeline import Pipeline, Scanner, running_pipeline
from tests.support.web import plain_http

pytestmark = pytest.mark.asyncio(loop_scope="module")

UNHINDERED = BridgeSettings(requests_per_minute=100_000, submits_per_minute=100_000)
INTRUSIVE = {"targets": ["10.10.0.0/29"], "intensity": "intrusive"}
CRITICAL = 4
WITHIN_S = 60.0


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def pipeline() -> AsyncIterator[Pipeline]:
    pools = {"lab": (Scanner("s1", capacity=8, options={"scan_seconds": 600.0}),)}
    async with running_pipeline(pools, clients=[policy()]) as pipeline:
        await becomes(lambda: has_rules(pipeline.jetstream), within_s=WITHIN_S)
        yield pipeline


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def bridge(pipeline: Pipeline) -> AsyncIterator[RunningBridge]:
    async with lasting(running_bridge(pipeline, UNHINDERED)) as bridge:
        yield bridge


@dataclass(frozen=True)
class Kind:
    """A kind of client."""

    version: str
    transport: str
    knows_tasks: bool
    has_person: bool


async def approved(pipeline: Pipeline, task_id: str) -> None:
    """An operator's word, for a client that cannot ask anybody."""
    operator = Operator(by="operator", now=lambda: datetime.now(UTC), nonce=lambda: secrets.token_hex(8))
    approvals = Approvals(pipeline.jetstream, Ledger(pipeline.jetstream, source="test"), operator)
    (outcome,) = await approvals.settle("approve", [task_id], pool="lab", reason="")
    assert outcome.is_good, outcome


async def submitted(pipeline: Pipeline, client: Client, kind: Kind, person: Person) -> str:
    """An intrusive scan, which wants somebody's word."""
    asked = {**INTRUSIVE, "name": f"{kind.version} {kind.transport}"}
    if kind.has_person:
        scan = await called(client, "run_untrusted_scan", **asked)
        assert len(person.asked) == 1
    else:
        scan = await refusal(client, "run_untrusted_scan", **asked)
        assert scan["code"] == "confirmation_required"
        await approved(pipeline, scan["task_id"])
    task_id: str = scan["task_id"]
    return task_id


async def a_whole_scan(pipeline: Pipeline, bridge: RunningBridge, kind: Kind) -> None:
    """From the submission to the findings, in few calls."""
    environ = environment({"SCANPOOL_NATS_URL": pipeline.nats.url})
    command, *words = program()
    started = StdioServerParameters(command=command, args=[*words, "bridge", "--stdio"], env=environ)
    person, tasks = Person(YES), KnowsTasks()
    options: dict[str, Any] = {"extensions": [tasks]} if kind.knows_tasks else {}
    if kind.has_person:
        options["elicitation_callback"] = person
    server = bridge.url if kind.transport == "http" else started
    async with client_of(kind.version, server, **options) as client:
        assert client.protocol_version == kind.version
        task_id = await submitted(pipeline, client, kind, person)
        status = await called(client, "wait_for_scan", task_id=task_id)
        page = await called(client, "get_scan_results", task_id=task_id, limit=2)
    assert (status["status"], status["authentication_status"]) == ("completed", "not_applicable")
    assert [finding["severity"] for finding in page["findings"]] == [CRITICAL, CRITICAL]
    assert len(tasks.created) == (1 if kind.knows_tasks and kind.version == MODERN else 0)


@pytest.mark.parametrize("transport", ["http", "stdio"])
@pytest.mark.parametrize("version", VERSIONS)
async def test_clients_of_every_kind_follow_a_scan_to_its_findings(
    pipeline: Pipeline, bridge: RunningBridge, version: str, transport: str
) -> None:
    kinds = [Kind(version, transport, *each) for each in itertools.product((True, False), repeat=2)]
    async with asyncio.timeout(2 * WITHIN_S), asyncio.TaskGroup() as group:
        for kind in kinds:
            group.create_task(a_whole_scan(pipeline, bridge, kind), name=str(kind))


ACCEPT = {"accept": "application/json, text/event-stream", "content-type": "application/json"}
META = {"io.modelcontextprotocol/protocolVersion": MODERN, "io.modelcontextprotocol/clientCapabilities": {}}


async def posted(
    bridge: RunningBridge, method: str, headers: dict[str, str], meta: dict[str, Any] | None = META, **params: Any
) -> tuple[int, dict[str, Any]]:
    """The HTTP status and the document that a request of the modern version, made by hand, was answered with."""
    told = {**params, "_meta": meta} if meta is not None else params
    body = {"jsonrpc": "2.0", "id": "the-id", "method": method, "params": told}
    sent = {**ACCEPT, "mcp-protocol-version": MODERN, **headers}
    async with plain_http(timeout=WITHIN_S) as web:
        answer = await web.post(bridge.url, json=body, headers={k: v for k, v in sent.items() if v})
    document: dict[str, Any] = answer.json()
    assert document["id"] == "the-id", document
    return answer.status_code, document


@pytest.mark.parametrize(
    ("method", "params", "headers"),
    [
        ("tools/list", {}, {"Mcp-Method": "prompts/list"}),
        ("tools/list", {}, {"Mcp-Method": "TOOLS/LIST"}),
        ("tools/list", {}, {}),
        ("tools/call", {"name": "list_pools"}, {"Mcp-Method": "tools/call", "Mcp-Name": "cancel_scan"}),
        ("tools/call", {"name": "list_pools"}, {"Mcp-Method": "tools/call"}),
        ("resources/read", {"uri": "policy://targets"}, {"Mcp-Method": "resources/read", "Mcp-Name": "policy://x"}),
        ("prompts/get", {"name": "triage_scan"}, {"Mcp-Method": "prompts/get", "Mcp-Name": "x"}),
    ],
)
async def test_headers_that_are_not_what_the_message_says_are_refused(
    bridge: RunningBridge, method: str, params: dict[str, Any], headers: dict[str, str]
) -> None:
    status, document = await posted(bridge, method, headers, **params)
    assert (status, document["error"]["code"]) == (400, HEADER_MISMATCH)


async def test_a_version_in_the_header_that_the_message_does_not_name_is_refused(bridge: RunningBridge) -> None:
    meta = {**META, "io.modelcontextprotocol/protocolVersion": "2025-11-25"}
    status, document = await posted(bridge, "tools/list", {"Mcp-Method": "tools/list"}, meta)
    assert (status, document["error"]["code"]) == (400, HEADER_MISMATCH)


@pytest.mark.parametrize("name", ["Mcp-Method", "mcp-method", "MCP-METHOD"])
@pytest.mark.parametrize("value", ["tools/list", "  tools/list  "])
async def test_headers_are_read_as_http_reads_them(bridge: RunningBridge, name: str, value: str) -> None:
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {"_meta": META}})
    answer = await asyncio.to_thread(raw_post, bridge.url, body, {"mcp-protocol-version": MODERN, name: value})
    assert len(answer["result"]["tools"]) == 17


def raw_post(url: str, body: str, headers: dict[str, str]) -> dict[str, Any]:
    """Headers are sent as they are, spaces and all."""
    where = urlsplit(url)
    connection = http.client.HTTPConnection(where.hostname or "", where.port, timeout=WITHIN_S)
    with contextlib.closing(connection):
        connection.request("POST", where.path, body, {**ACCEPT, **headers})
        document: dict[str, Any] = json.loads(connection.getresponse().read())
    return document


@pytest.mark.parametrize("method", ["initialize", "ping", "logging/setLevel", "resources/subscribe", "made/up"])
async def test_methods_that_are_not_of_the_version_are_not_found(bridge: RunningBridge, method: str) -> None:
    status, document = await posted(bridge, method, {"Mcp-Method": method})
    assert (status, document["error"]["code"]) == (404, METHOD_NOT_FOUND)


async def test_a_version_that_there_is_not_is_refused_with_those_that_there_are(bridge: RunningBridge) -> None:
    meta = {**META, "io.modelcontextprotocol/protocolVersion": "2031-01-01"}
    headers = {"Mcp-Method": "tools/list", "mcp-protocol-version": "2031-01-01"}
    status, document = await posted(bridge, "tools/list", headers, meta)
    assert status == 400
    assert MODERN in document["error"]["data"]["supported"]
    assert document["error"]["data"]["requested"] == "2031-01-01"


@pytest.mark.parametrize("left_out", ["protocolVersion", "clientCapabilities"])
async def test_what_every_request_has_to_say_of_its_client_is_asked_for(bridge: RunningBridge, left_out: str) -> None:
    meta = {name: value for name, value in META.items() if not name.endswith(left_out)}
    status, document = await posted(bridge, "tools/list", {"Mcp-Method": "tools/list"}, meta)
    assert (status, document["error"]["code"]) == (400, INVALID_PARAMS)


@pytest.mark.parametrize("uri", ["scan://nobody/status", "made://up", "schema://nothing"])
async def test_a_resource_that_there_is_not_is_named_in_the_error(bridge: RunningBridge, uri: str) -> None:
    _, document = await posted(bridge, "resources/read", {"Mcp-Method": "resources/read", "Mcp-Name": uri}, uri=uri)
    assert document["error"]["code"] == INVALID_PARAMS
    assert document["error"]["data"] == {"uri": uri}


@pytest.mark.parametrize(
    ("method", "params", "kept"),
    [
        ("tools/list", {}, True),
        ("resources/list", {}, True),
        ("resources/templates/list", {}, True),
        ("prompts/list", {}, True),
        ("server/discover", {}, None),
        ("resources/read", {"uri": "policy://targets"}, False),
    ],
)
async def test_answers_say_how_long_they_hold_and_for_whom(
    bridge: RunningBridge, method: str, params: dict[str, Any], kept: bool | None
) -> None:
    headers = {"Mcp-Method": method, "Mcp-Name": params.get("uri", "")}
    status, document = await posted(bridge, method, headers, **params)
    assert status == 200
    result = document["result"]
    assert result["resultType"] == "complete"
    assert isinstance(result["ttlMs"], int)
    assert result["cacheScope"] in {"public", "private"}
    if kept is not None:
        assert (result["ttlMs"] > 0) is kept
    if method == "resources/read":
        assert result["cacheScope"] == "private"


async def test_the_stateless_version_holds_no_session(bridge: RunningBridge) -> None:
    body = {"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {"_meta": META}}
    headers = {**ACCEPT, "mcp-protocol-version": MODERN, "Mcp-Method": "tools/list", "mcp-session-id": "made-up"}
    async with plain_http(timeout=WITHIN_S) as web:
        answer = await web.post(bridge.url, json=body, headers=headers)
    assert answer.status_code == 200
    assert "mcp-session-id" not in answer.headers


@pytest.mark.parametrize("version", VERSIONS[1:])
async def test_a_session_of_an_older_version_begins_with_the_handshake_and_can_be_ended(
    bridge: RunningBridge, version: str
) -> None:
    opening = {"protocolVersion": version, "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}}
    async with plain_http(timeout=WITHIN_S, headers=ACCEPT) as web:

        async def posted(method: str, params: dict[str, Any], **headers: str) -> httpx.Response:
            body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
            return await web.post(bridge.url, json=body, headers=headers)

        opened = await posted("initialize", opening)
        session = {"mcp-session-id": opened.headers["mcp-session-id"], "mcp-protocol-version": version}
        assert f'"protocolVersion":"{version}"' in opened.text
        notified = {"jsonrpc": "2.0", "method": "notifications/initialized"}
        assert (await web.post(bridge.url, json=notified, headers=session)).status_code == 202
        assert '"result":{}' in (await posted("ping", {}, **session)).text
        assert (await posted("tools/list", {})).status_code == 400
        assert (await posted("tools/list", {}, **{**session, "mcp-session-id": "another"})).status_code == 404
        assert (await web.delete(bridge.url, headers=session)).status_code == 200
        assert (await posted("ping", {}, **session)).status_code == 404
