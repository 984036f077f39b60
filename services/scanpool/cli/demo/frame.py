"""What every play of the demonstration stands in: a folder of its own, a log there, Ctrl-C as an event."""

from __future__ import annotations

import asyncio
import sys
import tempfile
from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from pathlib import Path

from scanpool.runtime import logs
from scanpool.runtime.process import signals


class DemoStopped(Exception):
    """Somebody pressed Ctrl-C."""


class DemoOverdue(Exception):
    """The scans did not all end in time."""


async def framed(play: Callable[[Path, asyncio.Event], Awaitable[bool]]) -> int:
    """Play it in a folder that is gone afterwards; answers the exit code: 0 as expected, 1 not so, 130 on Ctrl-C."""
    stopping = asyncio.Event()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="scanpool-demo-")))
        logs.configure(stream=stack.enter_context((folder / "scanpool.log").open("w")))
        stack.enter_context(signals(stopping))
        try:
            return 0 if await play(folder, stopping) else 1
        except DemoStopped:
            return 130
        except DemoOverdue as error:
            sys.stderr.write(f"error: {error}\n{_tail(folder / 'scanpool.log')}")
            return 1


def _tail(path: Path, lines: int = 20) -> str:
    return "\n".join(path.read_text(errors="replace").splitlines()[-lines:]) + "\n"
