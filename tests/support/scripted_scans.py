"""Scans that a test moves by hand, with the pipeline's own commits and without its services."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec

from scanpool.coordination import transitions
from scanpool.coordination.ledger import Held, Ledger
from scanpool.coordination.transitions import Change, Mark
from scanpool.runtime.jetstream import JetStream
from scanpool_schemas import subjects
from scanpool_schemas.events import ScanProgress
from scanpool_schemas.scan import Launching, Queued
from tests.support.builders import NUMBER, a_lease, a_mark, a_queued_scan, a_request, an_error


class ScriptedScans:
    """Scans of pool `lab`."""

    def __init__(self, jetstream: JetStream) -> None:
        self._jetstream = jetstream
        self._ledger = Ledger(jetstream, source="test")
        self._held: dict[str, Held] = {}

    async def queued(self, scan_id: str, *, owner: str = "local", **request: Any) -> None:
        """A new scan that waits for a place."""
        now = datetime.now(UTC)
        scan = a_queued_scan(a_request(owner=owner, **request), id=scan_id, submitted_at=now, queued_at=now)
        await self._commit(scan_id, Change(scan=scan))

    async def launched(self, scan_id: str) -> None:
        """A queued scan runs on scanner `a`."""
        queued = self._scan(scan_id, Queued)
        claimed = transitions.claimed(queued, "a", a_lease(at=datetime.now(UTC)), self._mark())
        await self._commit(scan_id, Change(scan=claimed.scan))
        await self._commit(scan_id, transitions.intended(self._scan(scan_id, Launching), NUMBER, self._mark()))
        launching = self._scan(scan_id, Launching)
        assert launching.intent is not None
        await self._commit(scan_id, transitions.runs(launching, launching.intent, self._mark()))

    async def told(self, scan_id: str, percent: int) -> None:
        """The progress of a running scan is told, live alone."""
        now = datetime.now(UTC)
        told = ScanProgress(id=scan_id, pool="lab", scanner="a", percent=percent, status="running", at=now)
        await self._jetstream.tell(subjects.progress("lab", scan_id), msgspec.json.encode(told))

    async def failed(self, scan_id: str, message: str = "was aborted by the scanner") -> None:
        """The scan is over, and failed."""
        change = transitions.failed(self._held[scan_id].scan, an_error(message=message), self._mark())
        await self._commit(scan_id, Change(scan=change.scan))

    def _scan(self, scan_id: str, kind: type[Any]) -> Any:
        scan = self._held[scan_id].scan
        assert isinstance(scan, kind)
        return scan

    def _mark(self) -> Mark:
        return a_mark(at=datetime.now(UTC))

    async def _commit(self, scan_id: str, change: Change) -> None:
        held = await self._ledger.commit(self._held.get(scan_id), change)
        assert held is not None
        self._held[scan_id] = held
