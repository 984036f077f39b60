"""Whether the processes of a running pipeline are ready, asked over HTTP while things are made to go wrong."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from scanpool.cli.running.assembly import ServiceName
from scanpool.cli.running.health.watch import HealthWatch
from scanpool.cli.running.host import Runner
from scanpool.cli.running.process import host_of
from scanpool.runtime.http import Health
from scanpool.runtime.jetstream import JetStream, Write
from scanpool_schemas import subjects
from scanpool_schemas.keys import Space
from tests.support.alone import running_alone
from tests.support.broker import standing
from tests.support.eventually import becomes, eventually
from tests.support.pipeline import Pipeline, Scanner, running_pipeline
from tests.support.watching import FASTER, is_ready, reaches
from tests.support.web import plain_http

pytestmark = pytest.mark.long

SOON = replace(FASTER, health_every=timedelta(milliseconds=200), health_lag=timedelta(seconds=1))
"""Looks often, and takes events that nobody takes for troubling after a few seconds."""
PATIENT_S = 60.0
VALIDATOR: tuple[ServiceName, ...] = ("validator",)


async def asked(runner: Runner) -> tuple[int, dict[str, Any]]:
    async with plain_http(timeout=60) as http:
        answer = await http.get(f"http://127.0.0.1:{runner.http_port}/health/ready")
    return answer.status_code, answer.json()


async def comes_to(runner: Runner, code: int, status: str, reason: str = "") -> str:
    """Wait until the process says so, with such a reason; answers that reason."""
    found: list[str] = []

    async def so() -> bool:
        answered, document = await asked(runner)
        found[:] = [each for each in document["reasons"] if reason in each]
        return (answered, document["status"]) == (code, status) and bool(found or not reason)

    await becomes(so, within_s=PATIENT_S)
    return found[0] if found else ""


async def change(jetstream: JetStream, stream: str, edit: Callable[[dict[str, Any]], None]) -> None:
    config = (await jetstream.api(f"STREAM.INFO.{stream}", None, dict[str, Any]))["config"]
    edit(config)
    await jetstream.api(f"STREAM.UPDATE.{stream}", config, dict[str, Any])


async def test_a_pool_whose_scanners_are_all_down_degrades_what_calls_them_and_nothing_else() -> None:
    pools = {"lab": (Scanner("a"), Scanner("b"))}
    async with running_pipeline(pools, services=("dispatcher", "poller"), settings=SOON) as pipeline:
        (caller, _), others = pipeline.runners[0], await pipeline.start(("admission", "validator", "janitor"))
        await is_ready(pipeline, "lab.a")
        await is_ready(pipeline, "lab.b")
        await comes_to(caller, 200, "ok")
        await pipeline.emulators["lab.a"].control.fault("down")
        await is_ready(pipeline, "lab.a", ready=False)
        await comes_to(caller, 200, "ok")
        await pipeline.emulators["lab.b"].control.fault("down")
        reason = await comes_to(caller, 200, "degraded", "no scanner of pool lab is ready")
        assert "a: " in reason
        assert "b: " in reason
        await comes_to(others, 200, "ok")
        await pipeline.emulators["lab.a"].control.clear_faults()
        await comes_to(caller, 200, "ok")


async def test_without_an_answer_of_nats_no_process_is_ready_and_with_it_all_are_again() -> None:
    async with standing(["lab"]) as stand, _validator(stand.broker.url) as runner:
        await comes_to(runner, 200, "ok")
        with stand.broker.frozen():
            await comes_to(runner, 503, "not ready", "NATS does not answer within 1 s")
        await comes_to(runner, 200, "ok")
        await stand.broker.kill()
        await comes_to(runner, 503, "not ready", "not connected to NATS")
        await stand.broker.start_again()
        await comes_to(runner, 200, "ok")


def _validator(url: str) -> AbstractAsyncContextManager[Runner]:
    return running_alone(VALIDATOR, url, SOON)


async def test_nats_that_is_silent_once_is_a_trouble_and_twice_in_a_row_an_obstacle() -> None:
    sentence = "NATS does not answer within 1 s"
    async with standing(["lab"]) as stand:
        host = host_of(stand.jetstream.client, SOON, None)
        watch, stopping, seen = HealthWatch(VALIDATOR, host, lambda: ("lab",)), asyncio.Event(), [Health()]
        looking = asyncio.create_task(watch.run(stopping))

        def silent() -> bool:
            if watch.health() != seen[-1]:
                seen.append(watch.health())
            return bool(seen[-1].obstacles)

        with stand.broker.frozen():
            await eventually(silent, within_s=PATIENT_S)
        stopping.set()
        await looking
        assert seen[-2:] == [Health(troubles=(sentence,)), Health(obstacles=(sentence,))]


async def test_a_stream_that_is_missing_is_an_obstacle_and_one_that_differs_a_trouble() -> None:
    async with standing(["lab"]) as stand, _validator(stand.broker.url) as runner:
        await comes_to(runner, 200, "ok")
        await change(stand.jetstream, "SCAN_FAILED", lambda config: config.update(description="mine"))
        reason = await comes_to(runner, 200, "degraded", "stream SCAN_FAILED differs")
        assert "scanpool topology apply" in reason
        await stand.jetstream.api("STREAM.DELETE.SCANNER_EVENTS", None, dict[str, Any])
        await comes_to(runner, 503, "not ready", "stream SCANNER_EVENTS is missing; run `scanpool topology apply`")


async def test_events_that_nobody_is_given_degrade_the_process_that_pulls_them() -> None:
    async with standing(["lab"]) as stand, _validator(stand.broker.url) as runner:
        await comes_to(runner, 200, "ok")
        until = (datetime.now(UTC) + timedelta(hours=1)).isoformat().replace("+00:00", "Z")
        stream = subjects.pool_stream("lab")
        await stand.jetstream.api(f"CONSUMER.PAUSE.{stream}.validating", {"pause_until": until}, dict[str, Any])
        await comes_to(runner, 200, "degraded", "consumer validating of stream KV_pool-lab is paused by hand")
        await stand.jetstream.api(f"CONSUMER.PAUSE.{stream}.validating", {}, dict[str, Any])
        await comes_to(runner, 200, "ok")


async def test_a_store_that_is_nearly_full_degrades_every_process_of_its_pool() -> None:
    async with standing(["lab"]) as stand, _validator(stand.broker.url) as runner:
        await comes_to(runner, 200, "ok")
        now = datetime.now(UTC)
        space = Space(low=True, why="the disk has 1 MiB left", since=now, at=now, until=now + timedelta(hours=1))
        write = Write(subject=subjects.key("lab", subjects.SPACE_KEY), body=msgspec.json.encode(space))
        await stand.jetstream.publish(write)
        await comes_to(runner, 200, "degraded", "pool lab: NATS has no room for more scans: the disk has 1 MiB left")


async def test_scans_that_wait_for_a_place_are_no_trouble_of_the_dispatcher() -> None:
    pools = {"lab": (Scanner("a", capacity=1, options={"time_scale": 0.5}),)}
    async with running_pipeline(pools, settings=SOON) as pipeline:
        await is_ready(pipeline, "lab.a")
        first, second = [await _submitted(pipeline) for _ in range(2)]
        await reaches(pipeline, first, {"running"})
        runner, _ = pipeline.runners[0]
        await comes_to(runner, 200, "ok")
        limit = 2 * SOON.launch.lease + SOON.health_lag
        began = datetime.now(UTC)

        async def long_enough() -> bool:
            assert not [each for each in (await asked(runner))[1]["reasons"] if "consumer queued-" in each]
            return datetime.now(UTC) - began > limit

        await becomes(long_enough, within_s=PATIENT_S)
        assert (await pipeline.client.status(second)).status == "queued"


async def _submitted(pipeline: Pipeline) -> str:
    return (await pipeline.client.submit(["10.10.0.1"], name="asked", pool="lab")).id
