"""One trace from submission to the end of retention, over every service as a process of its own."""

from __future__ import annotations

import asyncio
import sys
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, closing
from pathlib import Path

import pytest

from scanpool.emulator import default_network as network
from scanpool.runtime.http import listening
from tests.support.cli import scanpool
from tests.support.collector import Collector, Seen, collecting
from tests.support.crashing import AHEAD
from tests.support.forking import program
from tests.support.pipeline import Pipeline, Scanner, running_pipeline
from tests.support.ports import own_port
from tests.support.processes import FAST_ENVIRON, Service, running

pytestmark = pytest.mark.long

SERVICES = ("admission", "dispatcher", "poller", "validator")
SLOW = {"time_scale": 20.0}
"""A scan takes three seconds: another that is asked for at the same time waits for its place."""
FOREVER_S = "4000000"
_CRASHING = (sys.executable, "-m", "tests.support.crashing", "at no point", "--")


@asynccontextmanager
async def services(
    pipeline: Pipeline, names: Sequence[str], folder: Path, environ: Mapping[str, str]
) -> AsyncIterator[dict[str, Service]]:
    """Each service as a process of its own."""
    async with AsyncExitStack() as stack:
        yield {
            name: await stack.enter_async_context(
                running(command(pipeline, name), folder / f"{name}.log", environ, program=program())
            )
            for name in names
        }


def command(pipeline: Pipeline, service: str) -> list[str]:
    return ["run", service, "--nats", pipeline.nats.url, "--config", str(pipeline.configuration)]


async def submit(pipeline: Pipeline, name: str, environ: Mapping[str, str]) -> str:
    """Ask for a scan as a person does."""
    words = ("scan", "10.10.0.1", "--name", name, "--type", "authenticated", "--credential", "linux", "--json")
    asked = await scanpool(*words, "--nats", pipeline.nats.url, environ=environ)
    assert asked.code == 0, asked.err
    scan_id: str = asked.document["id"]
    return scan_id


def one(spans: Sequence[Seen], name: str) -> Seen:
    (found,) = [each for each in spans if each.name == name]
    return found


async def test_a_scan_is_one_trace_over_all_services(tmp_path: Path) -> None:
    async with (
        collecting() as collector,
        running_pipeline({"lab": (Scanner("s1", capacity=1, options=SLOW),)}, services=()) as pipeline,
        services(pipeline, SERVICES, tmp_path, collector.environ) as processes,
    ):
        ids = await asyncio.gather(*(submit(pipeline, name, collector.environ) for name in ("one", "two")))
        ended = {each: await pipeline.client.wait(each, timeout=60) for each in ids}
        assert {each.status for each in ended.values()} == {"completed"}
        traces = {each: status.trace_id for each, status in ended.items()}
        await collector.until(
            lambda: all(any("completed" in s.name for s in collector.trace(t)) for t in traces.values())
        )
        await retention_is_over(pipeline, tmp_path, collector)
        lines = {name: process.lines() for name, process in processes.items()}
    assert len(set(traces.values())) == 2
    second = max(ids, key=lambda each: one(collector.trace(traces[each]), "scan queued-normal").ended_ns)
    spans = collector.trace(traces[second])
    assert {each.service for each in spans} == {"scanpool-cli", "scanpool-janitor"} | {
        f"scanpool-{s}" for s in SERVICES
    }
    assert_every_span_has_its_parent(spans)
    assert {each.attributes["scanpool.scan.id"] for each in spans} == {second}
    assert_messages(spans)
    assert_calls(spans, pipeline.emulators["lab.s1"].url)
    assert_waiting(spans, ended[second].submitted_at.timestamp())
    assert_links(collector, spans)
    assert_lines(lines, second, traces[second])
    secrets = (network.LINUX_PASSWORD, "emulated-access-key", "emulated-secret-key")
    assert [secret for secret in secrets for body in collector.bodies if secret.encode() in body] == []


