"""Puts what a scan's report said into the form that agents see."""

from __future__ import annotations

from typing import Any

import msgspec

from scanpool.bridge.answering.models import status as shown
from scanpool.bridge.answering.untrusted import clean_line
from scanpool_schemas.result import AuthenticationStatus, Result
from scanpool_schemas.status import ScanStatus

_SHOWN_HOSTS = 20


def believed(scan: ScanStatus) -> bool:
    """Whether it has a report whose counts mean something."""
    return scan.result is not None and scan.result.error is None


def of_result(scan: ScanStatus, *, full: bool) -> dict[str, Any]:
    """Fields of a `Status`: what the report said; nothing of one that is not to be believed."""
    result = scan.result
    if result is None or not believed(scan):
        return {}
    logins = result.authentication_status is not AuthenticationStatus.NOT_APPLICABLE
    warnings = [
        shown.Warned(code=each.code, message=each.message, hosts=each.hosts or None)
        for each in result.validation_warnings
    ]
    advice = [
        shown.Advised(
            reason=each.reason,
            hosts=each.hosts,
            likely_cause=each.likely_cause,
            next_steps=list(each.next_steps),
        )
        for each in result.troubleshooting
    ]
    return {
        "results_summary": _summary(scan, result),
        "validation_warnings": warnings or None,
        "validation_stats": _stats(result) if full or logins else None,
        "troubleshooting": (advice if full or logins else None) or None,
    }


def _summary(scan: ScanStatus, result: Result) -> shown.Summary:
    told = result.results_summary
    compliance = {name: count for name, count in msgspec.structs.asdict(told.compliance).items() if count}
    return shown.Summary(
        complete=scan.status == "completed",
        hosts_total=told.hosts_total,
        hosts_scanned=told.hosts_scanned,
        findings=told.items,
        vulnerabilities=told.vulnerabilities,
        severity=shown.Severities(**msgspec.structs.asdict(told.severity)),
        compliance=compliance or None,
    )


def _stats(result: Result) -> shown.Stats:
    stats = result.validation_stats
    return shown.Stats(
        credentials=stats.credentials,
        reason=result.reason,
        hosts={name: count for name, count in msgspec.structs.asdict(stats.hosts).items() if count},
        coverage=stats.coverage,
    )


def hosts_of(result: Result) -> list[str] | None:
    """Hosts whose logins need a look, in words that they may have chosen."""
    told = [f"{each.host}: {each.verdict} {each.reason} {each.evidence}" for each in result.hosts[:_SHOWN_HOSTS]]
    return [clean_line(each) for each in told] or None
