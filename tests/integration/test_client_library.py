"""The client library against a whole pipeline: one for all tests of this module, with a quick and a slow pool."""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from scanpool.client import (
    AmbiguousScan,
    IdConflict,
    NoResult,
    ScanPool,
    Submitted,
    UnknownPool,
    UnknownScan,
    WaitTimeout,
)
from scanpool.coordination import transitions
from scanpool.coordination.ledger import Ledger
from scanpool.coordination.transitions import Change
from scanpool.report.findings.errors import BadQuery
from scanpool.runtime.connection import NatsAddress, connect
from scanpool.runtime.errors import BrokerError
from scanpool.runtime.jetstream import JetStream, Write
from scanpool.runtime.tracing import trace_id_of
from scanpool_schemas import subjects
from scanpool_schemas.names import derived_scan_id
from scanpool_schemas.request import RequestInvalid, ScanRequest
from scanpool_schemas.status import ScanStatus
from tests.support.broker import standing
from tests.support.builders import a_mark, a_queued_scan, an_error
from tests.support.eventually import becomes
from tests.support.pipeline import Pipeline, Scanner, connected_jetstream, running_pipeline

pytestmark = pytest.mark.asyncio(loop_scope="module")

HOST = "10.10.0.1"
SLOW = {"time_scale": 1.0}
"""A scan takes a minute."""


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def pipeline() -> AsyncIterator[Pipeline]:
    pools = {"lab": (Scanner("s1", capacity=4),), "slow": (Scanner("s1", capacity=8, options=SLOW),)}
    async with running_pipeline(pools) as running:
        yield running


@pytest.fixture
def client(pipeline: Pipeline) -> ScanPool:
    return pipeline.client


async def ended(client: ScanPool, scan: Submitted) -> ScanStatus:
    return await client.wait(scan.id, pool=scan.pool, timeout=60)


async def runs(client: ScanPool, scan: Submitted) -> None:
    async def is_running() -> bool:
        return (await client.status(scan.id, pool=scan.pool)).state == "running"

    await client.admitted(scan)
    await becomes(is_running)


async def test_a_submitted_scan_is_followed_to_its_end(client: ScanPool) -> None:
    scan = await client.submit([HOST], name="one", labels={"team": "blue"}, owner="me")
    assert (scan.pool, scan.duplicate) == ("lab", False)
    assert (await client.admitted(scan)).name == "one"
    over = await ended(client, scan)
    assert (over.status, over.scanner_instance, over.owner) == ("completed", "lab.s1", "me")
    assert over.labels == {"team": "blue"}
    assert [entry.state for entry in over.timeline][-1] == "completed"
    assert over == await client.status(scan.id)


async def test_a_wait_for_a_scan_that_is_over_answers_at_once(client: ScanPool) -> None:
    scan = await client.submit([HOST], name="one")
    over = await ended(client, scan)
    assert await client.wait(scan.id, timeout=0.5) == over


async def test_results_and_report_are_those_of_the_scanner(client: ScanPool, tmp_path: Path) -> None:
    scan = await client.submit([HOST, "10.10.0.2"], name="one")
    over = await ended(client, scan)
    result = await client.results(scan.id)
    assert result.results_summary.hosts_total == 2
    file = tmp_path / "report.nessus"
    await client.download_report(scan.id, file)
    assert over.export is not None
    assert hashlib.sha256(file.read_bytes()).hexdigest() == over.export.sha256 == result.results_summary.sha256
    assert file.stat().st_size == over.export.size_bytes
    assert [path.name for path in tmp_path.iterdir()] == ["report.nessus"]


