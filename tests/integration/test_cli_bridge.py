"""The executable that serves agents, alone and as part of everything, and makes tokens for them."""

from __future__ import annotations

import asyncio
import hashlib
import json
import signal
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio
import yaml
from httpx2 import ConnectError
from mcp import Client

from scanpool.bridge.configuration.loading import load
from scanpool.cli.running.bridge import _yaml
from scanpool.client import ScanPool
from scanpool.runtime.embedded_nats import EmbeddedNats
from scanpool.runtime.topology.apply import apply
from scanpool.runtime.topology.definitions import topology
from tests.support.broker import Broker, running_broker
from tests.support.cli import ended, interrupted, scanpool, started
from tests.support.eventually import once
from tests.support.pipeline import connected_jetstream, embedded_nats
from tests.support.ports import own_port
from tests.support.scanners_file import a_configuration, a_pool, a_scanner, written

pytestmark = pytest.mark.asyncio(loop_scope="module")

READY_S = 60
INITIALIZE = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {
        "protocolVersion": "2025-06-18",
        "capabilities": {},
        "clientInfo": {"name": "test", "version": "1"},
    },
}


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def nats() -> AsyncIterator[EmbeddedNats]:
    async with embedded_nats() as running:
        async with connected_jetstream(running.url) as jetstream:
            await apply(jetstream, topology(("lab",), replicas=1))
        yield running


async def line_of(stream: asyncio.StreamReader | None, event: str | None = None) -> Any:
    """The next line that is JSON, of the event where one is named."""
    assert stream is not None
    async with asyncio.timeout(READY_S):
        while line := await stream.readline():
            if line.startswith(b"{") and (event is None or json.loads(line).get("event") == event):
                return json.loads(line)
    raise AssertionError("ended without it")


async def served(*words: str) -> tuple[asyncio.subprocess.Process, dict[str, Any]]:
    """A bridge that is ready, and the document that it printed."""
    process = await started("bridge", "--port", "0", "--json", *words)
    return process, await line_of(process.stdout)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=lambda number: number.name)
async def test_it_says_where_it_is_serves_there_and_ends_when_told_to(
    nats: EmbeddedNats, number: signal.Signals
) -> None:
    process, document = await served("--nats", nats.url)
    async with Client(document["url"]) as client:
        assert (await client.call_tool("list_pools", {})).is_error is False
    async with httpx.AsyncClient(trust_env=False) as http:
        assert "nessus_api_requests_total" in (await http.get(document["metrics_url"])).text
    end = await interrupted(process, number)
    assert (end.code, end.out) == (0, "")


async def test_a_wait_in_hand_is_answered_when_it_is_told_to_end(nats: EmbeddedNats) -> None:
    async with await ScanPool.connect(nats.url) as scanpool_client:
        await scanpool_client.submit(["10.10.0.1"], name="waits", id="waits", owner="local")
    process, document = await served("--nats", nats.url)
    is_waiting = asyncio.Event()

    async def told(progress: float, total: float | None, message: str | None) -> None:
        is_waiting.set()

    try:
        async with Client(document["url"]) as client:
            await client.list_tools()  # it checks the answer by the tool's definition, which is not to be had any more
            arguments = {"task_id": "waits", "timeout_s": 45}
            waiting = asyncio.create_task(client.call_tool("wait_for_scan", arguments, progress_callback=told))
            async with asyncio.timeout(60):
                await is_waiting.wait()
            began = time.monotonic()
            process.send_signal(signal.SIGTERM)
            answer = await waiting
            assert time.monotonic() - began < 20
    except* ConnectError:
        pass  # the bridge may be gone before its client takes leave of it
    assert (await ended(process)).code == 0
    assert answer.structured_content is not None
    assert answer.structured_content["timed_out"] is True


