"""What takes too long is stopped on its scanner, ends with its own code and frees its place: real broker, real HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import msgspec
import pytest
import pytest_asyncio

from scanpool.coordination.ledger import Ledger
from scanpool.coordination.stage import Clockwork, Stage
from scanpool.poller.decide import Limits
from scanpool.poller.export import Exporter
from scanpool.poller.service import Poller, PollerParts
from scanpool.poller.telling import Teller
from scanpool.runtime.backoff import Backoff
from scanpool.runtime.jetstream import Write
from scanpool.runtime.keys import read_key
from scanpool.runtime.objects import Objects
from scanpool.runtime.outcomes import Done
from scanpool.runtime.settings import BreakerSettings, PollSettings
from scanpool.scanners.nessus import ApiKeys, ExportLimits, NessusScanner
from scanpool.scanners.scanner import Scanner as AScanner
from scanpool_schemas import subjects
from scanpool_schemas.keys import Breaker
from scanpool_schemas.scan import Dead, Exporting, state_of
from scanpool_schemas.status import ScanStatus
from tests.support.broker import settler, standing, within
from tests.support.builders import NOW, an_exporting_scan
from tests.support.emulators import running_emulator
from tests.support.eventually import becomes
from tests.support.nessus import a_scan_spec, nessus_settings
from tests.support.pipeline import Pipeline, Scanner, running_pipeline
from tests.support.watching import FASTER, fault, holders, in_a_task, on_scanner, reaches

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.long]

ENDLESS = {"scan_seconds": 60_000}
QUICKLY = replace(
    FASTER,
    max_duration=timedelta(seconds=3),
    poll=replace(FASTER.poll, paused_limit=timedelta(seconds=1)),
    breaker=BreakerSettings(failures=2, recovery=timedelta(seconds=1)),
)
TARGETS = ["10.10.0.1"]


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def pipeline() -> AsyncIterator[Pipeline]:
    """A scan may take three seconds."""
    pools = {"lab": (Scanner("s1", options=ENDLESS),), "quick": (Scanner("s1"),)}
    async with in_a_task(running_pipeline(pools, settings=QUICKLY)) as running:
        yield running


async def timed_out(pipeline: Pipeline, scan_id: str, code: str) -> ScanStatus:
    """The scan once it has ended as timeout, its place free."""
    ended = await pipeline.client.wait(scan_id, timeout=60)
    assert (ended.status, ended.error and ended.error.code) == ("timeout", code)
    assert scan_id not in await holders(pipeline, ended.pool, "s1")
    return ended


async def test_a_scan_that_somebody_left_paused_on_the_scanner_is_stopped() -> None:
    settings = replace(QUICKLY, max_duration=timedelta(days=1))
    async with running_pipeline({"lab": (Scanner("s1", options={"scan_seconds": 12_000}),)}, settings=settings) as own:
        await own.client.submit(TARGETS, name="one", pool="lab", id="paused")
        running = await reaches(own, "paused", {"running"})

        async def paused() -> bool:
            answer = await own.emulators["lab.s1"].api.post(f"/scans/{running.scanner_scan_id}/pause")
            return answer.is_success

        await becomes(paused)
        await timed_out(own, "paused", "paused_too_long")
        (row,) = await on_scanner(own, "lab.s1", "paused")
        assert (row["launched"], row["stopped"]) == (1, 1)


async def test_a_launch_that_never_gets_on_is_ended_and_what_it_made_is_cleaned_up(pipeline: Pipeline) -> None:
    await fault(pipeline, "quick.s1", "slow", seconds=8.0, match="/stuck/", path="/launch")
    await pipeline.client.submit(TARGETS, name="one", pool="quick", id="stuck")
    ended = await timed_out(pipeline, "stuck", "max_duration_exceeded")
    assert [each.state for each in ended.timeline if each.state in {"running", "stopping"}] == ["stopping"]

    async def cleaned() -> bool:
        rows = await on_scanner(pipeline, "quick.s1", "stuck")
        return [(row["launched"], row["deleted"]) for row in rows] == [(0, 1)]

    await becomes(cleaned)


async def test_a_scan_whose_scanner_is_unreachable_for_too_long_keeps_its_place_until_it_answers(
    pipeline: Pipeline,
) -> None:
    await pipeline.client.submit(TARGETS, name="one", pool="lab", id="out-of-reach")
    await reaches(pipeline, "out-of-reach", {"running"})
    await fault(pipeline, "lab.s1", "down")
    status = await reaches(pipeline, "out-of-reach", {"stopping"})
    assert (status.status, status.cancelling, status.is_over) == ("running", True, False)

    async def left_alone() -> bool:
        key = await read_key(pipeline.jetstream, "lab", subjects.breaker_key("s1"), Breaker)
        return (key.value or Breaker()).state != "closed"

    await becomes(left_alone)
    assert (await pipeline.client.status("out-of-reach")).state == "stopping"
    assert await holders(pipeline, "lab", "s1") == ("out-of-reach",)
    await pipeline.emulators["lab.s1"].control.clear_faults()
    await timed_out(pipeline, "out-of-reach", "max_duration_exceeded")
    (row,) = await on_scanner(pipeline, "lab.s1", "out-of-reach")
    assert (row["launched"], row["stopped"]) == (1, 1)


class _One:
    """A single scanner, whatever it is asked for as."""

    def __init__(self, scanner: AScanner) -> None:
        self._scanner = scanner

    def get(self, pool: str, name: str) -> AScanner | None:
        return self._scanner


async def test_an_export_that_never_becomes_ready_is_given_up_after_its_tries() -> None:
    """The poller, the client, the emulator and the broker are real; only the patience is a test's."""
    limits = ExportLimits(poll_interval=timedelta(milliseconds=20), ready_within=timedelta(milliseconds=200))
    async with standing(("lab",)) as stand, running_emulator() as emulator:
        keys = ApiKeys(access_key=emulator.emulator.access_key, secret_key=emulator.emulator.secret_key)
        async with NessusScanner(nessus_settings(emulator.url, sign_in=keys, export=limits)) as scanner:
            number = await scanner.create(a_scan_spec())
            await scanner.launch(number)
            await becomes(lambda: _is_over(scanner, number))
            await emulator.control.fault("export_never_ready")
            scan = an_exporting_scan(scanner_scan_id=number)
            subject = subjects.event("lab", state_of(scan), scan.id)
            await stand.jetstream.publish(Write(subject=subject, body=msgspec.json.encode(scan)))
            stage = _exports(stand.jetstream, scanner, ahead=iter(range(100)))
            puller = await stand.puller(subjects.pool_stream("lab"), "exporting", credit=1)
            last = await _handled_until_dead(stand.jetstream, stage, puller)
    assert (last.error.code, last.dead.state) == ("export_not_ready", "exporting")
    assert last.stage_attempts == {"exporting": 2}
    assert "not ready within" in last.error.message


