"""A secret that an agent passes is refused, and afterwards is nowhere: in no answer, log, span, stream or key."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

import pytest
import structlog
from mcp import Client
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from scanpool.runtime.span_export import record_spans
from tests.support.agents import audit_events, every_message, policy
from tests.support.bridge import connected, running_bridge
from tests.support.pipeline import running_pipeline

SECRET = "hunter2-correct-horse"
REQUEST: dict[str, Any] = {"targets": ["10.10.0.1"], "name": "weekly", "credential_ref": "linux"}
TOOL = "run_authenticated_scan"
NAMES = ("ssh_password", "escalation_password", "password", "private_key", "passphrase", "api_key", "Secret")
CARRIED: list[tuple[str, dict[str, Any]]] = [
    *(
        (TOOL, {**REQUEST, name: SECRET})
        for name in (
            "ssh_password",
            "escalation_password",
            "password",
            "private_key",
            "passphrase",
            "api_key",
            "Secret",
        )
    ),
    (TOOL, {**REQUEST, "credential": {"username": "root", "ssh": [{"password": SECRET}]}}),
    (TOOL, {**REQUEST, f"password={SECRET}": True}),
    ("run_untrusted_scan", {"targets": ["10.10.0.1"], "name": "weekly", "password": SECRET}),
    (TOOL, {**REQUEST, "pw": SECRET}),
    (TOOL, {**REQUEST, "\uff50\uff41\uff53\uff53-\uff57\uff4f\uff52\uff44": SECRET}),
    ("get_scan_status", {"task_id": "x", "token": SECRET}),
    ("cancel_scan", {"task_id": "x", "password": SECRET}),
    (TOOL, {**REQUEST, "name": f"password={SECRET} scan"}),
    (TOOL, {**REQUEST, "description": f"log in as root, password: {SECRET}"}),
    ("cancel_scan", {"task_id": "x", "reason": f"wrong password: {SECRET}"}),
]
MISTAKEN: list[tuple[str, dict[str, Any]]] = [
    (TOOL, {**REQUEST, "hunter": SECRET}),
    (TOOL, {**REQUEST, "max_duration_s": SECRET}),
    (TOOL, {**REQUEST, "scan_type": SECRET}),
    (TOOL, {**REQUEST, "name": {"is": SECRET}}),
    ("no_such_tool", {"password": SECRET}),
]
"""Not known for secrets by their names: refused as what they are, and repeated nowhere either."""


@pytest.fixture
def spans() -> Iterator[InMemorySpanExporter]:
    record_spans()
    provider = trace.get_tracer_provider()
    assert isinstance(provider, TracerProvider)
    exporter = InMemorySpanExporter()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    yield exporter
    exporter.shutdown()


async def answers(client: Client) -> list[str]:
    """What the client is told of each call."""
    told = []
    for tool, arguments in (*CARRIED, *MISTAKEN):
        try:
            result = await client.call_tool(tool, arguments)
        except Exception as error:  # noqa: BLE001  # whatever it is told
            told.append(repr(error))
            continue
        assert result.is_error
        told.append(result.model_dump_json())
    return told


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_a_secret_in_an_argument_is_refused_and_found_nowhere(
    mode: str, spans: InMemorySpanExporter, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    with structlog.testing.capture_logs() as logged:
        async with (
            running_pipeline(clients=[policy()]) as pipeline,
            running_bridge(pipeline) as bridge,
            connected(bridge, mode=mode) as client,
        ):
            told = await answers(client)
            stored = [str((name, each)) async for name, each in every_message(pipeline.jetstream)]
            events = await audit_events(pipeline.jetstream)
    for each in told[: len(CARRIED)]:
        assert "secret_refused" in each
        assert "credential_ref" in each
    records = [
        f"{record.getMessage()} {record.__dict__} {record.exc_text}"
        for record in caplog.records
        if not record.name.startswith("mcp.client")  # the agent's own side
    ]
    traced = [span.to_json() for span in spans.get_finished_spans()]
    assert any("tools/call" in each for each in traced)
    assert any("BRIDGE_AUDIT" in each for each in stored)
    assert any("POST" in each for each in records)
    places = {"answers": told, "logs": [*records, str(logged)], "spans": traced, "streams": stored}
    assert [place for place, texts in places.items() if any(SECRET in text for text in texts)] == []
    refused = [event for event in events if event.code == "secret_refused"]
    assert len(refused) == sum(tool != "get_scan_status" for tool, _ in CARRIED)
    assert {event.arguments_digest for event in refused} == {""}
