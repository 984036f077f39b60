"""Runs a scanpool command in a process that kills itself at a named point between two of its side effects.

    python -m tests.support.crashing "after commit claim" -- run dispatcher --nats nats://127.0.0.1:4222

The production classes' methods are wrapped as the process starts; production code knows nothing of it. A point is
`before` or `after` a side effect, or `amid` one that has parts; `:2` at its end is the second time it is reached.
When it is reached, a line of the log says so, and the process sends itself SIGKILL.
"""

from __future__ import annotations

import functools
import json
import os
import signal
import sys
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NoReturn

from nats.js.api import ObjectInfo

from scanpool.coordination.ledger import Held, Ledger
from scanpool.coordination.transitions import Change
from scanpool.runtime.delivery import Delivery
from scanpool.runtime.jetstream import JetStream, Write
from scanpool.runtime.objects import Objects
from scanpool.scanners.nessus import NessusScanner
from scanpool_schemas import subjects
from scanpool_schemas.scan import Exporting, Launching, Validating, state_of

KILLED = "killed itself"
AHEAD = "SCANPOOL_TEST_CLOCK_AHEAD_S"
"""Variable of the environment: by how much the services' clock is ahead."""

Label = Callable[..., str]


class Trap:
    """Kills this process when its point is reached for the n-th time."""

    def __init__(self, point: str) -> None:
        name, _, nth = point.partition(":")
        self._point = point
        self._name = name
        self._left = int(nth or 1)

    def reached(self, name: str) -> None:
        """The process is at the point now."""
        if name != self._name:
            return
        self._left -= 1
        if self._left == 0:
            self._kill()

    def _kill(self) -> NoReturn:
        os.write(2, json.dumps({"event": KILLED, "point": self._point}).encode() + b"\n")
        os.kill(os.getpid(), signal.SIGKILL)
        raise AssertionError("nobody outlives SIGKILL")


def set_traps(trap: Trap) -> None:
    """Wrap every method that has a side effect outside of the process."""
    _around(Ledger, "commit", _commit, trap)
    _around(Delivery, "ack", lambda delivery: f"ack {delivery.consumer}", trap)
    _around(Delivery, "nak", lambda delivery, _delay: f"nak {delivery.consumer}", trap)
    for method, name in {"scans": "list", "progress": "status"}.items():
        _around(NessusScanner, method, _always(name), trap)
    for method in ("create", "launch", "stop", "pause", "resume", "export", "delete"):
        _around(NessusScanner, method, _always(method), trap)
    _around(Objects, "put", _always("put"), trap)
    _around(Objects, "get", _always("get"), trap)
    _around(Objects, "delete", _always("delete object"), trap)
    _around(JetStream, "purge", lambda _self, stream, _subject, below: _purge(stream, below), trap)
    _around(JetStream, "publish", _publish, trap)
    _amid_batch(trap)
    _amid_put(trap)


def _around(owner: type, method: str, label: Label, trap: Trap) -> None:
    original: Callable[..., Awaitable[Any]] = getattr(owner, method)

    @functools.wraps(original)
    async def wrapped(*args: Any, **named: Any) -> Any:
        name = label(*args, **named)
        trap.reached(f"before {name}")
        answer = await original(*args, **named)
        if not (method == "commit" and answer is None):  # a commit that conflicts is none
            trap.reached(f"after {name}")
        return answer

    setattr(owner, method, wrapped)


def _amid_batch(trap: Trap) -> None:
    """A member of an atomic batch is on the server, and the one that commits it is not."""
    original = JetStream._sent

    async def wrapped(self: JetStream, subject: str, body: bytes, headers: dict[str, str]) -> None:
        await original(self, subject, body, headers)
        if "Nats-Batch-Id" in headers:
            await self.client.flush()
            trap.reached("amid batch")

    setattr(JetStream, "_sent", wrapped)  # noqa: B010 (mypy does not let a method be assigned)


def _amid_put(trap: Trap) -> None:
    """The pieces of an object are stored, and what names them is not."""
    original = Objects._put_entry

    @functools.wraps(original)
    async def wrapped(self: Objects, info: ObjectInfo, stored: Any) -> None:
        trap.reached("amid put")
        await original(self, info, stored)

    setattr(Objects, "_put_entry", wrapped)  # noqa: B010


def _always(name: str) -> Label:
    return lambda *_args, **_named: name


def _commit(_ledger: Ledger, before: Held | None, change: Change) -> str:
    """What the protocol calls the commit."""
    scan, was = change.scan, before.scan if before else None
    match scan:
        case Launching() if not isinstance(was, Launching):
            return "commit claim"
        case Launching():
            return "commit takeover" if scan.intent == getattr(was, "intent", None) else "commit intent"
        case Exporting() | Validating() if isinstance(was, type(scan)):
            return "commit try"
        case _:
            return "commit " + state_of(scan).partition("-")[0]


def _publish(_jetstream: JetStream, write: Write) -> str:
    if write.subject.startswith("dlq."):
        return "publish letter"
    parts = subjects.parse_scan_subject(write.subject)
    return f"publish {parts.kind if parts else 'another'}"


def _purge(stream: str, below: int) -> str:
    assert below > 0
    return "remove letter" if stream == subjects.SCAN_DLQ else "purge"


def _set_clock(ahead: timedelta) -> None:
    from scanpool.cli.running import process

    setattr(process, "_now", lambda: datetime.now(UTC) + ahead)  # noqa: B010


def import_all() -> None:
    """Import what a process will need."""
    from scanpool.cli import app, views  # noqa: F401
    from scanpool.cli.frame import connecting  # noqa: F401
    from scanpool.cli.running import assembly, host, starting  # noqa: F401


def run(point: str, command: Sequence[str]) -> None:
    """Run the command with the trap set; ends as the command line does, or at the point."""
    set_traps(Trap(point))
    if seconds := os.environ.get(AHEAD):
        _set_clock(timedelta(seconds=float(seconds)))
    from scanpool.cli import main as scanpool

    sys.argv = ["scanpool", *command]
    scanpool()


if __name__ == "__main__":
    run(sys.argv[1], sys.argv[3:])
