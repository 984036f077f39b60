"""Two replicas as processes of their own: one is killed and the other goes on; NATS goes away and comes back."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import httpx2
import pytest
from mcp import Client
from mcp.shared.exceptions import MCPError

from tests.support.agents import YES, Person, first_round, has_rules, policy, second_round
from tests.support.bridge import called, refusal
from tests.support.bridge_command import CommandedBridge, bridge_command
from tests.support.bridge_tasks import KnowsTasks, asked, created, ended
from tests.support.broker import standing
from tests.support.eventually import becomes
from tests.support.pipeline import Pipeline, Scanner, running_pipeline
from tests.support.scripted_scans import ScriptedScans

SLOW = {"lab": (Scanner("s1", options={"scan_seconds": 3000.0}),)}
"""A scan takes five seconds."""
SHARED = {"name": "replicas", "keys": ["6b" * 32]}
TOLD_WITHIN_S = 15.0
WITHIN_S = 60.0


@asynccontextmanager
async def two_replicas(nats_url: str, folder: Path) -> AsyncIterator[tuple[CommandedBridge, CommandedBridge]]:
    """Started at the same time, with the same file."""
    async with AsyncExitStack() as stack:
        contexts = [bridge_command(nats_url, folder, name, **SHARED) for name in ("one", "two")]
        one, two = [await stack.enter_async_context(each) for each in contexts]
        yield one, two


def asking(replica: CommandedBridge) -> Client:
    """A client with a person before it."""
    person: Any = Person(YES)
    return Client(replica.url, elicitation_callback=person)


async def until_waiting(client: Client, task_id: str) -> asyncio.Task[Any]:
    """A wait that has told of the scan already."""
    is_waiting = asyncio.Event()

    async def told(progress: float, total: float | None, message: str | None) -> None:
        is_waiting.set()

    waiting = asyncio.create_task(client.call_tool("wait_for_scan", {"task_id": task_id}, progress_callback=told))
    async with asyncio.timeout(WITHIN_S):
        await is_waiting.wait()
    return waiting


async def begun(pipeline: Pipeline, replica: CommandedBridge) -> tuple[str, str]:
    """A scan whose wait, and whose task, the replica was in the middle of when it was killed."""
    async with AsyncExitStack() as stack:
        client = await stack.enter_async_context(Client(replica.url, extensions=[KnowsTasks()]))
        plain = await stack.enter_async_context(Client(replica.url))
        scan = await called(client, "run_untrusted_scan", targets=["10.10.0.0/29"], name="weekly")
        task = await created(client, "wait_for_scan", task_id=scan["task_id"])
        first = await asked(client.session, "tasks/get", task["taskId"])
        waiting = await until_waiting(plain, scan["task_id"])
        await replica.kill()
        with pytest.raises((MCPError, httpx2.HTTPError)):
            await waiting
    assert first["status"] == "working"
    assert (await pipeline.client.status(scan["task_id"])).is_over is False
    return scan["task_id"], task["taskId"]


async def test_a_replica_that_is_killed_in_the_middle_takes_nothing_with_it(tmp_path: Path) -> None:
    async with running_pipeline(SLOW, clients=[policy()]) as pipeline:
        await becomes(lambda: has_rules(pipeline.jetstream), within_s=WITHIN_S)
        async with two_replicas(pipeline.nats.url, tmp_path) as (one, two):
            scan_id, task_id = await begun(pipeline, one)
            async with Client(two.url, extensions=[KnowsTasks()]) as knowing, Client(two.url) as plain:
                over = await ended(knowing.session, task_id)
                status = await called(plain, "wait_for_scan", task_id=scan_id)
                page = await called(plain, "get_scan_results", task_id=scan_id)
                scans = await called(plain, "list_tasks")
    assert status["status"] == over["result"]["structuredContent"]["status"] == "completed"
    assert page["total"] > 0
    assert scans["total"] == 1


async def test_what_one_replica_asked_is_answered_to_another(tmp_path: Path) -> None:
    async with running_pipeline(SLOW, clients=[policy()]) as pipeline:
        await becomes(lambda: has_rules(pipeline.jetstream), within_s=WITHIN_S)
        intrusive = {"targets": ["10.10.0.1"], "name": "intrusive", "intensity": "intrusive"}
        async with two_replicas(pipeline.nats.url, tmp_path) as (one, two):
            async with asking(one) as client:
                question = await first_round(client, "run_untrusted_scan", intrusive)
            await one.kill()
            async with asking(two) as client:
                result = await second_round(client, "run_untrusted_scan", intrusive, question)
    assert result.is_error is False
    assert result.structured_content is not None
    assert result.structured_content["status"] in {"queued", "running"}


async def test_a_nats_that_is_away_is_told_at_once_and_nothing_is_lost_by_it(tmp_path: Path) -> None:
    async with standing(("lab",)) as stand, two_replicas(stand.broker.url, tmp_path) as replicas:
        await ScriptedScans(stand.jetstream).queued("s1")
        async with AsyncExitStack() as stack:
            clients = [await stack.enter_async_context(Client(each.url)) for each in replicas]
            for client in clients:
                assert (await called(client, "get_scan_status", task_id="s1"))["status"] == "queued"
            await stand.broker.kill()
            began = time.monotonic()
            await becomes(lambda: all_ready(replicas, 503), within_s=WITHIN_S)
            assert time.monotonic() - began < TOLD_WITHIN_S
            for client in clients:
                began = time.monotonic()
                problem = await refusal(client, "get_scan_status", task_id="s1")
                assert time.monotonic() - began < TOLD_WITHIN_S
                assert (problem["code"], problem["retryable"]) == ("backend_unavailable", True)
            await stand.broker.start_again()
            await becomes(lambda: all_ready(replicas, 200), within_s=WITHIN_S)
            for client in clients:
                assert (await called(client, "get_scan_status", task_id="s1"))["status"] == "queued"


async def all_ready(replicas: Iterable[CommandedBridge], code: int) -> bool:
    """Whether each answers so."""
    async with httpx.AsyncClient(trust_env=False, timeout=WITHIN_S) as http:
        return {(await http.get(f"{each.root}/ready")).status_code for each in replicas} == {code}
