"""Which scan, report and scanner an export is of, as far as the file of findings says."""

from __future__ import annotations

from datetime import datetime

import msgspec

from scanpool.report.findings.errors import NotAFindingsFile
from scanpool.report.findings.store import Store
from scanpool_schemas import decoding


class Scan(msgspec.Struct, frozen=True, kw_only=True):
    """The scan; all empty for a report that was read from a file."""

    id: str = ""
    pool: str = ""
    name: str = ""
    run: int = 0
    scanned_at: datetime | None = None


class Summary(msgspec.Struct, frozen=True, kw_only=True):
    """What the report says of itself."""

    report_name: str = ""
    scanner_version: str = ""
    plugin_feed: str = ""
    started_at: datetime | None = None
    ended_at: datetime | None = None


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """The part of a scan's result that exports look at."""

    results_summary: Summary = Summary()


class Origin(msgspec.Struct, frozen=True, kw_only=True):
    """Where findings come from."""

    scan: Scan = Scan()
    result: Result = Result()

    @property
    def ended_at(self) -> datetime | None:
        """When the scan was over, as well as it is known."""
        return self.result.results_summary.ended_at or self.scan.scanned_at


def origin(store: Store) -> Origin:
    """What the file says that it is of.

    Raises:
        NotAFindingsFile: it says it in a way that no writer of ours does.
    """
    try:
        return decoding.convert(store.about, Origin)
    except msgspec.ValidationError as error:
        raise NotAFindingsFile(f"{store.path}: damaged: {error}") from error
