"""Reads that many ask for at the same time and that are made once for all of them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Hashable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

_V = TypeVar("_V")


@dataclass(frozen=True, slots=True)
class _Read(Generic[_V]):
    task: asyncio.Task[_V]
    began: float


class SharedReads(Generic[_V]):
    """What was read a moment ago is answered again; what is being read is waited for."""

    def __init__(self, *, fresh_s: float) -> None:
        self._fresh_s = fresh_s
        self._reads: dict[Hashable, _Read[_V]] = {}

    async def of(self, key: Hashable, read: Callable[[], Coroutine[Any, Any, _V]]) -> _V:
        """What was read for the key, at most `fresh_s` seconds ago; raises what the read raises.

        One that stops waiting does not take the read away from the others.
        """
        now = asyncio.get_running_loop().time()
        self._reads = {name: each for name, each in self._reads.items() if now - each.began < self._fresh_s}
        if key not in self._reads:
            task = asyncio.create_task(read(), name=f"read of {key}")
            task.add_done_callback(lambda done: self._forget_failed(key, done))
            self._reads[key] = _Read(task, now)
        return await asyncio.shield(self._reads[key].task)

    def _forget_failed(self, key: Hashable, done: asyncio.Task[_V]) -> None:
        known = self._reads.get(key)
        failed = done.cancelled() or done.exception() is not None
        if failed and known is not None and known.task is done:
            del self._reads[key]
