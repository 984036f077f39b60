"""When a report that was read makes a completed scan, and what is lacking when it does not."""

from __future__ import annotations

import pytest

from scanpool.validator.decide import credentials_of, is_privileged, shortcoming
from scanpool_schemas.request import ScanRequest, ScanType
from scanpool_schemas.result import AuthenticationStatus, Credentials, Refusal
from tests.support.builders import a_request, a_result

A = AuthenticationStatus
UNTRUSTED = a_request()
LOGIN = a_request(scan_type="authenticated", credential_ref="linux")


def _demanding(share: float) -> ScanRequest:
    return a_request(scan_type="authenticated", credential_ref="linux", require_auth=share)


@pytest.mark.parametrize("status", A)
def test_a_scan_without_credentials_completes_with_any_report_that_is_whole(status: A) -> None:
    assert shortcoming(UNTRUSTED, a_result(status, hosts_scanned=0)) is None


@pytest.mark.parametrize("request_", [UNTRUSTED, LOGIN])
def test_a_report_that_cannot_be_believed_fails_the_scan_with_its_own_code(request_: ScanRequest) -> None:
    refused = a_result(A.SUCCESS, error=Refusal(code="report_truncated", message="cut"), valid=False)
    error = shortcoming(request_, refused)
    assert error is not None
    assert (error.code, error.message) == ("report_truncated", "cut")


@pytest.mark.parametrize("status", [A.SUCCESS, A.PARTIAL])
def test_a_login_that_worked_somewhere_is_enough_unless_more_is_required(status: A) -> None:
    assert shortcoming(LOGIN, a_result(status, coverage=0.1)) is None


@pytest.mark.parametrize(
    ("status", "hosts", "code"),
    [
        (A.FAILED, 3, "auth_failed"),
        (A.UNKNOWN, 3, "auth_unknown"),
        (A.UNKNOWN, 0, "empty_scan"),
    ],
)
def test_a_login_that_is_not_known_to_have_worked_fails_the_scan(status: A, hosts: int, code: str) -> None:
    error = shortcoming(LOGIN, a_result(status, hosts_scanned=hosts))
    assert error is not None
    assert error.code == code


@pytest.mark.parametrize(
    ("required", "coverage", "enough"),
    [(0.5, 0.5, True), (0.5, 0.49, False), (1.0, 1.0, True), (1.0, 0.99, False), (0.0, 0.0, True), (0.5, None, False)],
)
def test_a_required_share_of_hosts_must_be_authenticated(required: float, coverage: float | None, enough: bool) -> None:
    error = shortcoming(_demanding(required), a_result(A.PARTIAL, coverage=coverage))
    assert (error is None) == enough
    assert error is None or error.code == "auth_coverage_low"


@pytest.mark.parametrize(
    ("scan_type", "credentials", "privileged"),
    [
        ("untrusted", Credentials.NOT_SUPPLIED, False),
        ("authenticated", Credentials.SUPPLIED, False),
        ("authenticated_privileged", Credentials.SUPPLIED, True),
    ],
)
def test_the_scan_type_says_what_the_report_is_held_against(
    scan_type: ScanType, credentials: Credentials, privileged: bool
) -> None:
    request = a_request(scan_type=scan_type)
    assert (credentials_of(request), is_privileged(request)) == (credentials, privileged)
