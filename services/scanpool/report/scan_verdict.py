"""Whether the credentials of a scan worked: the verdicts on its hosts taken together."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum

from scanpool.report.facts import HostFacts
from scanpool.report.plugins import Plugin
from scanpool.report.scan_info import LOCALHOST
from scanpool_schemas.result import (
    AuthenticationStatus,
    Credentials,
    HostCounts,
    HostVerdict,
    LoginVerdict,
    ValidationStats,
)


class ScanEnd(StrEnum):
    """How the scan ended on the scanner."""

    COMPLETED = "completed"
    CANCELED = "canceled"
    ABORTED = "aborted"


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """What is known of the scan beside its report."""

    credentials: Credentials = Credentials.UNKNOWN
    privileged: bool = False
    """Escalated privileges were asked for."""
    ended: ScanEnd = ScanEnd.COMPLETED
    expected_targets: int | None = None
    """Addresses and hostnames asked for; None takes the number from the report's policy."""


class ScanReason(StrEnum):
    """Why the authentication status is what it is."""

    ALL_AUTHENTICATED = "all_hosts_authenticated"
    ONLY_THE_SCANNER = "only_the_scanner_itself"
    SOME_NOT_AUTHENTICATED = "some_hosts_not_authenticated"
    LIMITED = "limited_authentication"
    ENDED_EARLY = "scan_ended_early"
    NONE_AUTHENTICATED = "no_host_authenticated"
    NO_HOSTS = "no_hosts_to_judge"
    NO_EVIDENCE = "no_login_information"
    NOT_SUPPLIED = "no_credentials_supplied"
    NO_SIGN_OF_CREDENTIALS = "no_sign_of_credentials"


SENTENCES = {
    ScanReason.ALL_AUTHENTICATED: "Every host that counts was logged in to and checked.",
    ScanReason.ONLY_THE_SCANNER: "The scanner checked only itself, which proves nothing about credentials.",
    ScanReason.SOME_NOT_AUTHENTICATED: "Some hosts were logged in to and some were not, or it is not known.",
    ScanReason.LIMITED: "Every host was logged in to, some with less access than was asked for.",
    ScanReason.ENDED_EARLY: "The hosts in the report were logged in to, but the scan did not run to its end.",
    ScanReason.NONE_AUTHENTICATED: "No host was logged in to.",
    ScanReason.NO_HOSTS: "The report has no host that was scanned.",
    ScanReason.NO_EVIDENCE: "The report does not say of any host whether the login worked.",
    ScanReason.NOT_SUPPLIED: "The scan was not given credentials.",
    ScanReason.NO_SIGN_OF_CREDENTIALS: "No host was logged in to, and nothing shows that anybody tried.",
}
_POSITIVE = (LoginVerdict.AUTH, LoginVerdict.AGENT, LoginVerdict.AUTH_LIMITED, LoginVerdict.LOGIN_ONLY)
_CHECKED = {LoginVerdict.AUTH, LoginVerdict.AGENT, LoginVerdict.AUTH_LIMITED}


@dataclass(slots=True)
class Tally:
    """The hosts of a scan, counted by what matters for the scan."""

    verdicts: Counter[LoginVerdict] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    covered: int = 0
    proven: int = 0
    """Hosts on which local checks ran, but for the scanner itself."""
    tried: int = 0
    """Hosts that show that credentials were supplied: a login that failed, or one that was used."""
    failed_beside: int = 0
    """Authenticated hosts on which the login failed over another protocol."""
    unfinished: int = 0
    old_plugins: int = 0
    repeated: int = 0
    """Hosts that are in the report more than once."""

    def add(self, facts: HostFacts, verdict: HostVerdict) -> None:
        """Count a host."""
        evidence = facts.evidence
        checked = verdict.verdict in _CHECKED
        login_failed = Plugin.LOGIN_FAILED in evidence.plugins
        self.verdicts[verdict.verdict] += 1
        self.reasons[verdict.reason] += 1
        self.covered += verdict.authenticated
        self.proven += checked and verdict.method != LOCALHOST
        self.tried += login_failed or bool(evidence.login_tags)
        self.failed_beside += checked and login_failed
        self.unfinished += not evidence.is_finished and verdict.verdict is not LoginVerdict.NOT_SCANNED
        self.old_plugins += evidence.plugins_are_old
        self.repeated += evidence.is_repeated

    @property
    def counted(self) -> int:
        """Hosts that coverage is a share of."""
        return self.total - self.verdicts[LoginVerdict.LOCAL] - self.verdicts[LoginVerdict.NOT_SCANNED]

    @property
    def total(self) -> int:
        """All hosts."""
        return self.verdicts.total()


