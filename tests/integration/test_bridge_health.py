"""What the bridge says of itself while NATS goes away and comes back."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx

from tests.support.bridge import RunningBridge, bridge_at, called, connected, refusal
from tests.support.broker import Broker, standing
from tests.support.eventually import becomes, once
from tests.support.web import plain_http

TOLD_WITHIN_S = 15.0


@asynccontextmanager
async def bridge_of_its_own() -> AsyncIterator[tuple[Broker, RunningBridge]]:
    async with standing(("lab",)) as stand, bridge_at(stand.broker.url) as bridge:
        yield stand.broker, bridge


async def asked(bridge: RunningBridge, path: str) -> httpx.Response:
    async with plain_http(timeout=60) as http:
        return await http.get(bridge.url.replace("/mcp", path))


async def ready(bridge: RunningBridge) -> tuple[int, dict[str, Any]]:
    answer = await asked(bridge, "/ready")
    return answer.status_code, answer.json()


async def until_unready(bridge: RunningBridge) -> float:
    """How long it takes to say so, in seconds."""
    began = time.monotonic()
    await once(lambda: ready(bridge), lambda answer: answer[0] != 200)
    return time.monotonic() - began


async def test_it_is_ready_while_nats_answers_and_says_why_it_is_not() -> None:
    async with bridge_of_its_own() as (broker, bridge), connected(bridge) as client:
        assert await ready(bridge) == (200, {"status": "ok", "reasons": []})
        await broker.stop()
        assert await until_unready(bridge) < TOLD_WITHIN_S
        code, said = await ready(bridge)
        assert (code, said) == (503, {"status": "not ready", "reasons": ["not connected to NATS"]})
        assert (await asked(bridge, "/health")).json() == {"status": "ok"}
        away = await refusal(client, "list_pools")
        assert (away["code"], away["retryable"]) == ("backend_unavailable", True)
        await broker.start_again()
        await becomes(lambda: is_ready(bridge))
        assert await called(client, "list_pools")


async def test_a_nats_that_hangs_is_told_too() -> None:
    async with bridge_of_its_own() as (broker, bridge):
        with broker.frozen():
            assert await until_unready(bridge) < TOLD_WITHIN_S
            assert (await ready(bridge))[1]["reasons"] == ["NATS does not answer within 1 s"]
        await becomes(lambda: is_ready(bridge))


async def test_a_bridge_that_stops_is_not_ready_and_alive() -> None:
    async with bridge_of_its_own() as (_, bridge):
        bridge.parts.stopping.set()
        assert await ready(bridge) == (503, {"status": "not ready", "reasons": ["stopping"]})
        assert (await asked(bridge, "/health")).status_code == 200


async def is_ready(bridge: RunningBridge) -> bool:
    return (await ready(bridge))[0] == 200
