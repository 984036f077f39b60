"""Runs every service as a process of its own, NATS and the emulated scanners; kills what it is told to kill."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from scanpool.cli.demo.chaos.plan import NATS, PROCESSES, SCANNERS
from scanpool.cli.demo.stage import apply_topology, configuration_of, emulated
from scanpool.client import ScanPool
from scanpool.emulator.server import Emulator
from scanpool.runtime.embedded_nats import EmbeddedNats, EmbeddedOptions

STOP_S = 15.0
RESTART_S = 0.2
_COMMAND = (sys.executable, "-c", "from scanpool.cli import main; main()", "run")
_SOONER = {
    "SCANPOOL_POLL_SHORTEST_S": "0.3",
    "SCANPOOL_POLL_LONGEST_S": "1",
    "SCANPOOL_POLL_UNREACHABLE_S": "1",
    "SCANPOOL_LEASE_S": "5",
    "SCANPOOL_REQUEST_BOUND_S": "3",
    "SCANPOOL_SCANNER_TIMEOUT_S": "2",
    "SCANPOOL_READINESS_EVERY_S": "1",
    "SCANPOOL_BACKOFF_FIRST_S": "0.5",
    "SCANPOOL_BACKOFF_CAP_S": "2",
    "SCANPOOL_SHUTDOWN_S": "10",
    "SCANPOOL_DEPLOYMENT": "demo",
}
"""Everything as in production, only sooner."""


class Broker:
    """NATS, which can be killed and comes back with the same store on the same port."""

    def __init__(self, store: Path) -> None:
        self._store = store
        self._nats = EmbeddedNats(EmbeddedOptions(store=store))

    async def __aenter__(self) -> Self:
        await self._nats.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._nats.__aexit__(kind, error, trace)

    @property
    def url(self) -> str:
        return self._nats.url

    async def restart(self) -> int:
        """SIGKILL it, and start it again; answers the pid that it had."""
        pid, port = self._nats.pid, self._nats.port
        os.kill(pid, signal.SIGKILL)
        await self._nats.ended()
        await self._nats.__aexit__(None, None, None)
        self._nats = EmbeddedNats(EmbeddedOptions(store=self._store, port=port))
        await self._nats.__aenter__()
        return pid


class Processes:
    """The services as processes, each started again whenever it ends, as a supervisor does."""

    def __init__(self, folder: Path, broker: Broker, configuration: Path) -> None:
        self._folder = folder
        self._broker = broker
        self._configuration = configuration
        self._running: dict[str, asyncio.subprocess.Process] = {}
        self._keepers: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> Self:
        self._keepers = [asyncio.create_task(self._keep(name), name=name) for name in PROCESSES]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for keeper in self._keepers:
            keeper.cancel()
        await asyncio.gather(*self._keepers, return_exceptions=True)

    async def kill(self, victim: str) -> int:
        """SIGKILL it; it is started again. Answers the pid that it had."""
        if victim == NATS:
            return await self._broker.restart()
        process = self._running[victim]
        if process.returncode is None:
            process.kill()
        return process.pid

    async def _keep(self, name: str) -> None:
        while True:
            process = self._running[name] = await self._started(name)
            try:
                await process.wait()
            except asyncio.CancelledError:
                await _stopped(process)
                raise
            await asyncio.sleep(RESTART_S)

    async def _started(self, name: str) -> asyncio.subprocess.Process:
        arguments = [*PROCESSES[name], "--nats", self._broker.url, "--config", str(self._configuration), "--json"]
        with (self._folder / "scanpool.log").open("ab") as log:
            return await asyncio.create_subprocess_exec(
                *_COMMAND,
                *arguments,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={**os.environ, **_SOONER},
                start_new_session=True,  # Ctrl-C is ours: we stop them
            )


async def _stopped(process: asyncio.subprocess.Process) -> None:
    if process.returncode is not None:
        return
    process.terminate()
    try:
        async with asyncio.timeout(STOP_S):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()


@dataclass(frozen=True, kw_only=True, slots=True)
class ChaosStage:
    """Everything that runs."""

    client: ScanPool
    processes: Processes
    emulators: dict[str, Emulator]
    """By scanner instance."""


@asynccontextmanager
async def chaos_staged(folder: Path) -> AsyncIterator[ChaosStage]:
    """Run everything while entered; its files are in the folder."""
    async with AsyncExitStack() as stack:
        emulators = {each.instance: await stack.enter_async_context(emulated(each)) for each in SCANNERS}
        configuration = folder / "scanners.yaml"
        configuration.write_text(configuration_of(SCANNERS, emulators))
        broker = await stack.enter_async_context(Broker(folder / "nats"))
        await apply_topology(broker.url, SCANNERS)
        processes = await stack.enter_async_context(Processes(folder, broker, configuration))
        client = await stack.enter_async_context(await ScanPool.connect(broker.url))
        yield ChaosStage(client=client, processes=processes, emulators=emulators)
