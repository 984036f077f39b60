"""Events that NATS takes for acked though nobody acked them: the janitor finds them, and their scans reach their end.

A nats-server that is killed comes up like that now and then. Here the message is taken from the consumer of its state
and acked by hand, which leaves just the same: an ack floor at or above the last event of a scan that is not over.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from structlog.testing import capture_logs

from scanpool.cli.running.assembly import SERVICES, ServiceName
from scanpool.cli.running.counting import count_round
from scanpool.coordination import transitions
from scanpool.coordination.ledger import Ledger
from scanpool.coordination.stage import Clockwork
from scanpool.coordination.transitions import Mark
from scanpool.janitor.report import Round
from scanpool.janitor.service import Janitor, JanitorParts
from scanpool.runtime.backoff import Backoff
from scanpool.runtime.jetstream import JetStream
from scanpool.runtime.metrics import Metrics
from scanpool.runtime.objects import Objects
from scanpool.runtime.pull import Puller
from scanpool.runtime.settings import RetentionSettings
from scanpool_schemas import subjects
from scanpool_schemas.request import Priority
from scanpool_schemas.scan import Running, StateName
from scanpool_schemas.status import ScanStatus
from tests.support.broker import within
from tests.support.eventually import becomes
from tests.support.pipeline import Pipeline, Scanner, running_pipeline
from tests.support.watching import FASTER, fault, holders, launches, reaches

pytestmark = pytest.mark.long

TARGETS = ["10.10.0.1"]
LOST = "its delivery was lost"
UNTIL_RUNNING: tuple[ServiceName, ...] = ("admission", "dispatcher")
ENDLESS = Scanner("s1", options={"scan_seconds": 60_000})
QUICK = Scanner("s1")
WITHIN_S = 60.0
SCANS = 60
"""Of the busy pipeline."""


@asynccontextmanager
async def lab(scanner: Scanner, services: Sequence[ServiceName]) -> AsyncIterator[Pipeline]:
    """A pool with one scanner, and the services of which none acts on the state that is meant."""
    async with running_pipeline({"lab": (scanner,)}, services=services, settings=FASTER) as pipeline:
        yield pipeline


@asynccontextmanager
async def nothing_is_placed() -> AsyncIterator[Pipeline]:
    """The pool is known from a dispatcher that is gone; scans are admitted and wait."""
    async with lab(QUICK, ("dispatcher",)) as pipeline:
        await pipeline.stop()
        await pipeline.start(("admission",))
        yield pipeline


async def asked_for(pipeline: Pipeline, scan_id: str, state: StateName, priority: Priority = "normal") -> None:
    await pipeline.client.submit(TARGETS, name="one", id=scan_id, priority=priority)
    await reaches(pipeline, scan_id, {state})


async def forgotten(pipeline: Pipeline, scan_id: str, state: StateName) -> None:
    """Ack the scan's last event as nobody should who did not act on it."""
    puller = Puller(pipeline.jetstream.client, subjects.pool_stream("lab"), state, credit=1)
    await puller.start()
    try:
        while True:
            delivery = await within(WITHIN_S, puller)
            if delivery.subject == subjects.event("lab", state, scan_id):
                await delivery.ack()
                return
            await delivery.nak(timedelta(seconds=1))
    finally:
        await puller.stop()


async def ended(pipeline: Pipeline, scan_id: str, state: StateName) -> ScanStatus:
    """How the scan ended, which was told again once and in that state."""
    found = await pipeline.client.wait(scan_id, timeout=WITHIN_S)
    assert [(each.state, each.by) for each in found.timeline if LOST in each.why] == [(state, "janitor")]
    return found


async def test_a_queued_scan_whose_delivery_is_lost_is_placed_after_all() -> None:
    async with nothing_is_placed() as pipeline:
        await asked_for(pipeline, "waits", "queued-high", priority="high")
        await forgotten(pipeline, "waits", "queued-high")
        info = await consumer(pipeline.jetstream, "queued-high")
        last = await pipeline.jetstream.last("KV_pool-lab", subjects.events_of("lab", "waits"))
        assert last is not None
        assert (info["ack_floor"]["stream_seq"] >= last.sequence, info["num_ack_pending"]) == (True, 0)
        await pipeline.start(("dispatcher", "poller", "validator", "janitor"))
        assert (await ended(pipeline, "waits", "queued-high")).status == "completed"
        assert await launches(pipeline, "waits") == {"lab.s1": 1}


