"""The verdict on a scan: its hosts taken together, with what is known beside the report."""

from __future__ import annotations

import pytest

from scanpool.report.scan_verdict import Asked, ScanEnd
from scanpool.report.validate import validate
from scanpool_schemas.result import AuthenticationStatus, Credentials, Result
from tests.support.reports import host, item, plugin_setting, policy, preference, report, scan_info

S = AuthenticationStatus
C = Credentials

AUTH = scan_info("yes, as 'u' via ssh")
LIMITED = AUTH + item(110385)
INTERMITTENT = AUTH + item(117885)
AGENT = scan_info("yes", scan_type="Windows Agent")
LOCAL = scan_info("yes (on the localhost)")
LOGIN_ONLY = scan_info("no") + item(141118, "worked")
NOAUTH = scan_info("no")
REFUSED = scan_info("no") + item(104410, "refused")
UNKNOWN = item(1)
DEAD = item(10180, "is considered as dead")


def scan(
    *hosts: str,
    credentials: Credentials = C.SUPPLIED,
    privileged: bool = False,
    ended: ScanEnd = ScanEnd.COMPLETED,
    settings: str = "",
) -> Result:
    """The result of a report whose hosts have these items."""
    shown = [host(f"10.0.0.{number}", items) for number, items in enumerate(hosts)]
    return validate(
        [report(*shown, policy=settings)], Asked(credentials=credentials, privileged=privileged, ended=ended)
    )


def codes(result: Result) -> set[str]:
    return {warning.code for warning in result.validation_warnings}


@pytest.mark.parametrize(
    ("hosts", "expected"),
    [
        ([AUTH], S.SUCCESS),
        ([AUTH, AGENT], S.SUCCESS),
        ([AUTH, LIMITED], S.SUCCESS),
        ([AUTH, LOCAL, DEAD], S.SUCCESS),
        ([LOCAL], S.SUCCESS),
        ([LOCAL, DEAD], S.SUCCESS),
        ([AUTH, NOAUTH], S.PARTIAL),
        ([AUTH, UNKNOWN], S.PARTIAL),
        ([AUTH, LOGIN_ONLY], S.PARTIAL),
        ([AUTH, INTERMITTENT], S.PARTIAL),
        ([INTERMITTENT], S.PARTIAL),
        ([LOGIN_ONLY], S.PARTIAL),
        ([LOGIN_ONLY, NOAUTH], S.PARTIAL),
        ([LIMITED, NOAUTH], S.PARTIAL),
        ([NOAUTH], S.FAILED),
        ([NOAUTH, UNKNOWN], S.FAILED),
        ([NOAUTH, LOCAL], S.FAILED),
        ([UNKNOWN], S.UNKNOWN),
        ([UNKNOWN, LOCAL], S.UNKNOWN),
        ([DEAD], S.UNKNOWN),
        ([], S.UNKNOWN),
    ],
)
def test_with_credentials_the_hosts_decide(hosts: list[str], expected: AuthenticationStatus) -> None:
    assert scan(*hosts).authentication_status is expected


@pytest.mark.parametrize("hosts", [[LIMITED], [AUTH, LIMITED], [AUTH, AUTH + item(24786)]])
def test_missing_rights_make_a_privileged_scan_partial(hosts: list[str]) -> None:
    assert scan(*hosts).authentication_status is S.SUCCESS
    assert scan(*hosts, privileged=True).authentication_status is S.PARTIAL


def test_a_failed_escalation_is_told_from_other_missing_rights() -> None:
    assert codes(scan(LIMITED, privileged=True)) >= {"escalation_failed"}
    assert codes(scan(LIMITED)) == {"limited_privilege"}
    assert "limited_privilege" in codes(scan(AUTH + item(24786), privileged=True))


@pytest.mark.parametrize("end", [ScanEnd.CANCELED, ScanEnd.ABORTED])
def test_a_scan_that_did_not_run_to_its_end_is_partial_at_best(end: ScanEnd) -> None:
    assert scan(AUTH, ended=end).authentication_status is S.PARTIAL
    assert scan(LOCAL, ended=end).authentication_status is S.PARTIAL
    assert scan(NOAUTH, ended=end).authentication_status is S.FAILED
    assert f"scan_{end}" in codes(scan(AUTH, ended=end))


