"""The login verdict on one host, rule by rule, from reports."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from scanpool.report.host_verdict import HostReason
from scanpool.report.scan_verdict import Asked
from scanpool.report.validate import validate
from scanpool_schemas.result import HostVerdict, LoginVerdict
from tests.support.reports import host, item, report, scan_info

V = LoginVerdict
R = HostReason
LOCALHOST_COMMANDS = item(12634, "Nessus can run commands on localhost to look for\npatches.\n\nuname : x")
VALID = item(141118, "The login worked.\n\nProtocol : SSH")
VALID_ON_LOCALHOST = item(141118, "Nessus was able to execute commands on localhost.")


def verdict(
    *items: str, tags: Mapping[str, str] | None = None, privileged: bool = False, finished: bool = True
) -> HostVerdict:
    """The verdict on the one host of a report."""
    whole = report(host("10.0.0.1", *items, tags=tags, finished=finished))
    (only,) = validate([whole], Asked(privileged=privileged)).hosts
    return only


@pytest.mark.parametrize("kind", ["Windows Agent", "Unix Agent", "Mac Agent"])
@pytest.mark.parametrize("answer", ["yes", "yes (on the localhost)"])
def test_an_agent_succeeds_although_it_speaks_of_the_localhost(kind: str, answer: str) -> None:
    found = verdict(scan_info(answer, scan_type=kind), tags={"local-checks-proto": "local"})
    assert (found.verdict, found.method, found.authenticated) == (V.AGENT, "agent", True)


@pytest.mark.parametrize(
    ("items", "tags"),
    [
        ([scan_info("yes (on the localhost)")], {}),
        ([scan_info("yes")], {"local-checks-proto": "local"}),
        ([scan_info("yes"), LOCALHOST_COMMANDS], {}),
        ([scan_info("yes"), item(97993, "Nessus can run commands on localhost.")], {}),
    ],
)
def test_the_scanner_itself_is_no_proof(items: list[str], tags: Mapping[str, str]) -> None:
    found = verdict(*items, tags=tags)
    assert (found.verdict, found.authenticated, found.method) == (V.LOCAL, False, "localhost")


def test_what_a_host_prints_about_itself_does_not_make_it_the_scanner() -> None:
    hostile = item(12634, "It was possible to log in.\n\nuname : we run commands on localhost")
    assert verdict(scan_info("yes"), hostile).verdict is V.AUTH


def test_a_login_by_name_is_no_localhost_whatever_the_tag_says() -> None:
    assert verdict(scan_info("yes, as 'u' via ssh"), tags={"local-checks-proto": "local"}).verdict is V.AUTH


@pytest.mark.parametrize(
    ("answer", "method"),
    [("yes, as 'u' via ssh", "ssh"), (r"yes, as 'D\u' via SMB", "smb"), ("yes, via SNMP", "snmp"), ("yes", "")],
)
def test_local_checks_that_ran_are_a_login(answer: str, method: str) -> None:
    found = verdict(scan_info(answer))
    assert (found.verdict, found.method, found.authenticated, found.reason) == (V.AUTH, method, True, "")


def test_a_bare_yes_takes_the_protocol_from_the_tag() -> None:
    assert verdict(scan_info("yes"), tags={"local-checks-proto": "smb"}).method == "smb"


@pytest.mark.parametrize(
    ("plugin", "reason"),
    [
        (110385, R.INSUFFICIENT_PRIVILEGE),
        (102094, R.INSUFFICIENT_PRIVILEGE),
        (24786, R.LIMITED_ACCESS),
        (26917, R.LIMITED_ACCESS),
        (10428, R.LIMITED_ACCESS),
    ],
)
def test_missing_rights_limit_a_login_only_where_privileges_were_asked_for(plugin: int, reason: str) -> None:
    items = [scan_info("yes, as 'u' via ssh"), item(plugin, "refused")]
    basic, privileged = verdict(*items), verdict(*items, privileged=True)
    assert (basic.verdict, basic.reason, basic.authenticated) == (V.AUTH_LIMITED, reason, True)
    assert (privileged.verdict, privileged.reason, privileged.authenticated) == (V.AUTH_LIMITED, reason, False)
    assert str(plugin) in basic.evidence


@pytest.mark.parametrize("privileged", [False, True])
def test_a_login_that_later_fails_is_limited_for_everybody(privileged: bool) -> None:
    found = verdict(scan_info("yes, as 'u' via ssh"), item(117885), item(110385), privileged=privileged)
    assert (found.verdict, found.reason, found.authenticated) == (V.AUTH_LIMITED, R.INTERMITTENT, False)


@pytest.mark.parametrize("plugin", [24786, 26917, 10428, 10394, 10400, 12634, 97993, 21643, 51192])
def test_plugins_that_fire_without_credentials_prove_nothing(plugin: int) -> None:
    assert verdict(item(plugin, "something")).verdict is V.UNKNOWN
    assert verdict(scan_info("no"), item(plugin, "something")).verdict is V.NOAUTH


@pytest.mark.parametrize("privileged", [False, True])
@pytest.mark.parametrize("answers", [("no", "yes, as 'u' via ssh"), ("yes, as 'u' via ssh", "no")])
def test_two_different_answers_are_a_limited_login(answers: tuple[str, str], privileged: bool) -> None:
    found = verdict(*(scan_info(answer) for answer in answers), privileged=privileged)
    assert (found.verdict, found.reason, found.authenticated) == (V.AUTH_LIMITED, R.MIXED_ANSWERS, False)


def test_the_same_answer_twice_is_that_answer() -> None:
    assert verdict(scan_info("yes, as 'u' via ssh"), scan_info("yes, as 'u' via ssh")).verdict is V.AUTH
    assert verdict(scan_info("no"), scan_info("no")).verdict is V.NOAUTH


@pytest.mark.parametrize("proof", [VALID, item(110095, "No issues.\n\nProtocol : SSH"), item(110695, "no checks")])
def test_a_login_without_local_checks_is_a_login_only(proof: str) -> None:
    found = verdict(scan_info("no"), proof)
    assert (found.verdict, found.reason, found.authenticated) == (V.LOGIN_ONLY, R.CHECKS_UNAVAILABLE, False)


def test_commands_on_the_scanner_itself_are_no_login() -> None:
    assert verdict(scan_info("no"), VALID_ON_LOCALHOST).verdict is V.NOAUTH


@pytest.mark.parametrize("plugin", [104410, 21745])
def test_a_refused_login_says_why(plugin: int) -> None:
    found = verdict(scan_info("no"), item(plugin, "  - Message :\n    The password was wrong for 'jdoe'.\n"))
    assert (found.verdict, found.reason) == (V.NOAUTH, R.BAD_CREDENTIALS)
    assert "The password was wrong for '…'" in found.evidence
    assert "jdoe" not in found.evidence


def test_a_service_without_credentials_is_told_from_a_refused_login() -> None:
    assert verdict(scan_info("no"), item(110723, "SSH found")).reason == R.NO_CREDENTIALS
    assert verdict(scan_info("no")).reason == R.UNREACHABLE


@pytest.mark.parametrize(
    ("tag", "expected"), [("true", V.AUTH), ("false", V.NOAUTH), (" True ", V.AUTH), ("perhaps", V.UNKNOWN)]
)
@pytest.mark.parametrize("items", [[], [scan_info(None)]])
def test_without_the_line_the_tag_decides(tag: str, expected: LoginVerdict, items: list[str]) -> None:
    found = verdict(*items, item(1), tags={"Credentialed_Scan": tag})
    assert found.verdict is expected


def test_the_line_is_asked_before_the_tag() -> None:
    assert verdict(scan_info("no"), tags={"Credentialed_Scan": "true"}).verdict is V.NOAUTH


def test_a_tag_that_says_local_is_no_proof_either() -> None:
    tags = {"Credentialed_Scan": "true", "local-checks-proto": "local"}
    assert verdict(item(1), tags=tags).verdict is V.LOCAL


def test_missing_rights_limit_a_login_known_by_its_tag_too() -> None:
    found = verdict(item(110385), tags={"Credentialed_Scan": "true"}, privileged=True)
    assert (found.verdict, found.authenticated) == (V.AUTH_LIMITED, False)


def test_patch_checks_alone_are_a_login() -> None:
    found = verdict(item(117887, "Account : u\nProtocol : SSH"))
    assert (found.verdict, found.method) == (V.AUTH, "ssh")


def test_patch_checks_of_the_scanner_itself_are_no_login() -> None:
    assert verdict(item(117887, "Account : root\nProtocol : LOCAL")).verdict is V.LOCAL


def test_a_failed_login_alone_is_a_failure_unless_another_worked() -> None:
    assert verdict(item(104410, "refused")).verdict is V.NOAUTH
    assert verdict(item(104410, "refused"), VALID).verdict is V.UNKNOWN


def test_a_used_login_alone_is_a_login_only() -> None:
    tags = {"local-checks-proto": "smb", "smb-login-used": r"CORP\jdoe"}
    found = verdict(item(1), tags=tags)
    assert (found.verdict, found.method) == (V.LOGIN_ONLY, "smb")
    assert "jdoe" not in found.evidence


@pytest.mark.parametrize("login", ["", r"CORP\guest", "anonymous"])
def test_a_login_as_nobody_is_none(login: str) -> None:
    tags = {"local-checks-proto": "smb", "smb-login-used": login}
    assert verdict(item(1), tags=tags).verdict is V.UNKNOWN


def test_a_host_of_which_nothing_is_said_is_unknown() -> None:
    assert verdict(item(1)).reason == R.NO_SCAN_INFORMATION
    assert verdict(item(1), finished=False).verdict is V.UNKNOWN
    old = verdict(scan_info(None))
    assert (old.verdict, old.reason) == (V.UNKNOWN, R.NO_CREDENTIAL_LINE)


def test_a_dead_host_is_not_scanned() -> None:
    dead = verdict(item(10180, "The remote host (10.0.0.1) is considered as\ndead - not scanning"))
    assert (dead.verdict, dead.reason) == (V.NOT_SCANNED, R.DEAD)
    assert verdict(item(10180, "The remote host is up")).verdict is V.UNKNOWN


def test_a_host_without_items_is_not_scanned_but_a_web_application_is() -> None:
    assert verdict().verdict is V.NOT_SCANNED
    web = validate([report(host("http://www.example.com/"), attributes='type="was"')])
    assert web.hosts[0].verdict is V.UNKNOWN


def test_evidence_names_what_decided() -> None:
    assert verdict(scan_info("yes, as 'u' via ssh")).evidence == "plugin 19506: Credentialed checks : yes via ssh"
    assert verdict(item(1), tags={"Credentialed_Scan": "false"}).evidence == "tag Credentialed_Scan: false"
