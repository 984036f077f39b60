"""The rights of NATS's users: with them the pipeline does all that it does, and none of them goes further."""

from __future__ import annotations

import asyncio
import shlex
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import anyio
import msgspec
import pytest
import pytest_asyncio

from scanpool.bridge.configuration.settings import BridgeSettings
from scanpool.bridge.parts import parts_of
from scanpool.bridge.server import make_server
from scanpool.bridge.serving.application import application
from scanpool.client import ScanEvent, ScanPool
from scanpool.coordination import gauges
from scanpool.runtime.http import serving
from scanpool.runtime.metrics import Metrics
from scanpool.runtime.objects import Objects
from scanpool.runtime.topology.apply import apply, pools_in_nats
from scanpool.runtime.topology.definitions import topology
from scanpool_schemas import subjects
from tests.support.bridge import RunningBridge, called, connected
from tests.support.cli import Ended, scanpool
from tests.support.eventually import becomes, eventually
from tests.support.guarded_nats import GuardedNats, Violation, guarded_nats
from tests.support.guarded_pipeline import POOLS, GuardedPipeline, guarded_pipeline
from tests.support.watching import in_a_task

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.long]

TARGETS = ["10.10.0.1"]
LAB, DMZ = subjects.pool_stream("lab"), subjects.pool_stream("dmz")


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def pipeline() -> AsyncIterator[GuardedPipeline]:
    async with in_a_task(guarded_pipeline()) as running:
        yield running


@pytest.fixture
def nothing_refused(pipeline: GuardedPipeline) -> Iterator[None]:
    """No service and no person tried what its user may not."""
    yield
    assert pipeline.nats.violations() == []


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def nats() -> AsyncIterator[GuardedNats]:
    """A server that is set up, and that nobody uses."""
    async with in_a_task(guarded_nats(tuple(POOLS), ("dmz",))) as server:
        async with server.jetstream("setup") as jetstream:
            await apply(jetstream, topology(tuple(POOLS), replicas=1))
        yield server


async def run(pipeline: GuardedPipeline, user: str, line: str) -> Ended:
    environ = {**pipeline.nats.environ(user), "SCANPOOL_CONFIG": str(pipeline.configuration), "LOGNAME": "ops"}
    return await scanpool(*shlex.split(line), environ=environ)


async def state_is(pipeline: GuardedPipeline, scan_id: str, *states: str) -> None:
    async def so() -> bool:
        return (await pipeline.client.status(scan_id)).state in states

    await becomes(so, within_s=60)


async def shows(pipeline: GuardedPipeline, scan_id: str, word: str) -> None:
    """Wait for its scanner's word for it: it takes no pause before it runs."""

    async def so() -> bool:
        progress = (await pipeline.client.status(scan_id)).progress
        return progress is not None and progress.status == word

    await becomes(so, within_s=60)


@pytest.mark.usefixtures("nothing_refused")
@pytest.mark.parametrize("pool", POOLS)
@pytest.mark.parametrize(("credential", "status"), [("linux", "completed"), ("wrong", "failed")])
async def test_scans_end_as_they_should_here_and_beside_the_scanners_of_a_dmz(
    pipeline: GuardedPipeline, pool: str, credential: str, status: str
) -> None:
    fields = {"scan_type": "authenticated", "credential_ref": credential, "scanner": "s1"}
    scan = await pipeline.client.submit(TARGETS, name="one", pool=pool, **fields)
    assert (await pipeline.client.wait(scan.id, pool=pool, timeout=60)).status == status


@pytest.mark.usefixtures("nothing_refused")
async def test_a_running_scan_is_paused_resumed_and_cancelled(pipeline: GuardedPipeline) -> None:
    await pipeline.client.submit(TARGETS, name="slow", pool="lab", scanner="slow", id="slow")
    orders = {"pause-scan slow --reason busy": "running", "resume-scan slow": "paused", "cancel slow --wait": "running"}
    for line, word in orders.items():
        await shows(pipeline, "slow", word)
        ended = await run(pipeline, "operator", line)
        assert ended.code in (0, 3), ended.err
    assert (await pipeline.client.status("slow")).status == "cancelled"