def test_the_scanner_itself_is_success_without_proof() -> None:
    result = scan(LOCAL)
    assert not result.validation_stats.credential_proof
    assert result.validation_stats.coverage is None
    assert "only_the_scanner" in codes(result)
    assert scan(AGENT).validation_stats.credential_proof


def test_a_mixed_answer_of_the_scanner_itself_proves_nothing() -> None:
    result = scan(LOCAL + NOAUTH)
    assert result.authentication_status is S.PARTIAL
    assert not result.validation_stats.credential_proof


@pytest.mark.parametrize("hosts", [[], [NOAUTH], [UNKNOWN], [LOCAL], [AUTH], [AGENT]])
def test_without_credentials_the_login_does_not_apply(hosts: list[str]) -> None:
    result = scan(*hosts, credentials=C.NOT_SUPPLIED)
    assert (result.authentication_status, result.valid) == (S.NOT_APPLICABLE, True)


def test_a_login_that_nobody_asked_for_is_warned_of() -> None:
    assert "credentials_from_policy" in codes(scan(AUTH, credentials=C.NOT_SUPPLIED))
    assert "credentials_from_policy" not in codes(scan(NOAUTH, LOCAL, AGENT, credentials=C.NOT_SUPPLIED))


def test_a_login_that_was_tried_is_judged_even_if_nobody_asked_for_it() -> None:
    result = scan(REFUSED, credentials=C.NOT_SUPPLIED)
    assert (result.authentication_status, result.valid) == (S.FAILED, True)
    assert "credentials_from_policy" in codes(result)


@pytest.mark.parametrize(
    ("hosts", "expected"),
    [
        ([NOAUTH], S.NOT_APPLICABLE),
        ([NOAUTH, UNKNOWN], S.NOT_APPLICABLE),
        ([REFUSED], S.FAILED),
        ([NOAUTH, REFUSED], S.FAILED),
        ([AUTH], S.SUCCESS),
        ([AUTH, NOAUTH], S.PARTIAL),
        ([LOCAL], S.SUCCESS),
        ([UNKNOWN], S.UNKNOWN),
    ],
)
def test_where_nobody_knows_a_failure_needs_a_sign_of_credentials(
    hosts: list[str], expected: AuthenticationStatus
) -> None:
    assert scan(*hosts, credentials=C.UNKNOWN).authentication_status is expected


@pytest.mark.parametrize(
    ("setting", "is_sign"),
    [
        (plugin_setting("SSH settings", "SSH user name :", "root"), False),
        (plugin_setting("SSH settings", "SSH user name :", "audit"), True),
        (plugin_setting("SSH settings", "Additional SSH user name (1) :", "root"), True),
        (plugin_setting("SSH settings", "Escalation account :", "root"), False),
        (plugin_setting("SSH settings", "SSH password (unsafe!) :", "*********", "password"), True),
        (plugin_setting("SSH settings", "SSH private key to use :", "id_rsa", "file"), True),
        (plugin_setting("SSH settings", "SSH known_hosts file :", "known_hosts", "file"), False),
        (plugin_setting("SSH settings", "Client version :", "OpenSSH_5.0"), False),
        (plugin_setting("Login configurations", "SMB account :", "administrator"), True),
        (plugin_setting("Login configurations", "FTP account :", "anonymous"), False),
        (plugin_setting("Login configurations", "FTP password (sent in clear) :", "******", "password"), False),
        (plugin_setting("Patch Management: Dell KACE K1000 Settings", "K1000 Database Username :", "R1"), False),
        (plugin_setting("Database settings", "Password :", "******", "password"), False),
        (plugin_setting("HTTP login page", "Login page :", "/"), False),
        (plugin_setting("Cleartext protocols settings", "User name :", "audit"), True),
        (plugin_setting("SNMP settings", "Community name :", "public"), False),
        (plugin_setting("SSH settings", "SSH user name :", ""), False),
    ],
)
def test_only_a_configured_login_to_hosts_is_such_a_sign(setting: str, is_sign: bool) -> None:
    result = scan(NOAUTH, credentials=C.UNKNOWN, settings=policy(setting))
    assert result.authentication_status is (S.FAILED if is_sign else S.NOT_APPLICABLE)


