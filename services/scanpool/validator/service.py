"""The validator's shell: fetches the report that the event names, has it read, keeps its findings, answers."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import anyio.from_thread
import anyio.to_thread
import structlog
import zstandard

from scanpool.coordination import transitions
from scanpool.coordination.ledger import Held
from scanpool.coordination.stage import Answer, Clockwork, Move
from scanpool.coordination.telling import described
from scanpool.coordination.transitions import Mark
from scanpool.report.findings.schema import VERSION
from scanpool.report.limits import Limits
from scanpool.runtime.jetstream import JetStream
from scanpool.runtime.objects import ObjectMissing, Objects
from scanpool.runtime.outcomes import Retry, Snooze
from scanpool.runtime.tracing import span
from scanpool.runtime.work_folder import work_folder
from scanpool.validator.decide import shortcoming
from scanpool.validator.reading import Reading, read
from scanpool_schemas import subjects
from scanpool_schemas.result import Result
from scanpool_schemas.scan import Findings, Validating

LOCAL_TROUBLE = timedelta(seconds=30)
"""A full or broken disk here is no fault of the scan's: another process may do better."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class ValidatorParts:
    """What the validator works with."""

    jetstream: JetStream
    exports: Objects
    findings: Objects
    clockwork: Clockwork
    limits: Limits
    work_dir: Path | None


class Validator:
    """Reads the report of a scan, keeps its findings, and ends the scan."""

    def __init__(self, parts: ValidatorParts) -> None:
        self._parts = parts

    async def validate(self, scan: Validating) -> Answer:
        """A scan whose report is in the object store: read it, then complete or fail."""
        mark = Mark(at=self._parts.clockwork.now(), by="validator", nonce=self._parts.clockwork.nonce())
        try:
            with work_folder("report", self._parts.work_dir) as folder:
                with span("validate", attributes=described(scan)):
                    reading = await self._read(scan, folder)
                if reading.sha256 != scan.export.sha256:
                    message = f"{scan.export.object}: not the bytes that were exported"
                    return Retry(code="export_unreadable", message=message)
                findings = await self._keep(scan, reading, mark.nonce)
        except (OSError, sqlite3.OperationalError) as error:
            log.error("the report cannot be read here", error=str(error))
            return Snooze(delay=LOCAL_TROUBLE, reason=str(error))
        except (ObjectMissing, zstandard.ZstdError) as error:
            return Retry(code="export_unreadable", message=f"{scan.export.object}: {error}")
        return self._ended(scan, reading.result, findings, mark)

    async def _read(self, scan: Validating, folder: Path) -> Reading:
        packed = folder / "report.zst"
        await self._parts.exports.get(scan.export.object, packed)
        # Without it a process that was told to stop would read the whole of a large report first.
        checkpoint = anyio.from_thread.check_cancelled
        return await anyio.to_thread.run_sync(read, scan, packed, self._parts.limits, checkpoint)

    async def _keep(self, scan: Validating, reading: Reading, nonce: str) -> Findings | None:
        """Put the file of findings into the object store, under a new name."""
        file = reading.findings
        if file is None:
            return None
        name = f"{scan.id}.{scan.run}.{nonce}"
        await self._parts.findings.put(name, file, f"findings of scan {scan.id}, run {scan.run}, SQLite")
        sha256 = await anyio.to_thread.run_sync(reading.findings_sha256)
        return Findings(object=name, sha256=sha256, size_bytes=file.stat().st_size, version=VERSION)

    def _ended(self, scan: Validating, result: Result, findings: Findings | None, mark: Mark) -> Move:
        log.info(
            "report read",
            authentication_status=result.authentication_status,
            reason=result.reason,
            hosts=result.results_summary.hosts_total,
            coverage=result.validation_stats.coverage,
        )
        lacking = shortcoming(scan.request, result)
        if lacking is None:
            return Move(change=transitions.completed(scan, result, mark, findings=findings), then=self._purge)
        change = transitions.failed(scan, lacking, mark, result=result, findings=findings)
        return Move(change=change, then=self._purge)

    async def _purge(self, ended: Held) -> None:
        """The scan's spent events go; its last one stays until the janitor's time comes."""
        scan = ended.scan
        stream, events = subjects.pool_stream(scan.pool), subjects.events_of(scan.pool, scan.id)
        await self._parts.jetstream.purge(stream, events, below=ended.sequence)
