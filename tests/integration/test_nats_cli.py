"""What an operator sees of scanpool with the `nats` command."""

from __future__ import annotations

import asyncio
import base64
import json
import shutil
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from scanpool_schemas import subjects
from tests.support.pipeline import Pipeline, running_pipeline
from tests.support.requirements import require

pytestmark = pytest.mark.asyncio(loop_scope="module")

BUCKET = subjects.pool_stream("lab").removeprefix("KV_")


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def pipeline() -> AsyncIterator[Pipeline]:
    if shutil.which("nats") is None:
        require("nats-cli", "the command `nats` is not installed")
    async with running_pipeline() as running:
        scan = await running.client.submit(["10.10.0.1"], name="looked-at", id="looked-at")
        await running.client.wait(scan.id, timeout=60)
        yield running


async def nats(pipeline: Pipeline, *words: str) -> str:
    """What the command prints."""
    process = await asyncio.create_subprocess_exec(
        "nats", "--server", pipeline.nats.url, *words, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    async with asyncio.timeout(60):
        out, err = await process.communicate()
    assert process.returncode == 0, err.decode()
    return out.decode()


async def nats_json(pipeline: Pipeline, *words: str) -> Any:
    return json.loads(await nats(pipeline, *words, "--json"))


async def durables(pipeline: Pipeline, stream: str) -> list[str]:
    """Without the consumers that somebody who reads makes and removes: one can be gone when it is looked at."""
    answer = await pipeline.jetstream.api(f"CONSUMER.LIST.{stream}", {"offset": 0}, dict[str, Any])
    return [each["name"] for each in answer["consumers"] or [] if "durable_name" in each["config"]]


async def test_every_stream_bucket_and_consumer_says_what_it_is_for(pipeline: Pipeline) -> None:
    silent = []
    names = await nats_json(pipeline, "stream", "ls", "--all")
    for name in names:
        stream = await nats_json(pipeline, "stream", "info", name)
        silent += [] if stream["config"].get("description") else [name]
        for consumer in await durables(pipeline, name):
            info = await nats_json(pipeline, "consumer", "info", name, consumer)
            silent += [] if info["config"].get("description") else [f"{name} {consumer}"]
    assert {subjects.pool_stream("lab"), subjects.SCAN_COMPLETED, subjects.SCAN_DLQ} <= set(names)
    assert silent == []


async def test_the_end_of_a_scan_is_readable_where_subscribers_find_it(pipeline: Pipeline) -> None:
    subject = subjects.event("lab", "completed", "looked-at")
    told = await nats(pipeline, "stream", "get", subjects.SCAN_COMPLETED, f"--last-for={subject}", "--json")
    body = json.loads(_body(json.loads(told)))
    assert (body["id"], body["scanner"]) == ("looked-at", "s1")


async def test_the_places_of_a_scanner_are_readable_in_its_bucket(pipeline: Pipeline) -> None:
    load = json.loads(await nats(pipeline, "kv", "get", BUCKET, subjects.load_key("s1"), "--raw"))
    assert load["holders"] == {} or load["holders"] == []


async def test_a_minimal_request_that_was_typed_by_hand_is_stored_and_runs(pipeline: Pipeline) -> None:
    body = '{"targets": ["10.10.0.2"], "name": "by hand"}'
    ack = json.loads(await nats(pipeline, "request", "--raw", subjects.requested("lab", "by-hand"), body))
    assert ack["stream"] == subjects.SCAN_REQUESTS
    assert (await pipeline.client.wait("by-hand", pool="lab", timeout=60)).status == "completed"


def _body(message: dict[str, Any]) -> bytes:
    return base64.b64decode(message["data"])
