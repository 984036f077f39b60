"""Service processes under a supervisor that starts each again however it ended, as an operator's would."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import anyio
from anyio.abc import TaskGroup

from tests.support.eventually import eventually
from tests.support.processes import Service, start

PAUSE_S = 0.2
"""Between the end of a process and its next start."""
LOOK_S = 0.05
READY_WITHIN_S = 120.0
"""A deadline that only a process that cannot start meets."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Life:
    """One life of a process, from its start to its end."""

    service: Service
    title: str

    @property
    def was_ready(self) -> bool:
        """Whether it came as far as working."""
        return any(line.get("event") == "ready" for line in self.service.lines())

    @property
    def lives(self) -> bool:
        """Whether it has not ended."""
        return self.service.process.returncode is None

    def told(self) -> str:
        """The end of its log."""
        return f"{self.title}:\n{self.service.log.read_text(errors='replace')[-1500:]}"


@dataclass
class Crew:
    """The processes of all services."""

    services: Sequence[Sequence[str]]
    """Of each process."""
    arguments: Sequence[str]
    folder: Path
    environ: Mapping[str, str]
    lives: list[Life] = field(default_factory=list)
    killed: Counter[str] = field(default_factory=Counter)
    """How often processes were killed, by what they run."""
    ended_by_itself: list[Life] = field(default_factory=list)
    """Lives that nobody ended."""
    _at_work: dict[int, Life] = field(default_factory=dict)
    _stopping: asyncio.Event = field(default_factory=asyncio.Event)
    _hit: set[int] = field(default_factory=set)
    """Pids that were sent a signal."""

    def start(self, tasks: TaskGroup) -> None:
        """Start every process, and keep starting it."""
        for number in range(len(self.services)):
            tasks.start_soon(self._supervise, number)

    async def until_ready(self) -> None:
        """Wait until every process works."""
        await eventually(
            lambda: all(number in self._at_work and self._at_work[number].was_ready for number in self._numbers),
            within_s=READY_WITHIN_S,
        )

    async def kill(self, first: int) -> None:
        """Kill the process of this number, or the next that works; wait for one where all are only starting."""
        with anyio.fail_after(READY_WITHIN_S):
            while (number := self._working(first)) is None:
                await anyio.sleep(LOOK_S)
        service = self._at_work[number].service
        self.killed["+".join(self.services[number])] += 1
        self._hit.add(service.process.pid)
        await service.kill()

    async def stop(self) -> None:
        """Tell every process to stop, and wait until it has; once is enough."""
        self._stopping.set()
        await asyncio.gather(*(self._stopped(life) for life in list(self._at_work.values())))

    def problems(self) -> Iterator[str]:
        """What processes did that no kill and no lost NATS explains."""
        for life in self.ended_by_itself:
            if life.was_ready:
                yield f"a process that worked ended by itself, {life.told()}"
        for life in self.lives:
            text = life.service.log.read_text(errors="replace")
            if "Traceback" in text:
                yield f"an error nobody foresaw, {life.title}:\n{text[max(0, text.index('Traceback') - 600) :][:3000]}"

    def said(self) -> Counter[str]:
        """How often each warning and error was logged."""
        lines = (line for life in self.lives for line in life.service.lines())
        return Counter(str(line.get("event")) for line in lines if line.get("level") in {"warning", "error"})

    def last_words(self) -> Counter[str]:
        """What processes said last that ended by themselves: most could not start while NATS was away."""
        logs = (life.service.log.read_text(errors="replace").strip() for life in self.ended_by_itself)
        return Counter((log or "nothing").splitlines()[-1][:200] for log in logs)

    def _working(self, first: int) -> int | None:
        lives = ((number, self._at_work.get(number)) for number in (*self._numbers[first:], *self._numbers[:first]))
        return next((number for number, life in lives if life and life.lives and life.was_ready), None)

    @property
    def _numbers(self) -> range:
        return range(len(self.services))

    async def _supervise(self, number: int) -> None:
        count = 0
        while not self._stopping.is_set():
            count += 1
            title = f"{'+'.join(self.services[number])}-{number}.{count}"
            service = await start(
                ["run", *self.services[number], *self.arguments], self.folder / f"{title}.log", self.environ
            )
            life = Life(service=service, title=title)
            self.lives.append(life)
            self._at_work[number] = life
            if self._stopping.is_set():
                await service.stop()
            await service.process.wait()
            if not self._stopping.is_set() and service.process.pid not in self._hit:
                self.ended_by_itself.append(life)
            await anyio.sleep(PAUSE_S)

    async def _stopped(self, life: Life) -> None:
        code = await life.service.stop()
        if code != 0 and life.was_ready:
            self.ended_by_itself.append(life)
