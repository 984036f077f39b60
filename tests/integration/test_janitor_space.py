"""Scans wait before NATS is full, with the reason; what a full NATS refuses is told; and it can still be cleaned."""

from __future__ import annotations

import asyncio
import re
import secrets
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from scanpool.cli.running.host import Runner
from scanpool.client import ScanPool
from scanpool.coordination import registry
from scanpool.coordination.ledger import Ledger
from scanpool.coordination.space import no_room
from scanpool.coordination.stage import Clockwork
from scanpool.janitor.report import Round
from scanpool.janitor.room import measured
from scanpool.janitor.service import Janitor, JanitorParts
from scanpool.runtime.backoff import Backoff
from scanpool.runtime.connection import NatsAddress
from scanpool.runtime.delivery import Delivery
from scanpool.runtime.embedded_nats import EmbeddedNats, EmbeddedOptions
from scanpool.runtime.errors import StoreFull
from scanpool.runtime.jetstream import JetStream, Write
from scanpool.runtime.objects import Objects
from scanpool.runtime.settings import RetentionSettings
from scanpool.runtime.topology.apply import apply
from scanpool.runtime.topology.definitions import topology
from scanpool_schemas import subjects
from scanpool_schemas.keys import Hold, Space
from scanpool_schemas.request import ScanRequest
from tests.support.broker import standing
from tests.support.builders import a_completed_scan, some_rules
from tests.support.cli import scanpool
from tests.support.eventually import becomes
from tests.support.limited_nats import limited_account, limited_server
from tests.support.pipeline import FAST, connected_jetstream, running_pipeline
from tests.support.ports import own_port
from tests.support.watching import in_a_task, reaches

MIB = 2**20
REQUEST = ScanRequest(targets=("10.10.0.1",), name="one")
PATIENT_S = 40.0


class Rounds:
    """A janitor of pool `lab`, and what it told of its rounds."""

    def __init__(self, jetstream: JetStream, store: Path | None = None) -> None:
        self._jetstream = jetstream
        self.told: list[Round] = []
        clockwork = Clockwork(
            now=lambda: datetime.now(UTC), jitter=lambda: 0.5, nonce=lambda: secrets.token_hex(8), backoff=Backoff()
        )
        self._janitor = Janitor(
            JanitorParts(
                jetstream=jetstream,
                ledger=Ledger(jetstream, source="test"),
                exports=Objects(jetstream, subjects.EXPORTS_BUCKET),
                findings=Objects(jetstream, subjects.FINDINGS_BUCKET),
                clockwork=clockwork,
                retention=RetentionSettings(),
                max_duration=timedelta(days=1),
                pools=lambda: ("lab",),
                store=store,
                told=self.told.append,
            )
        )

    async def tick(self) -> Round | None:
        tick = Delivery(
            client=self._jetstream.client,
            reply="",
            subject=subjects.tick(subjects.JANITOR_JOB),
            body=b"{}",
            headers={},
            stream=subjects.SCAN_TICKS,
            consumer=subjects.JANITOR_JOB,
            sequence=1,
            attempt=1,
            stored_at=datetime.now(UTC),
        )
        await self._janitor.tick(tick)
        return self.told[-1]