async def test_a_report_that_is_gone_or_damaged_is_no_report_and_leaves_no_file(
    pipeline: Pipeline, client: ScanPool, tmp_path: Path
) -> None:
    scan = await client.submit([HOST], name="one")
    await ended(client, scan)
    stream = f"OBJ_{subjects.EXPORTS_BUCKET}"
    last = await pipeline.jetstream.last(stream, f"$O.{subjects.EXPORTS_BUCKET}.C.>")
    assert last is not None
    await pipeline.jetstream.purge(stream, last.subject, below=last.sequence + 1)
    with pytest.raises(NoResult, match="the report is gone"):
        await client.download_report(scan.id, tmp_path / "report.nessus")
    assert list(tmp_path.iterdir()) == []


async def test_a_scan_that_is_not_over_has_no_result_and_no_report(client: ScanPool, tmp_path: Path) -> None:
    scan = await client.submit([HOST], name="one", pool="slow")
    await runs(client, scan)
    with pytest.raises(NoResult, match="it is running"):
        await client.results(scan.id)
    with pytest.raises(NoResult, match="has no report"):
        await client.download_report(scan.id, tmp_path / "x")


async def test_a_cancelled_scan_ends_cancelled_however_often_it_is_asked(client: ScanPool) -> None:
    scan = await client.submit([HOST], name="one", pool="slow")
    await runs(client, scan)
    for _ in range(2):
        await client.cancel(scan.id, by="me", reason="wrong network")
    over = await ended(client, scan)
    assert over.status == "cancelled"
    assert any("cancelled by me: wrong network" in entry.why for entry in over.timeline)
    with pytest.raises(NoResult, match="ended without a report"):
        await client.results(scan.id)


async def test_a_scan_can_be_cancelled_as_soon_as_it_is_submitted(client: ScanPool) -> None:
    scan = await client.submit([HOST], name="one", pool="slow")
    await client.cancel(scan.id)
    assert (await ended(client, scan)).status == "cancelled"


async def test_a_wait_that_is_over_leaves_the_scan_as_it_is(client: ScanPool) -> None:
    scan = await client.submit([HOST], name="one", pool="slow")
    with pytest.raises(WaitTimeout, match=r"after 0\.3 s; it goes on"):
        await client.wait(scan.id, timeout=0.3)
    assert not (await client.status(scan.id)).is_over


async def test_a_running_scan_is_shown_with_its_progress(client: ScanPool) -> None:
    scan = await client.submit([HOST], name="one", pool="slow")
    await runs(client, scan)

    async def has_progress() -> bool:
        return (await client.status(scan.id)).progress is not None

    await becomes(has_progress)


async def test_a_list_has_the_newest_first_and_only_what_was_asked_for(client: ScanPool) -> None:
    first = await client.submit([HOST], name="first")
    await ended(client, first)
    second = await client.submit([HOST], name="second")
    await ended(client, second)
    listed = await client.list(pool="lab", status=["completed"])
    ids = [status.id for status in listed]
    assert ids.index(second.id) < ids.index(first.id)
    assert {status.status for status in listed} == {"completed"}
    assert {status.pool for status in listed} == {"lab"}
    assert [status.id for status in await client.list(pool="lab", limit=1)] == [second.id]
    assert {status.pool for status in await client.list()} >= {"lab"}


async def test_pools_and_scanners_are_shown_as_they_are(client: ScanPool) -> None:
    pools = {pool.pool: pool for pool in await client.pools()}
    assert (pools["lab"].default, pools["slow"].default) == (True, False)
    assert (pools["lab"].scanners, pools["lab"].capacity) == (1, 4)
    (scanner,) = await client.scanners(pool="lab")
    assert (scanner.scanner_instance, scanner.ready, scanner.capacity) == ("lab.s1", True, 4)
    assert len(await client.scanners()) == 2


