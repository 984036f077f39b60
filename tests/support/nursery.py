"""Starts processes that kill themselves, by forking one that has imported all of scanpool already.

A process takes more than a second to import the services; a fork has them at once, and is a process like any other.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import traceback
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

import anyio

from tests.support import crashing
from tests.support.pages import ROOT
from tests.support.processes import FAST_ENVIRON

WITHIN_S = 180.0
"""For a process to come to its point, on a busy machine."""
LOOK_S = 0.05
LOST = 255
"""The exit code of a process whose end nobody saw: the nursery had ended."""


@dataclass(eq=False)
class Doomed:
    """A process that is to kill itself at a point."""

    point: str
    log: Path
    pid: int | None = None
    """Once it was started."""
    code: asyncio.Future[int] = field(default_factory=asyncio.Future)
    """As `subprocess` has it: minus the signal that ended it."""

    async def is_ready(self) -> None:
        """Wait until its services work."""
        with anyio.move_on_after(WITHIN_S):
            while not self.code.done() and not self._logged("ready"):
                await anyio.sleep(LOOK_S)
        assert self._logged("ready"), self._story()

    async def dies(self) -> None:
        """Wait until it has killed itself at its point.

        Raises:
            AssertionError: it did not get there, or ended in another way.
        """
        with anyio.move_on_after(WITHIN_S):
            await asyncio.shield(self.code)
        reached = [line["point"] for line in self._logged(crashing.KILLED)]
        assert self.code.done(), self._story()
        assert (self.code.result(), reached) == (-signal.SIGKILL, [self.point]), self._story()

    async def bury(self) -> None:
        """End it where it is still there."""
        if not self.code.done() and self.pid is not None:
            os.kill(self.pid, signal.SIGKILL)
            await self.code

    def _logged(self, event: str) -> list[dict[str, Any]]:
        lines = self.log.read_text(errors="replace").splitlines() if self.log.exists() else []
        logged = [json.loads(line) for line in lines if line.startswith("{") and line.endswith("}")]
        return [line for line in logged if line.get("event") == event]

    def _story(self) -> str:
        ended = f"ended with {self.code.result()}" if self.code.done() else "lives"
        said = self.log.read_text(errors="replace").splitlines() if self.log.exists() else []
        told = [line[:300] for line in said if "warning of the configuration" not in line]
        return "\n".join((f"never came to {self.point!r}, {ended}:", *told[-12:]))


class Nursery:
    """The process that forks the others."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self._known: list[Doomed] = []

    def start(self, point: str, command: Sequence[str], log: Path, environ: Mapping[str, str]) -> Doomed:
        """Start `scanpool <command>` in a process that kills itself at the point."""
        assert self._process.stdin is not None
        order = _Order(len(self._known), point, list(command), str(log), {**FAST_ENVIRON, **environ})
        self._known.append(Doomed(point, log))
        self._process.stdin.write(json.dumps(order.__dict__).encode() + b"\n")
        return self._known[-1]

    def bury(self) -> None:
        """End every process that is still there."""
        for doomed in self._known:
            if not doomed.code.done() and doomed.pid is not None:
                os.kill(doomed.pid, signal.SIGKILL)

    async def listen(self) -> None:
        """Take note of what becomes of the processes, and of the end of the nursery itself."""
        assert self._process.stdout is not None
        async for line in self._process.stdout:
            told = json.loads(line)
            doomed = self._known[told["number"]]
            if "pid" in told:
                doomed.pid = told["pid"]
            else:
                doomed.code.set_result(told["code"])
        for doomed in self._known:
            if not doomed.code.done():
                doomed.code.set_result(LOST)


@asynccontextmanager
async def nursery() -> AsyncIterator[Nursery]:
    """A nursery for as long as it is entered."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.support.nursery",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        cwd=ROOT,
    )
    assert process.stdout is not None
    assert await process.stdout.readline(), "the process that is to fork the others ended before it had imported them"
    found = Nursery(process)
    listening = asyncio.create_task(found.listen())
    try:
        yield found
    finally:
        assert process.stdin is not None
        process.stdin.close()
        await process.wait()
        found.bury()
        await listening


@dataclass(frozen=True)
class _Order:
    number: int
    point: str
    command: list[str]
    log: str
    environ: dict[str, str]


def main() -> None:
    """Fork a process for each order on standard input, and tell on standard output what becomes of it."""
    crashing.import_all()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    _tell(pid=os.getpid())
    for line in sys.stdin:
        if os.fork() == 0:
            _keep(_Order(**json.loads(line)))


def _keep(order: _Order) -> NoReturn:
    """Watch over one process until it ends: only its parent learns how."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    pid = os.fork()
    if pid == 0:
        _live(order)
    _tell(number=order.number, pid=pid)
    _, status = os.waitpid(pid, 0)
    _tell(number=order.number, code=os.waitstatus_to_exitcode(status))
    os._exit(0)


def _live(order: _Order) -> NoReturn:
    log = os.open(order.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    for descriptor, source in enumerate((os.open(os.devnull, os.O_RDONLY), log, log)):
        os.dup2(source, descriptor)
    os.environ.update(order.environ)
    code = 1
    try:
        crashing.run(order.point, order.command)
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else 1
    except BaseException:  # noqa: BLE001 (whatever happened in it, the fork ends here and says so)
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _tell(**said: int) -> None:
    os.write(1, json.dumps(said).encode() + b"\n")


if __name__ == "__main__":
    main()