async def _is_over(scanner: NessusScanner, number: int) -> bool:
    return (await scanner.progress(number)).activity.is_over


async def _handled_until_dead(jetstream: Any, stage: Stage[Exporting], puller: Any) -> Dead:
    ledger = Ledger(jetstream, source="test")
    while True:
        delivery = await within(60, puller)
        outcome = await stage(delivery)
        assert isinstance(outcome, Done), "each try is counted"
        await settler(jetstream).settle(delivery, outcome)
        held = await ledger.read("lab", "s1")
        assert held is not None
        if isinstance(held.scan, Dead):
            return held.scan


def _exports(jetstream: Any, scanner: AScanner, ahead: Any) -> Stage[Exporting]:
    """The export stage; each look at its clock is an hour after the one before, past any backoff."""
    clockwork = Clockwork(
        now=lambda: NOW + timedelta(hours=next(ahead)),
        jitter=lambda: 0.0,
        nonce=lambda: "n",
        backoff=Backoff(first=timedelta(seconds=1), cap=timedelta(seconds=2), attempts=3),
    )
    limits = Limits(max_duration=timedelta(days=1), poll=PollSettings())
    parts = PollerParts(
        jetstream=jetstream,
        scanners=_One(scanner),
        exporter=Exporter(Objects(jetstream, subjects.EXPORTS_BUCKET), None),
        teller=Teller(jetstream, limits),
        clockwork=clockwork,
        limits=limits,
        launch_bound=timedelta(seconds=32),
    )
    return Stage(Ledger(jetstream, source="test"), clockwork, Exporting, Poller(parts).export)
