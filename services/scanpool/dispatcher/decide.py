"""Which scanner a queued scan goes to; which of the scans on a scanner is the one to launch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TypeAlias

from scanpool.coordination.breaker import lets_through
from scanpool.coordination.breaker import said as breaker_said
from scanpool.coordination.places import free, utilisation
from scanpool.scanners.naming import OurName, our_name
from scanpool.scanners.scanner import Activity, ScannerScan
from scanpool_schemas.keys import Breaker, Health, Hold, Load
from scanpool_schemas.scan import Queued, ScanError


@dataclass(frozen=True, kw_only=True, slots=True)
class Candidate:
    """A scanner of the pool as the dispatcher sees it."""

    name: str
    enabled: bool
    load: Load
    health: Health | None
    """None until it was first looked at."""
    breaker: Breaker = field(default_factory=Breaker)
    cordon: Hold | None = None
    """That it is to be given no scan, by hand."""

    @property
    def can_ever_launch(self) -> bool:
        """Nothing lasting forbids it: it is enabled and its licence is not known to refuse."""
        return self.enabled and (self.health is None or self.health.can_launch is not False)

    @property
    def admits(self) -> bool:
        """It may be given a scan now, if it has a free place."""
        return self.can_ever_launch and self.why_not is None

    @property
    def why_not(self) -> str | None:
        """What keeps it from being given scans for now; None is nothing."""
        if self.cordon is not None:
            return f"cordoned by {said(self.cordon)}"
        if not lets_through(self.breaker):
            return breaker_said(self.breaker)
        if self.health is None:
            return "not looked at yet"
        return None if self.health.ready else self.health.reason

    @property
    def free_places(self) -> int:
        return free(self.load) if self.admits else 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """Give it to this scanner."""

    scanner: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Wait:
    """No scanner can take it now."""

    reason: str
    named: bool = False
    """It waits for one scanner by name, which must not hold up others."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Refuse:
    """No scanner of the pool could ever run it."""

    error: ScanError


Decision: TypeAlias = Place | Wait | Refuse


def choose(scan: Queued, candidates: Sequence[Candidate]) -> Decision:
    """The scanner of lowest utilisation with a free place; ties go to the least recently used."""
    wanted = scan.request.scanner
    named = [each for each in candidates if wanted in (None, each.name)]
    if not named:
        where = f"the pool has no scanner {wanted!r}" if wanted else "the pool has no scanner"
        return Refuse(error=ScanError(code="unknown_scanner", message=where))
    able = [each for each in named if each.can_ever_launch]
    if not able:
        return _unable(scan.pool, named)
    free_ones = [each for each in able if each.free_places > 0]
    if not free_ones:
        return Wait(reason=_why_not(able), named=wanted is not None)
    best = min(free_ones, key=lambda each: (utilisation(each.load), _last_used(each.load), each.name))
    return Place(scanner=best.name)


def named(scans: Sequence[ScannerScan], ours: OurName) -> list[ScannerScan]:
    """The scans on the scanner that bear our name."""
    return [each for each in scans if our_name(each.name) == ours]


def to_launch(found: Sequence[ScannerScan]) -> ScannerScan:
    """Of the scans that bear our name one that is not empty, else the oldest; there must be one."""
    return min(found, key=lambda each: (each.activity is Activity.EMPTY, each.id))


def waited_too_long(scan: Queued, now: datetime) -> bool:
    """Whether the request's limit on waiting in the queue has passed."""
    limit = scan.request.max_wait_s
    return limit is not None and now - scan.queued_at > timedelta(seconds=limit)


def _unable(pool: str, named: Sequence[Candidate]) -> Decision:
    enabled = [each for each in named if each.enabled]
    if not enabled:
        names = ", ".join(each.name for each in named)
        return Wait(reason=f"disabled in the configuration: {names}", named=True)
    reason = next((each.health.reason for each in enabled if each.health), "")
    return Refuse(
        error=ScanError(
            code="scan_api_not_licensed",
            message=f"no scanner of pool {pool} may launch scans through its API: {reason}",
        )
    )


def _why_not(able: Sequence[Candidate]) -> str:
    ready = [each for each in able if each.admits]
    if ready:
        return "every place is taken on " + ", ".join(each.name for each in ready)
    states = (f"{each.name} ({each.why_not})" for each in able)
    return "not ready: " + ", ".join(states)


def said(hold: Hold) -> str:
    """Who holds it back, why and until when."""
    until = f" until {hold.until:%Y-%m-%d %H:%M:%S} UTC" if hold.until else ""
    return f"{hold.by}{until}{f': {hold.reason}' if hold.reason else ''}"


def _last_used(load: Load) -> float:
    return load.last_used.timestamp() if load.last_used else 0.0
