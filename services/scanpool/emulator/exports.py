"""Exports under way: from the order to the one download that each of them allows."""

import re
import secrets
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import count
from math import inf

from scanpool.emulator.errors import not_found
from scanpool.emulator.faults import Faults
from scanpool.emulator.reports.document import pieces
from scanpool.emulator.reports.model import ScanRun

FORBIDDEN_CHARACTER = b"\x1b[31m"
"""No XML document may hold this; real reports did."""


@dataclass(frozen=True, kw_only=True)
class Delivery:
    """How the file of an export goes out."""

    truncated: bool = False
    cut: bool = False
    """A truncated file ends with the connection instead of a proper end of the answer."""
    malformed: bool = False
    pause_s: float = 0.0
    """Waited before each piece."""


@dataclass(frozen=True, kw_only=True)
class Export:
    """A file that is being made, or lies ready."""

    file: str
    """Names it in a path; Nessus gives it as a number."""
    token: str
    scan_id: int
    report: ScanRun
    ready_at: float
    failed: bool
    delivery: Delivery

    @property
    def filename(self) -> str:
        """The name under which the file is offered."""
        kept = re.sub(r"[^A-Za-z0-9.-]", "_", self.report.scan_name)
        return f"{kept}_{self.token[:6]}.nessus"


class Exports:
    """The exports that were ordered and not yet fetched."""

    def __init__(self, faults: Faults, now: Callable[[], float], seconds: float, *, cloud: bool) -> None:
        self._cloud = cloud
        self._faults = faults
        self._now = now
        self._seconds = seconds
        self._files = count(1_200_000_001)
        self._exports: dict[str, Export] = {}

    def order(self, scan_id: int, report: ScanRun) -> Export:
        """Have a file made."""
        name = report.scan_name
        never = self._faults.take("export_never_ready", name)
        export = Export(
            file=f"SSEUF-{uuid.uuid4()}-nessus" if self._cloud else str(next(self._files)),
            token=secrets.token_hex(32),
            scan_id=scan_id,
            report=report,
            ready_at=inf if never else self._now() + self._seconds,
            failed=self._faults.take("export_error", name) is not None,
            delivery=self._delivery(name),
        )
        self._exports[export.file] = export
        return export

    def _delivery(self, scan: str) -> Delivery:
        truncated = self._faults.take("truncated_export", scan)
        slow = self._faults.take("slow_download", scan)
        return Delivery(
            truncated=truncated is not None,
            cut=bool(truncated and truncated.parameters["cut"]),
            malformed=self._faults.take("malformed_export", scan) is not None,
            pause_s=slow.parameters["seconds"] if slow else 0.0,
        )

    def by_token(self, token: str) -> Export:
        """An export by its token.

        Raises:
            ApiError: 404 where there is none.
        """
        return self._one(export for export in self._exports.values() if export.token == token)

    def by_file(self, scan_id: int, file: str) -> Export:
        """An export by its scan and file number.

        Raises:
            ApiError: 404 where there is none.
        """
        exports = self._exports.values()
        return self._one(one for one in exports if one.file == file and one.scan_id == scan_id)

    def _one(self, exports: Iterator[Export]) -> Export:
        export = next(exports, None)
        if export is None:
            raise not_found()
        return export

    def ready(self, export: Export) -> bool:
        """Whether the file may be fetched."""
        return not export.failed and self._now() >= export.ready_at

    def failed(self, export: Export) -> bool:
        """Whether the export has failed; once said, it is gone."""
        failed = export.failed and self._now() >= export.ready_at
        if failed:
            self.forget(export)
        return failed

    def forget(self, export: Export) -> None:
        """Remove a file: it is fetched once."""
        self._exports.pop(export.file, None)


def file_pieces(export: Export) -> Iterator[bytes]:
    """The file as it goes out, with what the faults in force made of it."""
    whole = pieces(export.report)
    if export.delivery.malformed:
        whole = (piece.replace(b"<ReportItem ", FORBIDDEN_CHARACTER + b"<ReportItem ", 1) for piece in whole)
    return _first_half(export, whole) if export.delivery.truncated else whole


def _first_half(export: Export, whole: Iterator[bytes]) -> Iterator[bytes]:
    last = len(export.report.hosts) // 2
    for place, piece in enumerate(whole):
        yield piece[: len(piece) // 2] if place == last else piece
        if place == last:
            return
