"""What scanpool's own reading of a report makes of the emulated network: the table that demonstrations rely on."""

import pytest

from scanpool.emulator.credentials import Change
from scanpool.emulator.default_network import (
    LINUX_ACCOUNT,
    LINUX_PASSWORD,
    WINDOWS_ACCOUNT,
    WINDOWS_DOMAIN,
    WINDOWS_PASSWORD,
)
from scanpool.emulator.options import Options
from scanpool.emulator.reports.document import pieces
from scanpool.emulator.scan import Settings
from scanpool.emulator.scanner import Scanner
from scanpool.emulator.templates import TEMPLATES
from scanpool.report.scan_verdict import Asked
from scanpool.report.validate import validate
from scanpool_schemas.result import Credentials, Result
from tests.support.raw_nessus import Json, ssh, windows

SSH = ssh(LINUX_ACCOUNT, LINUX_PASSWORD)
SUDO = ssh(LINUX_ACCOUNT, LINUX_PASSWORD, elevate_privileges_with="sudo", escalation_password=LINUX_PASSWORD)
WINDOWS = windows(WINDOWS_ACCOUNT, WINDOWS_PASSWORD, WINDOWS_DOMAIN)


def judged(targets: str, login: Json | None, *, privileged: bool = False) -> Result:
    scanner = Scanner(Options(), lambda: 1_790_000_000.0)
    change = Change(add=(login or {}).get("add", {}))
    scan = scanner.scans.create(TEMPLATES[0], Settings(name="a scan", text_targets=targets), {}, change)
    report = scanner.report(scan, scanner.scans.add_completed_run(scan))
    supplied = Credentials.SUPPLIED if login else Credentials.NOT_SUPPLIED
    return validate(pieces(report), Asked(credentials=supplied, privileged=privileged))


@pytest.mark.parametrize(
    ("targets", "login", "status"),
    [
        ("10.10.0.1-10.10.0.4", None, "not_applicable"),
        ("10.10.0.1-10.10.0.4", SSH, "success"),
        ("10.10.0.1,10.10.1.1", SSH, "partial"),
        ("10.10.1.1-10.10.1.4", SSH, "failed"),
        ("10.10.2.1", SSH, "success"),
        ("10.10.3.1", WINDOWS, "success"),
        ("10.10.4.1", WINDOWS, "failed"),
        ("10.10.5.1", WINDOWS, "success"),
        ("10.10.6.1", WINDOWS, "partial"),
        ("10.10.8.1", SSH, "partial"),
        ("10.10.9.1", SSH, "partial"),
        ("10.10.11.1", SSH, "failed"),
        ("10.10.99.1,10.10.0.1", SSH, "success"),
        ("10.10.66.6", SSH, "success"),
        ("localhost", None, "not_applicable"),
        ("localhost", SSH, "success"),
        ("192.0.2.0/24", SSH, "partial"),
        ("10.10.200.1", SSH, "unknown"),
    ],
)
def test_the_documented_network_leads_to_the_documented_verdicts(targets: str, login: Json | None, status: str) -> None:
    result = judged(targets, login)
    assert result.error is None
    assert result.authentication_status == status


@pytest.mark.parametrize(("targets", "status"), [("10.10.0.1", "success"), ("10.10.2.1", "partial")])
def test_a_scan_that_needs_privileges_is_partial_where_they_are_refused(targets: str, status: str) -> None:
    assert judged(targets, SUDO, privileged=True).authentication_status == status


def test_compliance_results_are_counted_apart() -> None:
    summary = judged("10.10.10.1", SSH).results_summary
    assert (summary.compliance.passed, summary.compliance.failed, summary.compliance.warning) == (3, 6, 3)
