"""What an owner's scans cost to find: what the owner has, however many scans others have."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import pytest
from mcp import Client
from mcp.types import PromptReference

from scanpool.bridge.caller import SCOPES, Caller
from scanpool.bridge.configuration.settings import BridgeSettings
from scanpool.bridge.following.owned import Owned
from scanpool.client.lookup import Lookup
from scanpool.runtime.topology.apply import apply
from scanpool.runtime.topology.definitions import topology
from scanpool_schemas import subjects
from tests.support.bridge import RunningBridge, bridge_at, called, connected
from tests.support.broker import Stand, standing
from tests.support.scripted_scans import ScriptedScans

AGENT = Caller(subject="agent", scopes=frozenset(SCOPES) - {"scan:read:all"})
FOREIGN = 600


@pytest.fixture
async def stand() -> AsyncIterator[Stand]:
    async with standing(("lab",)) as running:
        yield running


@pytest.fixture
def scans(stand: Stand) -> ScriptedScans:
    return ScriptedScans(stand.jetstream)


@asynccontextmanager
async def an_agent(stand: Stand) -> AsyncIterator[tuple[RunningBridge, Client]]:
    async with bridge_at(stand.broker.url, BridgeSettings(local=AGENT)) as bridge, connected(bridge) as client:
        yield bridge, client


async def listed(client: Client, **filters: Any) -> list[str]:
    found = await called(client, "list_tasks", **filters)
    assert found["total"] == found["returned"] == len(found["tasks"])
    return [task["task_id"] for task in found["tasks"]]


async def completed(client: Client, begun: str = "") -> tuple[list[str], int | None]:
    argument = {"name": "task_id", "value": begun}
    found = await client.complete(PromptReference(type="ref/prompt", name="triage_scan"), argument)
    return list(found.completion.values), found.completion.total


async def deleted(stand: Stand, scan_id: str) -> None:
    """As housekeeping does after the scan's retention."""
    await stand.jetstream.purge(subjects.pool_stream("lab"), subjects.events_of("lab", scan_id), 1_000_000)


async def test_an_owners_scans_are_found_among_many_newer_ones_and_cost_what_it_has(
    stand: Stand, scans: ScriptedScans
) -> None:
    for own in ("own-1", "own-2"):
        await scans.queued(own, owner="agent")
    for number in range(FOREIGN):
        await scans.queued(f"foreign-{number}", owner="somebody")
    async with an_agent(stand) as (bridge, client):
        assert await listed(client) == ["own-2", "own-1"]
        received = bridge.parts.jetstream.client.stats
        before = received["in_msgs"]
        assert await listed(client) == ["own-2", "own-1"]
        assert await completed(client, "own") == (["own-2", "own-1"], 2)
        assert received["in_msgs"] - before < 20
        assert await completed(client, "foreign") == ([], 0)


async def test_what_happens_between_two_lists_is_in_the_second(stand: Stand, scans: ScriptedScans) -> None:
    async with an_agent(stand) as (_, client):
        assert await listed(client) == []
        for own in ("first", "second"):
            await scans.queued(own, owner="agent")
        await scans.queued("foreign", owner="somebody")
        assert await listed(client, status_filter="queued") == ["second", "first"]
        between = datetime.now(UTC)
        await scans.launched("first")
        await scans.failed("second")
        await scans.queued("third", owner="agent")
        assert await listed(client, status_filter="queued") == ["third"]
        assert await listed(client, status_filter="running") == ["first"]
        assert await listed(client, status_filter="failed") == ["second"]
        assert await listed(client, since=between.isoformat()) == ["third"]


async def test_a_scan_that_was_deleted_is_in_no_list_no_total_and_no_completion(
    stand: Stand, scans: ScriptedScans
) -> None:
    for own in ("first", "second", "third"):
        await scans.queued(own, owner="agent")
    async with an_agent(stand) as (_, client):
        assert await listed(client) == ["third", "second", "first"]
        await deleted(stand, "second")
        assert await completed(client) == (["third", "first"], 2)
        await deleted(stand, "third")
        assert await listed(client) == ["first"]
        assert await completed(client) == (["first"], 1)


async def test_an_id_that_somebody_else_uses_again_is_no_longer_its_first_owners(
    stand: Stand, scans: ScriptedScans
) -> None:
    await scans.queued("weekly", owner="agent")
    async with an_agent(stand) as (_, client):
        assert await listed(client) == ["weekly"]
        await deleted(stand, "weekly")
        await ScriptedScans(stand.jetstream).queued("weekly", owner="somebody")
        assert await listed(client) == []
        assert await completed(client) == ([], 0)
        await deleted(stand, "weekly")
        await ScriptedScans(stand.jetstream).queued("weekly", owner="agent")
        assert await listed(client) == ["weekly"]


async def test_a_stream_that_was_made_anew_is_read_anew(stand: Stand, scans: ScriptedScans) -> None:
    for own in ("first", "second"):
        await scans.queued(own, owner="agent")
    async with an_agent(stand) as (_, client):
        assert await listed(client) == ["second", "first"]
        await stand.jetstream.api(f"STREAM.DELETE.{subjects.pool_stream('lab')}", None, dict[str, Any])
        await apply(stand.jetstream, topology(("lab",), replicas=1))
        await ScriptedScans(stand.jetstream).queued("third", owner="agent")
        assert await listed(client) == ["third"]


async def test_of_a_pool_with_more_scans_than_are_kept_in_mind_the_list_is_right_all_the_same(
    stand: Stand, scans: ScriptedScans
) -> None:
    owned = Owned(stand.jetstream, Lookup(stand.jetstream), most=3)
    for number in range(4):
        await scans.queued(f"own-{number}", owner="agent")
        await scans.queued(f"foreign-{number}", owner="somebody")
        assert len(await owned.scans("agent")) == number + 1
    assert [scan.id for scan in await owned.scans("agent")] == ["own-3", "own-2", "own-1", "own-0"]
    assert len(await owned.scans(None)) == 8


async def test_many_lists_at_once_read_a_stream_once(stand: Stand, scans: ScriptedScans) -> None:
    for number in range(150):
        await scans.queued(f"foreign-{number}", owner="somebody")
    await scans.queued("own", owner="agent")
    jetstream = await stand.connection()
    owned = Owned(jetstream, Lookup(jetstream))
    found = await asyncio.gather(*(owned.scans("agent") for _ in range(20)))
    assert all([scan.id for scan in each] == ["own"] for each in found)
    assert jetstream.client.stats["in_msgs"] < 400