async def test_the_same_key_asks_for_the_same_scan_at_any_time(client: ScanPool) -> None:
    scan = await client.submit([HOST], name="one", owner="me", idempotency_key="week 1")
    assert scan.id == derived_scan_id("me", "week 1")
    again = await client.submit([HOST], name="one", owner="me", idempotency_key="week 1")
    await ended(client, scan)
    late = await client.submit([HOST], name="one", owner="me", idempotency_key="week 1")
    assert (again, late) == 2 * (Submitted(id=scan.id, pool="lab", duplicate=True),)
    other = await client.submit([HOST], name="one", owner="you", idempotency_key="week 1")
    assert other.id != scan.id


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"name": "other"}, "name"),
        ({"targets": ["10.10.0.2"]}, "targets"),
        ({"description": "x", "labels": {"a": "b"}}, "description, labels"),
    ],
)
async def test_a_different_request_of_the_same_key_is_a_conflict_that_names_the_fields(
    client: ScanPool, changes: dict[str, object], named: str
) -> None:
    key = f"conflict {named}"
    request = {"targets": ["10.10.0.1/32"], "name": "one", "idempotency_key": key}
    scan = await client.submit(**request)  # type: ignore[arg-type]
    await ended(client, scan)
    with pytest.raises(IdConflict, match=f"differs in: {named}$"):
        await client.submit(**(request | changes))  # type: ignore[arg-type]


async def test_a_request_made_elsewhere_is_submitted_as_it_is(client: ScanPool) -> None:
    scan = await client.submit_request(ScanRequest(targets=(HOST,), name="made"), pool="lab", id="made-elsewhere")
    assert scan.id == "made-elsewhere"
    assert (await ended(client, scan)).name == "made"


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"targets": []}, "targets"),
        ({"targets": ["10.0.0.0/99"]}, "10.0.0.0/99"),
        ({"exlude": ["10.0.0.1"]}, "did you mean 'exclude'"),
        ({"priority": "urgent"}, "priority"),
        ({"id": "no spaces"}, "id: 'no spaces' is not a valid scan id"),
        ({"scan_type": "authenticated"}, "credential_ref: required"),
    ],
)
async def test_a_request_that_could_never_be_admitted_is_refused_before_it_is_sent(
    client: ScanPool, fields: dict[str, object], said: str
) -> None:
    with pytest.raises(RequestInvalid, match=re.escape(said)):
        await client.submit(**({"targets": [HOST], "name": "one", "pool": "lab"} | fields))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("pool", "said"),
    [("slwo", "did you mean 'slow'?"), ("zzz", "there are: lab, slow"), ("No Pool", "is not a valid pool name")],
)
async def test_a_pool_that_does_not_exist_is_refused_with_those_that_do(client: ScanPool, pool: str, said: str) -> None:
    with pytest.raises(UnknownPool, match=re.escape(said)):
        await client.submit([HOST], name="one", pool=pool)


@pytest.mark.parametrize("call", ["status", "wait", "cancel", "results"])
async def test_a_scan_that_does_not_exist_is_unknown_to_every_call(client: ScanPool, call: str) -> None:
    for scan_id in ("absent", "no.id", "*"):
        with pytest.raises(UnknownScan, match=re.escape(scan_id)):
            await asyncio.wait_for(getattr(client, call)(scan_id), 60)


async def test_an_id_that_two_pools_have_takes_the_name_of_the_pool(client: ScanPool) -> None:
    for pool in ("lab", "slow"):
        await client.admitted(await client.submit([HOST], name=pool, pool=pool, id="twice"))
    with pytest.raises(AmbiguousScan, match=r"several pools \(lab, slow\); name the pool"):
        await client.status("twice")
    assert (await client.status("twice", pool="slow")).name == "slow"


async def test_a_request_that_became_a_dead_letter_is_not_waited_for(pipeline: Pipeline, client: ScanPool) -> None:
    write = Write(subject=subjects.requested("lab", "spoiled"), body=b"{")
    await pipeline.jetstream.publish(write)
    waiting = Submitted(id="spoiled", pool="lab", duplicate=False)
    with pytest.raises(UnknownScan, match=r"SCAN_DLQ, subject dlq\.lab\.\*\.spoiled\.\*"):
        await client.admitted(waiting, timeout=60)