async def test_a_launch_whose_delivery_is_lost_is_taken_over_after_its_lease_and_happens_once() -> None:
    async with lab(QUICK, UNTIL_RUNNING) as pipeline:
        await fault(pipeline, "lab.s1", "cut_after_launch", times=1)
        await asked_for(pipeline, "launches", "launching")
        await becomes(lambda: was_launched(pipeline, "launches"))
        await pipeline.stop()
        await forgotten(pipeline, "launches", "launching")
        await pipeline.start()
        found = await ended(pipeline, "launches", "launching")
        assert found.status == "completed"
        whys = [each.why for each in found.timeline]
        told = next(number for number, why in enumerate(whys) if LOST in why)
        assert "taken over" in whys[told + 1]
        assert await launches(pipeline, "launches") == {"lab.s1": 1}
        assert await holders(pipeline, "lab", "s1") == ()


async def was_launched(pipeline: Pipeline, scan_id: str) -> bool:
    return (await launches(pipeline, scan_id)).get("lab.s1") == 1


async def test_a_running_scan_whose_delivery_is_lost_is_looked_at_again() -> None:
    async with lab(QUICK, UNTIL_RUNNING) as pipeline:
        await asked_for(pipeline, "runs", "running")
        await forgotten(pipeline, "runs", "running")
        await pipeline.start(("poller", "validator", "janitor"))
        assert (await ended(pipeline, "runs", "running")).status == "completed"
        assert await launches(pipeline, "runs") == {"lab.s1": 1}


async def test_a_scan_to_be_exported_whose_delivery_is_lost_is_exported_after_all() -> None:
    async with lab(QUICK, UNTIL_RUNNING) as pipeline:
        await asked_for(pipeline, "exports", "running")
        await becomes(lambda: nothing_runs(pipeline))
        ledger = Ledger(pipeline.jetstream, source="test")
        held = await ledger.read("lab", "exports")
        assert held is not None
        assert isinstance(held.scan, Running)
        mark = Mark(at=datetime.now(UTC), by="poller", nonce="n1")
        assert await ledger.commit(held, transitions.scanned(held.scan, mark)) is not None
        await forgotten(pipeline, "exports", "exporting")
        await pipeline.start(("poller", "validator", "janitor"))
        assert (await ended(pipeline, "exports", "exporting")).status == "completed"


async def nothing_runs(pipeline: Pipeline) -> bool:
    stats = await pipeline.emulators["lab.s1"].control.stats()
    return bool(stats["running"] == 0)


async def test_a_report_to_be_read_whose_delivery_is_lost_is_read_after_all() -> None:
    async with lab(QUICK, (*UNTIL_RUNNING, "poller")) as pipeline:
        await asked_for(pipeline, "reads", "validating")
        await forgotten(pipeline, "reads", "validating")
        await pipeline.start(("validator", "janitor"))
        assert (await ended(pipeline, "reads", "validating")).status == "completed"


async def test_a_scan_to_be_stopped_whose_delivery_is_lost_is_stopped_after_all() -> None:
    async with lab(ENDLESS, UNTIL_RUNNING) as pipeline:
        await asked_for(pipeline, "stops", "running")
        await pipeline.client.cancel("stops", by="me")
        await reaches(pipeline, "stops", {"stopping"})
        await forgotten(pipeline, "stops", "stopping")
        await pipeline.start(("poller", "janitor"))
        assert (await ended(pipeline, "stops", "stopping")).status == "cancelled"
        assert await holders(pipeline, "lab", "s1") == ()


