"""Services that need no scanners, as one process against a NATS that the test holds."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace

from scanpool.cli.running.assembly import ServiceName
from scanpool.cli.running.host import Runner
from scanpool.runtime.connection import NatsAddress
from scanpool.runtime.settings import Settings


@asynccontextmanager
async def running_alone(services: Sequence[ServiceName], url: str, settings: Settings) -> AsyncIterator[Runner]:
    """The services, ready; stopped when it is left, even where NATS is gone by then."""
    runner = Runner(services, replace(settings, nats=NatsAddress(url=url)), None)
    ready = asyncio.Event()
    task = asyncio.create_task(runner.run(ready.set))
    waiting = asyncio.create_task(ready.wait())
    await asyncio.wait({task, waiting}, return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()
    try:
        if task.done():
            task.result()
        yield runner
    finally:
        runner.stop()
        await task
