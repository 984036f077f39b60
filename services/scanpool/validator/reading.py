"""One pass over a report on the disk: its result, the digest of its bytes, and the file of its findings."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec
import zstandard

from scanpool.report.findings.schema import VERSION
from scanpool.report.findings.writing.writer import FindingsWriter
from scanpool.report.limits import Limits
from scanpool.report.scan_verdict import Asked
from scanpool.report.validate import validate
from scanpool.validator.decide import credentials_of, is_privileged
from scanpool_schemas.result import Result
from scanpool_schemas.scan import Validating

PIECE_BYTES = 256 * 1024


@dataclass(frozen=True, kw_only=True, slots=True)
class Reading:
    """What was read."""

    result: Result
    sha256: str
    """Hex digest of the report's bytes."""
    findings: Path | None
    """The file; None of a report that is refused."""

    def findings_sha256(self) -> str:
        """Hex digest of the file of findings."""
        assert self.findings is not None
        with self.findings.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()


def read(scan: Validating, packed: Path, limits: Limits, checkpoint: Callable[[], None]) -> Reading:
    """Read the report that the file holds, compressed with zstd; what is written goes beside it.

    `checkpoint` is called between pieces of the work; what it raises ends the reading.

    Raises:
        OSError, sqlite3.Error: the disk.
        zstandard.ZstdError: the file is damaged.
    """
    asked = Asked(credentials=credentials_of(scan.request), privileged=is_privileged(scan.request))
    destination = packed.with_name("findings.sqlite")
    with FindingsWriter(packed.parent, limits) as writer:
        result = validate(_unpacked(packed, checkpoint), asked, limits, writer)
        if result.error is not None:
            # It was not read to its end.
            return Reading(result=result, sha256=_sha256(_unpacked(packed, checkpoint)), findings=None)
        writer.write(destination, _about(scan, result), checkpoint)
    return Reading(result=result, sha256=result.results_summary.sha256, findings=destination)


def _about(scan: Validating, result: Result) -> dict[str, object]:
    """What the file says of itself; no more than readers of the scan's event know."""
    return {
        "version": VERSION,
        "scan": {
            "id": scan.id,
            "pool": scan.pool,
            "run": scan.run,
            "name": scan.request.name,
            "scan_type": scan.request.scan_type,
            "scanner": scan.scanner,
            "targets": scan.request.targets,
            "running_at": scan.running_at.isoformat(),
            "scanned_at": scan.scanned_at.isoformat(),
        },
        "report": {"sha256": scan.export.sha256, "size_bytes": scan.export.size_bytes},
        "result": msgspec.to_builtins(msgspec.structs.replace(result, hosts=())),
    }


def _unpacked(packed: Path, checkpoint: Callable[[], None]) -> Iterator[bytes]:
    with packed.open("rb") as file, zstandard.ZstdDecompressor().stream_reader(file) as reader:
        while piece := reader.read(PIECE_BYTES):
            checkpoint()
            yield piece


def _sha256(pieces: Iterator[bytes]) -> str:
    digest = hashlib.sha256()
    for piece in pieces:
        digest.update(piece)
    return digest.hexdigest()
