"""A scanner in memory that keeps a scanner's promises, loses answers when told to, and counts what was done.

Held to the same contract as the Nessus client. `on_the_way` is awaited while a call is on its way; a call that takes
longer than `timeout` is given up and is then never carried out.
"""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum, auto
from pathlib import Path

from scanpool.scanners.errors import (
    ExportFailed,
    OutcomeUnknown,
    ScanApiNotLicensed,
    ScanConflict,
    ScannerError,
    ScannerUnavailable,
    ScanNotFound,
)
from scanpool.scanners.scanner import Activity, ExportedReport, Progress, Readiness, ScannerScan, ScanSpec
from tests.support.fake_jetstream import Pause, no_pause

ACTIVE = {Activity.PENDING, Activity.RUNNING, Activity.PAUSING, Activity.PAUSED, Activity.STOPPING}


class Cut(Enum):
    """Where a call that may be made only once loses its connection."""

    BEFORE = auto()
    """Nothing was done, and the caller cannot know."""
    AFTER = auto()
    """It was done, and the caller cannot know."""


@dataclass(kw_only=True)
class OnScanner:
    """A scan as the scanner knows it."""

    id: int
    name: str
    activity: Activity = Activity.EMPTY
    launched: int = 0
    exists: bool = True


@dataclass
class FakeScanner:
    """One scanner; what was done with it stays in `known`, deleted or not."""

    name: str = "a"
    on_the_way: Pause = no_pause
    now: Callable[[], datetime] | None = None
    """With a clock, a call that was on its way for longer than `timeout` is given up."""
    timeout: timedelta = timedelta(seconds=20)
    known: dict[int, OnScanner] = field(default_factory=dict)
    down: bool = False
    licensed: bool = True
    cuts: deque[Cut] = field(default_factory=deque)
    """Befall the next creates and launches, one each."""
    on_launch: Callable[[OnScanner], None] = lambda _scan: None

    async def readiness(self) -> Readiness:
        if self.down:
            return Readiness(ready=False, reason="down")
        return Readiness(ready=True, can_launch=self.licensed)

    async def scans(self) -> tuple[ScannerScan, ...]:
        await self._arrive("list")
        listed = tuple(
            ScannerScan(id=each.id, name=each.name, activity=each.activity)
            for each in self.known.values()
            if each.exists
        )
        await self.on_the_way("answer to list")
        return listed

    async def create(self, spec: ScanSpec) -> int:
        await self._arrive("create")
        self._require_licence("create")
        cut = self.cuts.popleft() if self.cuts else None
        if cut is Cut.BEFORE:
            raise OutcomeUnknown(self.name, "create", "cut")
        number = len(self.known) + 5
        self.known[number] = OnScanner(id=number, name=spec.name)
        await self.on_the_way("answer to create")
        if cut is Cut.AFTER:
            raise OutcomeUnknown(self.name, "create", "cut")
        return number

    async def progress(self, scan: int) -> Progress:
        await self._arrive("progress")
        found = self._found(scan, "progress")
        answer = Progress(activity=found.activity, status=found.activity, percent=50, runs=found.launched)
        await self.on_the_way("answer to progress")
        return answer

    async def launch(self, scan: int) -> None:
        await self._arrive("launch")
        self._require_licence("launch")
        found = self._found(scan, "launch")
        if found.activity in ACTIVE:
            raise ScanConflict(self.name, "launch", "it runs already")
        cut = self.cuts.popleft() if self.cuts else None
        if cut is Cut.BEFORE:
            raise OutcomeUnknown(self.name, "launch", "cut")
        found.activity, found.launched = Activity.RUNNING, found.launched + 1
        self.on_launch(found)
        await self.on_the_way("answer to launch")
        if cut is Cut.AFTER:
            raise OutcomeUnknown(self.name, "launch", "cut")

    async def stop(self, scan: int) -> None:
        await self._arrive("stop")
        found = self._found(scan, "stop")
        if found.activity not in ACTIVE:
            raise ScanConflict(self.name, "stop", f"it is {found.activity}")
        found.activity = Activity.STOPPING
        await self.on_the_way("answer to stop")

    async def pause(self, scan: int) -> None:
        await self._turn(scan, "pause", Activity.RUNNING, Activity.PAUSED)

    async def resume(self, scan: int) -> None:
        await self._turn(scan, "resume", Activity.PAUSED, Activity.RUNNING)

    async def export(self, scan: int, destination: Path) -> ExportedReport:
        await self._arrive("export")
        if not self._found(scan, "export").activity.is_over:
            raise ExportFailed(self.name, "export", "there is nothing to export")
        report = f"report of scan {scan}".encode()
        destination.write_bytes(report)
        return ExportedReport(path=destination, size_bytes=len(report), sha256=hashlib.sha256(report).hexdigest())

    async def delete(self, scan: int) -> None:
        await self._arrive("delete")
        found = self.known.get(scan)
        if found is not None and found.activity in ACTIVE:
            raise ScanConflict(self.name, "delete", "it runs")
        if found is not None:
            found.exists = False

    async def close(self) -> None:
        """Nothing is open."""

    def bearing(self, bracket: str) -> list[OnScanner]:
        """Every scan there ever was whose name ends in the bracket."""
        return [each for each in self.known.values() if each.name.endswith(bracket)]

    def active(self) -> list[OnScanner]:
        """What runs now."""
        return [each for each in self.known.values() if each.exists and each.activity in ACTIVE]

    def settle(self, scan: OnScanner, activity: Activity) -> None:
        """Let time pass on the scanner: a scan that runs comes to its end."""
        if scan.activity in ACTIVE:
            scan.activity = Activity.CANCELED if scan.activity is Activity.STOPPING else activity

    async def _turn(self, scan: int, operation: str, old: Activity, new: Activity) -> None:
        await self._arrive(operation)
        found = self._found(scan, operation)
        if found.activity is not old:
            raise ScanConflict(self.name, operation, f"it is {found.activity}")
        found.activity = new
        await self.on_the_way(f"answer to {operation}")

    def _found(self, scan: int, operation: str) -> OnScanner:
        found = self.known.get(scan)
        if found is None or not found.exists:
            raise ScanNotFound(self.name, operation, f"it has no scan {scan}")
        return found

    def _require_licence(self, operation: str) -> None:
        if not self.licensed:
            raise ScanApiNotLicensed(self.name, operation, "API is not available")

    async def _arrive(self, operation: str) -> None:
        """The call is on its way; it arrives, or it is given up and certainly not carried out."""
        sent = self.now() if self.now else None
        await self.on_the_way(operation)
        if self.down:
            raise ScannerUnavailable(self.name, operation, "down")
        if self.now is not None and sent is not None and self.now() - sent > self.timeout:
            raise self._given_up(operation)

    def _given_up(self, operation: str) -> ScannerError:
        if operation in {"create", "launch"}:
            return OutcomeUnknown(self.name, operation, "no answer in time")
        return ScannerUnavailable(self.name, operation, "no answer in time")
