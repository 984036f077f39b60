"""The configuration is read again while scans run."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import yaml

from tests.support.eventually import becomes
from tests.support.pipeline import Pipeline, Scanner, running_pipeline

POOLS = {"lab": (Scanner("s1", capacity=1),), "dmz": (Scanner("e1", capacity=1, options={"time_scale": 20.0}),)}


async def test_capacities_change_live_and_a_bad_file_keeps_the_last_good_one() -> None:
    async with running_pipeline(POOLS) as pipeline:
        edit(pipeline, lambda document: document["pools"]["lab"]["scanners"][0].update(max_concurrent_scans=4))
        reload(pipeline)
        await becomes(lambda: has_capacity(pipeline, 4))
        good = pipeline.configuration.read_text()
        pipeline.configuration.write_text(good.replace("max_concurrent_scans: 4", "max_concurrent_scan: 9"))
        reload(pipeline)
        scan = await pipeline.client.submit(["10.10.0.1"], name="after a bad reload")
        assert (await pipeline.client.wait(scan.id, timeout=60)).status == "completed"
        assert await has_capacity(pipeline, 4)


async def test_a_file_that_is_written_over_or_replaced_is_read_without_being_told() -> None:
    async with running_pipeline(POOLS) as pipeline:
        edit(pipeline, lambda document: document["pools"]["lab"]["scanners"][0].update(max_concurrent_scans=4))
        await becomes(lambda: has_capacity(pipeline, 4))
        text = pipeline.configuration.read_text()
        newer = pipeline.configuration.with_suffix(".new")
        newer.write_text(text.replace("max_concurrent_scans: 4", "max_concurrent_scans: 5"))
        newer.rename(pipeline.configuration)
        await becomes(lambda: has_capacity(pipeline, 5))


async def test_a_pool_that_leaves_is_served_until_empty_and_refuses_new_requests() -> None:
    async with running_pipeline(POOLS) as pipeline:
        scans = [await pipeline.client.submit([f"10.10.0.{n}"], name=f"scan {n}", pool="dmz") for n in (1, 2)]
        await asyncio.gather(*(pipeline.client.admitted(scan) for scan in scans))
        edit(pipeline, lambda document: document["pools"].pop("dmz"))
        edit(pipeline, lambda document: [each.update(pools=["lab"]) for each in document["credentials"]])
        reload(pipeline)
        await becomes(lambda: is_retired(pipeline, "dmz"))
        late = await pipeline.client.submit(["10.10.0.9"], name="too late", pool="dmz")
        refused = await pipeline.client.wait(late.id, timeout=60)
        ended = [await pipeline.client.wait(scan.id, timeout=60) for scan in scans]
        assert refused.error is not None
        assert refused.error.code == "pool_retired"
        assert [each.status for each in ended] == ["completed", "completed"]


def edit(pipeline: Pipeline, change: Callable[[dict[str, Any]], object]) -> None:
    """Change the configuration file."""
    document = yaml.safe_load(pipeline.configuration.read_text())
    change(document)
    pipeline.configuration.write_text(yaml.safe_dump(document, sort_keys=False))


def reload(pipeline: Pipeline) -> None:
    """What SIGHUP does."""
    for runner, _ in pipeline.runners:
        runner.reload()


async def has_capacity(pipeline: Pipeline, capacity: int) -> bool:
    """Whether scanner lab.s1 has so many places."""
    scanners = await pipeline.client.scanners(pool="lab")
    return [each.capacity for each in scanners] == [capacity]


async def is_retired(pipeline: Pipeline, pool: str) -> bool:
    """Whether the pool's rules say that it left."""
    return any(each.pool == pool and each.retired for each in await pipeline.client.pools())