async def test_a_delivery_that_is_lost_above_one_that_is_waited_for_is_found_by_counting() -> None:
    async with nothing_is_placed() as pipeline:
        for scan_id in ("first", "second", "third"):
            await asked_for(pipeline, scan_id, "queued-normal")
        await forgotten(pipeline, "second", "queued-normal")
        info = await consumer(pipeline.jetstream, "queued-normal")
        first = await pipeline.jetstream.last("KV_pool-lab", subjects.events_of("lab", "first"))
        assert first is not None
        assert info["ack_floor"]["stream_seq"] < first.sequence, "the floor proves nothing"
        done = await a_janitor(pipeline.jetstream).once(dry_run=False, repair=False)
        assert [each.id for each in done.told_again][:2] == ["first", "second"], "which one it is nobody knows"
        await pipeline.start(("dispatcher", "poller", "validator"))
        for scan_id in ("first", "second", "third"):
            assert (await pipeline.client.wait(scan_id, timeout=WITHIN_S)).status == "completed"
            assert await launches(pipeline, scan_id) == {"lab.s1": 1}


async def test_what_is_told_again_is_counted_and_logged_and_tells_how_it_is_known() -> None:
    async with nothing_is_placed() as pipeline:
        await asked_for(pipeline, "waits", "queued-low", priority="low")
        await forgotten(pipeline, "waits", "queued-low")
        metrics = Metrics()
        worker = a_janitor(pipeline.jetstream, lambda done: count_round(metrics, done))
        with capture_logs() as logs:
            (told,) = (await worker.once(dry_run=False, repair=False)).told_again
            assert (await worker.once(dry_run=False, repair=False)).told_again == []
        assert (told.id, told.state) == ("waits", "queued-low")
        assert f"event {told.sequence} was never acked" in told.why
        warned = [line for line in logs if line["log_level"] == "warning"]
        assert [(line["event"], line["scan_id"]) for line in warned] == [("a delivery was lost, told again", "waits")]
        counted = metrics.registry.get_sample_value("scanpool_janitor_repairs_total", {"kind": "lost_delivery"})
        assert counted == 1


async def test_no_delivery_is_taken_for_lost_while_many_scans_go_through_and_janitors_never_rest() -> None:
    scanners = (Scanner("s1", capacity=4), Scanner("s2", capacity=4))
    async with running_pipeline({"lab": scanners}, settings=FASTER) as pipeline:
        await pipeline.start(tuple(each for each in SERVICES if each != "janitor"))
        rounds: list[Round] = []
        over = asyncio.Event()
        janitors = [asyncio.create_task(never_rests(pipeline.jetstream, rounds, over)) for _ in range(2)]
        ids = [f"busy-{number}" for number in range(SCANS)]
        lanes: tuple[Priority, ...] = ("high", "normal", "low")
        for number, scan_id in enumerate(ids):
            await pipeline.client.submit(TARGETS, name="one", id=scan_id, priority=lanes[number % 3])
        for scan_id in ids[::6]:
            await pipeline.client.cancel(scan_id, by="me")
        found = [await pipeline.client.wait(scan_id, timeout=4 * WITHIN_S) for scan_id in ids]
        over.set()
        await asyncio.gather(*janitors)
        assert [each.told_again for each in rounds if each.told_again] == []
        assert len(rounds) > 10, "they did look"
        assert [entry.why for each in found for entry in each.timeline if LOST in entry.why] == []


async def never_rests(jetstream: JetStream, rounds: list[Round], over: asyncio.Event) -> None:
    """Rounds of one janitor, each right after the one before."""
    worker = a_janitor(jetstream, rounds.append)
    while not over.is_set():
        await worker.once(dry_run=False, repair=False)


def a_janitor(jetstream: JetStream, told: Callable[[Round], None] = lambda _round: None) -> Janitor:
    return Janitor(
        JanitorParts(
            jetstream=jetstream,
            ledger=Ledger(jetstream, source="test"),
            exports=Objects(jetstream, subjects.EXPORTS_BUCKET),
            findings=Objects(jetstream, subjects.FINDINGS_BUCKET),
            clockwork=Clockwork(
                now=lambda: datetime.now(UTC),
                jitter=lambda: 0.5,
                nonce=lambda: secrets.token_hex(8),
                backoff=Backoff(),
            ),
            retention=RetentionSettings(),
            max_duration=timedelta(days=1),
            pools=lambda: ("lab",),
            takeover_after=FASTER.launch.takeover_after,
            told=told,
        )
    )


async def consumer(jetstream: JetStream, state: StateName) -> dict[str, Any]:
    return await jetstream.api(f"CONSUMER.INFO.{subjects.pool_stream('lab')}.{state}", None, dict[str, Any])
