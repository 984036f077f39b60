"""What goes on after a call was let in: it ends with the token that let it in."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from mcp.server.auth.provider import AccessToken
from mcp.shared.exceptions import MCPError

from scanpool.bridge.configuration.model import Jwt, Token
from scanpool.bridge.configuration.settings import BridgeSettings
from scanpool.bridge.gate.identity.lasting import Lasting
from scanpool.bridge.gate.identity.minting import new_token, token_hash
from tests.support.bridge import RunningBridge, bridge_at, called, signed_in
from tests.support.bridge_tasks import KnowsTasks, asked, created
from tests.support.broker import Stand, standing
from tests.support.issuer import AUDIENCE, ISSUER, key_server, rsa_key, signed
from tests.support.scripted_scans import ScriptedScans
from tests.support.web import plain_http

pytestmark = pytest.mark.long

RSA = rsa_key("rsa-1")
ACCEPT = {"accept": "application/json, text/event-stream", "content-type": "application/json"}
MODERN = {"io.modelcontextprotocol/protocolVersion": "2026-07-28", "io.modelcontextprotocol/clientCapabilities": {}}
GOOD_FOR_S = 5
"""Of which a bridge takes the first to start."""
LATE_S = 12
"""Far beyond the token's end, and before anything else would end it."""


@pytest.fixture
async def stand() -> AsyncIterator[Stand]:
    """With a scan that goes on."""
    async with standing(("lab",)) as running:
        await ScriptedScans(running.jetstream).queued("s1", owner="agent")
        yield running


@asynccontextmanager
async def short_lived(stand: Stand, kind: str) -> AsyncIterator[tuple[RunningBridge, str, str]]:
    """A bridge, a token that is good for a moment and one that lasts."""
    short, lasting = new_token(), new_token()
    if kind == "known":
        ends = datetime.now(UTC) + timedelta(seconds=GOOD_FOR_S)
        async with bridge_at(stand.broker.url, BridgeSettings(tokens=(entry(short, ends), entry(lasting)))) as bridge:
            yield bridge, short, lasting
    else:
        async with key_server(RSA) as issuer:
            trust = Jwt(issuer=ISSUER, jwks_url=issuer.url, audience=AUDIENCE, leeway_s=0)
            async with bridge_at(stand.broker.url, BridgeSettings(jwt=trust, tokens=(entry(lasting),))) as bridge:
                yield bridge, signed(RSA, exp=int(time.time()) + GOOD_FOR_S, scope="scan:read"), lasting


def entry(token: str, expires: datetime | None = None) -> Token:
    return Token(subject="agent", sha256=token_hash(token), scopes=("scan:read",), expires=expires)


def headers(token: str, **more: str) -> Mapping[str, str]:
    return {**ACCEPT, "authorization": f"Bearer {token}", **more}


async def listened(bridge: RunningBridge, token: str) -> float:
    """How long a subscription to the scan stays open, in seconds."""
    method = "subscriptions/listen"
    about = {"_meta": MODERN, "notifications": {"resourceSubscriptions": ["scan://s1/status"]}}
    body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": about}
    sent = headers(token, **{"mcp-protocol-version": "2026-07-28", "mcp-method": method})
    async with (
        plain_http(timeout=30) as http,
        http.stream("POST", bridge.url, json=body, headers=sent) as answer,
    ):
        assert answer.status_code == 200
        return await to_its_end(answer)


