"""What is cleaned away, and when: by janitors and clean-ups whose clocks are set ahead, over a real broker."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest
import pytest_asyncio
from structlog.testing import capture_logs

from scanpool.cli.running.counting import count_round
from scanpool.client.errors import UnknownScan
from scanpool.coordination.ledger import Ledger
from scanpool.coordination.stage import Clockwork
from scanpool.janitor.report import Round
from scanpool.janitor.service import Janitor, JanitorParts
from scanpool.poller.cleanup import Cleanup
from scanpool.runtime.backoff import Backoff
from scanpool.runtime.configuration import LiveConfiguration
from scanpool.runtime.delivery import Delivery
from scanpool.runtime.jetstream import Write
from scanpool.runtime.metrics import Metrics
from scanpool.runtime.objects import Objects
from scanpool.runtime.settings import RetentionSettings
from scanpool.scanners.fleet import Fleet
from scanpool.scanners.nessus import ExportLimits
from scanpool_schemas import subjects
from scanpool_schemas.events import ScannerEvent
from scanpool_schemas.keys import Load
from tests.support.eventually import becomes
from tests.support.pipeline import Pipeline, Scanner, running_pipeline
from tests.support.watching import FASTER, events_left, fault, in_a_task, on_scanner, reaches

pytestmark = pytest.mark.asyncio(loop_scope="module")

HOUR = timedelta(hours=1)
WEEK = timedelta(days=7)
MONTH = timedelta(days=30)
POOLS = {
    "lab": (Scanner("s1"),),
    "other": (Scanner("s1"),),
    "expiring": (Scanner("s1"),),
    "cleaned": (Scanner("s1"),),
    "slow": (Scanner("s1", options={"scan_seconds": 60_000}),),
}
RETENTION = RetentionSettings(completed=WEEK, failed=MONTH)


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def pipeline() -> AsyncIterator[Pipeline]:
    async with in_a_task(running_pipeline(POOLS, settings=FASTER)) as running:
        yield running


def _ahead(by: timedelta) -> Clockwork:
    return Clockwork(
        now=lambda: datetime.now(UTC) + by,
        jitter=lambda: 0.5,
        nonce=lambda: secrets.token_hex(8),
        backoff=Backoff(),
    )


class _AheadOfTime:
    """A janitor of some pools whose clock is set ahead."""

    def __init__(
        self,
        pipeline: Pipeline,
        pools: tuple[str, ...],
        by: timedelta,
        *,
        told: Callable[[Round], None] = lambda _round: None,
    ) -> None:
        self._told = told
        self._pipeline = pipeline
        self.expired = 0
        self._janitor = Janitor(
            JanitorParts(
                jetstream=pipeline.jetstream,
                ledger=Ledger(pipeline.jetstream, source="test"),
                exports=Objects(pipeline.jetstream, subjects.EXPORTS_BUCKET),
                findings=Objects(pipeline.jetstream, subjects.FINDINGS_BUCKET),
                clockwork=_ahead(by),
                retention=RETENTION,
                max_duration=timedelta(days=1),
                pools=lambda: pools,
                told=self._count,
            )
        )

    async def tick(self) -> None:
        await self._janitor.tick(_a_tick(self._pipeline))

    def _count(self, done: Round) -> None:
        self.expired += done.deleted["scan"]
        self._told(done)


def _a_tick(pipeline: Pipeline) -> Delivery:
    return Delivery(
        client=pipeline.jetstream.client,
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


async def _ended(pipeline: Pipeline, pool: str, scan_id: str, *targets: str) -> str:
    await pipeline.client.submit(targets or ["10.10.0.1"], name="one", pool=pool, id=scan_id)
    return (await pipeline.client.wait(scan_id, timeout=60)).status


async def test_an_ended_scan_is_deleted_after_its_retention_and_its_export_after_it(
    pipeline: Pipeline, tmp_path: Path
) -> None:
    assert await _ended(pipeline, "expiring", "week-old") == "completed"
    await fault(pipeline, "expiring.s1", "aborted", times=1, match="/month-old/")
    assert await _ended(pipeline, "expiring", "month-old") == "failed"

    early = _AheadOfTime(pipeline, ("expiring",), WEEK)
    await early.tick()
    assert early.expired == 0
    await pipeline.client.download_report("week-old", tmp_path / "kept.nessus")

    late = _AheadOfTime(pipeline, ("expiring",), WEEK + 2 * HOUR)
    await late.tick()
    assert late.expired == 1
    assert await events_left(pipeline, "expiring", "week-old") == []
    with pytest.raises(UnknownScan):
        await pipeline.client.status("week-old")
    left = [each.name for each in await Objects(pipeline.jetstream, subjects.EXPORTS_BUCKET).list()]
    assert not [name for name in left if name.startswith("week-old.")]
    assert (await pipeline.client.status("month-old")).status == "failed"


async def test_a_scan_that_was_cancelled_while_it_waited_does_not_count_as_waiting_for_ever() -> None:
    async with running_pipeline(services=()) as pipeline:
        await fault(pipeline, "lab.s1", "down")
        await pipeline.start()
        for scan_id in ("stays", "goes"):
            await pipeline.client.submit(["10.10.0.1"], name="one", id=scan_id)
            await reaches(pipeline, scan_id, {"queued-normal"})
        await pipeline.client.cancel("goes")
        await reaches(pipeline, "goes", {"failed"})
        await _AheadOfTime(pipeline, ("lab",), HOUR).tick()

        async def counted() -> bool:
            (pool,) = await pipeline.client.pools()
            return pool.waiting == 1

        await becomes(counted)


async def test_an_export_that_no_event_names_is_deleted_once_it_is_an_hour_old(
    pipeline: Pipeline, tmp_path: Path
) -> None:
    assert await _ended(pipeline, "lab", "keeps-its-report") == "completed"
    stray = tmp_path / "stray"
    stray.write_bytes(b"left by an exporter or a validator that was killed")
    buckets = [Objects(pipeline.jetstream, name) for name in (subjects.EXPORTS_BUCKET, subjects.FINDINGS_BUCKET)]
    for bucket in buckets:
        await bucket.put("gone.1.aa", stray, "test")
    await _AheadOfTime(pipeline, ("lab",), timedelta(minutes=50)).tick()
    assert all(["gone.1.aa" in [each.name for each in await bucket.list()] for bucket in buckets])
    await _AheadOfTime(pipeline, ("lab",), 2 * HOUR).tick()
    assert not any(["gone.1.aa" in [each.name for each in await bucket.list()] for bucket in buckets])
    await pipeline.client.download_report("keeps-its-report", tmp_path / "whole.nessus")
    assert (await pipeline.client.findings_file("keeps-its-report")).is_file()


async def test_a_janitor_of_one_pool_leaves_the_exports_of_others_alone(pipeline: Pipeline, tmp_path: Path) -> None:
    assert await _ended(pipeline, "other", "elsewhere") == "completed"
    await _AheadOfTime(pipeline, ("lab",), 2 * HOUR).tick()
    await pipeline.client.download_report("elsewhere", tmp_path / "whole.nessus")


async def test_a_place_and_an_event_that_disagree_twice_are_an_alarm(pipeline: Pipeline) -> None:
    subject = subjects.key("other", subjects.load_key("s1"))
    stored = await pipeline.jetstream.last(subjects.pool_stream("other"), subject)
    assert stored is not None
    load = msgspec.json.decode(stored.body, type=Load)
    wrong = msgspec.structs.replace(load, holders=("nobody",))
    await pipeline.jetstream.publish(Write(subject=subject, body=msgspec.json.encode(wrong)))
    janitor = _AheadOfTime(pipeline, ("other",), timedelta(0))
    with capture_logs() as first:
        await janitor.tick()
    with capture_logs() as second:
        await janitor.tick()
    await pipeline.jetstream.publish(Write(subject=subject, body=msgspec.json.encode(load)))
    alarms = [
        (each["scanner"], each["scan_id"], each["what"])
        for logs in (first, second)
        for each in logs
        if each["log_level"] == "error" and each.get("pool") == "other"
    ]
    assert alarms == [("s1", "nobody", "a place is held that no event speaks of")]
    told = await pipeline.jetstream.last(
        subjects.SCANNER_EVENTS, subjects.scanner_event("other", "s1", "places-disagree")
    )
    assert told is not None
    event = msgspec.json.decode(told.body, type=ScannerEvent)
    assert event.reason == "a place is held that no event speaks of: scan nobody, of which there is no event"


async def test_each_round_of_the_janitor_is_counted_and_logged_in_one_line(pipeline: Pipeline) -> None:
    assert await _ended(pipeline, "expiring", "counted") == "completed"
    metrics = Metrics()
    janitor = _AheadOfTime(pipeline, ("expiring",), MONTH, told=lambda done: count_round(metrics, done))
    with capture_logs() as logs:
        await janitor.tick()
    lines = [each for each in logs if each["event"] == "janitor's round"]  # the pipeline has a janitor of its own
    (line,) = [each for each in lines if each["pools"] == ["expiring"]]
    assert (line["scans_deleted"], line["exports_deleted"], line["dry_run"]) == (1, 1, False)
    text = metrics.exposed().body.decode()
    assert "nessus_ttl_deletions_total 1.0" in text
    assert 'scanpool_deletions_total{kind="export"} 1.0' in text
    assert 'scanpool_ttl_freed_bytes_total{kind="scan"} 0.0' not in text
    assert "scanpool_janitor_round_seconds_count 1.0" in text


async def test_a_scanner_is_cleaned_of_a_scan_after_its_retention(pipeline: Pipeline) -> None:
    assert await _ended(pipeline, "cleaned", "on-scanner") == "completed"
    live = LiveConfiguration(pipeline.configuration, {})
    fleet = Fleet(
        lambda: live.current,
        pools=(),
        timeout=timedelta(seconds=5),
        exports=ExportLimits(),
        observe=lambda *_: None,
        guard=lambda _pool, _name, scanner: scanner,
    )
    counted: list[int] = []
    ledger = Ledger(pipeline.jetstream, source="test")
    cleanup = Cleanup(ledger, fleet, "scanpool", RETENTION, deleted=lambda: counted.append(1))
    try:
        await cleanup.run_once("cleaned", datetime.now(UTC) + WEEK - HOUR)
        (row,) = await on_scanner(pipeline, "cleaned.s1", "on-scanner")
        assert row["deleted"] == 0
        await cleanup.run_once("cleaned", datetime.now(UTC) + WEEK + HOUR)
        (row,) = await on_scanner(pipeline, "cleaned.s1", "on-scanner")
        assert row["deleted"] == 1
        assert counted == [1]
    finally:
        await fleet.close()


async def test_what_runs_under_our_name_and_is_named_by_no_event_is_stopped_and_nothing_else_is(
    pipeline: Pipeline,
) -> None:
    await pipeline.client.submit(["10.10.0.1"], name="one", pool="slow", id="ours")
    await reaches(pipeline, "ours", {"running"})
    extra, foreign, unknown = [
        await _launched_by_hand(pipeline, "slow.s1", name)
        for name in ("again [scanpool/ours/1]", "theirs [elsewhere/ours/1]", "new [scanpool/nobody-knows/1]")
    ]

    async def stopped() -> set[int]:
        stats = await pipeline.emulators["slow.s1"].control.stats()
        return {row["id"] for row in stats["scans"] if row["stopped"]}

    async def extra_is() -> bool:
        return await stopped() == {extra}

    await becomes(extra_is)
    assert not await stopped() & {foreign, unknown}
    assert (await pipeline.client.status("ours")).state == "running"
    await pipeline.client.cancel("ours")
    assert (await pipeline.client.wait("ours", timeout=60)).status == "cancelled"


async def _launched_by_hand(pipeline: Pipeline, instance: str, name: str) -> int:
    api = pipeline.emulators[instance].api
    templates = (await api.get("/editor/scan/templates")).json()["templates"]
    uuid = next(each["uuid"] for each in templates if each["name"] == "advanced")
    created = await api.post("/scans", json={"uuid": uuid, "settings": {"name": name, "text_targets": "10.10.0.1"}})
    created.raise_for_status()
    number: int = created.json()["scan"]["id"]
    (await api.post(f"/scans/{number}/launch", json={})).raise_for_status()
    return number
