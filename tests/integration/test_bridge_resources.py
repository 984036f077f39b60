"""Resources: addresses that can be read, kept and listened to, by their owner alone."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import pytest
from mcp import Client
from mcp.server.subscriptions import ResourceUpdated
from mcp.shared.exceptions import MCPError
from mcp.types import INVALID_PARAMS, Resource, ResourceTemplate

from scanpool.bridge.caller import Caller
from scanpool.bridge.configuration.settings import BridgeSettings
from scanpool.bridge.offering.listening import MOST_STREAMS
from tests.support.bridge import connected, running_bridge
from tests.support.pipeline import Pipeline, Scanner, running_pipeline

AGENT = Caller(subject="agent", scopes=frozenset({"scan:read", "pool:read"}))
OTHER = Caller(subject="other", scopes=frozenset({"scan:read", "pool:read"}))


@asynccontextmanager
async def an_agent(pipeline: Pipeline, caller: Caller = AGENT) -> AsyncIterator[Client]:
    async with running_bridge(pipeline, BridgeSettings(local=caller)) as bridge, connected(bridge) as client:
        yield client


async def text(client: Client, uri: str) -> str:
    found = await client.read_resource(uri)
    return str(getattr(found.contents[0], "text"))  # noqa: B009


async def document(client: Client, uri: str) -> Any:
    return json.loads(await text(client, uri))


async def test_every_resource_is_listed_with_what_it_is() -> None:
    async with running_pipeline(services=()) as pipeline, an_agent(pipeline) as client:
        fixed = (await client.list_resources()).resources
        forms = (await client.list_resource_templates()).resource_templates
    assert [str(each.uri) for each in fixed] == ["policy://targets", "schema://profiles"]
    assert [each.uri_template for each in forms] == [
        "scan://{task_id}/status",
        "scan://{task_id}/summary",
        "scan://{task_id}/findings{?severity,host,cursor,limit}",
        "scan://{task_id}/findings/{finding_id}",
        "scan://{task_id}/report.jsonl",
        "pool://{pool}/status",
    ]
    every: list[Resource | ResourceTemplate] = [*fixed, *forms]
    assert all(each.description and each.title and each.mime_type for each in every)


async def test_a_scans_resources_say_what_the_tools_say_and_a_finished_one_may_be_kept() -> None:
    async with running_pipeline() as pipeline, an_agent(pipeline) as client:
        scan = await pipeline.client.submit(["10.10.0.0/29"], name="weekly", owner="agent")
        running = await client.read_resource(f"scan://{scan.id}/status")
        await pipeline.client.wait(scan.id, timeout=60)
        over = await client.read_resource(f"scan://{scan.id}/status")
        status = await document(client, f"scan://{scan.id}/status")
        summary = await document(client, f"scan://{scan.id}/summary")
        page = await document(client, f"scan://{scan.id}/findings?severity=info&limit=3")
        finding = await document(client, f"scan://{scan.id}/findings/{page['findings'][0]['finding_id']}")
        lines = (await text(client, f"scan://{scan.id}/report.jsonl")).splitlines()
    assert status["status"] == "completed"
    assert summary["task_id"] == scan.id
    assert page["returned"] == 3
    assert {each["severity"] for each in page["findings"]} == {0}
    assert finding["finding"]["finding_id"] == page["findings"][0]["finding_id"]
    assert json.loads(lines[-1])["returned"] == len(lines) - 2
    assert (running.ttl_ms, running.cache_scope) == (0, "private")
    assert (over.ttl_ms, over.cache_scope) == (3_600_000, "private")


async def test_pools_policies_and_fields_can_be_read() -> None:
    pools = {"lab": (Scanner("s1"),), "dmz": (Scanner("d1"),)}
    async with running_pipeline(pools) as pipeline, an_agent(pipeline) as client:
        pool = await document(client, "pool://dmz/status")
        policy = await document(client, "policy://targets")
        profiles = await document(client, "schema://profiles")
    assert pool["pool"]["scanner_pool"] == "dmz"
    assert policy["pools"] == []
    assert "you may scan nothing" in policy["next"]
    assert set(profiles["profiles"]["minimal"]) <= set(profiles["fields"])


async def refused(client: Client, uri: str) -> tuple[int, str, Any]:
    with pytest.raises(MCPError) as problem:
        await client.read_resource(uri)
    error = problem.value.error
    return error.code, error.message, error.data


async def test_a_scan_of_somebody_else_looks_as_one_that_never_was() -> None:
    async with running_pipeline() as pipeline, an_agent(pipeline, OTHER) as client:
        await pipeline.client.submit(["10.10.0.1"], name="weekly", owner="agent", id="scan-aaaa")
        await pipeline.client.wait("scan-aaaa", timeout=60)
        for form in ("status", "summary", "findings", "findings?severity=high", "findings/1", "report.jsonl"):
            foreign = await refused(client, f"scan://scan-aaaa/{form}")
            unknown = await refused(client, f"scan://scan-bbbb/{form}")
            assert str(foreign).replace("scan-aaaa", "") == str(unknown).replace("scan-bbbb", "")
            assert foreign[0] == INVALID_PARAMS


@pytest.mark.parametrize(
    "uri", ["scan://../status", "scan://a%2Fb/status", "pool://nowhere/status", "scan://x/secrets"]
)
async def test_what_there_is_not_is_not_found(uri: str) -> None:
    async with running_pipeline(services=()) as pipeline, an_agent(pipeline) as client:
        assert (await refused(client, uri))[0] == INVALID_PARAMS


async def test_without_the_scope_nothing_is_read() -> None:
    nobody = Caller(subject="agent", scopes=frozenset())
    async with running_pipeline() as pipeline, an_agent(pipeline, nobody) as client:
        await pipeline.client.submit(["10.10.0.1"], name="weekly", owner="agent", id="scan-aaaa")
        await pipeline.client.wait("scan-aaaa", timeout=60)
        for uri in ("scan://scan-aaaa/status", "pool://lab/status", "policy://targets"):
            assert "agent" not in str(await refused(client, uri))


async def heard(client: Client, uri: str, until: asyncio.Event) -> list[str]:
    """What is told of the resource, until the event is set."""
    told: list[str] = []
    async with client.listen(resource_subscriptions=[uri]) as subscription:

        async def read() -> None:
            async for event in subscription:
                assert isinstance(event, ResourceUpdated)
                told.append(event.uri)

        reading = asyncio.create_task(read())
        await asyncio.wait_for(until.wait(), 60)
        reading.cancel()
    return told


async def test_the_owner_hears_on_one_replica_of_what_happens_wherever() -> None:
    async with running_pipeline(services=["admission", "dispatcher"]) as pipeline, an_agent(pipeline) as client:
        scan = await pipeline.client.submit(["10.10.0.0/29"], name="weekly", owner="agent")
        uri = f"scan://{scan.id}/status"
        over = asyncio.Event()
        listening = asyncio.create_task(heard(client, uri, over))
        await pipeline.start(["poller", "validator"])
        await pipeline.client.wait(scan.id, timeout=60)
        over.set()
        told = await listening
    assert len(told) >= 2
    assert set(told) == {uri}


@pytest.mark.parametrize("uri", ["scan://scan-aaaa/status", "scan://scan-bbbb/status", "pool://lab/status", "x://y"])
async def test_nobody_listens_to_what_is_not_theirs(uri: str) -> None:
    async with running_pipeline(services=()) as pipeline, an_agent(pipeline, OTHER) as client:
        await pipeline.client.submit(["10.10.0.1"], name="weekly", owner="agent", id="scan-aaaa")
        with pytest.raises(MCPError) as problem:
            async with client.listen(resource_subscriptions=[uri]):
                pass
    assert problem.value.error.code == INVALID_PARAMS
    assert problem.value.error.message == "there is no such resource to listen to"


async def test_nobody_has_more_subscriptions_open_than_a_few() -> None:
    async with running_pipeline(services=()) as pipeline, an_agent(pipeline) as client, AsyncExitStack() as stack:
        await pipeline.client.submit(["10.10.0.1"], name="weekly", owner="agent", id="scan-aaaa")
        for _ in range(MOST_STREAMS):
            await stack.enter_async_context(client.listen(resource_subscriptions=["scan://scan-aaaa/status"]))
        with pytest.raises(MCPError, match="subscriptions open"):
            async with client.listen(resource_subscriptions=["scan://scan-aaaa/status"]):
                pass
