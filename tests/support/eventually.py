"""Waiting for what another task brings about."""

from __future__ import annotations

from collections.abc import Callable

import anyio


async def eventually(condition: Callable[[], bool], *, within_s: float = 5.0) -> None:
    """Wait until the condition holds; `TimeoutError` if it does not in time."""
    with anyio.fail_after(within_s):
        while not condition():
            await anyio.sleep(0.01)