async def test_over_stdio_nothing_but_the_protocol_is_printed_and_it_ends_with_its_input(nats: EmbeddedNats) -> None:
    process = await started("bridge", "--stdio", "--nats", nats.url, "--log-level", "debug")
    assert process.stdin is not None
    process.stdin.write(json.dumps(INITIALIZE).encode() + b"\n")
    answer = await line_of(process.stdout)
    assert answer["result"]["serverInfo"]["name"] == "scanpool"
    end = await ended(process)
    assert (end.code, end.out) == (0, "")
    assert all(line.startswith("{") for line in end.err.splitlines())


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=lambda number: number.name)
async def test_over_stdio_it_ends_when_told_to_though_its_input_stays_open(
    nats: EmbeddedNats, number: signal.Signals
) -> None:
    process = await started("bridge", "--stdio", "--nats", nats.url)
    await line_of(process.stderr, "ready")
    process.send_signal(number)
    async with asyncio.timeout(READY_S):
        assert await process.wait() == 0


async def test_it_is_served_on_loopback_alone_until_somebody_has_to_sign_in(nats: EmbeddedNats, tmp_path: Path) -> None:
    refused = await scanpool("bridge", "--host", "0.0.0.0", "--nats", nats.url, "--json")
    assert refused.code == 2
    assert refused.document["error"]["code"] == "bridge_exposed"
    assert "scanpool bridge token" in refused.document["error"]["message"]
    made = (await scanpool("bridge", "token", "--subject", "a", "--scope", "pool:read", "--json")).document
    file = tmp_path / "bridge.yaml"
    file.write_text(json.dumps({"tokens": [made["entry"]]}))
    process, document = await served("--host", "0.0.0.0", "--nats", nats.url, "--bridge-config", str(file))
    url = document["url"].replace("0.0.0.0", "127.0.0.1")
    accept = {"accept": "application/json, text/event-stream"}
    async with httpx.AsyncClient(trust_env=False, headers=accept) as http:
        assert (await http.post(url, json=INITIALIZE)).status_code == 401
        bearer = {"authorization": f"Bearer {made['token']}"}
        assert (await http.post(url, json=INITIALIZE, headers=bearer)).status_code == 200
    assert made["token"] not in (end := await interrupted(process, signal.SIGTERM)).err
    assert end.code == 0


async def test_without_nats_it_ends_with_the_remedy() -> None:
    end = await scanpool("bridge", "--nats", "nats://127.0.0.1:1", "--port", "0", "--json")
    assert (end.code, end.document["error"]["code"]) == (1, "broker_unavailable")
    assert "scanpool up" in end.document["error"]["message"]


async def test_a_port_that_is_taken_is_named(nats: EmbeddedNats) -> None:
    port = nats.url.rpartition(":")[2]
    end = await scanpool("bridge", "--nats", nats.url, "--port", port, "--json")
    assert (end.code, end.document["error"]["code"]) == (1, "port_taken")
    assert f"127.0.0.1, port {port}: Address already in use" in end.document["error"]["message"]


async def test_a_bad_file_is_told_with_all_that_is_wrong(tmp_path: Path) -> None:
    file = tmp_path / "bridge.yaml"
    file.write_text("nmae: x\ntokens: [{subject: a}]\n")
    end = await scanpool("bridge", "--bridge-config", str(file), "--json")
    assert (end.code, end.document["error"]["code"]) == (2, "configuration_invalid")
    paths = [each["path"] for each in end.document["error"]["problems"]]
    assert paths == ["nmae", "tokens[0].scopes", "tokens[0].sha256"]


@pytest.mark.parametrize("option", [("--host", "127.0.0.1"), ("--port", "1"), ("--json",)], ids=lambda each: each[0])
async def test_stdio_takes_nothing_of_http(option: tuple[str, ...]) -> None:
    end = await scanpool("bridge", "--stdio", *option)
    assert end.code == 2
    assert f"{option[0]}: is of HTTP" in end.err


