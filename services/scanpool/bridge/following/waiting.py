"""One caller's wait for a scan: bounded, told of progress, ended by the process's stop or the end of its token."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from scanpool.bridge.caller import Caller
from scanpool.bridge.following.scans import visible
from scanpool.bridge.following.watch import Watch
from scanpool.runtime.errors import BrokerUnavailable
from scanpool.runtime.process import every
from scanpool_schemas.scan import StateName
from scanpool_schemas.status import ScanStatus

LOST_S = 10.0
"""How long NATS may not answer while a wait goes on: longer than it takes to restart, or to choose a leader."""
FIRST_READ_S = 1.0
"""How long a wait that ends at once goes on for its first read."""
STEP_PERCENT = 5
"""Progress is told in steps of this size, and at each change of state."""
_REACHED: dict[StateName | str, float] = {
    "requested": 0,
    "pending": 0,
    "queued-high": 1,
    "queued-normal": 1,
    "queued-low": 1,
    "launching": 3,
    "running": 5,
    "exporting": 92,
    "validating": 96,
}
_RUN_SHARE = 0.85
_LEAST = 0.01
"""What is told must rise, though a scan may go back to the queue."""

Send = Callable[[float, float, str], Awaitable[None]]
"""Tells the client how far it is, of how much, and a sentence."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Waited:
    """How the scan is at the end of the wait."""

    scan: ScanStatus
    timed_out: bool
    """The wait ended before the scan did."""


async def until_over(
    watch: Watch, caller: Caller, *, timeout_s: float, stopping: asyncio.Event, tell: ProgressTeller
) -> Waited:
    """Wait until the scan is over, the time has passed, or `stopping` is set.

    Raises:
        Refusal: the caller has no such scan.
        BrokerUnavailable: NATS does not answer, for longer than a restart takes or at the end of the wait.
    """
    clock = asyncio.get_running_loop().time
    deadline = clock() + timeout_s
    while True:
        change = watch.change()
        scan = _now(watch, caller)
        if scan is not None:
            await tell(scan)
            if scan.is_over:
                return Waited(scan=scan, timed_out=False)
        left = _left(watch, deadline, clock())
        if left <= 0 or not await every(left, stopping, change):
            return _at_the_end(watch, scan or await _first_read(watch, caller))


async def _first_read(watch: Watch, caller: Caller) -> ScanStatus | None:
    """The scan, where the wait ended before it was read at all."""
    await every(FIRST_READ_S, asyncio.Event(), watch.change())
    return _now(watch, caller)


def _now(watch: Watch, caller: Caller) -> ScanStatus | None:
    """The scan as far as it was read."""
    if watch.broken is not None:
        raise watch.broken
    return None if watch.found is None else visible(caller, watch.scan_id, watch.found)


def _left(watch: Watch, deadline: float, now: float) -> float:
    """Seconds until the wait ends whatever happens."""
    ends = deadline if watch.lost is None else min(deadline, watch.lost_since + LOST_S)
    return ends - now


def _at_the_end(watch: Watch, scan: ScanStatus | None) -> Waited:
    if watch.lost is not None:
        raise watch.lost
    if scan is None:
        raise BrokerUnavailable("the scan was not read in time")
    return Waited(scan=scan, timed_out=True)


class ProgressTeller:
    """Tells a client of changes of state, and of progress in steps."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._told: tuple[str, bool, int] | None = None
        self._value = -1.0

    async def __call__(self, scan: ScanStatus) -> None:
        """The scan is like this now."""
        step = (scan.state, scan.paused, percent(scan) // STEP_PERCENT)
        if step == self._told:
            return
        self._told, self._value = step, max(reached(scan), self._value + _LEAST)
        await self._send(self._value, 100, sentence(scan))


def percent(scan: ScanStatus) -> int:
    """How far the scanner is with it, 0 to 100."""
    return scan.progress.percent if scan.progress else 0


def reached(scan: ScanStatus) -> float:
    """How far the scan is on its whole way, 0 to 100."""
    if scan.is_over:
        return 100
    started = _REACHED.get(scan.state, 5)
    return started + _RUN_SHARE * percent(scan) if scan.state == "running" else started


def sentence(scan: ScanStatus) -> str:
    """How it is, in a few words."""
    if scan.is_over:
        return scan.status
    if scan.state == "running":
        return f"{'paused at' if scan.paused else 'running,'} {percent(scan)} %"
    return scan.state
