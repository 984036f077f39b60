"""How the bridge is reached: over HTTP by the right names alone, over stdio, and how much of it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from mcp import Client, StdioServerParameters
from mcp.shared.exceptions import MCPError

from scanpool.bridge.configuration.model import Token
from scanpool.bridge.configuration.settings import BridgeSettings
from scanpool.bridge.gate.identity.minting import new_token, token_hash
from scanpool.bridge.gate.limits import LIMITED
from scanpool.bridge.serving.exposure import BridgeExposed, open_door, url_of
from scanpool.bridge.serving.running import serve_http
from scanpool.runtime.connection import NatsAddress
from scanpool.runtime.settings import Settings
from tests.support.bridge import RunningBridge, bridge_at, called, connected, refusal
from tests.support.broker import Stand, standing
from tests.support.processes import SCANPOOL
from tests.support.web import plain_http

ACCEPT = {"accept": "application/json, text/event-stream", "content-type": "application/json"}
MODERN = {"io.modelcontextprotocol/protocolVersion": "2026-07-28", "io.modelcontextprotocol/clientCapabilities": {}}


@pytest.fixture
async def stand() -> AsyncIterator[Stand]:
    async with standing(("lab",)) as stand:
        yield stand


async def posted(url: str, method: str = "tools/list", **headers: str) -> httpx.Response:
    """One request of the stateless era."""
    body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": {"_meta": MODERN}}
    version = {"mcp-protocol-version": "2026-07-28", "mcp-method": method}
    async with plain_http(timeout=30) as http:
        return await http.post(url, json=body, headers={**ACCEPT, **version, **headers})


async def test_a_page_that_rebinds_its_name_to_this_machine_gets_nothing(stand: Stand) -> None:
    async with bridge_at(stand.broker.url) as bridge:
        assert (await posted(bridge.url)).status_code == 200
        for host in ("evil.example", "evil.example:8765", "127.0.0.1.evil.example", "localhost.evil.example:80", ""):
            assert (await posted(bridge.url, host=host)).status_code == 421
        metrics = bridge.url.replace("/mcp", "/metrics")
        async with plain_http() as http:
            assert (await http.get(metrics)).status_code == 200
            assert (await http.get(metrics, headers={"host": "evil.example"})).status_code == 421


async def test_a_page_of_somebody_else_may_not_call(stand: Stand) -> None:
    async with bridge_at(stand.broker.url) as bridge:
        for origin in ("https://evil.example", "http://evil.example:8765", "null", "http://localhost.evil.example"):
            assert (await posted(bridge.url, origin=origin)).status_code == 403
        assert (await posted(bridge.url, origin="http://localhost:3000")).status_code == 200


@pytest.mark.parametrize("port", ["evil", "80.evil.example", "", "0", "65536", "80@evil.example", "-1", "\u0668"])
async def test_a_port_that_there_cannot_be_makes_no_name_of_this_machine(stand: Stand, port: str) -> None:
    async with bridge_at(stand.broker.url) as bridge, plain_http() as http:
        for host in ("localhost", "127.0.0.1", "[::1]"):
            assert (await posted(bridge.url, host=f"{host}:8765")).status_code == 200
            assert (await raw(http, bridge.url, ("host", f"{host}:{port}"))).status_code == 421
            assert (await raw(http, bridge.url, ("origin", f"http://{host}:{port}"))).status_code == 403
        metrics = bridge.url.replace("/mcp", "/metrics")
        junk = [(b"host", f"localhost:{port}".encode())]
        assert (await http.get(metrics, headers=junk)).status_code == 421


async def test_a_request_that_says_twice_who_calls_is_refused_whichever_is_good(stand: Stand) -> None:
    good, bad = f"Bearer {TOKEN}", f"Bearer {new_token()}"
    entry = Token(subject="agent", sha256=token_hash(TOKEN), scopes=("pool:read",))
    settings = BridgeSettings(tokens=(entry,))
    async with bridge_at(stand.broker.url, settings) as bridge, plain_http() as http:
        assert (await raw(http, bridge.url, ("authorization", good))).status_code == 200
        for first, second in ((good, bad), (bad, good), (good, good)):
            answer = await raw(http, bridge.url, ("authorization", first), ("Authorization", second))
            assert (answer.status_code, answer.text) == (400, "More than one Authorization header")


TOKEN = new_token()


async def raw(http: httpx.AsyncClient, url: str, *headers: tuple[str, str]) -> httpx.Response:
    """As `posted`, with headers as they are written."""
    body = {"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {"_meta": MODERN}}
    version = {"mcp-protocol-version": "2026-07-28", "mcp-method": "tools/list"}
    named = [*ACCEPT.items(), *version.items(), *headers]
    return await http.post(url, json=body, headers=[(name.encode(), value.encode()) for name, value in named])


async def test_names_and_pages_that_the_file_allows_are_answered(stand: Stand) -> None:
    settings = BridgeSettings(allowed_hosts=("scanpool.internal",), allowed_origins=("https://console.corp.example",))
    async with bridge_at(stand.broker.url, settings) as bridge:
        host, origin = "scanpool.internal:8765", "https://console.corp.example"
        assert (await posted(bridge.url, host=host, origin=origin)).status_code == 200
        assert (await posted(bridge.url, host="scanpool.internal.evil.example")).status_code == 421
        assert (await posted(bridge.url, origin="http://console.corp.example")).status_code == 403


LISTEN = {"notifications": {"toolsListChanged": True}}


async def test_streams_that_are_only_listened_to_end_with_the_bridge(stand: Stand) -> None:
    async with bridge_at(stand.broker.url) as bridge, plain_http(timeout=30) as http:
        opening = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}}
        body = {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": opening}
        session = (await http.post(bridge.url, json=body, headers=ACCEPT)).headers["mcp-session-id"]
        older = http.stream("GET", bridge.url, headers={"accept": "text/event-stream", "mcp-session-id": session})
        method = "subscriptions/listen"
        listen = {"jsonrpc": "2.0", "id": 1, "method": method, "params": {"_meta": MODERN, **LISTEN}}
        version = {"mcp-protocol-version": "2026-07-28", "mcp-method": method}
        newer = http.stream("POST", bridge.url, json=listen, headers={**ACCEPT, **version})
        async with older as one, newer as two, asyncio.timeout(60):
            for stream in (one, two):
                assert stream.headers["content-type"].startswith("text/event-stream")
            bridge.parts.stopping.set()
            await asyncio.gather(one.aread(), two.aread())


async def test_more_than_four_mebibytes_are_not_read(stand: Stand) -> None:
    async with bridge_at(stand.broker.url) as bridge, plain_http(timeout=30) as http:
        answer = await http.post(bridge.url, content=b" " * (4 * 1024 * 1024 + 1), headers=ACCEPT)
    assert answer.status_code == 413


async def test_beyond_loopback_it_is_served_to_those_alone_who_sign_in_and_ask_for_it_by_name(stand: Stand) -> None:
    with pytest.raises(BridgeExposed):
        open_door(BridgeSettings(host="0.0.0.0", port=0))
    token = new_token()
    entry = Token(subject="agent", sha256=token_hash(token), scopes=("pool:read",))
    settings = BridgeSettings(host="0.0.0.0", port=0, tokens=(entry,), allowed_hosts=("scanpool.internal",))
    process = Settings(nats=NatsAddress(url=stand.broker.url))
    with contextlib.closing(open_door(settings)) as door:
        stopping, ready = asyncio.Event(), asyncio.Event()
        served: list[Any] = []

        def tell(place: Any) -> None:
            served.append(place)
            ready.set()

        task = asyncio.create_task(serve_http(settings, process, door, stopping=stopping, on_ready=tell))
        async with asyncio.timeout(60):
            await ready.wait()
        url = url_of(settings, door).replace("0.0.0.0", "127.0.0.1")
        bearer = {"authorization": f"Bearer {token}"}
        assert (await posted(url)).status_code == 401
        assert (await posted(url, **bearer)).status_code == 200
        assert (await posted(url, host="scanpool.internal", **bearer)).status_code == 200
        assert (await posted(url, host="evil.example", **bearer)).status_code == 421
        async with plain_http() as http:
            assert (await http.get(url.replace("/mcp", "/metrics"))).status_code == 404
            assert "nessus_api_requests_total" in (await http.get(served[0].metrics_url)).text
        assert served[0].metrics_url.startswith("http://127.0.0.1:")
        stopping.set()
        async with asyncio.timeout(60):
            await task


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_a_host_that_starts_it_over_stdio_is_answered_in_either_era(stand: Stand, mode: str) -> None:
    parameters = StdioServerParameters(
        command=str(SCANPOOL), args=["bridge", "--stdio"], env={"SCANPOOL_NATS_URL": stand.broker.url}
    )
    async with Client(parameters, mode=mode) as client:
        assert {"get_scan_status", "list_pools"} <= {each.name for each in (await client.list_tools()).tools}
        assert (await refusal(client, "get_scan_status", task_id="none"))["code"] == "unknown_task"


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_too_many_calls_are_told_as_a_tool_tells_and_other_requests_as_an_error(stand: Stand, mode: str) -> None:
    settings = BridgeSettings(requests_per_minute=8)
    async with bridge_at(stand.broker.url, settings) as bridge, connected(bridge, mode=mode) as client:
        refused: dict[str, Any] | None = None
        for _ in range(9):
            result = await client.call_tool("list_pools", {})
            if result.is_error:
                refused = await refusal(client, "list_pools")
                break
        with pytest.raises(MCPError) as error:
            await client.list_prompts()
        counted = bridge.parts.metrics.registry.get_sample_value
        assert counted("nessus_api_requests_total", {"tool": "list_pools", "status": "limit"}) == 2
    assert refused is not None
    assert (refused["code"], refused["retryable"]) == ("limit", True)
    assert 1 <= refused["retry_after_s"] <= 8
    assert error.value.error.code == LIMITED
    assert error.value.error.data["retry_after_s"] >= 1


async def test_scans_are_limited_more_strictly_than_questions(stand: Stand) -> None:
    settings = BridgeSettings(submits_per_minute=1)
    async with bridge_at(stand.broker.url, settings) as bridge, connected(bridge) as client:
        first = await refusal(client, "run_untrusted_scan", targets=["10.10.0.1"], name="one")
        second = await refusal(client, "run_untrusted_scan", targets=["10.10.0.1"], name="two")
        assert (await called(client, "list_pools"))["pools"] is not None
    assert first["code"] != "limit"
    assert second["code"] == "limit"


@pytest.mark.parametrize("method", ["resources/subscribe", "tasks/list", "made/up"])
async def test_what_there_is_not_is_answered_as_that_however_often_it_is_asked_for(stand: Stand, method: str) -> None:
    settings = BridgeSettings(requests_per_minute=1)
    async with bridge_at(stand.broker.url, settings) as bridge:
        assert (await posted(bridge.url)).status_code == 200
        assert (await posted(bridge.url)).json()["error"]["code"] == LIMITED
        answers = [await posted(bridge.url, method) for _ in range(3)]
    assert [(each.status_code, each.json()["error"]["code"]) for each in answers] == [(404, -32601)] * 3


async def test_calls_are_counted_by_tool_and_end_and_made_up_names_as_one(stand: Stand) -> None:
    async with bridge_at(stand.broker.url) as bridge, connected(bridge) as client:
        await called(client, "list_pools")
        await refusal(client, "get_scan_status", task_id="none")
        await refusal(client, "get_scan_status", task_id="none", detail="all")
        for name in ("made_up", "made_up_too"):
            with contextlib.suppress(MCPError):
                await client.call_tool(name, {})
        text = (await asked_metrics(bridge)).splitlines()
    counted = {line for line in text if line.startswith("nessus_api_requests_total")}
    assert counted >= {
        'nessus_api_requests_total{status="ok",tool="list_pools"} 1.0',
        'nessus_api_requests_total{status="unknown_task",tool="get_scan_status"} 1.0',
        'nessus_api_requests_total{status="invalid_argument",tool="get_scan_status"} 1.0',
        'nessus_api_requests_total{status="error",tool="unknown"} 2.0',
    }
    assert "made_up" not in "".join(counted)


async def asked_metrics(bridge: RunningBridge) -> str:
    async with plain_http() as http:
        return (await http.get(bridge.url.replace("/mcp", "/metrics"))).text