async def retention_is_over(pipeline: Pipeline, folder: Path, collector: Collector) -> None:
    """A janitor whose clock is months ahead."""
    environ = {**collector.environ, AHEAD: FOREVER_S}
    janitor = command(pipeline, "janitor")
    async with running(janitor, folder / "janitor.log", environ, program=_CRASHING):
        await collector.until(lambda: sum(each.name == "delete" for each in collector.spans) == 2)


def assert_every_span_has_its_parent(spans: Sequence[Seen]) -> None:
    """All hang together: one begins the trace, and each other has its parent in it."""
    ids = {each.span_id for each in spans}
    (root,) = [each for each in spans if not each.parent_id]
    assert (root.name, root.kind, root.service) == ("publish scan.{pool}.requested.{id}", "PRODUCER", "scanpool-cli")
    assert [each.name for each in spans if each.parent_id and each.parent_id not in ids] == []
    by_id = {each.span_id: each for each in spans}
    hops = [(by_id[s.parent_id].service, by_id[s.parent_id].name, s.service) for s in spans if s.kind == "CONSUMER"]
    assert ("scanpool-cli", "publish scan.{pool}.requested.{id}", "scanpool-admission") in hops
    assert ("scanpool-admission", "publish scan.{pool}.queued-normal.{id}", "scanpool-dispatcher") in hops
    assert ("scanpool-dispatcher", "publish scan.{pool}.running.{id}", "scanpool-poller") in hops
    assert ("scanpool-poller", "publish scan.{pool}.validating.{id}", "scanpool-validator") in hops


def assert_messages(spans: Sequence[Seen]) -> None:
    published = one(spans, "publish scan.{pool}.running.{id}").attributes
    assert published["messaging.system"] == "nats"
    assert (published["messaging.operation.name"], published["messaging.operation.type"]) == ("publish", "send")
    assert published["messaging.destination.name"].startswith("scan.lab.running.")
    assert published["messaging.message.id"]
    assert published["server.address"] == "127.0.0.1"
    assert (published["scanpool.pool"], published["scanpool.scanner"]) == ("lab", "s1")
    assert (published["scanpool.run"], published["scanpool.attempt"]) == (1, 1)
    processed = next(s for s in spans if s.name == "process scan.{pool}.running.{id}").attributes
    assert processed["messaging.message.id"] == published["messaging.message.id"]
    assert processed["messaging.consumer.group.name"] == "running"


def assert_calls(spans: Sequence[Seen], url: str) -> None:
    """Calls to the scanner are within launch and export; of looks, only the one that changed something is told."""
    by_id = {each.span_id: each for each in spans}
    launch = one(spans, "POST /scans/{id}/launch")
    assert by_id[launch.parent_id].name == "launch"
    assert (launch.kind, launch.attributes["http.request.method"]) == ("CLIENT", "POST")
    assert launch.attributes["http.response.status_code"] == 200
    assert url.endswith(f"{launch.attributes['server.address']}:{launch.attributes['server.port']}")
    assert by_id[next(s for s in spans if s.name.endswith("/download")).parent_id].name == "export"
    assert one(spans, "validate").service == "scanpool-validator"
    assert Counter(s.name for s in spans)["process scan.{pool}.running.{id}"] == 1
    looks = {s.span_id for s in spans if s.name == "process scan.{pool}.launching.{id}"}
    assert looks <= {each for s in spans if s.is_error for each in within(s, by_id)}, "what came to nothing is not told"


def within(span: Seen, by_id: Mapping[str, Seen]) -> set[str]:
    """The span itself and all that it is within."""
    above = by_id.get(span.parent_id)
    return {span.span_id} | (within(above, by_id) if above else set())


def assert_waiting(spans: Sequence[Seen], submitted_at: float) -> None:
    """The second scan waited while the first ran: that is a span of its own, from when it was queued."""
    queued, claimed = one(spans, "scan queued-normal"), one(spans, "process scan.{pool}.queued-normal.{id}")
    assert queued.parent_id == one(spans, "publish scan.{pool}.queued-normal.{id}").span_id == claimed.parent_id
    assert queued.lasted_s > 0.5, queued
    assert abs(queued.began_ns / 1e9 - submitted_at) < 5
    assert one(spans, "scan running").lasted_s > 0.5