@pytest.mark.usefixtures("nothing_refused")
async def test_a_request_that_is_made_twice_or_against_the_rules_is_answered(pipeline: GuardedPipeline) -> None:
    for _ in range(2):
        await pipeline.client.submit(TARGETS, name="one", pool="lab", scanner="s1", id="twice")
    assert (await pipeline.client.wait("twice", timeout=60)).status == "completed"
    refused = await pipeline.client.submit(TARGETS, name="one", pool="lab", scanner="absent")
    assert (await pipeline.client.admitted(refused, timeout=60)).status == "failed"


@pytest.mark.usefixtures("nothing_refused")
async def test_dead_scans_and_dead_requests_are_retried_and_purged_by_operators(pipeline: GuardedPipeline) -> None:
    control = pipeline.emulators["lab.s1"].control
    await control.fault("truncated_export", match="/given-up/")
    await pipeline.client.submit(TARGETS, name="one", pool="lab", scanner="s1", id="given-up")
    await state_is(pipeline, "given-up", "dead")
    await control.clear_faults()
    async with pipeline.nats.jetstream("publisher") as jetstream:
        await jetstream.client.request(subjects.requested("lab", "broken"), b"\xff", timeout=60)
    await becomes(lambda: in_dlq(pipeline, "dlq.lab.*.broken.*"), within_s=60)
    await becomes(lambda: in_dlq(pipeline, subjects.event("lab", "dead", "given-up")), within_s=60)
    assert (await run(pipeline, "operator", "retry-dlq given-up")).code == 0
    assert (await pipeline.client.wait("given-up", timeout=60)).run == 2
    for line in ("list-dlq", "retry-dlq --all --reason invalid_request", "purge-dlq --confirm lab"):
        assert (await run(pipeline, "operator", line)).code == 0, line


async def in_dlq(pipeline: GuardedPipeline, subject: str) -> bool:
    async with pipeline.nats.jetstream("operator") as jetstream:
        return await jetstream.last(subjects.SCAN_DLQ, subject) is not None


@pytest.mark.usefixtures("nothing_refused")
async def test_operators_can_do_all_that_the_command_line_has(pipeline: GuardedPipeline) -> None:
    lines = (
        "scan 10.10.0.1 --pool lab --scanner s1 --id by-hand --type authenticated --credential linux --wait",
        "status by-hand",
        "list --pool lab",
        "results by-hand --hosts",
        "results export by-hand --format csv",
        "results export by-hand --format nessus",
        "diff by-hand by-hand",
        "events",
        "pools",
        "scanners",
        "stats",
        "breakers",
        "breaker trip lab.slow --reason test",
        "breaker probe lab.slow",
        "breaker reset lab.slow",
        "cordon lab.slow --reason test",
        "uncordon lab.slow",
        "pause dmz --reason test",
        "resume dmz",
        "drain lab.slow --reason test --no-wait",
        "uncordon lab.slow",
        "janitor --once --dry-run",
        "janitor --once --repair",
    )
    for line in lines:
        ended = await run(pipeline, "operator", line)
        assert ended.code == 0, f"{line}: {ended.err}"


