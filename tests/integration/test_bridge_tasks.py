"""A wait for a scan as a durable task (SEP-2663): any replica answers for it, and only to the scan's owner."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import msgspec
import pytest
from mcp import Client
from mcp.shared.exceptions import MCPError
from mcp.types import HEADER_MISMATCH, INTERNAL_ERROR, INVALID_PARAMS, METHOD_NOT_FOUND

from scanpool.bridge.caller import SCOPES, Caller
from scanpool.bridge.configuration.settings import BridgeSettings
from scanpool.runtime.errors import BrokerError
from scanpool_schemas import subjects
from tests.support.bridge import RunningBridge, bridge_at, connected, running_bridge
from tests.support.bridge_process import bridge_process
from tests.support.bridge_tasks import TASKS, KnowsTasks, asked, created, ended, posted
from tests.support.broker import Stand, standing
from tests.support.eventually import becomes, eventually
from tests.support.pipeline import Scanner, running_pipeline
from tests.support.scripted_scans import ScriptedScans
from tests.support.watching import reaches

OLD, NEW = b"o" * 32, b"n" * 32
SLOW = {"lab": (Scanner("s1", options={"scan_seconds": 3000.0}),)}
"""A scan takes five seconds."""
ALL = frozenset(SCOPES)


def knowing(bridge: RunningBridge | str, **options: Any) -> Client:
    """A client that knows tasks."""
    url = bridge if isinstance(bridge, str) else bridge.url
    return Client(url, extensions=[KnowsTasks()], **options)


@asynccontextmanager
async def a_stand() -> AsyncIterator[tuple[Stand, ScriptedScans]]:
    """A NATS without services, and scans that the test moves."""
    async with standing(("lab",)) as stand:
        yield stand, ScriptedScans(stand.jetstream)


async def refused(client: Client, method: str, task_id: str) -> tuple[int, str]:
    """With what a request about a task was refused."""
    with pytest.raises(MCPError) as refusal:
        await asked(client.session, method, task_id)
    return refusal.value.code, refusal.value.message


async def test_a_client_that_knows_tasks_gets_one_and_in_it_what_the_tool_answers() -> None:
    extension = KnowsTasks()
    async with running_pipeline(SLOW) as pipeline, running_bridge(pipeline) as bridge:
        scan = await pipeline.client.submit(["10.10.0.0/29"], name="weekly", owner="local")
        async with connected(bridge, extensions=[extension]) as client:
            result = await client.call_tool("wait_for_scan", {"task_id": scan.id})
            again = await client.call_tool("wait_for_scan", {"task_id": scan.id})
        async with connected(bridge) as plain:
            inline = await plain.call_tool("wait_for_scan", {"task_id": scan.id})
    assert [task.partition(".")[0] for task in extension.created] == [scan.id]
    assert result.structured_content is not None
    assert result.structured_content["status"] == "completed"
    answers = [(each.content, each.structured_content, each.is_error) for each in (result, again, inline)]
    assert answers[0] == answers[1] == answers[2]  # what is over is answered at once, and always alike


async def test_a_task_is_there_as_soon_as_it_is_named_and_goes_as_the_scan_goes() -> None:
    async with a_stand() as (stand, scans), bridge_at(stand.broker.url) as bridge, knowing(bridge) as client:
        await scans.queued("s1")
        task = await created(client, "wait_for_scan", task_id="s1")
        looked = await asked(client.session, "tasks/get", task["taskId"])
        await scans.launched("s1")
        running = await asked(client.session, "tasks/get", task["taskId"])
        updated = await asked(
            client.session, "tasks/update", task["taskId"], inputResponses={"x": {"action": "accept"}}
        )
        await scans.failed("s1")
        over = await asked(client.session, "tasks/get", task["taskId"])
    assert (task["resultType"], task["status"], task["ttlMs"], task["pollIntervalMs"]) == (
        "task",
        "working",
        None,
        2000,
    )
    assert looked | {"resultType": "task"} == task
    assert (running["status"], running["statusMessage"]) == ("working", "running, 0 %")
    assert updated["resultType"] == "complete"
    assert (over["resultType"], over["status"], over["result"]["isError"]) == ("complete", "completed", True)
    assert over["result"]["structuredContent"]["status"] == "failed"
    assert over["ttlMs"] > 29 * 24 * 3600 * 1000
    assert {each["createdAt"] for each in (task, looked, running, over)} == {task["createdAt"]}


@pytest.mark.parametrize("era", ["auto", "legacy"])
async def test_tasks_are_advertised_to_clients_of_their_protocol_alone(era: str) -> None:
    async with a_stand() as (stand, scans), bridge_at(stand.broker.url) as bridge, knowing(bridge, mode=era) as client:
        await scans.queued("s1")
        advertised = client.server_capabilities.extensions or {}
        if era == "legacy":
            result = await client.call_tool("wait_for_scan", {"task_id": "s1", "timeout_s": 1})
            assert (result.structured_content or {})["timed_out"]
            assert (await refused(client, "tasks/get", "s1.x"))[0] == METHOD_NOT_FOUND
    assert (TASKS in advertised) is (era == "auto")


async def test_a_client_that_does_not_know_tasks_is_given_none_and_may_ask_for_none() -> None:
    async with a_stand() as (stand, scans), bridge_at(stand.broker.url) as bridge:
        await scans.queued("s1")
        async with knowing(bridge) as client:
            task_id = (await created(client, "wait_for_scan", task_id="s1"))["taskId"]
        async with connected(bridge) as plain:
            result = await plain.call_tool("wait_for_scan", {"task_id": "s1", "timeout_s": 1})
        answers = [
            await posted(bridge.url, f"tasks/{what}", {"taskId": task_id}, headers=named(task_id), knows_tasks=False)
            for what in ("get", "update", "cancel")
        ]
    assert (result.structured_content or {})["timed_out"]
    assert [answer["error"]["code"] for answer in answers] == [-32021] * 3
    assert all(TASKS in answer["error"]["data"]["requiredCapabilities"]["extensions"] for answer in answers)


def named(task_id: str) -> Mapping[str, str]:
    return {"Mcp-Name": task_id}


async def test_the_header_that_routes_a_request_names_its_task() -> None:
    async with a_stand() as (stand, scans), bridge_at(stand.broker.url) as bridge, knowing(bridge) as client:
        await scans.queued("s1")
        task_id = (await created(client, "wait_for_scan", task_id="s1"))["taskId"]
        right = await posted(bridge.url, "tasks/get", {"taskId": task_id}, headers=named(task_id))
        wrong = await posted(bridge.url, "tasks/get", {"taskId": task_id}, headers=named("another"))
        missing = await posted(bridge.url, "tasks/cancel", {"taskId": task_id}, headers={})
        listed = await posted(bridge.url, "tasks/list", {}, headers={})
        state = (await asked(client.session, "tasks/get", task_id))["status"]
    assert right["result"]["status"] == state == "working"
    assert [answer["error"]["code"] for answer in (wrong, missing)] == [HEADER_MISMATCH] * 2
    assert listed["error"]["code"] == METHOD_NOT_FOUND


@pytest.mark.parametrize("method", ["tasks/get", "tasks/update", "tasks/cancel"])
async def test_ids_of_others_and_ids_that_nobody_made_look_alike(method: str) -> None:
    async with AsyncExitStack() as stack:
        stand, scans = await stack.enter_async_context(a_stand())
        owner = BridgeSettings(keys=(NEW,), local=Caller(subject="owner", scopes=ALL - {"scan:read:all", "ops"}))
        other = BridgeSettings(keys=(NEW,), local=Caller(subject="other", scopes=ALL - {"scan:read:all", "ops"}))
        strange = BridgeSettings(keys=(OLD,), local=owner.local)
        bridges = [
            await stack.enter_async_context(bridge_at(stand.broker.url, each)) for each in (owner, other, strange)
        ]
        mine, theirs, elsewhere = [await stack.enter_async_context(knowing(bridge)) for bridge in bridges]
        for scan_id in ("s1", "s2", "gone"):
            await scans.queued(scan_id, owner="owner")
        task_ids = [(await created(mine, "wait_for_scan", task_id=each))["taskId"] for each in ("s1", "s2", "gone")]
        await stand.jetstream.purge(subjects.pool_stream("lab"), subjects.events_of("lab", "gone"), 1_000_000)
        answers = {
            "of somebody else": await refused(theirs, method, task_ids[0]),
            "sealed with another key": await refused(elsewhere, method, task_ids[0]),
            "past its retention": await refused(mine, method, task_ids[2]),
            "of another scan": await refused(mine, method, f"s1.{task_ids[1].partition('.')[2]}"),
            "tampered": await refused(mine, method, f"{task_ids[0][:-1]}{'0' if task_ids[0][-1] != '0' else '1'}"),
            "cut": await refused(mine, method, task_ids[0][:-1]),
            "of a scan alone": await refused(mine, method, "s1"),
            "sealed with nothing": await refused(mine, method, "s1."),
            "no name": await refused(mine, method, "s1.\u00e9\u202e"),
            "made up": await refused(mine, method, "nobody." + "0" * 32),
        }
        known = await asked(mine.session, method, task_ids[0])
    assert set(answers.values()) == {(INVALID_PARAMS, "Failed to retrieve task: Task not found")}, answers
    assert known["resultType"] == "complete"


async def test_a_key_that_is_replaced_still_opens_the_tasks_that_it_sealed() -> None:
    async with (
        a_stand() as (stand, scans),
        bridge_at(stand.broker.url, BridgeSettings(keys=(OLD,))) as before,
        bridge_at(stand.broker.url, BridgeSettings(keys=(NEW, OLD))) as after,
        knowing(before) as first,
        knowing(after) as second,
    ):
        await scans.queued("s1")
        old = (await created(first, "wait_for_scan", task_id="s1"))["taskId"]
        new = (await created(second, "wait_for_scan", task_id="s1"))["taskId"]
        assert old != new
        assert (await asked(second.session, "tasks/get", old))["status"] == "working"
        assert (await refused(first, "tasks/get", new))[0] == INVALID_PARAMS


async def test_a_task_is_answered_by_another_replica_when_the_one_that_made_it_is_killed() -> None:
    async with (
        running_pipeline(SLOW) as pipeline,
        running_bridge(pipeline, BridgeSettings(keys=(NEW,))) as other,
    ):
        async with bridge_process(pipeline.nats.url, keys=(NEW,)) as killed, knowing(killed.url) as client:
            scan = await pipeline.client.submit(["10.10.0.0/29"], name="weekly", owner="local")
            task_id = (await created(client, "wait_for_scan", task_id=scan.id))["taskId"]
            first = await asked(client.session, "tasks/get", task_id)
            await killed.kill()
        async with knowing(other) as client:
            second = await asked(client.session, "tasks/get", task_id)
            last = await ended(client.session, task_id)
    assert (first["status"], second["status"], last["status"]) == ("working", "working", "completed")
    assert first["createdAt"] == last["createdAt"]
    assert last["result"]["structuredContent"]["status"] == "completed"


async def test_a_replica_that_is_told_to_stop_ends_its_waits_with_an_answer() -> None:
    async with a_stand() as (stand, scans):
        await scans.queued("s1")
        async with bridge_process(stand.broker.url) as replica, Client(replica.url) as client:
            await client.list_tools()  # or the client would ask for the schema of what the replica answered last
            told: list[str] = []

            async def tell(progress: float, total: float | None, message: str | None) -> None:
                told.append(message or "")

            waiting = asyncio.create_task(client.call_tool("wait_for_scan", {"task_id": "s1"}, progress_callback=tell))

            async def waits() -> bool:
                return bool(told)

            await becomes(waits)
            code = await replica.stop()
            result = await waiting
    assert code == 0
    assert (result.structured_content or {})["timed_out"]


async def test_a_task_that_is_cancelled_stops_its_scan_and_ends_cancelled() -> None:
    async with running_pipeline(SLOW) as pipeline, running_bridge(pipeline) as bridge, knowing(bridge) as client:
        scan = await pipeline.client.submit(["10.10.0.0/29"], name="weekly", owner="local")
        await reaches(pipeline, scan.id, {"running"})
        task_id = (await created(client, "wait_for_scan", task_id=scan.id))["taskId"]
        acknowledged = await asked(client.session, "tasks/cancel", task_id)
        task = await ended(client.session, task_id)
        again = await asked(client.session, "tasks/cancel", task_id)
        over = await pipeline.client.status(scan.id)
        audited = await pipeline.jetstream.last(subjects.BRIDGE_AUDIT, subjects.audit("local", "tasks_cancel"))
    assert {key for key in acknowledged if key != "_meta"} == {"resultType"}
    assert (task["status"], over.status, again["resultType"]) == ("cancelled", "cancelled", "complete")
    assert "result" not in task
    assert over.error is not None
    assert "local" in over.error.message
    assert audited is not None
    assert msgspec.json.decode(audited.body)["task_id"] == scan.id


async def test_to_read_and_to_cancel_take_their_scopes_whatever_the_id() -> None:
    reader = BridgeSettings(keys=(NEW,), local=Caller(subject="agent", scopes=frozenset({"scan:read"})))
    nobody = BridgeSettings(keys=(NEW,), local=Caller(subject="agent", scopes=frozenset({"pool:read"})))
    async with (
        a_stand() as (stand, scans),
        bridge_at(stand.broker.url, reader) as reads,
        bridge_at(stand.broker.url, nobody) as does_not,
        knowing(reads) as client,
        knowing(does_not) as stranger,
    ):
        await scans.queued("s1", owner="agent")
        task_id = (await created(client, "wait_for_scan", task_id="s1"))["taskId"]
        cancels = {await refused(client, "tasks/cancel", each) for each in (task_id, "s1.x")}
        gets = {await refused(stranger, "tasks/get", each) for each in (task_id, "s1.x")}
        state = (await asked(client.session, "tasks/get", task_id))["status"]
        asked_for = await stand.jetstream.last(subjects.SCAN_REQUESTS, subjects.cancel("lab", "s1"))
    ((_, cancel),) = cancels
    ((_, get),) = gets
    assert "scan:cancel" in cancel
    assert "scan:read" in get
    assert (state, asked_for) == ("working", None)


async def test_a_task_outlives_a_nats_that_is_away() -> None:
    async with a_stand() as (stand, scans), bridge_at(stand.broker.url) as bridge, knowing(bridge) as client:
        await scans.queued("s1")
        task_id = (await created(client, "wait_for_scan", task_id="s1"))["taskId"]
        await stand.broker.stop()
        code, _ = await refused(client, "tasks/get", task_id)
        await stand.broker.start_again()

        async def answers() -> bool:
            try:
                return bool((await asked(client.session, "tasks/get", task_id))["status"] == "working")
            except (MCPError, BrokerError):
                return False

        await becomes(answers)
        await eventually(lambda: stand.jetstream.client.is_connected)
    assert code == INTERNAL_ERROR