@pytest.mark.parametrize(
    ("hosts", "credentials", "valid"),
    [
        ([AUTH], C.SUPPLIED, True),
        ([AUTH, NOAUTH], C.SUPPLIED, True),
        ([NOAUTH], C.SUPPLIED, False),
        ([UNKNOWN], C.SUPPLIED, False),
        ([UNKNOWN], C.UNKNOWN, True),
        ([REFUSED], C.UNKNOWN, False),
        ([UNKNOWN], C.NOT_SUPPLIED, True),
    ],
)
def test_a_scan_is_good_unless_its_login_failed_or_is_unknown(
    hosts: list[str], credentials: Credentials, valid: bool
) -> None:
    assert scan(*hosts, credentials=credentials).valid is valid


def test_coverage_is_the_share_of_hosts_logged_in_to_as_asked() -> None:
    hosts = [AUTH, AGENT, LIMITED, LOGIN_ONLY, NOAUTH, UNKNOWN, LOCAL, DEAD]
    basic, privileged = scan(*hosts).validation_stats, scan(*hosts, privileged=True).validation_stats
    assert (basic.hosts_counted, basic.hosts_covered, basic.coverage) == (6, 3, 0.5)
    assert (privileged.hosts_counted, privileged.hosts_covered) == (6, 2)
    counts = basic.hosts
    assert counts.total == 8
    assert (counts.authenticated, counts.agents, counts.limited, counts.login_only) == (2, 1, 1, 1)
    assert (counts.not_authenticated, counts.unknown, counts.local, counts.not_scanned) == (1, 1, 1, 1)


def test_a_protocol_that_refused_beside_one_that_worked_is_a_warning() -> None:
    result = scan(AUTH + item(104410, "SMB refused"))
    assert result.authentication_status is S.SUCCESS
    assert "other_protocol_failed" in codes(result)


def test_fewer_hosts_than_targets_is_only_a_warning() -> None:
    settings = policy(preference("TARGET", "10.0.0.0/29, 10.1.0.1-10.1.0.2,www.example.com"))
    (warning,) = scan(AUTH, settings=settings).validation_warnings
    assert (warning.code, warning.hosts) == ("fewer_hosts_than_targets", 10)


def test_a_target_list_that_is_not_understood_says_nothing() -> None:
    assert scan(AUTH, settings=policy(preference("TARGET", "<script>"))).validation_warnings == ()


def test_the_number_of_targets_asked_for_beats_the_policys() -> None:
    settings = policy(preference("TARGET", "10.0.0.0/24"))
    result = validate([report(host("10.0.0.1", AUTH), policy=settings)], Asked(expected_targets=1))
    assert result.validation_warnings == ()


@pytest.mark.parametrize(
    ("hosts", "warning"),
    [
        ([INTERMITTENT], "intermittent_authentication"),
        ([AUTH + NOAUTH], "mixed_answers"),
        ([LOGIN_ONLY], "local_checks_unavailable"),
        ([AUTH, DEAD], "hosts_not_scanned"),
        ([AUTH + item(1, severity=None)], "items_without_severity"),
        ([], "no_hosts"),
    ],
)
def test_what_a_person_should_know_is_warned_of(hosts: list[str], warning: str) -> None:
    assert warning in codes(scan(*hosts))


def test_hosts_that_did_not_finish_are_warned_of() -> None:
    result = validate([report(host("10.0.0.1", AUTH, finished=False))])
    assert codes(result) == {"hosts_not_finished"}


def test_old_plugins_are_warned_of() -> None:
    old = item(19506, "Credentialed checks : no\nERROR: Your plugins have not been updated since 2019/1/1")
    assert "plugins_are_old" in codes(scan(old))


def test_a_policy_without_a_scan_is_named_so() -> None:
    result = validate([b"<NessusClientData_v2>" + policy().encode() + b"</NessusClientData_v2>"])
    assert result.authentication_status is S.UNKNOWN
    assert codes(result) == {"no_report"}


def test_each_reason_that_occurs_gets_its_advice_once() -> None:
    result = scan(NOAUTH, NOAUTH, REFUSED, AUTH)
    assert [(advice.reason, advice.hosts) for advice in result.troubleshooting] == [
        ("service_unreachable_or_unknown", 2),
        ("bad_credentials_or_protocol", 1),
    ]
    assert all(advice.likely_cause and advice.next_steps for advice in result.troubleshooting)