@pytest.mark.usefixtures("nothing_refused")
async def test_the_janitor_lists_and_deletes_reports_that_others_stored_and_purges_events(
    pipeline: GuardedPipeline, tmp_path: Path
) -> None:
    (tmp_path / "report").write_bytes(b"x" * 300_000)
    stored = {"poller": subjects.EXPORTS_BUCKET, "worker-dmz": subjects.EXPORTS_BUCKET}
    for user, bucket in {**stored, "validator": subjects.FINDINGS_BUCKET}.items():
        async with pipeline.nats.jetstream(user) as jetstream:
            await Objects(jetstream, bucket).put(f"orphan.1.{user}", tmp_path / "report", "of nobody")
    async with pipeline.nats.jetstream("janitor") as jetstream:
        for bucket in (subjects.EXPORTS_BUCKET, subjects.FINDINGS_BUCKET):
            objects = Objects(jetstream, bucket)
            orphans = [each.name for each in await objects.list() if each.name.startswith("orphan.")]
            assert orphans
            for name in orphans:
                await objects.delete(name)
        assert await jetstream.purge(LAB, subjects.events_of("lab", "of-nobody"), below=2) == 0


@pytest.mark.usefixtures("nothing_refused")
async def test_the_doctor_looks_at_everything_as_an_operator(pipeline: GuardedPipeline) -> None:
    ended = await run(pipeline, "operator", "doctor --json")
    assert ended.code in (0, 1), ended.err
    assert "ermission" not in ended.out


@pytest.mark.usefixtures("nothing_refused")
async def test_setup_finds_nothing_to_do_and_looks_whether_it_is_so(pipeline: GuardedPipeline) -> None:
    async with pipeline.nats.jetstream("setup") as jetstream:
        changes = await apply(jetstream, topology(tuple(POOLS), replicas=1, janitor_every_s=1, cleanup_every_s=1))
    assert changes == []


@pytest.mark.usefixtures("nothing_refused")
async def test_subscribers_get_the_ends_of_scans_live_and_durably(pipeline: GuardedPipeline) -> None:
    async with pipeline.nats.jetstream("subscriber") as jetstream:
        subscriber = ScanPool(jetstream)
        async with AsyncExitStack() as stack:
            subscriptions = [
                await stack.enter_async_context(subscriber.events(pools=["dmz"], kinds=["completed"], durable=name))
                for name in (None, "reporting")
            ]
            await pipeline.client.submit(TARGETS, name="one", pool="dmz", id="to-be-heard")
            for subscription in subscriptions:
                with anyio.fail_after(60):
                    heard = [event async for event in until(subscription, "to-be-heard")]
                assert heard[-1].scan.status == "completed"


async def until(events: Any, scan_id: str) -> AsyncIterator[ScanEvent]:
    async for event in events:
        yield event
        if event.scan.id == scan_id:
            return


@pytest.mark.usefixtures("nothing_refused")
async def test_agents_scan_through_the_bridge(pipeline: GuardedPipeline) -> None:
    async with pipeline.nats.jetstream("bridge") as jetstream:
        parts = parts_of(jetstream, BridgeSettings())
        server = make_server(parts)
        app = application(server, parts)
        async with app.router.lifespan_context(app), serving(app, "127.0.0.1", 0) as port:
            async with connected(RunningBridge(server, parts, f"http://127.0.0.1:{port}/mcp")) as agent:
                await uses_every_tool(agent)
            parts.stopping.set()
        await gauges.refresh(jetstream, Metrics(), await pools_in_nats(jetstream))


async def uses_every_tool(agent: Any) -> None:
    where = {"targets": TARGETS, "scanner_pool": "lab", "scanner_instance": "s1"}
    scan = await called(agent, "run_untrusted_scan", name="by an agent", **where)
    task = {"task_id": scan["task_id"]}
    ended = await called(agent, "wait_for_scan", **task)
    assert ended["status"] == "completed"
    for tool in ("get_scan_status", "get_scan_results", "cancel_scan"):
        await asyncio.wait_for(agent.call_tool(tool, task), 60)
    for tool in (
        "list_pools",
        "list_scanners",
        "get_queue_status",
        "list_tasks",
        "get_dead_letters",
        "list_credentials",
    ):
        await asyncio.wait_for(agent.call_tool(tool, {}), 60)


