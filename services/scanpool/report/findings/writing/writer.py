"""Writes the file of findings beside the reading of a report."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from scanpool.report.findings.writing.assemble import assemble
from scanpool.report.findings.writing.harvest import Harvest
from scanpool.report.findings.writing.spool import Spool
from scanpool.report.host import HostPart
from scanpool.report.limits import Limits
from scanpool_schemas.result import HostVerdict


class FindingsWriter:
    """Hears the parts of a report, and writes their findings to one file at the end.

    While entered it keeps a spool in the folder: about as large as the report's texts, and gone afterwards.
    Synchronous, so run it in a thread.
    """

    def __init__(self, folder: Path, limits: Limits | None = None) -> None:
        self._folder = folder
        self._text_chars = (limits or Limits()).text_chars
        self._spool: Spool | None = None
        self._harvest: Harvest | None = None

    def __enter__(self) -> Self:
        self._spool = Spool(self._folder / "findings.spool")
        self._harvest = Harvest(self._spool, self._text_chars)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._spool is not None
        self._spool.close()

    def add(self, part: HostPart) -> None:
        """Hear a part, before the reader is asked for the next one."""
        assert self._harvest is not None
        self._harvest.add(part)

    def judge(self, key: tuple[str, str], verdict: HostVerdict) -> None:
        """Hear what became of the login on a host; `key` is the part's."""
        assert self._spool is not None
        row = (*key, verdict.verdict, int(verdict.authenticated), verdict.reason, verdict.evidence, verdict.method)
        self._spool.add("verdict", row)

    def write(self, destination: Path, about: dict[str, Any], checkpoint: Callable[[], None] = lambda: None) -> None:
        """Write the file, once all was heard; `about` says what it is of, as JSON by name.

        `checkpoint` is called between pieces of the work; what it raises ends the writing.

        Raises:
            OSError, sqlite3.Error: it could not be written; nothing stands under its name.
        """
        assert self._spool is not None
        assemble(self._spool, destination, [(name, json.dumps(value)) for name, value in about.items()], checkpoint)
