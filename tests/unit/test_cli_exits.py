"""Exit codes of waits for scans that are over."""

from __future__ import annotations

import pytest

from scanpool.cli.frame.exits import ExitCode, exit_of
from scanpool_schemas.status import ScanStatus, describe
from tests.support.builders import a_completed_scan, a_dead_scan, a_failed_scan, an_error


def failed(code: str, end: str = "failed") -> ScanStatus:
    return describe(a_failed_scan(error=an_error(code), end=end))


@pytest.mark.parametrize("auth_required", [True, False])
@pytest.mark.parametrize(
    ("scan", "code"),
    [
        (describe(a_completed_scan()), ExitCode.DONE),
        (describe(a_dead_scan()), ExitCode.ENDED_BADLY),
        (failed("scan_aborted"), ExitCode.ENDED_BADLY),
        (failed("cancelled", "cancelled"), ExitCode.ENDED_BADLY),
        (failed("max_wait_exceeded", "timeout"), ExitCode.ENDED_BADLY),
        (failed("auth_coverage_low"), ExitCode.AUTHENTICATION),
    ],
)
def test_the_exit_code_says_how_a_scan_ended(scan: ScanStatus, code: ExitCode, auth_required: bool) -> None:
    assert exit_of(scan, auth_required=auth_required) is code


def test_a_scan_whose_logins_all_failed_misses_what_was_required_only_if_something_was() -> None:
    assert exit_of(failed("auth_failed"), auth_required=True) is ExitCode.AUTHENTICATION
    assert exit_of(failed("auth_failed"), auth_required=False) is ExitCode.ENDED_BADLY
