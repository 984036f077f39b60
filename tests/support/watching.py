"""What tests see of a running pipeline from outside, and how they wait for it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any, TypeVar

import msgspec

from scanpool.client.errors import UnknownScan
from scanpool.runtime.backoff import Backoff
from scanpool.runtime.jetstream import Stored
from scanpool.runtime.settings import LaunchSettings
from scanpool_schemas import subjects
from scanpool_schemas.events import DeadLetter
from scanpool_schemas.keys import Load
from scanpool_schemas.scan import StateName
from scanpool_schemas.status import ScanStatus
from tests.support.eventually import becomes
from tests.support.pipeline import FAST, Pipeline

_T = TypeVar("_T")

FASTER = replace(
    FAST,
    launch=LaunchSettings(
        lease=timedelta(seconds=1.2), request_bound=timedelta(milliseconds=500), margin=timedelta(milliseconds=200)
    ),
    backoff=Backoff(first=timedelta(milliseconds=100), cap=timedelta(milliseconds=300), attempts=2),
)
"""As FAST, with leases that end, and tries that are used up, before a test is."""


def _fail(entered: asyncio.Future[_T], ended: asyncio.Task[None]) -> None:
    """Whoever waits for the context to be entered learns why it was not."""
    error = None if ended.cancelled() else ended.exception()
    entered.set_exception(error or RuntimeError("the context was never entered"))


@asynccontextmanager
async def in_a_task(context: AbstractAsyncContextManager[_T]) -> AsyncIterator[_T]:
    """Enter and leave the context in one task, as a fixture of wider scope does not."""
    entered: asyncio.Future[_T] = asyncio.get_running_loop().create_future()
    leave = asyncio.Event()

    async def hold() -> None:
        async with context as value:
            entered.set_result(value)
            await leave.wait()

    task = asyncio.create_task(hold())
    task.add_done_callback(lambda ended: None if entered.done() else _fail(entered, ended))
    await entered
    try:
        yield entered.result()
    finally:
        leave.set()
        await task


async def reaches(pipeline: Pipeline, scan_id: str, states: Collection[StateName], **where: Any) -> ScanStatus:
    """Wait until the scan's last event is one of the states."""
    seen: list[ScanStatus] = []

    async def there() -> bool:
        try:
            seen.append(await pipeline.client.status(scan_id, **where))
        except UnknownScan:
            return False
        return seen[-1].state in states

    await becomes(there)
    return seen[-1]


async def holders(pipeline: Pipeline, pool: str, scanner: str) -> tuple[str, ...]:
    """The ids that hold a place on the scanner."""
    subject = subjects.key(pool, subjects.load_key(scanner))
    stored = await pipeline.jetstream.last(subjects.pool_stream(pool), subject)
    return msgspec.json.decode(stored.body, type=Load).holders if stored else ()


async def on_scanner(pipeline: Pipeline, instance: str, scan_id: str) -> list[dict[str, Any]]:
    """What the scanner counted of the scans that bear the scan's name."""
    stats = await pipeline.emulators[instance].control.stats()
    return [row for row in stats["scans"] if f"/{scan_id}/" in row["name"]]


async def launches(pipeline: Pipeline, scan_id: str) -> dict[str, int]:
    """How often each scanner launched anything that bears the scan's name; scanners without are left out."""
    counted = {name: await on_scanner(pipeline, name, scan_id) for name in pipeline.emulators}
    return {name: sum(row["launched"] for row in rows) for name, rows in counted.items() if rows}


async def fault(pipeline: Pipeline, instance: str, name: str, **parameters: Any) -> None:
    """Put a fault in force on the scanner."""
    await pipeline.emulators[instance].control.fault(name, **parameters)


async def faults_used_up(pipeline: Pipeline, instance: str) -> None:
    """Wait until every fault that acts a number of times has acted."""

    async def so() -> bool:
        answer = await pipeline.emulators[instance].api.get("/_control/faults")
        faults: list[dict[str, Any]] = answer.json()["faults"]
        return not any(each["times"] for each in faults)

    await becomes(so)


async def is_ready(pipeline: Pipeline, instance: str, ready: bool = True) -> None:
    """Wait until the pool's keys say that the scanner is ready, or is not."""
    pool = instance.split(".")[0]

    async def so() -> bool:
        scanners = await pipeline.client.scanners(pool=pool)
        return any(each.scanner_instance == instance and each.ready is ready for each in scanners)

    await becomes(so)


async def dead_letter(pipeline: Pipeline, subject: str) -> DeadLetter:
    """Wait for a dead letter on a subject, which may be a filter."""
    found: list[Stored] = []

    async def there() -> bool:
        stored = await pipeline.jetstream.last(subjects.SCAN_DLQ, subject)
        found.extend([stored] if stored else [])
        return stored is not None

    await becomes(there)
    return msgspec.json.decode(found[-1].body, type=DeadLetter)


async def events_left(pipeline: Pipeline, pool: str, scan_id: str) -> list[Stored]:
    """Every event of the scan that the pool's stream still holds."""
    stream, found, sequence = subjects.pool_stream(pool), [], 1
    while stored := await pipeline.jetstream.next_from(stream, sequence, subjects.events_of(pool, scan_id)):
        found.append(stored)
        sequence = stored.sequence + 1
    return found
