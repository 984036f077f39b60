"""What a person should know of a report beside its verdict."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from scanpool.report.host_verdict import HostReason
from scanpool.report.scan_verdict import Asked, ScanEnd, Tally
from scanpool_schemas.result import Credentials, LoginVerdict, ValidationWarning


class WarningReason(StrEnum):
    """Why a warning is given: its code."""

    ESCALATION_FAILED = "escalation_failed"
    LIMITED_PRIVILEGE = "limited_privilege"
    INTERMITTENT = "intermittent_authentication"
    MIXED_ANSWERS = "mixed_answers"
    CHECKS_UNAVAILABLE = "local_checks_unavailable"
    OTHER_PROTOCOL_FAILED = "other_protocol_failed"
    FROM_POLICY = "credentials_from_policy"
    ONLY_THE_SCANNER = "only_the_scanner"
    CANCELED = "scan_canceled"
    ABORTED = "scan_aborted"
    NO_REPORT = "no_report"
    NO_HOSTS = "no_hosts"
    FEWER_HOSTS = "fewer_hosts_than_targets"
    NOT_SCANNED = "hosts_not_scanned"
    NOT_FINISHED = "hosts_not_finished"
    REPEATED = "repeated_hosts"
    OLD_PLUGINS = "plugins_are_old"
    WITHOUT_SEVERITY = "items_without_severity"


MESSAGES = {
    WarningReason.ESCALATION_FAILED: "Logged in, but privileges could not be escalated.",
    WarningReason.LIMITED_PRIVILEGE: "Logged in, but some checks lacked the rights to run.",
    WarningReason.INTERMITTENT: "The login worked and later failed.",
    WarningReason.MIXED_ANSWERS: "The report says both that the host was logged in to and that it was not.",
    WarningReason.CHECKS_UNAVAILABLE: "Logged in, but local checks did not run.",
    WarningReason.OTHER_PROTOCOL_FAILED: "Logged in, but the login over another protocol was refused.",
    WarningReason.FROM_POLICY: "Credentials were used that the request did not give: they come from the policy.",
    WarningReason.ONLY_THE_SCANNER: "The scanner checked only itself.",
    WarningReason.CANCELED: "The scan was canceled on the scanner; hosts may be missing.",
    WarningReason.ABORTED: "The scan was aborted on the scanner; hosts may be missing.",
    WarningReason.NO_REPORT: "The file holds a policy or nothing at all, but no scan.",
    WarningReason.NO_HOSTS: "The report has no host.",
    WarningReason.FEWER_HOSTS: "Targets that are not in the report; hosts that are down are left out of it.",
    WarningReason.NOT_SCANNED: "Dead, or without any item in the report.",
    WarningReason.NOT_FINISHED: "The report has no time at which the scan of the host ended.",
    WarningReason.REPEATED: "In the report more than once; taken together.",
    WarningReason.OLD_PLUGINS: "The scanner says that its plugins have not been updated for long.",
    WarningReason.WITHOUT_SEVERITY: "The report has items without a severity.",
}
_BY_REASON = {
    HostReason.INTERMITTENT: WarningReason.INTERMITTENT,
    HostReason.MIXED_ANSWERS: WarningReason.MIXED_ANSWERS,
    HostReason.CHECKS_UNAVAILABLE: WarningReason.CHECKS_UNAVAILABLE,
}


@dataclass(frozen=True, slots=True)
class ReportFacts:
    """What the report says of itself as a whole."""

    has_report: bool
    targets: int | None
    """By the policy: addresses and hostnames asked for."""
    unrated_items: int


def warnings(tally: Tally, asked: Asked, report: ReportFacts) -> tuple[ValidationWarning, ...]:
    """Every warning that applies, those about the login first."""
    found = (*_of_the_login(tally, asked), *_of_the_report(tally, asked, report))
    return tuple(
        ValidationWarning(code=code.value, message=MESSAGES[code], hosts=hosts)
        for code, applies, hosts in found
        if applies
    )


_Warning = tuple[WarningReason, bool, int]


def _of_the_login(tally: Tally, asked: Asked) -> Iterator[_Warning]:
    privilege = tally.reasons[HostReason.INSUFFICIENT_PRIVILEGE]
    escalation = privilege if asked.privileged else 0
    limited = privilege - escalation + tally.reasons[HostReason.LIMITED_ACCESS]
    yield _about(WarningReason.ESCALATION_FAILED, escalation)
    yield _about(WarningReason.LIMITED_PRIVILEGE, limited)
    for reason, code in _BY_REASON.items():
        yield _about(code, tally.reasons[reason])
    yield _about(WarningReason.OTHER_PROTOCOL_FAILED, tally.failed_beside)
    if asked.credentials is Credentials.NOT_SUPPLIED:
        logged_in = tally.verdicts[LoginVerdict.AUTH] + tally.verdicts[LoginVerdict.AUTH_LIMITED]
        yield _about(WarningReason.FROM_POLICY, max(logged_in, tally.tried))
    yield _about(WarningReason.ONLY_THE_SCANNER, 0 if tally.counted else tally.verdicts[LoginVerdict.LOCAL])


def _of_the_report(tally: Tally, asked: Asked, report: ReportFacts) -> Iterator[_Warning]:
    expected = report.targets if asked.expected_targets is None else asked.expected_targets
    yield WarningReason.CANCELED, asked.ended is ScanEnd.CANCELED, 0
    yield WarningReason.ABORTED, asked.ended is ScanEnd.ABORTED, 0
    yield WarningReason.NO_REPORT, not report.has_report, 0
    yield WarningReason.NO_HOSTS, report.has_report and not tally.total, 0
    yield _about(WarningReason.FEWER_HOSTS, max(0, (expected or 0) - tally.total))
    yield _about(WarningReason.NOT_SCANNED, tally.verdicts[LoginVerdict.NOT_SCANNED])
    yield _about(WarningReason.NOT_FINISHED, tally.unfinished)
    yield _about(WarningReason.REPEATED, tally.repeated)
    yield _about(WarningReason.OLD_PLUGINS, tally.old_plugins)
    yield WarningReason.WITHOUT_SEVERITY, report.unrated_items > 0, 0


def _about(code: WarningReason, hosts: int) -> _Warning:
    return code, hosts > 0, hosts
