"""Acts on many scans, some at the same time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

AT_ONCE = 16
"""Scans that are looked after at the same time."""

_T = TypeVar("_T")
_A = TypeVar("_A")


async def for_each(items: Sequence[_T], act: Callable[[_T], Awaitable[_A]]) -> list[_A]:
    """Act on each and answer what came of it, in their order; an error ends it when those under way are over."""
    answers: list[_A] = []
    for place in range(0, len(items), AT_ONCE):
        done = await asyncio.gather(*(act(item) for item in items[place : place + AT_ONCE]), return_exceptions=True)
        for answer in done:
            if isinstance(answer, BaseException):
                raise answer
            answers.append(answer)
    return answers
