"""How a scan ends once its report is read."""

from __future__ import annotations

from scanpool_schemas.request import ScanRequest
from scanpool_schemas.result import AuthenticationStatus, Credentials, Result
from scanpool_schemas.scan import ScanError


def credentials_of(request: ScanRequest) -> Credentials:
    """Whether the scan was given credentials."""
    return Credentials.NOT_SUPPLIED if request.scan_type == "untrusted" else Credentials.SUPPLIED


def is_privileged(request: ScanRequest) -> bool:
    """Whether the scan asked for escalated privileges."""
    return request.scan_type == "authenticated_privileged"


def shortcoming(request: ScanRequest, result: Result) -> ScanError | None:
    """Why the result does not count as a completed scan; None where it does.

    A scan without credentials completes with any report that is whole. One with credentials must have got in
    somewhere; one with `require_auth` on at least that share of the hosts that count.
    """
    if result.error is not None:
        return ScanError(code=result.error.code, message=result.error.message)
    if credentials_of(request) is Credentials.NOT_SUPPLIED:
        return None
    required = request.require_auth
    coverage = result.validation_stats.coverage or 0.0
    if result.authentication_status is AuthenticationStatus.FAILED:
        return ScanError(code="auth_failed", message=result.message or "no login worked on any host")
    if result.authentication_status is AuthenticationStatus.UNKNOWN:
        return _nothing_known(result)
    if required is not None and coverage < required:
        message = f"{coverage:.0%} of the hosts that count were authenticated; {required:.0%} are required"
        return ScanError(code="auth_coverage_low", message=message)
    return None


def _nothing_known(result: Result) -> ScanError:
    if result.results_summary.hosts_scanned == 0:
        return ScanError(code="empty_scan", message="no host answered the scan, so no login was tried", retryable=True)
    return ScanError(code="auth_unknown", message="the report does not say whether any login worked")
