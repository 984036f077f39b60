"""What a scan's report said: did the login work, and the counts. Part of completed and failed events."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from scanpool_schemas.instants import Instant


class Credentials(StrEnum):
    """Whether the scan was given credentials, as far as the one who asks knows."""

    SUPPLIED = "supplied"
    NOT_SUPPLIED = "not_supplied"
    UNKNOWN = "unknown"


class AuthenticationStatus(StrEnum):
    """Whether the scan's credentials worked."""

    SUCCESS = "success"
    """On every host that counts."""
    PARTIAL = "partial"
    """On some hosts, or with less than what was asked for."""
    FAILED = "failed"
    """On none."""
    UNKNOWN = "unknown"
    """The report does not say."""
    NOT_APPLICABLE = "not_applicable"
    """No credentials were given, as far as anybody knows."""


class LoginVerdict(StrEnum):
    """What became of the login on one host."""

    AUTH = "auth"
    """Logged in, and local checks ran."""
    AUTH_LIMITED = "auth_limited"
    """Local checks ran, but rights were missing or the login did not hold throughout."""
    LOGIN_ONLY = "login_only"
    """Logged in, but local checks did not run."""
    NOAUTH = "noauth"
    """Not logged in."""
    AGENT = "agent"
    """An agent on the host made the checks; no login was needed."""
    LOCAL = "local"
    """The scanner checked itself; proves nothing about credentials."""
    UNKNOWN = "unknown"
    """The report does not say."""
    NOT_SCANNED = "not_scanned"
    """Dead or left out by the scanner; does not count."""


class HostVerdict(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The login verdict on one host, with what decided it."""

    host: str
    """As the report names it, at most 128 characters."""
    address: str = ""
    """The host's address, where the report has it."""
    verdict: LoginVerdict
    authenticated: bool = False
    """Counts in the coverage: logged in as deeply as was asked for."""
    reason: str = ""
    """A code, as `insufficient_privilege`; empty where the verdict says all."""
    evidence: str = ""
    """The line, tag or plugin that decided; user names are left out."""
    method: str = ""
    """ssh, smb, telnet, rsh, rexec, rlogin, snmp, https, agent or localhost; empty where not known."""


class HostCounts(msgspec.Struct, frozen=True, kw_only=True):
    """How many hosts have which verdict; the counts other than `agents` add up to `total`."""

    total: int = 0
    authenticated: int = 0
    """Verdicts auth and agent."""
    agents: int = 0
    """Of the authenticated ones, those checked by an agent."""
    limited: int = 0
    login_only: int = 0
    not_authenticated: int = 0
    local: int = 0
    unknown: int = 0
    not_scanned: int = 0


class ValidationStats(msgspec.Struct, frozen=True, kw_only=True):
    """How the authentication status came about."""

    credentials: Credentials = Credentials.UNKNOWN
    privileged: bool = False
    """The request asked for escalated privileges."""
    hosts: HostCounts = HostCounts()
    hosts_counted: int = 0
    """Hosts that coverage is a share of: all but local and not scanned ones."""
    hosts_covered: int = 0
    """Of these, the ones logged in as deeply as was asked for."""
    coverage: float | None = None
    """`hosts_covered / hosts_counted`, 0 to 1; null where no host counts."""
    credential_proof: bool = False
    """Local checks ran on at least one host that is not the scanner itself."""


class ValidationWarning(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Something about the report that a person should know."""

    code: str
    message: str
    hosts: int = 0
    """How many hosts it is about; 0 where it is about the scan."""


class SeverityCounts(msgspec.Struct, frozen=True, kw_only=True):
    """Items by severity; compliance results are not among them."""

    critical: int = 0
    high: int = 0
    medium: int = 0
    low: int = 0
    info: int = 0
    unrated: int = 0
    """Neither a severity nor a risk factor that means one."""


class ComplianceCounts(msgspec.Struct, frozen=True, kw_only=True):
    """Compliance results."""

    passed: int = 0
    failed: int = 0
    warning: int = 0
    error: int = 0
    skipped: int = 0
    other: int = 0
    """A compliance item whose result is none of these words."""


class ResultsSummary(msgspec.Struct, frozen=True, kw_only=True):
    """What is in the report."""

    report_name: str = ""
    policy_name: str = ""
    scanner_version: str = ""
    plugin_feed: str = ""
    """Version of the plugins, as 202511060226."""
    started_at: Instant | None = None
    """The earliest host's start; null where the report has no time with a zone."""
    ended_at: Instant | None = None
    """The latest host's end; null where the report has no time with a zone."""
    started_local: str = ""
    """The earliest host's start by the scanner's clock, ISO 8601 without a zone."""
    ended_local: str = ""
    """The latest host's end by the scanner's clock, ISO 8601 without a zone."""
    hosts_total: int = 0
    hosts_scanned: int = 0
    items: int = 0
    """Findings of any severity; compliance results are not among them."""
    vulnerabilities: int = 0
    """Items of severity low and above."""
    severity: SeverityCounts = SeverityCounts()
    compliance: ComplianceCounts = ComplianceCounts()
    size_bytes: int = 0
    """Of the uncompressed report, as far as it was read."""
    sha256: str = ""
    """Hex digest of the uncompressed report, as far as it was read."""


class Advice(msgspec.Struct, frozen=True, kw_only=True):
    """What a person can do about failed logins that share a reason."""

    reason: str
    """The hosts' reason code."""
    hosts: int
    likely_cause: str
    next_steps: tuple[str, ...]


class Refusal(msgspec.Struct, frozen=True, kw_only=True):
    """Why a report cannot be believed at all."""

    code: str
    """Explained in the error catalogue."""
    message: str


class Result(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What the validator found in a scan's report."""

    valid: bool
    """The report is whole, and where credentials were supplied they worked at least in part."""
    authentication_status: AuthenticationStatus
    reason: str
    """A code that says why the status is what it is."""
    message: str = ""
    """The same in a sentence."""
    validation_stats: ValidationStats = ValidationStats()
    validation_warnings: tuple[ValidationWarning, ...] = ()
    results_summary: ResultsSummary = ResultsSummary()
    hosts: tuple[HostVerdict, ...] = ()
    """The hosts that need a look first come first; bounded."""
    hosts_omitted: int = 0
    """Hosts of the report that `hosts` has no room for."""
    troubleshooting: tuple[Advice, ...] = ()
    error: Refusal | None = None
    """Set where the report was refused; then no count is to be believed."""
