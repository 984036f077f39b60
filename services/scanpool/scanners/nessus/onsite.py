"""What is Nessus' own: its server's status and properties, its licence, progress read from a scan's details."""

from __future__ import annotations

from collections.abc import Callable

from scanpool.scanners.errors import ScanApiNotLicensed, ScannerError
from scanpool.scanners.nessus import calls, readiness
from scanpool.scanners.nessus.api import Api
from scanpool.scanners.nessus.bodies import Base
from scanpool.scanners.nessus.catalogue import Catalogue
from scanpool.scanners.nessus.faults import AnswerCut
from scanpool.scanners.nessus.licence import Licensing
from scanpool.scanners.nessus.progress import progress
from scanpool.scanners.nessus.replies import Nothing, ScanDetails, ServerStatus
from scanpool.scanners.scanner import Progress, Readiness, ScanSpec


class Onsite:
    """A Nessus of one's own."""

    def __init__(self, api: Api, note: Callable[[str], str]) -> None:
        """`note` is shown every status word, for those that nobody knows."""
        self._api = api
        self._note = note
        self._licensing = Licensing(api)
        self._catalogue = Catalogue(api)

    async def readiness(self, deadline: float) -> Readiness:
        """Ready when its server says so, our credentials are accepted and its properties can be read."""
        status = await self._api.call(calls.server_status(), ServerStatus, deadline)
        obstacle = readiness.obstacle(status)
        if obstacle is not None:
            return Readiness(ready=False, reason=obstacle)
        await self._api.call(calls.who_am_i(), Nothing, deadline)
        licence, permission = await self._licensing.look(deadline)
        return readiness.ready(self._api.scanner, licence, permission)

    async def require(self, operation: str, deadline: float) -> None:
        """Raise `ScanApiNotLicensed` unless launching is known to be permitted."""
        await self._licensing.require(operation, deadline)

    async def refused(self, error: ScanApiNotLicensed | AnswerCut) -> ScannerError:
        """What a refusal for the licence, or a cut that may be one, amounts to."""
        if isinstance(error, AnswerCut):
            return await self._licensing.after_cut(error)
        return await self._licensing.refused(error.operation)

    async def base(self, spec: ScanSpec, deadline: float) -> Base:
        """What the scanner calls the things that the scan names."""
        return await self._catalogue.base(spec, deadline)

    def forget(self) -> None:
        """Look the templates up again next time."""
        self._catalogue.forget()

    async def progress(self, scan: int, deadline: float) -> Progress:
        """Where the scan stands, by its details."""
        details = await self._api.call(calls.progress(scan), ScanDetails, deadline)
        self._note(details.info.status)
        return progress(details)