async def fill(jetstream: JetStream, size_bytes: int) -> None:
    """Dead letters of so many bytes in all."""
    for number in range(size_bytes // 100_000):
        await jetstream.publish(Write(subject=f"dlq.lab.test.filler.s{number}", body=b"x" * 100_000))


async def fill_up(jetstream: JetStream) -> None:
    """Dead letters until the server takes no more, the smallest ones included."""
    number = 0
    for size_bytes in (100_000, 1_000, 1):
        try:
            while True:
                number += 1
                await jetstream.publish(Write(subject=f"dlq.lab.test.full.s{number}", body=b"x" * size_bytes))
        except StoreFull:
            continue


async def empty(jetstream: JetStream) -> None:
    await jetstream.purge(subjects.SCAN_DLQ, "dlq.lab.test.filler.*", 2**62)


@asynccontextmanager
async def services(url: str) -> AsyncIterator[None]:
    """Admission of the server's pools."""
    runner = Runner(("admission",), replace(FAST, nats=NatsAddress(url=url)), None)
    ready = asyncio.Event()
    task = asyncio.create_task(runner.run(ready.set))
    try:
        await ready.wait()
        yield
    finally:
        runner.stop()
        await task


async def test_an_account_that_is_nearly_full_keeps_requests_waiting_until_there_is_room() -> None:
    async with limited_account(40 * MIB) as (url, jetstream), services(url):
        await registry.register(jetstream, "lab", some_rules())
        rounds = Rounds(jetstream)
        await rounds.tick()
        assert await jetstream.last("KV_pool-lab", subjects.key("lab", subjects.SPACE_KEY)) is None
        await fill(jetstream, 38 * MIB)
        told = await rounds.tick()
        assert told is not None
        assert "the JetStream account has" in told.nearly_full["lab"]

        async with await ScanPool.connect(url) as client:
            asked = await client.submit(REQUEST.targets, name="one", pool="lab")
            await waits(client, asked.id, "requested")
            (pool,) = await client.pools()
            assert pool.no_room is not None
            shown = await scanpool("status", asked.id, environ={"SCANPOOL_NATS_URL": url})
            assert "NATS has no room for more scans: the JetStream account has" in shown.out
            for command in ("pools", "stats"):
                assert "the JetStream account has" in (await scanpool(command, environ={"SCANPOOL_NATS_URL": url})).out

            await empty(jetstream)
            await rounds.tick()
            assert await no_room(jetstream, "lab", datetime.now(UTC)) is None
            assert await state_within(client, asked.id, "queued-normal")


async def waits(client: ScanPool, scan_id: str, state: str) -> None:
    """Wait until its request was looked at and put off: until somebody has it in hand no more."""
    status = await client.status(scan_id)
    assert status.state == state
    assert status.held_back is not None


async def state_within(client: ScanPool, scan_id: str, state: str) -> bool:
    async def there() -> bool:
        return (await client.status(scan_id)).state == state

    await becomes(there, within_s=PATIENT_S)
    return True


async def test_a_scan_that_waits_for_a_place_waits_for_room_too_and_runs_once_there_is_some() -> None:
    async with in_a_task(running_pipeline(services=("admission", "dispatcher", "poller", "validator"))) as pipeline:
        client, now = pipeline.client, datetime.now(UTC)
        await pause(pipeline.jetstream, until=now + timedelta(hours=1))
        asked = await client.submit(REQUEST.targets, name="one", pool="lab")
        await reaches(pipeline, asked.id, {"queued-normal"})
        assert "is paused by alice" in ((await client.status(asked.id)).held_back or "")
        await space(pipeline.jetstream, low=True)
        await pause(pipeline.jetstream, until=now)
        later = await client.submit(REQUEST.targets, name="two", pool="lab")

        async def both_wait() -> bool:
            first, second = [await client.status(each) for each in (asked.id, later.id)]
            told = [(each.state, each.held_back) for each in (first, second)]
            reason = "NATS has no room for more scans: the disk is full"
            return told == [("queued-normal", reason), ("requested", reason)]

        await becomes(both_wait)
        await space(pipeline.jetstream, low=False)
        assert [(await client.wait(each, timeout=60)).status for each in (asked.id, later.id)] == ["completed"] * 2
        scan = await client.status(asked.id)
        placed = next(entry.at for entry in scan.timeline if entry.state == "launching")
        assert placed > now


async def pause(jetstream: JetStream, until: datetime) -> None:
    body = msgspec.json.encode({"paused": Hold(by="alice", since=datetime.now(UTC), until=until)})
    await jetstream.publish(Write(subject=subjects.key("lab", subjects.CONTROL_KEY), body=body))


async def space(jetstream: JetStream, *, low: bool) -> None:
    now = datetime.now(UTC)
    told = Space(low=low, why="the disk is full", since=now, at=now, until=now + timedelta(hours=1))
    await jetstream.publish(Write(subject=subjects.key("lab", subjects.SPACE_KEY), body=msgspec.json.encode(told)))


async def test_a_lack_of_room_that_nobody_measures_any_more_ends() -> None:
    async with standing(("lab",)) as stand:
        await space(stand.jetstream, low=True)
        now = datetime.now(UTC)
        assert await no_room(stand.jetstream, "lab", now) is not None
        assert await no_room(stand.jetstream, "lab", now + timedelta(hours=2)) is None


async def test_what_has_a_limit_is_the_account_the_streams_and_the_disk_of_our_own_store(tmp_path: Path) -> None:
    async with limited_account(40 * MIB) as (_url, jetstream):
        config = (await jetstream.api("STREAM.INFO.SCAN_REQUESTS", None, dict[str, Any]))["config"]
        await jetstream.api("STREAM.UPDATE.SCAN_REQUESTS", {**config, "max_bytes": MIB}, dict[str, Any])
        rooms = await measured(jetstream, "lab", tmp_path)
        assert [each.what for each in rooms] == [
            "the JetStream account",
            "stream SCAN_REQUESTS",
            f"the disk of {tmp_path}",
        ]
        assert [each.limit_bytes for each in rooms[:2]] == [40 * MIB, MIB]
        assert 0 < rooms[2].free_bytes < rooms[2].limit_bytes


async def test_a_server_that_is_full_says_so_to_whoever_asks_for_a_scan_and_can_still_be_cleaned() -> None:
    async with limited_server(20 * MIB) as (url, jetstream):
        old = a_completed_scan(id="old", at=datetime.now(UTC) - timedelta(days=8))
        await jetstream.publish(Write(subject="scan.lab.completed.old", body=msgspec.json.encode(old)))
        await fill_up(jetstream)
        async with await ScanPool.connect(url) as client:
            with pytest.raises(StoreFull, match="NATS has no room left"):
                await client.submit(REQUEST.targets, name="one", pool="lab")
        words = ("scan", "10.10.0.1", "--name", "one", "--json")
        asked = await scanpool(*words, environ={"SCANPOOL_NATS_URL": url})
        assert (asked.code, asked.document["error"]["code"]) == (1, "store_full")
        assert "NATS has no room left" in asked.err

        told = await Rounds(jetstream).tick()
        assert told is not None
        assert [each.id for each in told.scans_deleted] == ["old"]


async def test_a_stream_of_requests_that_is_full_is_told_from_a_request_that_is_there() -> None:
    async with limited_account(40 * MIB) as (url, jetstream):
        config = (await jetstream.api("STREAM.INFO.SCAN_REQUESTS", None, dict[str, Any]))["config"]
        await jetstream.api("STREAM.UPDATE.SCAN_REQUESTS", {**config, "max_msgs": 1}, dict[str, Any])
        async with await ScanPool.connect(url) as client:
            asked = await client.submit(REQUEST.targets, name="one", pool="lab")
            again = await client.submit(REQUEST.targets, name="one", pool="lab", id=asked.id)
            assert again.duplicate
            with pytest.raises(StoreFull, match="SCAN_REQUESTS takes no request"):
                await client.submit(REQUEST.targets, name="two", pool="lab")


async def test_a_store_of_our_own_may_grow_into_the_free_disk_after_a_restart_too(tmp_path: Path) -> None:
    """By itself the server would take three quarters of what is free, and count what it has already against that."""
    for _start in range(2):
        async with EmbeddedNats(EmbeddedOptions(store=tmp_path, port=own_port())) as nats:
            async with connected_jetstream(nats.url) as jetstream:
                await apply(jetstream, topology(("lab",), replicas=1))
                await fill(jetstream, 4 * MIB)
            (limit,) = re.findall(r"max_file_store: (\d+)", (tmp_path / "nats.conf").read_text())
    usage = shutil.disk_usage(tmp_path)
    assert int(limit) > 4 * MIB + 0.9 * (usage.free - 256 * MIB)
