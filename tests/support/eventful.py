"""A run in which all happens that metrics tell of: what goes well, every way to end badly, what people hold back.

The pools: `lab` has a scanner that works and one that fails; `held` is paused; in `odd` a place is held by nobody.
"""

from __future__ import annotations

import asyncio
import itertools
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec

from scanpool.cli.running.assembly import SERVICES, ServiceName
from scanpool.coordination import control
from scanpool.runtime.jetstream import Write
from scanpool.runtime.keys import read_key
from scanpool.runtime.settings import BreakerSettings
from scanpool_schemas import subjects
from scanpool_schemas.keys import Hold, Load, Space
from scanpool_schemas.scan import StateName
from tests.support.builders import a_completed_scan
from tests.support.eventually import becomes
from tests.support.pipeline import Pipeline, Scanner, running_pipeline
from tests.support.watching import FASTER, fault
from tests.support.web import plain_http

POOLS = {
    "lab": (
        Scanner("well", capacity=8),
        Scanner("sick", options={"scan_seconds": 60_000}),
        Scanner("slow", options={"scan_seconds": 60_000}),
    ),
    "held": (Scanner("idle"),),
    "odd": (Scanner("place"),),
}
SETTINGS = replace(
    FASTER,
    gauges_every=timedelta(milliseconds=300),
    breaker=BreakerSettings(failures=2, recovery=timedelta(minutes=5)),
)
WITHIN_S = 60
"""Each of it happens within seconds, on a busy machine later."""
_LOGIN = {"scan_type": "authenticated", "credential_ref": "linux"}
_WRONG = {"scan_type": "authenticated", "credential_ref": "wrong"}


@asynccontextmanager
async def eventful_run(services: Sequence[ServiceName] = SERVICES) -> AsyncIterator[Pipeline]:
    """A pipeline of all services in one process, as `scanpool up` has them; nothing was submitted yet."""
    with tempfile.TemporaryDirectory(prefix="scanpool-test-") as store:
        settings = replace(SETTINGS, store=Path(store))
        async with running_pipeline(POOLS, services=services, settings=settings) as pipeline:
            yield pipeline


def metrics_url(pipeline: Pipeline) -> str:
    """Where the process serves its metrics."""
    runner, _ = pipeline.runners[0]
    return f"http://127.0.0.1:{runner.http_port}/metrics"


async def scraped(pipeline: Pipeline, accept: str = "") -> str:
    """The metrics as they are now."""
    async with plain_http() as http:
        answer = await http.get(metrics_url(pipeline), headers={"accept": accept})
        answer.raise_for_status()
        return answer.text


async def much_happens(pipeline: Pipeline) -> None:
    """Everything that can be told; returns when all of it has happened, with some of it still so."""
    await _hold_things_back(pipeline)
    await pipeline.client.submit(["10.10.0.1"], name="runs on", id="runs-on", pool="lab", scanner="slow")
    await asyncio.gather(
        _good_and_bad_ends(pipeline),
        _a_breaker_opens(pipeline),
        _an_old_scan_is_deleted(pipeline),
        _a_message_that_is_no_request(pipeline),
        _a_scan_waits_for_too_long(pipeline),
        _a_place_is_held_by_nobody(pipeline),
    )
    await _waits(pipeline, "waits-for-long", pool="held")
    await _comes_to(pipeline, "runs-on", "running", pool="lab")


async def goes_on(pipeline: Pipeline) -> None:
    """Scans come and go until this is cancelled, so that what is counted grows."""
    for number in itertools.count():
        scan_id = f"more-{number}"
        await pipeline.client.submit(["10.10.0.5"], name=scan_id, id=scan_id, pool="lab", scanner="well", **_LOGIN)
        await _comes_to(pipeline, scan_id, "completed", pool="lab")


async def _comes_to(pipeline: Pipeline, scan_id: str, state: StateName, pool: str) -> None:
    subject = subjects.event(pool, state, scan_id)

    async def so() -> bool:
        last = await pipeline.jetstream.last(subjects.pool_stream(pool), subjects.events_of(pool, scan_id))
        return last is not None and last.subject == subject

    await becomes(so, within_s=WITHIN_S)


async def _hold_things_back(pipeline: Pipeline) -> None:
    hold = Hold(by="tests", reason="to be seen", since=datetime.now(UTC))
    await control.pause(pipeline.jetstream, "held", hold)
    await control.cordon(pipeline.jetstream, "odd", "place", hold)


