"""A report on its way to disk: beside its destination until it is whole, and gone if it never is."""

from __future__ import annotations

import hashlib
import tempfile
from pathlib import Path
from types import TracebackType

from scanpool.scanners.scanner import ExportedReport

END = b"</NessusClientData_v2>"
TAIL_BYTES = 4096
"""How much of the end is kept to look for the end tag in; white space may follow it."""


class ReportFile:
    """Takes a report's bytes; leaving the context without `finish` removes what was written."""

    def __init__(self, destination: Path) -> None:
        self._destination = destination
        self._file = tempfile.NamedTemporaryFile(  # noqa: SIM115 - closed by __exit__
            dir=destination.parent, prefix=f".{destination.name}.", suffix=".part", delete=False
        )
        self._hash = hashlib.sha256()
        self._tail = b""
        self.size_bytes = 0

    def write(self, chunk: bytes) -> None:
        self._file.write(chunk)
        self._hash.update(chunk)
        self._tail = (self._tail + chunk)[-TAIL_BYTES:]
        self.size_bytes += len(chunk)

    @property
    def ends_well(self) -> bool:
        """Whether the report's end tag is the last thing in it."""
        return self._tail.rstrip().endswith(END)

    def finish(self) -> ExportedReport:
        """Put the report in its place, at once and whole."""
        self._file.close()
        Path(self._file.name).replace(self._destination)
        return ExportedReport(path=self._destination, size_bytes=self.size_bytes, sha256=self._hash.hexdigest())

    def __enter__(self) -> ReportFile:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._file.close()
        Path(self._file.name).unlink(missing_ok=True)