def assert_links(collector: Collector, spans: Sequence[Seen]) -> None:
    """The janitor's round is a trace of its own; what it did for scans is in theirs, each linked with the other."""
    deleted = one(spans, "delete")
    ((trace_id, span_id),) = deleted.links
    rounds = {each.span_id: each for each in collector.trace(trace_id)}
    assert (deleted.trace_id, deleted.span_id) in rounds[span_id].links
    assert all(each.links for each in collector.spans if each.service == "scanpool-janitor" and not each.parent_id)


def assert_lines(lines: Mapping[str, list[dict[str, object]]], scan_id: str, trace_id: str) -> None:
    """Every line about the scan says its trace; each change of its state is one line, by who made it."""
    of_scan = [line for each in lines.values() for line in each if line.get("scan_id") == scan_id]
    assert {line["trace_id"] for line in of_scan} == {trace_id}
    changes = [line for line in of_scan if str(line["event"]).startswith("scan is ")]
    by_time = sorted(changes, key=lambda line: str(line["timestamp"]))
    assert [(line["from"], line["to"], line["by"]) for line in by_time] == [
        (None, "queued-normal", "admission"),
        ("queued-normal", "launching", "dispatcher"),
        ("launching", "running", "dispatcher"),
        ("running", "exporting", "poller"),
        ("exporting", "validating", "poller"),
        ("validating", "completed", "validator"),
    ]
    assert {line["level"] for line in changes} == {"info"}
    assert all(line["why"] for line in changes)


async def test_a_collector_that_refuses_disturbs_no_scan_and_is_told_once(tmp_path: Path) -> None:
    async with collecting() as collector:
        collector.status = 400
        async with (
            running_pipeline({"lab": (Scanner("s1", capacity=4),)}, services=()) as pipeline,
            services(pipeline, ["admission"], tmp_path, collector.environ) as one_process,
            services(pipeline, ["dispatcher", "poller", "validator"], tmp_path, {}),
        ):
            scans = [await submit(pipeline, f"scan {n}", {}) for n in range(3)]
            ended = [await pipeline.client.wait(each, timeout=60) for each in scans]
            await collector.until(lambda: collector.asked >= 2)
        lines = one_process["admission"].lines()
    assert {each.status for each in ended} == {"completed"}
    refused = [line for line in lines if line["event"] == "the collector takes no spans; they are dropped"]
    assert [line["level"] for line in refused] == ["warning"]


async def test_a_collector_that_hangs_keeps_no_process_from_ending_in_time(tmp_path: Path) -> None:
    with closing(listening("127.0.0.1", own_port())) as silent:
        endpoint = f"http://127.0.0.1:{silent.getsockname()[1]}"
        environ = {"OTEL_EXPORTER_OTLP_ENDPOINT": endpoint, "OTEL_BSP_SCHEDULE_DELAY": "60000"}
        async with running_pipeline(services=()) as pipeline, services(pipeline, SERVICES, tmp_path, environ) as all_:
            scan_id = await submit(pipeline, "one", {})
            assert (await pipeline.client.wait(scan_id, timeout=60)).status == "completed"
            async with asyncio.timeout(float(FAST_ENVIRON["SCANPOOL_SHUTDOWN_S"]) + 5):
                assert await asyncio.gather(*(each.stop() for each in all_.values())) == [0] * len(SERVICES)


async def test_what_is_asked_for_and_cannot_be_is_told_at_the_start(tmp_path: Path) -> None:
    environ = {"OTEL_TRACES_EXPORTER": "otlp", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}
    async with running_pipeline(services=()) as pipeline, services(pipeline, ["admission"], tmp_path, environ) as one_:
        (line,) = [each for each in one_["admission"].lines() if each["event"] == "traces are not exported"]
        assert line["level"] == "warning"
        assert "takes http/protobuf" in str(line["why"])
