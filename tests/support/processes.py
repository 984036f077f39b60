"""Services as processes of their own, started, killed and stopped as an operator would."""

from __future__ import annotations

import asyncio
import atexit
import json
import os
import signal
import sys
import tempfile
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.support.eventually import once

SCANPOOL = Path(sys.executable).with_name("scanpool")
READY_S = 60.0
STOP_S = 60.0

_BYTECODE = tempfile.TemporaryDirectory(prefix="scanpool-test-")
atexit.register(_BYTECODE.cleanup)
COMPILED_ONCE = {
    "PYTHONDONTWRITEBYTECODE": "",
    "PYTHONPYCACHEPREFIX": os.environ.get("PYTHONPYCACHEPREFIX", _BYTECODE.name),
}
"""Processes are compiled once for all, as where scanpool is installed, whatever the tests themselves do."""

FAST_ENVIRON = {
    "SCANPOOL_POLL_SHORTEST_S": "0.2",
    "SCANPOOL_POLL_LONGEST_S": "0.5",
    "SCANPOOL_POLL_UNREACHABLE_S": "0.5",
    "SCANPOOL_LEASE_S": "4",
    "SCANPOOL_REQUEST_BOUND_S": "3",
    "SCANPOOL_SCANNER_TIMEOUT_S": "2",
    "SCANPOOL_READINESS_EVERY_S": "1",
    "SCANPOOL_BACKOFF_FIRST_S": "0.2",
    "SCANPOOL_BACKOFF_CAP_S": "1",
    "SCANPOOL_SHUTDOWN_S": "10",
}
"""Everything as in production, only sooner."""


@dataclass
class Service:
    """A running scanpool process."""

    process: asyncio.subprocess.Process
    log: Path

    async def kill(self) -> None:
        """End it at once, as a crash would."""
        self.process.kill()
        await self.process.wait()

    async def stop(self) -> int:
        """Tell it to stop and answer its exit code."""
        if self.process.returncode is None:
            self.process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(STOP_S):
            return await self.process.wait()

    async def until_logged(self, event: str) -> dict[str, object]:
        """The first log line of the event, whenever it comes."""

        async def logged() -> list[dict[str, object]]:
            found = [line for line in self.lines() if line.get("event") == event]
            code = self.process.returncode
            assert found or code is None, f"ended with {code}:\n{self.log.read_text()[-3000:]}"
            return found

        return (await once(logged, within_s=READY_S))[0]

    def lines(self) -> list[dict[str, object]]:
        """Its log lines so far."""
        text = self.log.read_text(errors="replace")
        return [json.loads(line) for line in text.splitlines() if line.startswith("{")]


async def start(
    arguments: Sequence[str],
    log: Path,
    environ: Mapping[str, str] | None = None,
    *,
    program: Sequence[str] = (str(SCANPOOL),),
) -> Service:
    """Start `scanpool <arguments>`, or another program with them, its log in the file."""
    with log.open("ab") as output:
        process = await asyncio.create_subprocess_exec(
            *program,
            *arguments,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env={**os.environ, **COMPILED_ONCE, **FAST_ENVIRON, **(environ or {})},
        )
    return Service(process, log)


@asynccontextmanager
async def running(
    arguments: Sequence[str],
    log: Path,
    environ: Mapping[str, str] | None = None,
    *,
    program: Sequence[str] = (str(SCANPOOL),),
) -> AsyncIterator[Service]:
    """A service from ready to stopped."""
    service = await start(arguments, log, environ, program=program)
    try:
        await service.until_logged("ready")
        yield service
    finally:
        code = await service.stop()
    assert code == 0, f"{arguments} ended with {code}:\n{log.read_text()[-3000:]}"
