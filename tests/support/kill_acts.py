"""What people do while processes die, and what they look at afterwards."""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta
from pathlib import Path
from typing import Any

from scanpool.coordination.ledger import held_of
from scanpool.runtime.errors import BrokerUnavailable
from scanpool.runtime.jetstream import Write
from scanpool.runtime.objects import Objects
from scanpool.scanners.naming import OurName
from scanpool_schemas import subjects
from scanpool_schemas.scan import StateName
from tests.support.aftermath import tick_ahead
from tests.support.cli import scanpool
from tests.support.eventually import becomes
from tests.support.kill_scenes import INSTANCE, POOL, SCAN, WITHIN_S
from tests.support.pipeline import Pipeline
from tests.support.raw_nessus import create, launch
from tests.support.watching import events_left

TARGETS = ("10.10.0.1",)
FOREVER = timedelta(days=32)
"""No scan is kept so long."""


async def comes_to(pipeline: Pipeline, states: Collection[StateName]) -> None:
    """Wait until the scan's last event is one of the states, however slowly NATS answers."""

    async def there() -> bool:
        try:
            stored = await pipeline.jetstream.last(subjects.pool_stream(POOL), subjects.events_of(POOL, SCAN))
        except BrokerUnavailable:
            return False
        return stored is not None and held_of(stored).state in states

    await becomes(there, within_s=WITHIN_S)


async def submit(pipeline: Pipeline, **fields: Any) -> None:
    """Ask for the scan."""
    await pipeline.client.submit(TARGETS, name="one", id=SCAN, **fields)


async def submit_and_cancel_running(pipeline: Pipeline) -> None:
    """Ask for the scan, and cancel it when it runs."""
    await submit(pipeline)
    await comes_to(pipeline, {"running"})
    await cancel(pipeline)


async def submit_and_cancel_queued(pipeline: Pipeline) -> None:
    """Ask for the scan, and cancel it while it waits."""
    await submit(pipeline)
    await comes_to(pipeline, {"queued-normal"})
    await cancel(pipeline)


async def cancel(pipeline: Pipeline) -> None:
    """Ask that the scan be cancelled."""
    await pipeline.client.cancel(SCAN)


async def clear_faults(pipeline: Pipeline) -> None:
    """The scanner is well again."""
    await pipeline.emulators[INSTANCE].control.clear_faults()


async def submit_another_of_the_same_id(pipeline: Pipeline) -> None:
    """Ask for the scan, and when it is admitted for a different one of the same id."""
    await submit(pipeline)
    await comes_to(pipeline, {"launching", "running", "exporting", "validating", "completed"})
    body = b'{"targets":["10.10.0.2"],"name":"another"}'
    await becomes(lambda: _no_request(pipeline), within_s=WITHIN_S)
    await pipeline.jetstream.publish(Write(subject=subjects.requested(POOL, SCAN), body=body))


async def _no_request(pipeline: Pipeline) -> bool:
    return await pipeline.jetstream.last(subjects.SCAN_REQUESTS, subjects.requested(POOL, SCAN)) is None


async def submit_again(pipeline: Pipeline) -> None:
    """Ask for the scan once more, as somebody does who was not answered."""
    await submit(pipeline)


async def submit_and_run(pipeline: Pipeline) -> None:
    """Ask for the scan, and see it run."""
    await submit(pipeline)
    await comes_to(pipeline, {"running"})


async def submit_and_complete(pipeline: Pipeline) -> None:
    """Ask for the scan, and see it through."""
    await submit(pipeline)
    await comes_to(pipeline, {"completed"})


async def submit_and_fail(pipeline: Pipeline) -> None:
    """Ask for the scan, and see it fail."""
    await submit(pipeline)
    await comes_to(pipeline, {"failed"})


async def submit_and_give_up(pipeline: Pipeline) -> None:
    """Ask for the scan, whose export fails until it is given up, and mend what was wrong."""
    await submit(pipeline)
    await comes_to(pipeline, {"dead"})
    await clear_faults(pipeline)


async def retry_again(pipeline: Pipeline) -> None:
    """Retry the scan once more, as somebody does who was not answered."""
    await scanpool("retry-dlq", SCAN, "--nats", pipeline.nats.url)


async def retry_when_dead(pipeline: Pipeline) -> None:
    """Mend what was wrong when the scan was given up, and retry it."""
    await comes_to(pipeline, {"dead"})
    await clear_faults(pipeline)
    answer = await scanpool("retry-dlq", SCAN, "--nats", pipeline.nats.url)
    assert answer.code == 0, answer.err


async def was_retried_once(pipeline: Pipeline) -> None:
    """Two persons' retries were one."""
    assert (await pipeline.client.status(SCAN)).run == 2


async def submit_then_intrude(pipeline: Pipeline) -> None:
    """Ask for the scan, and when it is over have a second one of its name run, as a launch that came late."""
    await submit(pipeline)
    await comes_to(pipeline, {"failed"})
    api = pipeline.emulators[INSTANCE].api
    name = str(OurName(deployment="scanpool", scan_id=SCAN, run=1))
    await launch(api, await create(api, name=name))


async def submit_and_leave_an_orphan(pipeline: Pipeline) -> None:
    """A completed scan, and an export that no event names."""
    await submit_and_complete(pipeline)
    await Objects(pipeline.jetstream, subjects.EXPORTS_BUCKET).put("lost.1.0", Path(__file__), "a test's")


async def is_gone(pipeline: Pipeline) -> None:
    """A scan whose time is over has left nothing."""
    await tick_ahead(pipeline.jetstream, [POOL], FOREVER)
    assert await events_left(pipeline, POOL, SCAN) == []
    for bucket in (subjects.EXPORTS_BUCKET, subjects.FINDINGS_BUCKET):
        assert await Objects(pipeline.jetstream, bucket).list() == []
