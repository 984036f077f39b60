"""What `scanpool validate --json` prints of a report, and what the exit code says of all."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from scanpool.cli.frame.exits import ExitCode
from scanpool_schemas.result import ComplianceCounts, Refusal, Result, SeverityCounts, ValidationWarning


class Hosts(msgspec.Struct, frozen=True, kw_only=True):
    """How many hosts have which login verdict; they add up to `total`."""

    total: int = 0
    authenticated: int = 0
    limited: int = 0
    login_only: int = 0
    not_authenticated: int = 0
    local: int = 0
    unknown: int = 0
    not_scanned: int = 0


class Validated(msgspec.Struct, frozen=True, kw_only=True):
    """One report, as programs want it."""

    file: str
    valid: bool
    verdict: str
    """The authentication status."""
    credential_proof: bool = False
    coverage: float | None = None
    hosts: Hosts = Hosts()
    severity: SeverityCounts = SeverityCounts()
    compliance: ComplianceCounts = ComplianceCounts()
    warnings: tuple[ValidationWarning, ...] = ()
    error: Refusal | None = None
    """The report was refused, or the file could not be read."""
    result: Result | None = None
    """Everything, host by host; null where the file could not be read."""


def validated(file: str, result: Result) -> Validated:
    """The document of a report that was read."""
    stats, summary = result.validation_stats, result.results_summary
    return Validated(
        file=file,
        valid=result.valid,
        verdict=result.authentication_status,
        credential_proof=stats.credential_proof,
        coverage=stats.coverage,
        hosts=Hosts(**{name: getattr(stats.hosts, name) for name in Hosts.__struct_fields__}),
        severity=summary.severity,
        compliance=summary.compliance,
        warnings=result.validation_warnings,
        error=result.error,
        result=result,
    )


def unusable(file: str, code: str, message: str) -> Validated:
    """The document of a file that could not be read."""
    return Validated(file=file, valid=False, verdict="unknown", error=Refusal(code=code, message=message))


def exit_of(found: Sequence[Validated], require_auth: float | None) -> ExitCode:
    """The worst of all: an unreadable file, a report that is not valid, one below what is required."""
    if any(each.result is None for each in found):
        return ExitCode.ERROR
    if not all(each.valid for each in found):
        return ExitCode.ENDED_BADLY
    if require_auth is not None and any((each.coverage or 0.0) < require_auth for each in found):
        return ExitCode.AUTHENTICATION
    return ExitCode.DONE
