"""Every answer about a scan's results says how far they can be believed."""

from __future__ import annotations

from typing import Any

import pytest

from scanpool.bridge.answering.models.results import Standing
from scanpool.bridge.reading.standing import standing
from scanpool_schemas.result import AuthenticationStatus, Credentials, Result, ValidationStats, ValidationWarning
from scanpool_schemas.scan import AnyScan
from scanpool_schemas.status import describe
from tests.support.builders import a_completed_scan, a_dead_scan, a_failed_scan, a_result, an_error

SUPPLIED = ValidationStats(credentials=Credentials.SUPPLIED, hosts_counted=5, hosts_covered=2)


def told(scan: AnyScan) -> Standing:
    return standing(describe(scan))


def of(result: Result) -> Standing:
    return told(a_completed_scan(result=result))


def test_a_whole_scan_without_credentials_needs_no_warning() -> None:
    stands = of(a_result())
    assert (stands.scan_status, stands.authentication_status, stands.partial, stands.warning) == (
        "completed",
        "not_applicable",
        False,
        None,
    )


@pytest.mark.parametrize(
    ("result", "said"),
    [
        ({"status": AuthenticationStatus.FAILED}, "login failed on every host"),
        ({"status": AuthenticationStatus.PARTIAL, "validation_stats": SUPPLIED}, "2 of 5 hosts"),
        ({"status": AuthenticationStatus.UNKNOWN, "validation_stats": SUPPLIED}, "not known"),
        ({"hosts_scanned": 0}, "No host was scanned"),
        ({"validation_warnings": (ValidationWarning(code="fewer_hosts_than_targets", message=""),)}, "fewer_hosts"),
    ],
)
def test_what_makes_few_findings_prove_little_is_said(result: dict[str, Any], said: str) -> None:
    stands = of(a_result(**result))
    assert stands.warning is not None
    assert said in stands.warning
    assert not stands.partial


@pytest.mark.parametrize(
    ("scan", "said"),
    [
        (a_failed_scan(error=an_error("scan_aborted")), "failed (scan_aborted)"),
        (a_failed_scan(end="timeout", error=an_error("scan_overdue")), "timeout (scan_overdue)"),
        (a_failed_scan(end="cancelled", error=an_error("no code, but words")), "cancelled:"),
        (a_dead_scan(), "failed (scan_aborted)"),
    ],
)
def test_a_scan_that_did_not_complete_is_partial(scan: AnyScan, said: str) -> None:
    stands = told(scan)
    assert stands.partial
    assert stands.warning is not None
    assert said in stands.warning
