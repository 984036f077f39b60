"""The command line of scanpool, run as a person or a script runs it."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tests.support.forking import program

ENDS_WITHIN_S = 90.0


@dataclass(frozen=True)
class Ended:
    """What a command printed, and how it ended."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        """The one JSON document on stdout."""
        return json.loads(self.out)


async def scanpool(*words: str, environ: Mapping[str, str] | None = None, stdin: str = "", stdout: int = -1) -> Ended:
    """Run a command to its end; `stdout` is a file descriptor, where it is not to be read."""
    process = await started(*words, environ=environ, stdout=stdout)
    return await ended(process, stdin)


async def started(
    *words: str, environ: Mapping[str, str] | None = None, stdout: int = asyncio.subprocess.PIPE
) -> asyncio.subprocess.Process:
    """Start a command; nothing of the environment that the tests run in tells it anything."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("SCANPOOL_")}
    return await asyncio.create_subprocess_exec(
        *program(),
        *words,
        stdin=asyncio.subprocess.PIPE,
        stdout=stdout,
        stderr=asyncio.subprocess.PIPE,
        env={**kept, **(environ or {})},
    )


async def ended(process: asyncio.subprocess.Process, stdin: str = "") -> Ended:
    """What it printed until it ended; it is killed where it does not."""
    try:
        async with asyncio.timeout(ENDS_WITHIN_S):
            out, err = await process.communicate(stdin.encode())
    except TimeoutError:
        process.kill()
        raise
    assert process.returncode is not None
    return Ended(process.returncode, (out or b"").decode(), err.decode())


async def interrupted(process: asyncio.subprocess.Process, number: signal.Signals = signal.SIGINT) -> Ended:
    """Send it a signal, and see how it ends."""
    process.send_signal(number)
    return await ended(process)
