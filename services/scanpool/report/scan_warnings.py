"""What a person should know of a report beside its verdict."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from scanpool.report.host_verdict import HostReason
from scanpool.report.scan_verdict import Asked, ScanEnd, Tally
from scanpool_schemas.result import Credentials, LoginVerdict, ValidationWarning


@dataclass(frozen=True, slots=True)
class ReportFacts:
    """What the report says of itself as a whole."""

    has_report: bool
    repeated_hosts: int
    targets: int | None
    """By the policy: addresses and hostnames asked for."""
    unrated_items: int


def warnings(tally: Tally, asked: Asked, report: ReportFacts) -> tuple[ValidationWarning, ...]:
    """Every warning that applies, those about the login first."""
    return (*_of_the_login(tally, asked), *_of_the_report(tally, asked, report))


def _of_the_login(tally: Tally, asked: Asked) -> Iterator[ValidationWarning]:
    privilege = tally.reasons[HostReason.INSUFFICIENT_PRIVILEGE]
    access = tally.reasons[HostReason.LIMITED_ACCESS]
    if asked.privileged and privilege:
        yield _warning("escalation_failed", "logged in, but privileges could not be escalated", privilege)
    limited = access if asked.privileged else privilege + access
    if limited:
        yield _warning("limited_privilege", "logged in, but some checks lacked the rights to run", limited)
    by_reason = {
        HostReason.INTERMITTENT: ("intermittent_authentication", "the login worked and later failed"),
        HostReason.MIXED_ANSWERS: ("mixed_answers", "in the report more than once, logged in and not"),
        HostReason.CHECKS_UNAVAILABLE: (
            "local_checks_unavailable",
            "logged in, but local checks did not run",
        ),
    }
    for reason, (code, message) in by_reason.items():
        if tally.reasons[reason]:
            yield _warning(code, message, tally.reasons[reason])
    if tally.failed_beside:
        yield _warning("other_protocol_failed", "logged in, but another protocol refused", tally.failed_beside)
    if asked.credentials is Credentials.NOT_SUPPLIED:
        yield from _of_unasked_logins(tally)
    if tally.total and tally.verdicts[LoginVerdict.LOCAL] == tally.total:
        yield _warning("only_the_scanner", "the scanner checked only itself", tally.total)


def _of_unasked_logins(tally: Tally) -> Iterator[ValidationWarning]:
    logged_in = tally.verdicts[LoginVerdict.AUTH] + tally.verdicts[LoginVerdict.AUTH_LIMITED]
    if logged_in or tally.tried:
        message = "credentials were used that the request did not give: they come from the policy"
        yield _warning("credentials_from_policy", message, max(logged_in, tally.tried))


def _of_the_report(tally: Tally, asked: Asked, report: ReportFacts) -> Iterator[ValidationWarning]:
    if asked.ended is not ScanEnd.COMPLETED:
        yield _warning(f"scan_{asked.ended}", f"the scan was {asked.ended} on the scanner; hosts may be missing")
    if not report.has_report:
        yield _warning("no_report", "the file holds a policy or nothing at all, but no scan")
    elif not tally.total:
        yield _warning("no_hosts", "the report has no host")
    expected = report.targets if asked.expected_targets is None else asked.expected_targets
    if expected is not None and tally.total < expected:
        message = f"{tally.total} of {expected} targets are in the report; hosts that are down are left out"
        yield _warning("fewer_hosts_than_targets", message, expected - tally.total)
    if tally.verdicts[LoginVerdict.NOT_SCANNED]:
        yield _warning("hosts_not_scanned", "dead or without any item", tally.verdicts[LoginVerdict.NOT_SCANNED])
    if tally.unfinished:
        yield _warning("hosts_not_finished", "the report has no time at which they ended", tally.unfinished)
    if report.repeated_hosts:
        yield _warning("repeated_hosts", "in the report more than once; taken together", report.repeated_hosts)
    if tally.old_plugins:
        yield _warning("plugins_are_old", "the scanner's plugins had not been updated", tally.old_plugins)
    if report.unrated_items:
        yield _warning("items_without_severity", f"{report.unrated_items} items have no severity")


def _warning(code: str, message: str, hosts: int = 0) -> ValidationWarning:
    return ValidationWarning(code=code, message=message, hosts=hosts)