async def held(bridge: RunningBridge, token: str) -> float:
    """As `listened`, of the stream that a session of an older protocol holds."""
    opening = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}}
    body = {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": opening}
    async with plain_http(timeout=30) as http:
        session = (await http.post(bridge.url, json=body, headers=headers(token))).headers["mcp-session-id"]
        async with http.stream("GET", bridge.url, headers=headers(token, **{"mcp-session-id": session})) as answer:
            assert answer.status_code == 200
            return await to_its_end(answer)


async def to_its_end(answer: httpx.Response) -> float:
    began = time.monotonic()
    async with asyncio.timeout(LATE_S):
        async for _ in answer.aiter_bytes():
            pass
    return time.monotonic() - began


async def status_of(bridge: RunningBridge, token: str) -> int:
    body = {"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {"_meta": MODERN}}
    sent = headers(token, **{"mcp-protocol-version": "2026-07-28", "mcp-method": "tools/list"})
    async with plain_http(timeout=30) as http:
        return (await http.post(bridge.url, json=body, headers=sent)).status_code


@pytest.mark.parametrize("kind", ["known", "issued"])
@pytest.mark.parametrize("stream", [listened, held])
async def test_a_stream_ends_with_the_token_that_opened_it(stand: Stand, kind: str, stream: Any) -> None:
    async with short_lived(stand, kind) as (bridge, token, lasting):
        open_s = await stream(bridge, token)
        assert open_s < GOOD_FOR_S + 10
        assert await status_of(bridge, token) == 401
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(GOOD_FOR_S):
                await stream(bridge, lasting)


@pytest.mark.parametrize("kind", ["known", "issued"])
async def test_a_wait_is_answered_when_its_token_ends(stand: Stand, kind: str) -> None:
    async with short_lived(stand, kind) as (bridge, token, _), signed_in(bridge, token) as client:
        await client.list_tools()  # which the client does before it believes an answer
        began = time.monotonic()
        status = await called(client, "wait_for_scan", task_id="s1", timeout_s=30)
        assert time.monotonic() - began < GOOD_FOR_S + 10
        assert (status["status"], status["timed_out"]) == ("queued", True)
        assert await status_of(bridge, token) == 401
        assert bridge.parts.watcher.waiting == 0


async def test_a_durable_wait_is_told_to_nobody_whose_token_has_ended(stand: Stand) -> None:
    async with short_lived(stand, "known") as (bridge, token, lasting):
        async with signed_in(bridge, token, extensions=[KnowsTasks()]) as client:
            task_id = (await created(client, "wait_for_scan", task_id="s1"))["taskId"]
            assert (await asked(client.session, "tasks/get", task_id))["status"] == "working"
            await listened(bridge, token)
            assert await status_of(bridge, token) == 401
            with pytest.raises(MCPError):
                await asked(client.session, "tasks/get", task_id)
        async with signed_in(bridge, lasting, extensions=[KnowsTasks()]) as client:
            assert (await asked(client.session, "tasks/get", task_id))["status"] == "working"


class Believing:
    """Believes a token so many times more."""

    def __init__(self, times: int) -> None:
        self.times = times

    async def verify_token(self, token: str) -> AccessToken | None:
        self.times -= 1
        return an_access() if self.times >= 0 else None


def an_access(**changes: Any) -> AccessToken:
    return AccessToken(**{"token": "t", "client_id": "agent", "scopes": ["scan:read"], **changes})


@pytest.mark.parametrize("left_s", [None, 3600])
async def test_what_a_key_opened_ends_when_the_key_is_accepted_no_longer(left_s: int | None) -> None:
    expires_at = None if left_s is None else int(time.time()) + left_s
    verifier = Believing(3)
    lasting = Lasting(verifier, lambda: datetime.now(UTC), recheck_s=0.01)
    async with lasting.ending(an_access(expires_at=expires_at), asyncio.Event()) as ending:
        async with asyncio.timeout(LATE_S):
            await ending.wait()
    assert verifier.times == -1


async def test_what_a_token_opened_ends_with_the_process_too() -> None:
    stopping = asyncio.Event()
    lasting = Lasting(Believing(1), lambda: datetime.now(UTC))
    async with lasting.ending(an_access(), stopping) as ending:
        assert not ending.is_set()
        stopping.set()
        async with asyncio.timeout(LATE_S):
            await ending.wait()