@dataclass(frozen=True, slots=True)
class ScanVerdict:
    """The verdict on a scan."""

    status: AuthenticationStatus
    reason: ScanReason
    valid: bool
    """The report is good for what was asked; a partial login counts as good, with its warnings."""


def judge_scan(tally: Tally, asked: Asked, *, policy_has_login: bool) -> ScanVerdict:
    """The verdict on a scan; `policy_has_login` says that the report's policy configures a login to hosts."""
    status, reason = _status(tally, asked, policy_has_login=policy_has_login)
    if status is AuthenticationStatus.SUCCESS and asked.ended is not ScanEnd.COMPLETED:
        status, reason = AuthenticationStatus.PARTIAL, ScanReason.ENDED_EARLY
    return ScanVerdict(status, reason, _is_valid(status, asked.credentials))


def _status(tally: Tally, asked: Asked, *, policy_has_login: bool) -> tuple[AuthenticationStatus, ScanReason]:
    positive = sum(tally.verdicts[verdict] for verdict in _POSITIVE)
    if asked.credentials is Credentials.NOT_SUPPLIED and not tally.tried:
        return AuthenticationStatus.NOT_APPLICABLE, ScanReason.NOT_SUPPLIED
    if not tally.counted and tally.verdicts[LoginVerdict.LOCAL]:
        return AuthenticationStatus.SUCCESS, ScanReason.ONLY_THE_SCANNER
    if not tally.counted:
        return AuthenticationStatus.UNKNOWN, ScanReason.NO_HOSTS
    if tally.verdicts[LoginVerdict.UNKNOWN] == tally.counted:
        return AuthenticationStatus.UNKNOWN, ScanReason.NO_EVIDENCE
    if tally.covered == tally.counted:
        return AuthenticationStatus.SUCCESS, ScanReason.ALL_AUTHENTICATED
    if positive == tally.counted:
        return AuthenticationStatus.PARTIAL, ScanReason.LIMITED
    if positive:
        return AuthenticationStatus.PARTIAL, ScanReason.SOME_NOT_AUTHENTICATED
    if asked.credentials is Credentials.UNKNOWN and not (tally.tried or policy_has_login):
        return AuthenticationStatus.NOT_APPLICABLE, ScanReason.NO_SIGN_OF_CREDENTIALS
    return AuthenticationStatus.FAILED, ScanReason.NONE_AUTHENTICATED


def _is_valid(status: AuthenticationStatus, credentials: Credentials) -> bool:
    match credentials:
        case Credentials.SUPPLIED:
            return status not in {AuthenticationStatus.FAILED, AuthenticationStatus.UNKNOWN}
        case Credentials.UNKNOWN:
            return status is not AuthenticationStatus.FAILED
        case Credentials.NOT_SUPPLIED:
            return True


def statistics(tally: Tally, asked: Asked) -> ValidationStats:
    """The counts that the verdict on the scan is made of."""
    verdicts = tally.verdicts
    return ValidationStats(
        credentials=asked.credentials,
        privileged=asked.privileged,
        hosts=HostCounts(
            total=tally.total,
            authenticated=verdicts[LoginVerdict.AUTH] + verdicts[LoginVerdict.AGENT],
            agents=verdicts[LoginVerdict.AGENT],
            limited=verdicts[LoginVerdict.AUTH_LIMITED],
            login_only=verdicts[LoginVerdict.LOGIN_ONLY],
            not_authenticated=verdicts[LoginVerdict.NOAUTH],
            local=verdicts[LoginVerdict.LOCAL],
            unknown=verdicts[LoginVerdict.UNKNOWN],
            not_scanned=verdicts[LoginVerdict.NOT_SCANNED],
        ),
        hosts_counted=tally.counted,
        hosts_covered=tally.covered,
        coverage=tally.covered / tally.counted if tally.counted else None,
        credential_proof=tally.proven > 0,
    )
