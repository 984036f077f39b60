"""Waiting for what another task or process brings about: a look again and again, with a deadline."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

import anyio

WITHIN_S = 60.0
"""A deadline that only what is broken meets."""
LOOK_S = 0.02

_T = TypeVar("_T")


async def eventually(condition: Callable[[], bool], *, within_s: float = WITHIN_S) -> None:
    """Wait until the condition holds; `TimeoutError` if it does not in time."""
    with anyio.fail_after(within_s):
        while not condition():
            await anyio.sleep(LOOK_S)


async def becomes(condition: Callable[[], Awaitable[bool]], *, within_s: float = WITHIN_S) -> None:
    """Wait until the condition, which has to ask, holds; `TimeoutError` if it does not in time."""
    await once(condition, within_s=within_s)


async def once(
    look: Callable[[], Awaitable[_T]], wanted: Callable[[_T], object] = bool, *, within_s: float = WITHIN_S
) -> _T:
    """What is found as soon as it is what is wanted; `TimeoutError` if it is not in time."""
    with anyio.fail_after(within_s):
        while not wanted(found := await look()):
            await anyio.sleep(LOOK_S)
    return found
