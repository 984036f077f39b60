"""Any process may die at any moment; every scan still ends once, in the right state."""

from __future__ import annotations

import asyncio
import random
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path

import pytest

from scanpool.client import ScanPool
from tests.support.emulators import running_emulator
from tests.support.eventually import once
from tests.support.pipeline import Scanner, configuration_text, running_pipeline
from tests.support.processes import Service, start

SERVICES = ("admission", "dispatcher", "dispatcher", "poller", "validator", "janitor")


async def test_up_killed_with_three_scans_running_goes_on_with_the_same_scans(tmp_path: Path) -> None:
    async with running_emulator(time_scale=10.0) as emulator:
        pools = {"lab": (Scanner("s1", capacity=3),)}
        (tmp_path / "scanners.yaml").write_text(configuration_text(pools, {"lab.s1": emulator}, {}))
        arguments = ["up", "--config", str(tmp_path / "scanners.yaml"), "--store", str(tmp_path / "store")]
        first = await start(arguments, tmp_path / "first.log")
        url = str((await first.until_logged("embedded nats-server started"))["url"])
        await first.until_logged("ready")
        async with await ScanPool.connect(url) as client:
            scans = [await client.submit([f"10.10.0.{n}"], name=f"scan {n}") for n in (1, 2, 3)]
            await until_running(client, [scan.id for scan in scans])
        await first.kill()
        second = await start(arguments, tmp_path / "second.log")
        try:
            url = str((await second.until_logged("embedded nats-server started"))["url"])
            await second.until_logged("ready")
            async with await ScanPool.connect(url) as client:
                ended = [await client.wait(scan.id, timeout=60) for scan in scans]
        finally:
            assert await second.stop() == 0
        assert [each.status for each in ended] == ["completed"] * 3
        stats = await emulator.control.stats()
        assert [(scan["created"], scan["launched"]) for scan in stats["scans"]] == [(1, 1)] * 3


@pytest.mark.parametrize("seed", [1, 2])
async def test_killing_services_one_after_the_other_loses_and_repeats_nothing(seed: int, tmp_path: Path) -> None:
    chance = random.Random(seed)
    pool = (Scanner("s1", capacity=2), Scanner("s2", capacity=3))
    async with running_pipeline({"lab": pool}, services=()) as pipeline, AsyncExitStack() as stack:
        arguments = ["--nats", pipeline.nats.url, "--config", str(pipeline.configuration)]
        services: dict[int, Service] = {}

        async def stop_all() -> None:
            for service in services.values():
                await service.stop()

        stack.push_async_callback(stop_all)
        for number, name in enumerate(SERVICES):
            services[number] = await start(["run", name, *arguments], tmp_path / f"{number}.log")
        scans = [await pipeline.client.submit([f"10.10.0.{n}"], name=f"scan {n}") for n in range(1, 31)]
        waiting = asyncio.gather(*(pipeline.client.wait(scan.id, timeout=120) for scan in scans))
        victims = list(services) * 2
        chance.shuffle(victims)
        for victim in victims:
            done, _ = await asyncio.wait({waiting}, timeout=chance.uniform(0.1, 0.8))
            if done:
                break
            await services[victim].kill()
            services[victim] = await start(["run", SERVICES[victim], *arguments], tmp_path / f"{victim}.log")
        ended = await waiting
        assert {each.status for each in ended} == {"completed"}
        for scanner in pool:
            stats = await pipeline.emulators[f"lab.{scanner.name}"].control.stats()
            assert stats["max_running"] <= scanner.capacity
            assert all(scan["launched"] <= 1 for scan in stats["scans"])
        launched = [
            scan["name"]
            for scanner in pool
            for scan in (await pipeline.emulators[f"lab.{scanner.name}"].control.stats())["scans"]
            if scan["launched"]
        ]
        assert len(launched) == len(set(launched)) == len(scans)


async def until_running(client: ScanPool, ids: list[str]) -> None:
    """Wait until each of the scans runs on its scanner."""
    for scan_id in ids:
        await once(partial(client.status, scan_id), lambda scan: scan.state == "running", within_s=30)