async def test_one_trace_goes_through_every_event_of_a_scan(pipeline: Pipeline, client: ScanPool) -> None:
    submitted = "0af7651916cd43dd8448eb211c80319c"
    headers = {"traceparent": f"00-{submitted}-b7ad6b7169203331-01"}
    heard: list[tuple[str, str]] = []

    async def hear(message: object) -> None:
        heard.append((message.subject.split(".")[2], trace_id_of(message.headers or {})))  # type: ignore[attr-defined]

    async with connected_jetstream(pipeline.nats.url) as listener:
        await listener.client.subscribe("scan.lab.*.traced", cb=hear)
        await listener.client.flush()
        body = b'{"targets": ["10.10.0.1"], "name": "traced"}'
        await pipeline.jetstream.publish(Write(subject=subjects.requested("lab", "traced"), body=body, headers=headers))
        scan = Submitted(id="traced", pool="lab", duplicate=False)
        over = await ended(client, scan)
    states = {"requested", "queued-normal", "launching", "running", "exporting", "validating", "completed"}
    assert states <= {state for state, _ in heard}
    assert {trace for state, trace in heard if state != "progress"} == {submitted}
    assert over.trace_id == submitted


async def test_a_cancel_by_hand_is_told_under_the_trace_of_the_scan(pipeline: Pipeline, client: ScanPool) -> None:
    scan = await client.submit([HOST], name="one", pool="slow")
    await runs(client, scan)
    await pipeline.jetstream.publish(Write(subject=subjects.cancel("slow", scan.id), body=b""))
    over = await ended(client, scan)
    last = await pipeline.jetstream.last(subjects.pool_stream("slow"), subjects.events_of("slow", scan.id))
    assert last is not None
    assert trace_id_of(last.headers) == over.trace_id


async def test_a_client_that_is_left_closes_its_connection(pipeline: Pipeline) -> None:
    connection = await connect(NatsAddress(url=pipeline.nats.url), name="test")
    async with ScanPool(JetStream(connection)) as client:
        assert [pool.pool for pool in await client.pools()] == ["lab", "slow"]
        meanwhile = connection.is_closed
    assert (meanwhile, connection.is_closed) == (False, True)
    await client.close()


async def test_a_wait_goes_on_while_the_server_is_restarted() -> None:
    async with standing(("lab",)) as stand:
        ledger = Ledger(stand.jetstream, source="test")
        scan = a_queued_scan(id="s1")
        held = await ledger.commit(None, Change(scan=scan))
        client = ScanPool(await stand.connection())
        waiting = asyncio.create_task(client.wait("s1", timeout=60))
        await asyncio.sleep(0)  # it begins to wait
        await stand.broker.restart()

        async def ends() -> bool:
            try:
                return await ledger.commit(held, transitions.failed(scan, an_error(), a_mark())) is not None
            except BrokerError:
                return False

        await becomes(ends)
        assert (await waiting).status == "failed"


async def test_findings_of_a_scan_that_is_over_come_in_pages_that_filters_narrow(client: ScanPool) -> None:
    scan = await client.submit([HOST], name="with findings")
    await ended(client, scan)
    whole = await client.findings(scan.id, page_size=3, fields="minimal")
    assert (len(whole.rows), whole.total > 3, whole.has_next) == (3, True, True)
    following = await client.findings(scan.id, page_size=3, fields="minimal", cursor=whole.next_cursor)
    assert not [row for row in following.rows if row in whole.rows]
    info = await client.findings(scan.id, ["severity=info"], page_size=1000)
    assert {row["severity_name"] for row in info.rows} == {"info"}
    with pytest.raises(BadQuery, match="severity"):
        await client.findings(scan.id, ["sevrity=info"])


async def test_a_scan_that_was_refused_has_no_findings(client: ScanPool) -> None:
    scan = await client.submit([HOST], name="refused", credential_ref="nobody", scan_type="authenticated")
    await ended(client, scan)
    with pytest.raises(NoResult, match="ended without a report"):
        await client.findings(scan.id)
