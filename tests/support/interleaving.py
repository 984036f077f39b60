"""Runs coroutines side by side; each stops wherever a call of its own is on its way, and a test says who goes on."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Coroutine
from contextvars import ContextVar
from typing import Any

_current: ContextVar[Actor] = ContextVar("actor")


class Actor:
    """A coroutine under way, and the calls that it waits for."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.waiting: deque[tuple[str, asyncio.Event]] = deque()
        self.task: asyncio.Task[Any] | None = None
        self.is_free = False
        """Its calls arrive at once, since nothing is to come between them any more."""

    @property
    def is_done(self) -> bool:
        return self.task is not None and self.task.done()

    @property
    def at(self) -> str:
        """The call that is on its way and arrives next; empty when there is none."""
        return self.waiting[0][0] if self.waiting else ""


class Interleaving:
    """Actors on an event loop of their own that moves only when told to."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._actors: list[Actor] = []

    @property
    def actors(self) -> list[Actor]:
        """Those that are not done."""
        return self._actors

    async def pause(self, what: str) -> None:
        """Wait until the actor is told to go on; what the fakes await while a call is on its way."""
        if _current.get().is_free:
            return
        arrived = asyncio.Event()
        _current.get().waiting.append((what, arrived))
        await arrived.wait()

    def begin(self, name: str, work: Coroutine[Any, Any, Any]) -> Actor:
        """Start an actor; it goes as far as its first call."""
        actor = Actor(name)

        async def act() -> None:
            _current.set(actor)
            await work

        actor.task = self._loop.create_task(act())
        self._actors.append(actor)
        self._settle()
        return actor

    def go_on(self, actor: Actor, calls: int = 1) -> None:
        """Let so many of its calls arrive."""
        for _ in range(calls):
            if not actor.waiting:
                return
            _, arrived = actor.waiting.popleft()
            arrived.set()
            self._settle()

    def go_on_to(self, actor: Actor, call: str, occurrence: int = 1) -> None:
        """Let its calls arrive until one that begins so is on its way, for the n-th time."""
        for left in range(occurrence, 0, -1):
            while actor.waiting and not actor.at.startswith(call):
                self.go_on(actor)
            assert actor.waiting, f"{actor.name} never comes to {call!r}"
            if left > 1:
                self.go_on(actor)

    def finish(self, actor: Actor) -> None:
        """Let all its calls arrive until it is done."""
        actor.is_free = True
        while actor.waiting:
            _, arrived = actor.waiting.popleft()
            arrived.set()
        self._settle()

    def kill(self, actor: Actor) -> None:
        """It does nothing more, wherever it is."""
        assert actor.task is not None
        actor.task.cancel()
        actor.waiting.clear()
        self._settle()

    def close(self) -> None:
        """Kill whoever is left."""
        for actor in list(self._actors):
            self.kill(actor)
        self._loop.close()

    def _settle(self) -> None:
        """Run until every actor is done or waits for a call."""
        self._loop.run_until_complete(self._quiet())
        done = [actor for actor in self._actors if actor.is_done]
        self._actors = [actor for actor in self._actors if not actor.is_done]
        for actor in done:
            assert actor.task is not None
            if not actor.task.cancelled():
                actor.task.result()

    async def _quiet(self) -> None:
        still, turns = 0, 0
        while still < _STILL:
            turns += 1
            assert turns < _FOR_EVER, "somebody waits for another and not for a call of its own"
            await asyncio.sleep(0)
            moving = any(not actor.is_done and not actor.waiting for actor in self._actors)
            still = 0 if moving else still + 1


_FOR_EVER = 100_000
"""Turns of the loop; more than any handler takes."""
_STILL = 4
"""Turns of the loop without anybody moving: what was woken has run, its helpers included."""
