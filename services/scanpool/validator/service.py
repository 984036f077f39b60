"""The validator's shell: fetches the report that the event names, has it read, answers."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import anyio.to_thread
import structlog
import zstandard

from scanpool.coordination import transitions
from scanpool.coordination.ledger import Held
from scanpool.coordination.stage import Answer, Clockwork, Move
from scanpool.coordination.transitions import Mark
from scanpool.report.limits import Limits
from scanpool.report.scan_verdict import Asked
from scanpool.report.validate import validate
from scanpool.runtime.errors import BrokerUnavailable
from scanpool.runtime.jetstream import JetStream
from scanpool.runtime.objects import ObjectMissing, Objects
from scanpool.runtime.outcomes import Retry, Snooze
from scanpool.validator.decide import credentials_of, is_privileged, shortcoming
from scanpool_schemas import subjects
from scanpool_schemas.result import Result
from scanpool_schemas.scan import Validating

LOCAL_TROUBLE = timedelta(seconds=30)
"""A full or broken disk here is no fault of the scan's: another process may do better."""
PIECE_BYTES = 256 * 1024

log = structlog.get_logger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class ValidatorParts:
    """What the validator works with."""

    jetstream: JetStream
    objects: Objects
    clockwork: Clockwork
    limits: Limits
    work_dir: Path | None
    observe: Callable[[Validating, Result], None]
    """Told each result, for the metrics."""


class Validator:
    """Reads the report of a scan and ends the scan."""

    def __init__(self, parts: ValidatorParts) -> None:
        self._parts = parts

    async def validate(self, scan: Validating) -> Answer:
        """A scan whose report is in the object store: read it, then complete or fail."""
        try:
            result, sha256 = await self._result(scan)
        except OSError as error:
            log.error("the report cannot be read here", error=str(error))
            return Snooze(delay=LOCAL_TROUBLE, reason=str(error))
        except (ObjectMissing, BrokerUnavailable, zstandard.ZstdError) as error:
            return Retry(code="export_unreadable", message=f"{scan.export.object}: {error}")
        if sha256 != scan.export.sha256:
            message = f"{scan.export.object}: not the bytes that were exported"
            return Retry(code="export_unreadable", message=message)
        self._parts.observe(scan, result)
        log.info(
            "report read",
            authentication_status=result.authentication_status,
            reason=result.reason,
            hosts=result.results_summary.hosts_total,
            coverage=result.validation_stats.coverage,
        )
        mark = Mark(at=self._parts.clockwork.now(), by="validator", nonce=self._parts.clockwork.nonce())
        lacking = shortcoming(scan.request, result)
        if lacking is None:
            return Move(change=transitions.completed(scan, result, mark), then=self._purge)
        return Move(change=transitions.failed(scan, lacking, mark, result=result), then=self._purge)

    async def _result(self, scan: Validating) -> tuple[Result, str]:
        """The result, and the digest of the bytes that it was read from."""
        with tempfile.TemporaryDirectory(prefix="scanpool-report-", dir=self._parts.work_dir) as folder:
            packed = Path(folder) / "report.zst"
            await self._parts.objects.get(scan.export.object, packed)
            return await anyio.to_thread.run_sync(self._read, scan, packed)

    def _read(self, scan: Validating, packed: Path) -> tuple[Result, str]:
        asked = Asked(credentials=credentials_of(scan.request), privileged=is_privileged(scan.request))
        digest = hashlib.sha256()
        pieces = _hashed(_unpacked(packed), digest.update)
        result = validate(pieces, asked, self._parts.limits)
        for _ in pieces:
            pass  # a refused report was not read to its end
        return result, digest.hexdigest()

    async def _purge(self, ended: Held) -> None:
        """The scan's spent events go; its last one stays until the janitor's time comes."""
        scan = ended.scan
        stream, events = subjects.pool_stream(scan.pool), subjects.events_of(scan.pool, scan.id)
        await self._parts.jetstream.purge(stream, events, below=ended.sequence)


def _unpacked(packed: Path) -> Iterator[bytes]:
    with packed.open("rb") as file, zstandard.ZstdDecompressor().stream_reader(file) as reader:
        while piece := reader.read(PIECE_BYTES):
            yield piece


def _hashed(pieces: Iterator[bytes], update: Callable[[bytes], None]) -> Iterator[bytes]:
    for piece in pieces:
        update(piece)
        yield piece
