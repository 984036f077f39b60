"""Each call that changes something leaves one event: who, what, and what came of it."""

from __future__ import annotations

import anyio
import structlog

from scanpool.bridge.caller import Caller
from scanpool.bridge.configuration.settings import BridgeSettings
from scanpool.bridge.gate.audit import digest
from scanpool.runtime.jetstream import Stored
from scanpool.runtime.tracing import continued
from scanpool_schemas import subjects
from tests.support.agents import audit_events, has_rules, policy
from tests.support.bridge import RunningBridge, bridge_at, called, connected, refusal, running_bridge
from tests.support.broker import running_broker
from tests.support.eventually import becomes
from tests.support.pipeline import Pipeline, running_pipeline

TRACE_ID = "4bf92f3577b34da6a3ce929d0e0e4736"
REQUEST = {"targets": ["10.10.0.1"], "name": "weekly"}


async def test_a_scan_and_its_cancel_are_written_down_and_reading_is_not() -> None:
    async with (
        running_pipeline(clients=[policy()]) as pipeline,
        running_bridge(pipeline) as bridge,
        connected(bridge) as client,
    ):
        with continued({"traceparent": f"00-{TRACE_ID}-00f067aa0ba902b7-01"}, "the agent's turn"):
            task = await called(client, "run_untrusted_scan", **REQUEST)
        await called(client, "get_scan_status", task_id=task["task_id"])
        await called(client, "check_targets", targets=["10.10.0.1"])
        await called(client, "cancel_scan", task_id=task["task_id"], reason="wrong network")
        refused = await refusal(client, "cancel_scan", task_id="nobody-has-it")
        submitted, cancelled, unknown = await audit_events(pipeline.jetstream, "local")
        stored = await pipeline.jetstream.last(subjects.BRIDGE_AUDIT, "audit.local.run_untrusted_scan")
    assert (submitted.subject, submitted.tool, submitted.outcome) == ("local", "run_untrusted_scan", "accepted")
    assert (submitted.task_id, submitted.pool) == (task["task_id"], "lab")
    assert (submitted.arguments_digest, submitted.confirmation) == (digest(REQUEST), "not-asked")
    assert submitted.trace_id == TRACE_ID
    assert stored is not None
    assert TRACE_ID in stored.headers["traceparent"]
    assert (cancelled.tool, cancelled.outcome, cancelled.task_id) == ("cancel_scan", "accepted", task["task_id"])
    assert (unknown.outcome, unknown.code, unknown.task_id) == ("refused", refused["code"], "")


async def test_what_the_scope_does_not_let_through_is_written_down_too() -> None:
    reader = Caller(subject="https://issuer.example/reader one", scopes=frozenset({"scan:read"}))
    async with (
        running_pipeline(services=()) as pipeline,
        running_bridge(pipeline, BridgeSettings(local=reader)) as bridge,
        connected(bridge) as client,
    ):
        await refusal(client, "run_untrusted_scan", **REQUEST)
        (event,) = await audit_events(pipeline.jetstream, reader.subject)
        (any_event,) = await audit_events(pipeline.jetstream)
    assert event == any_event
    assert (event.subject, event.outcome, event.code) == (reader.subject, "refused", "scope")


async def test_a_client_that_leaves_before_it_is_answered_leaves_an_event_that_names_the_scan() -> None:
    """Nobody admits the request here, so that the call waits."""
    async with running_pipeline(services=(), clients=[policy()]) as pipeline:
        await pipeline.start(("dispatcher",))
        await becomes(lambda: has_rules(pipeline.jetstream))
        async with running_bridge(pipeline) as bridge:
            async with connected(bridge) as client, anyio.create_task_group() as tasks:
                tasks.start_soon(client.call_tool, "run_untrusted_scan", REQUEST)
                await becomes(lambda: asked_for(pipeline))
                tasks.cancel_scope.cancel()
            await becomes(lambda: left_a_trail(pipeline))
        (event,) = await audit_events(pipeline.jetstream)
        waiting = await request_of(pipeline)
    assert waiting is not None
    assert (event.outcome, event.pool) == ("interrupted", "lab")
    assert waiting.subject == subjects.requested("lab", event.task_id)


async def test_an_event_that_cannot_be_stored_is_logged_and_the_call_is_answered() -> None:
    async with running_broker() as broker, bridge_at(broker.url) as bridge, connected(bridge) as client:
        await broker.stop()
        with structlog.testing.capture_logs() as logged:
            problem = await refusal(client, "run_untrusted_scan", **REQUEST)
        await broker.start_again()
        await becomes(lambda: reconnected(bridge))
    assert problem["code"] == "backend_unavailable"
    (entry,) = [each for each in logged if each["event"] == "audit event not stored"]
    assert entry["audit"]["code"] == "backend_unavailable"
    assert entry["audit"]["arguments_digest"] == digest(REQUEST)


async def reconnected(bridge: RunningBridge) -> bool:
    return bridge.parts.jetstream.client.is_connected


async def request_of(pipeline: Pipeline) -> Stored | None:
    return await pipeline.jetstream.last(subjects.SCAN_REQUESTS, "scan.lab.requested.*")


async def asked_for(pipeline: Pipeline) -> bool:
    return await request_of(pipeline) is not None


async def left_a_trail(pipeline: Pipeline) -> bool:
    return bool(await audit_events(pipeline.jetstream))