PUBLISH = [
    # events of states that another service commits
    *[(user, subjects.event("lab", "completed", "x")) for user in ("admission", "dispatcher", "poller", "janitor")],
    *[(user, subjects.event("lab", "completed", "x")) for user in ("bridge", "operator", "publisher", "subscriber")],
    ("validator", subjects.event("lab", "running", "x")),
    ("poller", subjects.event("lab", "launching", "x")),
    ("dispatcher", subjects.event("lab", "exporting", "x")),
    ("bridge", subjects.event("lab", "queued-high", "x")),
    ("publisher", subjects.event("lab", "queued-high", "x")),
    # rules and other keys
    *[(user, subjects.key("lab", "rules")) for user in ("admission", "poller", "validator", "janitor", "bridge")],
    *[(user, subjects.key("lab", "rules")) for user in ("operator", "publisher", "setup", "monitor")],
    ("validator", subjects.key("lab", "load.s1")),
    ("bridge", subjects.key("lab", "control")),
    ("dispatcher", subjects.key("lab", "control")),
    # another pool, whose worker stands elsewhere
    ("worker-dmz", subjects.event("lab", "running", "x")),
    ("worker-dmz", subjects.key("lab", "load.s1")),
    ("worker-dmz", f"$JS.API.STREAM.MSG.GET.{LAB}"),
    ("worker-dmz", f"$JS.API.CONSUMER.MSG.NEXT.{LAB}.running"),
    ("worker-dmz", f"$JS.API.STREAM.INFO.{LAB}"),
    ("worker-dmz", subjects.requested("dmz", "x")),
    # what its pool's reports need, which the validators on the inside do
    ("worker-dmz", f"$JS.API.CONSUMER.MSG.NEXT.{DMZ}.validating"),
    ("worker-dmz", subjects.event("dmz", "completed", "x")),
    ("worker-dmz", "$O.scan-findings.M.x"),
    ("dispatcher", subjects.event("dmz", "running", "x")),
    ("poller", f"$JS.API.CONSUMER.MSG.NEXT.{DMZ}.running"),
    # deliveries of another service
    ("validator", f"$JS.API.CONSUMER.MSG.NEXT.{LAB}.running"),
    ("janitor", f"$JS.API.CONSUMER.MSG.NEXT.{LAB}.queued-high"),
    ("bridge", f"$JS.API.CONSUMER.MSG.NEXT.{LAB}.validating"),
    ("publisher", f"$JS.API.CONSUMER.MSG.NEXT.{LAB}.queued-normal"),
    ("publisher", "$JS.API.CONSUMER.MSG.NEXT.SCAN_REQUESTS.admission"),
    ("poller", f"$JS.ACK.{LAB}.validating.1.1.1.1.1"),
    # consumers of services, changed or deleted
    ("janitor", f"$JS.API.CONSUMER.DELETE.{LAB}.running"),
    ("bridge", f"$JS.API.CONSUMER.CREATE.{LAB}.running.scan.lab.running.*"),
    ("operator", f"$JS.API.CONSUMER.DELETE.{LAB}.running"),
    ("publisher", f"$JS.API.CONSUMER.CREATE.{LAB}.sweep-1.$KV.pool-lab.>"),
    ("dispatcher", f"$JS.API.CONSUMER.CREATE.{LAB}.mine.scan.lab.>"),
    # streams
    *[(user, f"$JS.API.STREAM.DELETE.{LAB}") for user in ("setup", "operator", "janitor", "dispatcher", "bridge")],
    *[(user, f"$JS.API.STREAM.UPDATE.{LAB}") for user in ("operator", "janitor", "dispatcher", "monitor")],
    *[(user, f"$JS.API.STREAM.PURGE.{LAB}") for user in ("dispatcher", "poller", "bridge", "publisher", "setup")],
    ("setup", "$JS.API.STREAM.CREATE.ELSEWHERE"),
    ("subscriber", f"$JS.API.STREAM.MSG.GET.{LAB}"),
    ("subscriber", f"$JS.API.CONSUMER.CREATE.{LAB}.mine"),
    ("monitor", f"$JS.API.STREAM.MSG.GET.{LAB}"),
    # reports
    *[(user, "$JS.API.STREAM.MSG.GET.OBJ_scan-exports") for user in ("poller", "worker-dmz", "bridge", "publisher")],
    *[(user, "$JS.API.STREAM.MSG.GET.OBJ_scan-findings") for user in ("validator", "poller", "publisher", "admission")],
    ("bridge", "$O.scan-findings.M.x"),
    ("validator", "$O.scan-exports.M.x"),
    # requests, orders, audit
    ("dispatcher", subjects.requested("lab", "x")),
    ("subscriber", subjects.requested("lab", "x")),
    ("publisher", "order.lab.pause.x"),
    ("operator", "dlq.lab.admission.x.s1"),
    ("poller", "audit.someone.cancel_scan"),
    # answers of others, forged
    ("publisher", "_INBOX_operator.x"),
    ("poller", "_INBOX_operator.x"),
]
HEAR = [
    *[(user, "_INBOX_operator.>") for user in ("publisher", "worker-dmz", "bridge", "janitor", "monitor")],
    ("publisher", "_INBOX.>"),
    ("operator", ">"),
    ("subscriber", "scan.lab.*.*"),
    ("worker-dmz", "order.lab.*.*"),
    ("worker-dmz", "scan.*.requested.*"),
    ("worker-dmz", subjects.key("lab", "load.*")),
    ("validator", "scan.lab.*.*"),
    ("monitor", "$JS.EVENT.>"),
    ("dispatcher", "order.lab.*.*"),
]


