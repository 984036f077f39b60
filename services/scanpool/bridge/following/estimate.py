"""How long a queued scan will wait, by its pool's own history; and how sure that is."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median, quantiles

from scanpool.bridge.answering.models.submitting import Confidence
from scanpool.client import ScanPool
from scanpool_schemas.request import Priority
from scanpool_schemas.status import ScanStatus

LOOKED_AT = 50
"""Scans of the pool that ended last, whose durations the estimate rests on."""
KNOWN_FOR = timedelta(minutes=1)
"""How long durations that were read are used again."""
WEIGHTS: Mapping[Priority, int] = {"high": 6, "normal": 3, "low": 1}
"""Of ten scans that are placed, how many come from which lane."""
_ENOUGH = 20
_SOME = 5
_STEADY = 0.5
"""Between the quartiles lies less than this share of the median."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Estimate:
    """What is thought of a queued scan's wait."""

    position: int
    """1 is the next to be placed."""
    wait_s: int | None
    """Until it is placed; None where the pool has no history, or no scanner that could take it."""
    confidence: Confidence
    basis: str
    """What it rests on, in words."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Places:
    """The places of a pool's scanners that may be given scans."""

    capacity: int
    free: int


def position(scan: ScanStatus, queued: Collection[ScanStatus]) -> int:
    """The scan's place in the order in which lanes of these weights give out scans, from 1."""
    ahead = dict.fromkeys(WEIGHTS, 0)
    for other in queued:
        if other.priority != scan.priority or (other.submitted_at, other.id) < (scan.submitted_at, scan.id):
            ahead[other.priority] += other.id != scan.id
    own = ahead.pop(scan.priority)
    turns = -(-(own + 1) * 10 // WEIGHTS[scan.priority])
    return own + sum(min(waiting, turns * WEIGHTS[lane] // 10) for lane, waiting in ahead.items()) + 1


def estimated(place: int, places: Places, durations_s: Sequence[float]) -> Estimate:
    """The wait of the scan that is the `place`-th to be placed, where scans take as long as those before."""
    if place <= places.free:
        return Estimate(position=place, wait_s=0, confidence="high", basis="a place is free")
    if not places.capacity:
        return Estimate(position=place, wait_s=None, confidence="none", basis="no scanner of the pool takes scans now")
    if not durations_s:
        return Estimate(position=place, wait_s=None, confidence="none", basis="no scan of the pool has completed yet")
    typical = median(durations_s)
    wait = (place - places.free) * typical / places.capacity
    return Estimate(
        position=place,
        wait_s=round(wait),
        confidence=_confidence(durations_s, typical),
        basis=f"{len(durations_s)} completed scans of the pool took {typical:.0f} s (median); {places.capacity} places",
    )


def _confidence(durations_s: Sequence[float], typical: float) -> Confidence:
    if len(durations_s) < _SOME:
        return "low"
    low, _, high = quantiles(durations_s, n=4)
    return "high" if len(durations_s) >= _ENOUGH and high - low <= _STEADY * typical else "medium"


def on_scanner_s(status: ScanStatus) -> float | None:
    """How long a scan held its place: from when it was claimed until it was over on the scanner."""
    began = next((entry.at for entry in status.timeline if entry.state == "launching"), None)
    ended = next((entry.at for entry in status.timeline if entry.state == "exporting"), None)
    return (ended - began).total_seconds() if began and ended else None


class Estimator:
    """Reads what estimates rest on."""

    def __init__(self, scanpool: ScanPool) -> None:
        self._scanpool = scanpool
        self._known: dict[str, tuple[datetime, tuple[float, ...]]] = {}

    async def of(self, scan: ScanStatus, now: datetime) -> Estimate | None:
        """The estimate for a queued scan; None for one that is not.

        Raises:
            BrokerError: NATS does not answer.
        """
        if scan.status != "queued":
            return None
        queued = await self._scanpool.list(pool=scan.pool, status=["queued"])
        return estimated(position(scan, queued), await self.places(scan.pool), await self.durations(scan.pool, now))

    async def places(self, pool: str) -> Places:
        """The places of scanners that are given scans now."""
        scanners = await self._scanpool.scanners(pool=pool)
        taking = [each for each in scanners if each.ready and each.can_launch is not False and not each.cordoned]
        open_ones = [each for each in taking if each.breaker == "closed"]
        return Places(
            capacity=sum(each.capacity for each in open_ones),
            free=sum(max(each.capacity - each.active, 0) for each in open_ones),
        )

    async def durations(self, pool: str, now: datetime) -> tuple[float, ...]:
        """How long the pool's last completed scans held their places, in seconds."""
        read_at, known = self._known.get(pool, (None, ()))
        if read_at is not None and now - read_at < KNOWN_FOR:
            return known
        ended = await self._scanpool.list(pool=pool, status=["completed"], limit=LOOKED_AT)
        durations = tuple(seconds for each in ended if (seconds := on_scanner_s(each)) is not None)
        self._known[pool] = (now, durations)
        return durations
