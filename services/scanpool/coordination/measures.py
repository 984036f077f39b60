"""What a commit says for the metrics: pure functions of the scan before and after it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from scanpool.runtime.metrics.work import ValidationFailure
from scanpool_schemas.result import Result
from scanpool_schemas.scan import (
    AnyScan,
    Completed,
    Dead,
    Exporting,
    Failed,
    Launching,
    StateName,
    Validating,
    state_of,
)

_FAILURES: dict[str, ValidationFailure] = {
    "auth_failed": "auth_failed",
    "auth_coverage_low": "auth_failed",
    "empty_scan": "empty_scan",
    "export_unreadable": "file_not_found",
    "report_refused": "xml_invalid",
    "report_not_nessus": "xml_invalid",
    "report_nessus_v1": "xml_invalid",
    "report_truncated": "xml_invalid",
    "report_malformed": "xml_invalid",
    "report_encoding": "xml_invalid",
    "report_doctype": "xml_invalid",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Stay:
    """A state that a scan left, and how long it was in it."""

    state: StateName
    lasted: timedelta


def validation_failure(code: str) -> ValidationFailure:
    """The reason, of a few, that stands for the error code of a scan that did not get past its report."""
    return _FAILURES.get(code, "other")


def failed_validation(before: AnyScan | None, after: AnyScan) -> ValidationFailure | None:
    """Why the scan's report did not let it complete; None where it did, or where something else ended the scan."""
    if not isinstance(before, Validating):
        return None
    match after:
        case Failed(end="failed", error=error) | Dead(error=error):
            return validation_failure(error.code)
        case _:
            return None


def result_read(before: AnyScan | None, after: AnyScan) -> Result | None:
    """The result of the report that was read; None where none was."""
    if not isinstance(before, Validating):
        return None
    return after.result if isinstance(after, Completed | Failed) else None


def stay(before: AnyScan | None, after: AnyScan) -> Stay | None:
    """The state that the scan left; None where it did not leave one."""
    if before is None or state_of(before) == state_of(after):
        return None
    return Stay(state=state_of(before), lasted=max(after.at - _entered_at(before), timedelta(0)))


def _entered_at(scan: AnyScan) -> datetime:
    """When the scan came to its state: the first of the entries in a row that say so."""
    since = scan.at
    for entry in reversed(scan.timeline):
        if entry.state != state_of(scan):
            break
        since = entry.at
    return since


def attempt_begun(before: AnyScan | None, after: AnyScan) -> StateName | None:
    """The state of which a try begins with the commit; None where none does."""
    match after:
        case Launching():
            begins = before is None or after.attempt > before.attempt
        case Exporting() | Validating():
            begins = before is None or _tries(before, after) < _tries(after, after)
        case _:
            return None
    return state_of(after) if begins else None


def _tries(scan: AnyScan, at: Exporting | Validating) -> int:
    """Tries of the state that had begun: one more than those that failed; 0 in another state."""
    return scan.stage_attempts.get(state_of(at), 0) + 1 if state_of(scan) == state_of(at) else 0
