"""How late this process's event loop gets to its tasks: what blocks it makes everything late."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

EVERY_S = 0.25


async def watch_loop(told: Callable[[float], None], stopping: asyncio.Event) -> None:
    """Tell, four times a second, by how many seconds a task ran late; until the event is set."""
    while not stopping.is_set():
        began = time.monotonic()
        await asyncio.sleep(EVERY_S)
        told(max(time.monotonic() - began - EVERY_S, 0.0))