async def test_a_token_is_shown_once_with_the_entry_that_believes_it(tmp_path: Path) -> None:
    scopes = ("--scope", "scan:read", "--scope", "scan:run", "--scope", "scan:read")
    end = await scanpool("bridge", "token", "--subject", 'a "b": c', *scopes, "--expires", "90d")
    assert end.code == 0
    token, _, entry = end.out.partition("\n")
    assert token.startswith("scanpool_")
    assert len(token) > 50
    assert token not in entry + end.err
    file = tmp_path / "bridge.yaml"
    file.write_text(entry)
    settings, _ = load(file, {}, datetime.now(UTC))
    (known,) = settings.tokens
    assert known.sha256 == hashlib.sha256(token.encode()).hexdigest()
    assert (known.subject, known.scopes) == ('a "b": c', ("scan:read", "scan:run"))
    assert known.expires is not None
    assert abs(known.expires - datetime.now(UTC) - timedelta(days=90)) < timedelta(minutes=5)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--subject", "a"), "Missing option '--scope'"),
        (("--scope", "ops"), "Missing option '--subject'"),
        (("--subject", "a", "--scope", "opps"), "'opps' is not one of scan:read, "),
        (("--subject", " ", "--scope", "ops"), "--subject: takes 1 to 256 characters"),
        (("--subject", "a", "--scope", "ops", "--expires", "0d"), "'0d' lasts no time"),
    ],
)
async def test_what_is_wrong_with_a_token_is_told(words: tuple[str, ...], said: str) -> None:
    end = await scanpool("bridge", "token", *words)
    assert (end.code, end.out) == (2, "")
    assert said in end.err


async def test_everything_in_one_process_serves_agents_too(tmp_path: Path) -> None:
    pools = {"lab": a_pool(scanners=[a_scanner(url="http://127.0.0.1:1")])}
    file = written(tmp_path, a_configuration(pools=pools))
    store, port, bridge_port = tmp_path / "store", own_port(), own_port()
    words = ("up", "--config", str(file), "--store", str(store), "--port", str(port), "--json")
    keys = {"ACCESS_KEY": "a", "SECRET_KEY": "s"}
    process = await started(*words, "--bridge-port", str(bridge_port), environ=keys)
    document = await line_of(process.stdout)
    assert document["bridge_url"] == f"http://127.0.0.1:{bridge_port}/mcp"
    async with Client(document["bridge_url"]) as client:
        pools_seen = await client.call_tool("list_pools", {})
    assert '"lab"' in str(pools_seen.content[0])
    assert (await interrupted(process, signal.SIGTERM)).code == 0
    without = await started(*words, "--no-bridge", environ=keys)
    assert (await line_of(without.stdout))["bridge_url"] is None
    assert (await interrupted(without, signal.SIGTERM)).code == 0


async def test_the_bridge_outlives_nats(tmp_path: Path) -> None:
    async with running_broker() as broker:
        async with connected_jetstream(broker.url) as jetstream:
            await apply(jetstream, topology(("lab",), replicas=1))
        process, document = await served("--nats", broker.url)
        await _without_nats(broker, document["url"].replace("/mcp", "/ready"))
        async with Client(document["url"]) as client:
            assert (await client.call_tool("list_pools", {})).is_error is False
        await broker.stop()
        assert (await interrupted(process, signal.SIGTERM)).code == 0


async def _without_nats(broker: Broker, ready_url: str) -> None:
    """NATS goes and comes back, and the bridge says so."""
    async with httpx.AsyncClient(trust_env=False) as http:
        assert (await http.get(ready_url)).status_code == 200
        await broker.stop()
        await once(lambda: http.get(ready_url), lambda answer: answer.status_code == 503, within_s=READY_S)
        await broker.start_again()
        await once(lambda: http.get(ready_url), lambda answer: answer.status_code == 200, within_s=READY_S)


async def test_the_entry_is_yaml_that_others_read_alike() -> None:
    entry: dict[str, object] = {"subject": "yes", "scopes": ["ops"], "expires": "2027-01-31T12:00:00Z"}
    expires = datetime(2027, 1, 31, 12, tzinfo=UTC)
    assert yaml.safe_load(_yaml(entry)) == [{"subject": "yes", "scopes": ["ops"], "expires": expires}]
