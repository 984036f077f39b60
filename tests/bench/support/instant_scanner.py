"""Scanners in the process itself that answer at once, so that only the pipeline's own work is measured."""

from __future__ import annotations

import hashlib
import itertools
from pathlib import Path

from scanpool.scanners.errors import ScanNotFound
from scanpool.scanners.fleet import Fleet
from scanpool.scanners.scanner import (
    Activity,
    ExportedReport,
    Progress,
    Readiness,
    Scanner,
    ScannerScan,
    ScanSpec,
)
from tests.support.reports import host, item, report, scan_info

REPORT = report(host("10.0.0.1", scan_info(), *(item(20000 + n, "open", severity=n % 5) for n in range(20))))
"""A small report as a scan without credentials of one host gives it."""
_SHA256 = hashlib.sha256(REPORT).hexdigest()


class InstantScanner:
    """A scan is over once it is launched, or with `endless` never; an ended one is forgotten with its export."""

    def __init__(self, name: str, *, endless: bool) -> None:
        self._name = name
        self._launched = Activity.RUNNING if endless else Activity.COMPLETED
        self._endless = endless
        self._numbers = itertools.count(1)
        self._known: dict[int, tuple[str, Activity]] = {}

    async def readiness(self) -> Readiness:
        """It is."""
        return Readiness(ready=True, can_launch=True, edition="bench")

    async def scans(self) -> tuple[ScannerScan, ...]:
        """Those that were not exported yet."""
        return tuple(ScannerScan(id=n, name=name, activity=does) for n, (name, does) in self._known.items())

    async def create(self, spec: ScanSpec) -> int:
        """Create it."""
        number = next(self._numbers)
        self._known[number] = (spec.name, Activity.EMPTY)
        return number

    async def progress(self, scan: int) -> Progress:
        """Where it stands; of an endless scanner every number runs."""
        if scan not in self._known and not self._endless:
            raise ScanNotFound(self._name, "progress", f"it has no scan {scan}")
        activity = self._known[scan][1] if scan in self._known else Activity.RUNNING
        percent = 100 if activity.is_over else 50
        return Progress(activity=activity, status=activity.value, percent=percent, runs=1)

    async def launch(self, scan: int) -> None:
        """Launch it, and with that be done with it."""
        self._known[scan] = (self._known[scan][0], self._launched)

    async def stop(self, scan: int) -> None:
        """End it."""
        self._known[scan] = (self._known[scan][0], Activity.CANCELED)

    async def pause(self, scan: int) -> None:
        """Nothing here is paused."""

    async def resume(self, scan: int) -> None:
        """Nothing here is paused."""

    async def export(self, scan: int, destination: Path) -> ExportedReport:
        """Write the report, and forget the scan, so that listings stay short however many there were."""
        destination.write_bytes(REPORT)
        self._known.pop(scan, None)
        return ExportedReport(path=destination, size_bytes=len(REPORT), sha256=_SHA256)

    async def delete(self, scan: int) -> None:
        """Forget it."""
        self._known.pop(scan, None)

    async def close(self) -> None:
        """Nothing is open."""


class InstantFleet(Fleet):
    """The scanners of a configuration, each replaced by one that answers at once, behind its breaker as always."""

    endless = False
    """Whether scans run for ever."""

    def get(self, pool: str, name: str) -> Scanner | None:
        """The scanner, made when it is first asked for."""
        wanted = self._configured(pool, name)
        if wanted is None:
            return None
        if (pool, name) not in self._made:
            bare = InstantScanner(f"{pool}.{name}", endless=self.endless)
            self._made[pool, name] = (wanted, self._guard(pool, name, bare))
        return self._made[pool, name][1]
