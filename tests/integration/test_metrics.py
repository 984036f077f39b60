"""Every metric that is documented is served and moves, in a real run of all services."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest
import pytest_asyncio
from prometheus_client.parser import text_string_to_metric_families as plain_families

from scanpool.runtime.metrics import Metrics
from tests.support.bridge import connected, running_bridge
from tests.support.eventful import eventful_run, much_happens, nats_seems_full, scraped
from tests.support.eventually import becomes
from tests.support.pipeline import Pipeline
from tests.support.watching import in_a_task

pytestmark = pytest.mark.asyncio(loop_scope="module")

OPENMETRICS = "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5"
NAMES = [family.name for part in (Metrics().work, Metrics().shared) for family in vars(part).values()]


@dataclass
class Run:
    """A run, and the highest value that each series had in it."""

    pipeline: Pipeline
    highest: dict[str, float] = field(default_factory=dict)
    labels: dict[str, set[str]] = field(default_factory=dict)
    """By name of a metric: its labels and their values."""

    async def look(self) -> None:
        for family in plain_families(await scraped(self.pipeline)):
            for sample in family.samples:
                name = sample.name.removesuffix("_count")
                self.highest[name] = max(self.highest.get(name, 0.0), sample.value)
                self.labels.setdefault(name, set()).update(f"{each}={said}" for each, said in sample.labels.items())

    async def keep_looking(self) -> None:
        while True:
            await self.look()
            await asyncio.sleep(0.1)  # a gauge that rises and falls between two looks is missed


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def run() -> AsyncIterator[Run]:
    async with in_a_task(eventful_run()) as pipeline:
        run = Run(pipeline)
        looking = asyncio.create_task(run.keep_looking())
        try:
            await much_happens(pipeline)
            await nats_seems_full(pipeline, "odd")
        finally:
            looking.cancel()
            await asyncio.wait({looking})
        await run.look()
        yield run


@pytest.mark.parametrize("name", NAMES)
async def test_a_metric_is_served_and_moves(run: Run, name: str) -> None:
    assert run.highest.get(name, 0.0) > 0, f"{name} is {run.highest.get(name, 'not there')}"


@pytest.mark.parametrize(
    "said",
    [
        ("nessus_scans_total", "scan_type=authenticated"),
        ("nessus_scans_total", "status=timeout"),
        ("nessus_validation_failures_total", "reason=xml_invalid"),
        ("nessus_api_requests_total", "tool=scanner.launch"),
        ("nessus_scanner_capacity", "scanner_instance=lab.well"),
        ("nessus_pool_dlq_depth", "pool=lab"),
        ("scanpool_state_seconds", "state=queued-normal"),
        ("scanpool_attempts_total", "state=exporting"),
        ("scanpool_scanner_request_seconds", "outcome=scanner_unavailable"),
        ("scanpool_janitor_repairs_total", "kind=overdue"),
        ("scanpool_service_info", "service=dispatcher"),
    ],
    ids=str,
)
async def test_it_says_what_it_is_of(run: Run, said: tuple[str, str]) -> None:
    name, label = said
    assert label in run.labels[name]


async def test_no_label_is_taken_from_a_request_a_scan_or_a_message(run: Run) -> None:
    told = await scraped(run.pipeline)
    for word in ("runs-on", "too-long", "unlucky", "nonsense", "10.10.0", "nobody", "tests", "to be seen"):
        assert word not in told


async def test_scans_that_ended_by_how_are_those_that_did(run: Run) -> None:
    ends = {
        tuple(sample.labels.values()): sample.value
        for family in plain_families(await scraped(run.pipeline))
        for sample in family.samples
        if sample.name == "nessus_scans_total"
    }
    assert ends == {
        ("untrusted", "completed"): 1,
        ("authenticated", "completed"): 1,
        ("authenticated", "failed"): 1,
        ("untrusted", "failed"): 3,
        ("untrusted", "timeout"): 1,
    }


async def test_counts_of_dead_letters_and_of_what_waits_are_those_of_the_statistics(run: Run) -> None:
    counts = {
        'nessus_pool_dlq_depth{pool="lab"} 2.0',
        'nessus_pool_queue_depth{pool="held"} 1.0',
        'scanpool_pool_scans{pool="held",state="queued-normal"} 1.0',
        'scanpool_pool_scans{pool="lab",state="running"} 2.0',
    }

    async def are_told() -> bool:
        stats = {each.pool: each for each in await run.pipeline.client.stats()}
        told = set((await scraped(run.pipeline)).splitlines())
        return (stats["lab"].dead_letters, stats["held"].queued["normal"]) == (2, 1) and counts <= told

    await becomes(are_told)


async def test_an_exemplar_leads_to_the_trace_of_a_scan(run: Run) -> None:
    trace_id = (await run.pipeline.client.status("wrong", pool="lab")).trace_id
    text = await scraped(run.pipeline, OPENMETRICS)
    told = [line for line in text.splitlines() if line.startswith("nessus_auth_failures_total") and " # " in line]
    assert re.findall(r'trace_id="(\w+)"', "\n".join(told)) == [trace_id]


async def test_another_replica_tells_the_same_of_what_is_shared(run: Run) -> None:
    before = len(run.pipeline.runners)
    runner = await run.pipeline.start(("validator",))
    assert len(run.pipeline.runners) == before + 1
    shared = {family.name for family in vars(Metrics().shared).values()} - {
        "scanpool_pool_deliveries",
        "scanpool_pool_pulls",
        "scanpool_pool_oldest_waiting_seconds",
        "scanpool_gauges_refreshed_seconds",
        "scanpool_store_free_ratio",
        "scanpool_no_room",
    }
    other = Pipeline(**{**vars(run.pipeline), "runners": [(runner, run.pipeline.runners[-1][1])]})

    async def tells_the_same() -> bool:
        return _of(await scraped(other), shared) == _of(await scraped(run.pipeline), shared)

    await becomes(tells_the_same)


def _of(text: str, names: set[str]) -> set[str]:
    return {line for line in text.splitlines() if line.split("{")[0].split(" ")[0] in names}


async def test_tools_of_the_bridge_are_counted_where_they_are_called(run: Run) -> None:
    async with running_bridge(run.pipeline) as bridge, connected(bridge) as client:
        await client.call_tool("list_pools", {})
        text = bridge.parts.metrics.exposed().body.decode()
    assert 'nessus_api_requests_total{status="ok",tool="list_pools"} 1.0' in text
