"""The bridge as the command line serves it: `scanpool bridge serve`, with a `bridge.yaml`."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support.forking import program

READY_S = 60.0
ENDS_S = 60.0


@dataclass(frozen=True)
class CommandedBridge:
    """A replica that answers over HTTP, as a process of its own."""

    process: asyncio.subprocess.Process
    url: str
    log: Path

    @property
    def root(self) -> str:
        """Beside the protocol's path, health and metrics."""
        return self.url.removesuffix("/mcp")

    async def kill(self) -> None:
        """End it at once, as a crash would (SIGKILL)."""
        self.process.kill()
        await self.process.wait()


@asynccontextmanager
async def bridge_command(
    nats_url: str, folder: Path, name: str = "bridge", /, **settings: Any
) -> AsyncIterator[CommandedBridge]:
    """A replica over the NATS with these keys in its `bridge.yaml`; ended with the context, if it still runs then."""
    file, log = folder / f"{name}.yaml", folder / f"{name}.log"
    file.write_text(json.dumps(settings))
    words = ("bridge", "serve", "--port", "0", "--json", "--nats", nats_url, "--bridge-config", str(file))
    with log.open("wb") as output:
        process = await asyncio.create_subprocess_exec(
            *program(), *words, stdout=asyncio.subprocess.PIPE, stderr=output, env=environment()
        )
    try:
        yield CommandedBridge(process, await _url(process, log), log)
    finally:
        await _end(process)


def environment(environ: Mapping[str, str] | None = None) -> dict[str, str]:
    """Of a process that nothing of the environment that the tests run in tells anything."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("SCANPOOL_")}
    return {**kept, **(environ or {})}


async def _url(process: asyncio.subprocess.Process, log: Path) -> str:
    assert process.stdout is not None
    async with asyncio.timeout(READY_S):
        line = await process.stdout.readline()
    if not line:
        raise AssertionError(f"the bridge did not start:\n{log.read_text()[-3000:]}")
    url: str = json.loads(line)["url"]
    return url


async def _end(process: asyncio.subprocess.Process) -> None:
    if process.returncode is not None:
        return
    process.terminate()
    try:
        await asyncio.wait_for(process.wait(), ENDS_S)
    except TimeoutError:
        process.kill()
        await process.wait()
