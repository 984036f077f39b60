"""How late this process's event loop gets to its tasks: what blocks it makes everything late."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

import anyio

EVERY_S = 0.25


async def watch_loop(told: Callable[[float], None], stopping: asyncio.Event) -> None:
    """Tell, four times a second, by how many seconds a task ran late; until the event is set."""
    while not stopping.is_set():
        began = time.monotonic()
        with anyio.move_on_after(EVERY_S) as waited:
            await stopping.wait()
        if waited.cancelled_caught:
            told(max(time.monotonic() - began - EVERY_S, 0.0))