@pytest.mark.parametrize(("user", "subject"), PUBLISH, ids=lambda each: each)
async def test_a_user_may_not_publish_what_its_service_does_not(nats: GuardedNats, user: str, subject: str) -> None:
    async with nats.jetstream(user) as jetstream:
        await jetstream.client.publish(subject, b"{}")
        await jetstream.client.flush()
    wanted = Violation(user=user, what="Publish", subject=subject)
    await eventually(lambda: wanted in nats.violations())


@pytest.mark.parametrize(("user", "subject"), HEAR, ids=lambda each: each)
async def test_a_user_may_not_hear_what_its_service_need_not(nats: GuardedNats, user: str, subject: str) -> None:
    async with nats.jetstream(user) as jetstream:
        await jetstream.client.subscribe(subject)
        await jetstream.client.flush()
    wanted = Violation(user=user, what="Subscription", subject=subject)
    await eventually(lambda: wanted in nats.violations())


async def test_what_was_refused_left_nothing_in_any_stream(nats: GuardedNats) -> None:
    async with nats.jetstream("monitor") as jetstream:
        names = [each["name"] for each in topology(tuple(POOLS)).streams]
        answers = [await jetstream.api(f"STREAM.INFO.{name}", None, dict[str, Any]) for name in names]
    schedules = len(topology(tuple(POOLS)).schedules)
    kept = {each["config"]["name"]: each["state"]["messages"] for each in answers if each["state"]["messages"]}
    assert set(kept) <= {subjects.SCAN_TICKS}
    assert msgspec.json.decode(msgspec.json.encode(kept)).get(subjects.SCAN_TICKS, 0) >= schedules


async def test_without_tls_or_with_a_wrong_password_nobody_comes_in(nats: GuardedNats) -> None:
    environ = nats.environ("operator")
    plain = {**environ, "SCANPOOL_NATS_URL": nats.url.replace("tls://", "nats://"), "SCANPOOL_NATS_CA": ""}
    wrong = {**environ, "SCANPOOL_NATS_USER": "setup"}
    for told in (plain, wrong):
        ended = await scanpool("pools", environ=told)
        assert ended.code == 1
        assert "of-operator" not in ended.out + ended.err
