"""Contexts that a fixture of a whole module holds: they have to be left by the task that entered them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import TypeVar

_T = TypeVar("_T")


@asynccontextmanager
async def lasting(context: AbstractAsyncContextManager[_T]) -> AsyncIterator[_T]:
    """The context, entered and left by one task of its own: fixtures are set up and torn down by two."""
    entered: asyncio.Future[_T] = asyncio.get_running_loop().create_future()
    over = asyncio.Event()

    async def hold() -> None:
        try:
            async with context as value:
                entered.set_result(value)
                await over.wait()
        except Exception as error:
            if entered.done():
                raise
            entered.set_exception(error)

    holding = asyncio.create_task(hold())
    value = await entered
    try:
        yield value
    finally:
        over.set()
        await holding
