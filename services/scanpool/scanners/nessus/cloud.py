"""What is Tenable Vulnerability Management's own: no server to ask, and answers that are to be asked for sparingly.

A look at a scan asks for its latest status, which may be asked for often, and for its percentage while it runs.
How many runs it has had is asked for when its status changes, and every few minutes besides. Its details, which
are rate-limited and empty once results are archived, are never asked for.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import anyio

from scanpool.scanners.errors import ScanApiNotLicensed, ScannerError, ScanNotFound
from scanpool.scanners.nessus import calls
from scanpool.scanners.nessus.api import Api
from scanpool.scanners.nessus.bodies import Base
from scanpool.scanners.nessus.cloud_catalogue import CloudCatalogue
from scanpool.scanners.nessus.faults import AnswerCut
from scanpool.scanners.nessus.progress import MAX_STATUS, activity, number
from scanpool.scanners.nessus.replies import Folders, History, LatestStatus, Percent
from scanpool.scanners.scanner import Activity, Progress, Readiness, ScanSpec

EDITION = "Tenable Vulnerability Management"
HISTORY_EVERY_S = 300.0
"""How long the number of a scan's runs is taken for known while its status stays the same."""
REFUSAL_HOLDS_S = 900.0
"""How long a refusal for the licence is remembered: nothing but another launch would tell that it is over."""
MAX_SEEN = 1000
"""Of how many scans the number of runs is remembered; of others it is asked for again."""
_NOT_BEGUN = {Activity.EMPTY, Activity.PENDING}


@dataclass(frozen=True, kw_only=True, slots=True)
class _Seen:
    """What was last asked of a scan's history."""

    status: str
    runs: int
    at: float


class Cloud:
    """A container of Tenable Vulnerability Management."""

    def __init__(self, api: Api, note: Callable[[str], str], network_scanner: str | None) -> None:
        """`note` is shown every status word, for those that nobody knows."""
        self._api = api
        self._note = note
        self._catalogue = CloudCatalogue(api, network_scanner)
        self._seen: dict[int, _Seen] = {}
        self._refused_until: float | None = None

    async def readiness(self, deadline: float) -> Readiness:
        """Ready when it answers a short question that needs valid keys; its edition launches scans by licence."""
        await self._api.call(calls.folders(), Folders, deadline)
        refused = self._is_refused()
        reason = self._sentence() if refused else ""
        return Readiness(ready=True, reason=reason, can_launch=not refused, edition=EDITION)

    async def require(self, operation: str, deadline: float) -> None:  # noqa: ARG002 - nothing is asked
        """Raise `ScanApiNotLicensed` for a while after it refused a launch for its licence."""
        if self._is_refused():
            raise ScanApiNotLicensed(self._api.scanner, operation, self._sentence())

    async def refused(self, error: ScanApiNotLicensed | AnswerCut) -> ScannerError:
        """A refusal for the licence is remembered; a cut says nothing about it."""
        if isinstance(error, AnswerCut):
            return error
        self._refused_until = anyio.current_time() + REFUSAL_HOLDS_S
        return ScanApiNotLicensed(self._api.scanner, error.operation, self._sentence())

    async def base(self, spec: ScanSpec, deadline: float) -> Base:
        """What the container calls the things that the scan names, and the defaults that only its pages apply."""
        return await self._catalogue.base(spec, deadline)

    def forget(self) -> None:
        """Look the templates up again next time."""
        self._catalogue.forget()

    async def progress(self, scan: int, deadline: float) -> Progress:
        """Where the scan stands, by its status; hosts are not counted."""
        status = self._note((await self._api.call(calls.latest_status(scan), LatestStatus, deadline)).status)
        now = activity(status)
        return Progress(
            activity=now,
            status=status[:MAX_STATUS],
            percent=await self._percent(scan, now, deadline),
            runs=await self._runs(scan, status, deadline),
        )

    async def _percent(self, scan: int, now: Activity, deadline: float) -> int:
        if now in _NOT_BEGUN:
            return 0
        if now is Activity.COMPLETED:
            return 100
        try:
            told = number((await self._api.call(calls.percent(scan), Percent, deadline)).progress)
        except ScanNotFound:  # its status was just answered: it is the figure that is not there
            return 0
        return min(max(int(told or 0), 0), 100 if now.is_over else 99)

    async def _runs(self, scan: int, status: str, deadline: float) -> int:
        if activity(status) is Activity.EMPTY:
            return 0
        seen, now = self._seen.pop(scan, None), anyio.current_time()
        if seen is None or seen.status != status or now - seen.at >= HISTORY_EVERY_S:
            history = await self._api.call(calls.history(scan), History, deadline)
            seen = _Seen(status=status, runs=_total(history), at=now)
        self._seen[scan] = seen
        if len(self._seen) > MAX_SEEN:
            del self._seen[next(iter(self._seen))]
        return seen.runs

    def _is_refused(self) -> bool:
        return self._refused_until is not None and anyio.current_time() < self._refused_until

    def _sentence(self) -> str:
        return (
            f"Scanner '{self._api.scanner}' ({EDITION}) does not allow scans to be created or launched through its "
            "API (HTTP 412 'API is not available'). Read, export and validation still work. Look at its licence"
        )


def _total(history: History) -> int:
    listed = len(history.history or [])
    return listed if history.pagination is None else max(listed, history.pagination.total)
