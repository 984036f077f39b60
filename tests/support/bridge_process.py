"""A bridge as a process of its own, which tests may kill."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from tests.support.forking import program

READY_S = 60.0


@dataclass(frozen=True)
class BridgeProcess:
    """A replica that answers."""

    process: asyncio.subprocess.Process
    url: str

    async def kill(self) -> None:
        """End it at once, as a crash would (SIGKILL)."""
        self.process.kill()
        await self.process.wait()

    async def stop(self) -> int:
        """Tell it to stop (SIGTERM) and answer its exit code."""
        self.process.terminate()
        async with asyncio.timeout(READY_S):
            return await self.process.wait()


@asynccontextmanager
async def bridge_process(nats_url: str, keys: Sequence[bytes] = ()) -> AsyncIterator[BridgeProcess]:
    """A replica over the NATS; ended with the context, if the test has not done so."""
    process = await asyncio.create_subprocess_exec(
        *(*program("tests.support.bridge_process:main"), "--nats", nats_url),
        *(argument for key in keys for argument in ("--key", key.hex())),
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    try:
        async with asyncio.timeout(READY_S):
            url = (await process.stdout.readline()).decode().strip()
        assert url, "the bridge did not start"
        yield BridgeProcess(process, url)
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def _serve(nats_url: str, keys: Sequence[bytes]) -> None:
    from scanpool.bridge.configuration.settings import BridgeSettings
    from scanpool.runtime.process import signals
    from tests.support.bridge import bridge_at

    async with bridge_at(nats_url, BridgeSettings(keys=tuple(keys))) as bridge:
        with signals(bridge.parts.stopping):
            print(bridge.url, flush=True)
            await bridge.parts.stopping.wait()


def main() -> None:
    """Serve as the words after the program say, until told to stop."""
    from scanpool.runtime import logs

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--nats", required=True)
    parser.add_argument("--key", action="append", default=[], type=bytes.fromhex)
    arguments = parser.parse_args()
    logs.configure(stream=sys.stderr)
    asyncio.run(_serve(arguments.nats, arguments.key))