async def _good_and_bad_ends(pipeline: Pipeline) -> None:
    for name, kind in (("malformed_export", "broken"), ("truncated_export", "cut"), ("aborted", "aborts")):
        await fault(pipeline, "lab.well", name, match=kind)
    wanted: dict[str, dict[str, Any]] = {
        "plain": {},
        "login": _LOGIN,
        "wrong": _WRONG,
        "broken": {},
        "cut": {},
        "aborts": {},
    }
    for name, fields in wanted.items():
        targets = ["10.10.0.1"]
        await pipeline.client.submit(targets, name=name, id=name, pool="lab", scanner="well", **fields)
    ends: dict[str, StateName] = {"plain": "completed", "login": "completed", "cut": "dead"}
    for name in wanted:
        await _comes_to(pipeline, name, ends.get(name, "failed"), pool="lab")


async def _an_old_scan_is_deleted(pipeline: Pipeline) -> None:
    old = a_completed_scan(id="old", pool="odd")
    subject = subjects.event("odd", "completed", "old")
    await pipeline.jetstream.publish(Write(subject=subject, body=msgspec.json.encode(old)))

    async def gone() -> bool:
        return await pipeline.jetstream.last(subjects.pool_stream("odd"), subject) is None

    await becomes(gone, within_s=WITHIN_S)


async def _a_breaker_opens(pipeline: Pipeline) -> None:
    """A scan runs on a scanner that goes away: it is looked at again and again."""
    await pipeline.client.submit(["10.10.0.2"], name="unlucky", id="unlucky", pool="lab", scanner="sick")
    await _comes_to(pipeline, "unlucky", "running", pool="lab")
    await fault(pipeline, "lab.sick", "down")

    async def opened() -> bool:
        return 'nessus_circuit_state{scanner_instance="lab.sick"} 2.0' in await scraped(pipeline)

    await becomes(opened, within_s=WITHIN_S)


async def _a_message_that_is_no_request(pipeline: Pipeline) -> None:
    await pipeline.jetstream.publish(Write(subject=subjects.requested("lab", "nonsense"), body=b"not JSON"))

    async def given_up() -> bool:
        stored = await pipeline.jetstream.last(subjects.SCAN_DLQ, "dlq.lab.*.nonsense.*")
        return stored is not None

    await becomes(given_up, within_s=WITHIN_S)


async def _a_scan_waits_for_too_long(pipeline: Pipeline) -> None:
    """Its pool is paused, so that no dispatcher looks at it: the janitor ends it."""
    await pipeline.client.submit(["10.10.0.3"], name="too long", id="too-long", pool="held", max_wait_s=1)
    await _comes_to(pipeline, "too-long", "failed", pool="held")


async def _a_place_is_held_by_nobody(pipeline: Pipeline) -> None:
    key = subjects.load_key("place")
    load = await read_key(pipeline.jetstream, "odd", key, Load)
    assert load.value is not None
    body = msgspec.json.encode(msgspec.structs.replace(load.value, holders=("nobody",)))
    await pipeline.jetstream.publish(Write(subject=subjects.key("odd", key), body=body))

    async def noticed() -> bool:
        return 'scanpool_place_disagreements_total{pool="odd"} 0.0' not in await scraped(pipeline)

    await becomes(noticed, within_s=WITHIN_S)


async def _waits(pipeline: Pipeline, scan_id: str, pool: str) -> None:
    await pipeline.client.submit(["10.10.0.4"], name=scan_id, id=scan_id, pool=pool)
    await _comes_to(pipeline, scan_id, "queued-normal", pool=pool)


async def nats_seems_full(pipeline: Pipeline, pool: str) -> None:
    """Say that NATS has no room, until a gauge has told so; the janitor, which measures, takes it back each time."""
    now = datetime.now(UTC)
    space = Space(low=True, why="a test says so", since=now, at=now, until=now + timedelta(minutes=1))
    write = Write(subject=subjects.key(pool, subjects.SPACE_KEY), body=msgspec.json.encode(space))

    async def told() -> bool:
        await pipeline.jetstream.publish(write)
        return f'scanpool_no_room{{pool="{pool}"}} 1.0' in await scraped(pipeline)

    await becomes(told, within_s=WITHIN_S)
