"""The whole pipeline over a NATS that lets each service do only what it must: every service is a user of its own."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from scanpool.cli.running.assembly import ServiceName
from scanpool.cli.running.host import Runner
from scanpool.client import ScanPool
from scanpool.runtime.configuration import LiveConfiguration
from scanpool.runtime.topology.apply import apply
from scanpool.runtime.topology.definitions import topology
from tests.support.agents import policy
from tests.support.emulators import RunningEmulator, running_emulator
from tests.support.guarded_nats import GuardedNats, guarded_nats
from tests.support.pipeline import Scanner, configuration_text
from tests.support.watching import FASTER

POOLS = {"lab": (Scanner("s1", capacity=4), Scanner("slow", options={"time_scale": 1.5})), "dmz": (Scanner("s1"),)}
WORKER = "worker-dmz"
_PARTS: tuple[tuple[str, tuple[ServiceName, ...], tuple[str, ...]], ...] = (
    ("admission", ("admission",), ()),
    ("dispatcher", ("dispatcher",), ("lab",)),
    ("poller", ("poller",), ("lab",)),
    ("validator", ("validator",), ()),
    ("janitor", ("janitor",), ()),
    (WORKER, ("dispatcher", "poller"), ("dmz",)),
)
"""User, services, and the pools that they serve: all, where none is named."""


@dataclass(frozen=True)
class GuardedPipeline:
    """A running pipeline, and a client of it that may ask for scans."""

    nats: GuardedNats
    client: ScanPool
    emulators: dict[str, RunningEmulator]
    configuration: Path


@asynccontextmanager
async def guarded_pipeline() -> AsyncIterator[GuardedPipeline]:
    """Set up by user `setup`, its services ready."""
    async with AsyncExitStack() as stack:
        nats = await stack.enter_async_context(guarded_nats(tuple(POOLS), ("dmz",)))
        async with nats.jetstream("setup") as jetstream:
            await apply(jetstream, topology(tuple(POOLS), replicas=1, janitor_every_s=1, cleanup_every_s=1))
        emulators = {
            f"{pool}.{scanner.name}": await stack.enter_async_context(running_emulator(**scanner.options))
            for pool, scanners in POOLS.items()
            for scanner in scanners
        }
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="scanpool-test-")))
        configuration = folder / "scanners.yaml"
        configuration.write_text(configuration_text(POOLS, emulators, {}, [policy()]))
        for user, services, pools in _PARTS:
            await stack.enter_async_context(_running(nats, user, services, pools, configuration))
        client = ScanPool(await stack.enter_async_context(nats.jetstream("publisher")))
        yield GuardedPipeline(nats, client, emulators, configuration)


@asynccontextmanager
async def _running(
    nats: GuardedNats, user: str, services: Sequence[ServiceName], pools: Sequence[str], configuration: Path
) -> AsyncIterator[None]:
    settings = replace(FASTER, nats=nats.address(user), pools=tuple(pools))
    runner, ready = Runner(services, settings, LiveConfiguration(configuration, {})), asyncio.Event()
    task = asyncio.create_task(runner.run(ready.set), name=user)
    waiting = asyncio.create_task(ready.wait())
    await asyncio.wait({task, waiting}, return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()
    if task.done():
        task.result()
    try:
        yield
    finally:
        runner.stop()
        await task
