"""A deploy restarts every service while scans run: it costs no scan, and no scan an attempt."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path

from scanpool.coordination.ledger import held_of
from scanpool_schemas import subjects
from scanpool_schemas.scan import Completed
from tests.support.pipeline import Pipeline, Scanner, running_pipeline
from tests.support.processes import Service, start

POOL = tuple(Scanner(f"s{number}", capacity=2) for number in (1, 2, 3))
PROCESSES = (("admission", "janitor"), ("dispatcher",), ("poller",), ("validator",))
PLACES = 6
AT_LEAST = 4 * PLACES
"""Scans that are asked for at first, so that some wait as long as services are restarted."""
PATIENT = {"SCANPOOL_LEASE_S": "20", "SCANPOOL_REQUEST_BOUND_S": "12", "SCANPOOL_SCANNER_TIMEOUT_S": "10"}
"""A busy machine alone costs no attempt."""
_starts = itertools.count(1)
"""Each process has a log of its own."""


async def test_restarting_every_replica_of_every_service_under_load_costs_no_scan_and_no_attempt(
    tmp_path: Path,
) -> None:
    async with running_pipeline({"lab": POOL}, services=()) as pipeline, AsyncExitStack() as stack:
        replicas = [(names, number) for number in (1, 2) for names in PROCESSES]
        # One after another: together they would take longer than each is given on a busy machine.
        services = {each: await started(pipeline, stack, *each, tmp_path) for each in replicas}
        asked: list[str] = []
        over = asyncio.Event()
        load = asyncio.create_task(keep_asking(pipeline, asked, over))
        for each in replicas:
            assert await services[each].stop() == 0, services[each].log.read_text()[-3000:]
            services[each] = await started(pipeline, stack, *each, tmp_path)
        over.set()
        await load
        ended = await asyncio.gather(*(pipeline.client.wait(scan, timeout=90) for scan in asked))
        assert {each.status for each in ended} == {"completed"}
        assert [await tries(pipeline, scan) for scan in asked] == [(1, 1, [])] * len(asked)


async def keep_asking(pipeline: Pipeline, asked: list[str], over: asyncio.Event) -> None:
    """Keep the scanners busy, with some scans waiting."""
    asked.extend([await one_more(pipeline, n) for n in range(AT_LEAST)])
    while not over.is_set():
        await pipeline.client.wait(asked[-2 * PLACES], timeout=90)
        asked.extend([await one_more(pipeline, len(asked) + n) for n in range(PLACES)])


async def one_more(pipeline: Pipeline, number: int) -> str:
    return (await pipeline.client.submit([f"10.10.0.{1 + number % 250}"], name=f"scan {number}")).id


async def tries(pipeline: Pipeline, scan: str) -> tuple[int, int, list[str]]:
    """The scan's runs and attempts, and what its timeline says of more than one way through the states."""
    stored = await pipeline.jetstream.last(subjects.pool_stream("lab"), subjects.events_of("lab", scan))
    assert stored is not None
    ended = held_of(stored).scan
    assert isinstance(ended, Completed)
    again = [entry.why for entry in ended.timeline if "taken over" in entry.why or "try" in entry.why]
    return ended.run, ended.attempt, again


async def started(
    pipeline: Pipeline, stack: AsyncExitStack, names: Sequence[str], number: int, folder: Path
) -> Service:
    """One more process of the services, ready."""
    arguments = ["run", *names, "--nats", pipeline.nats.url, "--config", str(pipeline.configuration)]
    service = await start(arguments, folder / f"{names[0]}-{number}-{next(_starts)}.log", PATIENT)
    stack.push_async_callback(service.stop)
    await service.until_logged("ready")
    return service
