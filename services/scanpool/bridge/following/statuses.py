"""What is told of a scan beyond the scan itself: why it is where it is, and how long it will wait."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from scanpool.bridge.answering.models.status import Status
from scanpool.bridge.caller import Caller
from scanpool.bridge.following.estimate import Estimate, Estimator
from scanpool.bridge.following.explain import Explanation, apart, concerns_pool, explain
from scanpool.bridge.following.shared_reads import SharedReads
from scanpool.bridge.following.status_view import Detail, View, status_of
from scanpool.bridge.following.told import addresses, without_names
from scanpool.client import PoolStatus, ScannerStatus, ScanPool
from scanpool.client.lookup import Lookup
from scanpool_schemas.keys import PoolRules
from scanpool_schemas.status import ScanStatus

FRESH_S = 2.0
"""How long a pool that was read is taken to be as it was: many waits of one pool end at the same time."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Surroundings:
    """A pool and its scanners as they are now."""

    pool: PoolStatus
    scanners: tuple[ScannerStatus, ...]
    rules: PoolRules


class Statuses:
    """Makes what agents see of scans."""

    def __init__(self, scanpool: ScanPool, lookup: Lookup, estimator: Estimator, now: Callable[[], datetime]) -> None:
        self._scanpool = scanpool
        self._lookup = lookup
        self._estimator = estimator
        self._now = now
        self._surroundings: SharedReads[Surroundings] = SharedReads(fresh_s=FRESH_S)
        self._estimates: SharedReads[Estimate | None] = SharedReads(fresh_s=FRESH_S)

    async def of(
        self, scan: ScanStatus, caller: Caller, *, detail: Detail = "concise", timed_out: bool | None = None
    ) -> Status:
        """The scan as the caller sees it.

        Raises:
            BrokerError: NATS does not answer.
        """
        view = View(
            scan=without_names(caller, scan),
            now=self._now(),
            explanation=await self._explanation(scan, caller),
            estimate=await self.estimate(scan),
            scanner_url=await self._scanner_url(scan, caller),
            timed_out=timed_out,
            detail=detail,
        )
        return status_of(view)

    async def _explanation(self, scan: ScanStatus, caller: Caller) -> Explanation | None:
        """Why the scan is where it is; None where there is nothing to explain."""
        if not concerns_pool(scan):
            return apart(scan, self._now())
        around = await self._around(scan.pool)
        found = explain(scan, around.pool, around.scanners, self._now())
        if found is None or caller.may("pool:read") or scan.wanted_scanner is not None:
            return found
        return replace(found, scanners=())

    async def estimate(self, scan: ScanStatus) -> Estimate | None:
        """How long it will wait; None where it does not wait for a place."""
        if not scan.state.startswith("queued-"):
            return None
        return await self._estimates.of((scan.pool, scan.id), lambda: self._estimator.of(scan, self._now()))

    async def _scanner_url(self, scan: ScanStatus, caller: Caller) -> str | None:
        """The address of the scan's scanner, where the caller may know it."""
        if scan.scanner_instance is None:
            return None
        return addresses(caller, scan.pool, (await self._around(scan.pool)).rules).get(scan.scanner_instance)

    async def _around(self, pool: str) -> Surroundings:
        return await self._surroundings.of(pool, lambda: self._read_surroundings(pool))

    async def _read_surroundings(self, pool: str) -> Surroundings:
        return Surroundings(
            pool=await self._scanpool.pool(pool),
            scanners=await self._scanpool.scanners(pool=pool),
            rules=await self._lookup.rules(pool) or PoolRules(),
        )
