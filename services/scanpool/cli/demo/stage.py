"""Sets the demonstration up: a nats-server, five emulated scanners, every service, all in this process."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import yaml

from scanpool.cli.demo.plan import CLIENTS, CREDENTIALS, ENVIRON, SCANNERS, DemoScanner
from scanpool.cli.running.assembly import SERVICES
from scanpool.cli.running.host import Runner
from scanpool.client import ScanPool
from scanpool.emulator.options import Options
from scanpool.emulator.server import Emulator
from scanpool.runtime.backoff import Backoff
from scanpool.runtime.configuration import LiveConfiguration
from scanpool.runtime.connection import NatsAddress, connect
from scanpool.runtime.embedded_nats import EmbeddedNats, EmbeddedOptions
from scanpool.runtime.jetstream import JetStream
from scanpool.runtime.settings import LaunchSettings, PollSettings, Settings
from scanpool.runtime.topology.apply import apply
from scanpool.runtime.topology.definitions import topology

TIME_SCALE = 10.0
"""A scan that takes a minute takes six seconds."""
BACKOFF = Backoff(first=timedelta(seconds=1), cap=timedelta(seconds=2), attempts=3)
POLL = PollSettings(shortest=timedelta(seconds=0.5), longest=timedelta(seconds=1), unreachable=timedelta(seconds=2))
LAUNCH = LaunchSettings(lease=timedelta(seconds=20), request_bound=timedelta(seconds=6))


@dataclass(frozen=True, kw_only=True, slots=True)
class Stage:
    """Everything that runs."""

    client: ScanPool
    nats_url: str
    folder: Path
    emulators: dict[str, Emulator]
    """By scanner instance."""
    runner: Runner

    async def most_at_once(self) -> dict[str, int]:
        """The most scans that ever ran at once on each scanner, as the scanner itself counted."""
        return {instance: each["max_running"] for instance, each in (await counted(self.emulators)).items()}


async def counted(emulators: Mapping[str, Emulator]) -> dict[str, Any]:
    """What each scanner itself counted, by scanner instance."""
    async with httpx.AsyncClient(trust_env=False) as http:
        return {
            instance: (await http.get(f"{emulator.url}/_control/stats")).json()
            for instance, emulator in emulators.items()
        }


@asynccontextmanager
async def staged(folder: Path) -> AsyncIterator[Stage]:
    """Run everything while entered; its files are in the folder."""
    async with AsyncExitStack() as stack:
        nats = await stack.enter_async_context(EmbeddedNats(EmbeddedOptions(store=folder / "nats")))
        emulators = {each.instance: await stack.enter_async_context(emulated(each)) for each in SCANNERS}
        configuration = folder / "scanners.yaml"
        configuration.write_text(configuration_of(SCANNERS, emulators, CREDENTIALS, CLIENTS))
        await apply_topology(nats.url, SCANNERS)
        runner = Runner(SERVICES, _settings(nats.url, folder), LiveConfiguration(configuration, ENVIRON))
        await stack.enter_async_context(_running(runner))
        client = await stack.enter_async_context(await ScanPool.connect(nats.url))
        yield Stage(client=client, nats_url=nats.url, folder=folder, emulators=emulators, runner=runner)


@asynccontextmanager
async def emulated(scanner: DemoScanner) -> AsyncIterator[Emulator]:
    """The scanner's emulator, its faults in force, while entered."""
    async with Emulator(Options(time_scale=TIME_SCALE)) as emulator, httpx.AsyncClient(trust_env=False) as http:
        for fault in scanner.faults:
            answer = await http.post(f"{emulator.url}/_control/faults", json=dict(fault))
            answer.raise_for_status()
        yield emulator


@asynccontextmanager
async def _running(runner: Runner) -> AsyncIterator[None]:
    """The services, from ready to stopped; what they raise is raised here."""
    ready = asyncio.Event()
    task = asyncio.create_task(runner.run(ready.set), name="services")
    waiting = asyncio.create_task(ready.wait())
    await asyncio.wait({task, waiting}, return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()
    if task.done():
        await task
    try:
        yield
    finally:
        runner.stop()
        await task


async def apply_topology(url: str, scanners: Sequence[DemoScanner]) -> None:
    """Set NATS up for the scanners' pools."""
    client = await connect(NatsAddress(url=url), name="scanpool demo")
    try:
        pools = tuple(dict.fromkeys(scanner.pool for scanner in scanners))
        await apply(JetStream(client), topology(pools, replicas=1, janitor_every_s=1, cleanup_every_s=10))
    finally:
        await client.drain()


def _settings(url: str, folder: Path) -> Settings:
    return Settings(
        nats=NatsAddress(url=url),
        deployment="demo",
        grace=timedelta(seconds=10),
        scanner_timeout=timedelta(seconds=5),
        readiness_every=timedelta(seconds=2),
        launch=LAUNCH,
        poll=POLL,
        backoff=BACKOFF,
        work_dir=folder,
    )


def configuration_of(
    scanners: Sequence[DemoScanner],
    emulators: Mapping[str, Emulator],
    credentials: Sequence[Mapping[str, Any]] = (),
    clients: Sequence[Mapping[str, Any]] = (),
) -> str:
    """The `scanners.yaml` for the emulators."""
    pools: dict[str, Any] = {}
    for scanner in scanners:
        emulator = emulators[scanner.instance]
        pools.setdefault(scanner.pool, {"scanners": []})["scanners"].append(
            {
                "instance_id": scanner.name,
                "url": emulator.url,
                "access_key": emulator.access_key,
                "secret_key": emulator.secret_key,
                "max_concurrent_scans": scanner.capacity,
            }
        )
    document = {
        "default_pool": scanners[0].pool,
        "pools": pools,
        "credentials": [dict(each) for each in credentials],
        "clients": [dict(each) for each in clients],
    }
    return yaml.safe_dump(document, sort_keys=False)
