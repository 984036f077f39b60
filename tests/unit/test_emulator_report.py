"""The reports of the emulator: the real format, and the evidence of how each login went."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest
from lxml import etree

from scanpool.emulator.credentials import Change
from scanpool.emulator.default_network import (
    DEFAULT_HOSTS,
    ENABLE_PASSWORD,
    LINUX_ACCOUNT,
    LINUX_PASSWORD,
    NETWORK_ACCOUNT,
    NETWORK_PASSWORD,
    ROOT_PASSWORD,
    WINDOWS_ACCOUNT,
    WINDOWS_DOMAIN,
    WINDOWS_PASSWORD,
    WRONG_PASSWORD,
)
from scanpool.emulator.hosts import Host
from scanpool.emulator.options import Options
from scanpool.emulator.reports.document import pieces, summary
from scanpool.emulator.reports.model import ScanRun
from scanpool.emulator.scan import Settings
from scanpool.emulator.scanner import Scanner
from scanpool.emulator.templates import TEMPLATES
from tests.support.raw_nessus import Json, ssh, windows

NOON = 1_790_000_000.0
SSH = ssh(LINUX_ACCOUNT, LINUX_PASSWORD)
WRONG_SSH = ssh(LINUX_ACCOUNT, WRONG_PASSWORD)
WINDOWS = windows(WINDOWS_ACCOUNT, WINDOWS_PASSWORD, WINDOWS_DOMAIN)
LINE = re.compile(r"(?im)^[ \t]*Credentialed checks[ \t]*:[ \t]*(.*)$")


def sudo(password: str, method: str = "sudo") -> Json:
    return ssh(LINUX_ACCOUNT, LINUX_PASSWORD, elevate_privileges_with=method, escalation_password=password)


def report_of(targets: str, credentials: Json | None = None, **options: Any) -> ScanRun:
    scanner = Scanner(Options(**options), lambda: NOON)
    settings = Settings(name="a <scan> & \x00more", text_targets=targets, description="why")
    change = Change(add=(credentials or {}).get("add", {}))
    scan = scanner.scans.create(TEMPLATES[0], settings, {}, change)
    return scanner.report(scan, scanner.scans.add_completed_run(scan))


def rendered(report: ScanRun) -> etree._Element:
    return etree.fromstring(b"".join(pieces(report)), etree.XMLParser(resolve_entities=False))


@dataclass
class Evidence:
    """What one ReportHost tells."""

    element: etree._Element

    @property
    def tags(self) -> dict[str, str]:
        return {str(tag.get("name")): tag.text or "" for tag in self.element.iterfind("HostProperties/tag")}

    @property
    def plugins(self) -> set[int]:
        return {int(str(item.get("pluginID"))) for item in self.element.iterfind("ReportItem")}

    def output(self, plugin: int) -> str:
        return self.element.findtext(f"ReportItem[@pluginID='{plugin}']/plugin_output") or ""

    @property
    def credentialed_checks(self) -> list[str]:
        return LINE.findall(self.output(19506))


def hosts(root: etree._Element) -> Iterator[Evidence]:
    return (Evidence(host) for host in root.iterfind("Report/ReportHost"))


def evidence(target: str, credentials: Json | None = None, **options: Any) -> Evidence:
    (host,) = hosts(rendered(report_of(target, credentials, **options)))
    return host


@pytest.mark.parametrize(
    ("target", "credentials", "answer", "proto", "present", "absent"),
    [
        pytest.param(
            "10.10.0.1",
            SSH,
            "yes, as 'audit' via ssh",
            "ssh",
            {141118, 110095, 117887, 97993},
            {104410, 110723, 110385, 102094, 102095, 21745},
            id="right password",
        ),
        pytest.param(
            "10.10.1.1",
            SSH,
            "no",
            None,
            {104410, 21745},
            {141118, 110095, 117887, 110723, 97993},
            id="other password",
        ),
        pytest.param("10.10.0.1", WRONG_SSH, "no", None, {104410, 21745}, {141118}, id="wrong password"),
        pytest.param("10.10.0.1", None, "no", None, {110723, 117886}, {104410, 21745, 141118}, id="no credential"),
        pytest.param(
            "10.10.0.1",
            sudo(LINUX_PASSWORD),
            "yes, as 'audit' via ssh",
            "ssh",
            {102095, 110095},
            {102094, 110385},
            id="sudo works",
        ),
        pytest.param(
            "10.10.0.1",
            sudo(ROOT_PASSWORD, "su"),
            "yes, as 'audit' via ssh",
            "ssh",
            {102095},
            {110385},
            id="su works",
        ),
        pytest.param(
            "10.10.2.1",
            sudo(LINUX_PASSWORD),
            "yes, as 'audit' via ssh",
            "ssh",
            {110385, 102094, 141118},
            {102095, 110095},
            id="sudo refused",
        ),
        pytest.param(
            "10.10.0.1",
            sudo(WRONG_PASSWORD),
            "yes, as 'audit' via ssh",
            "ssh",
            {110385, 102094},
            {102095},
            id="sudo password wrong",
        ),
        pytest.param(
            "10.10.3.1",
            WINDOWS,
            "yes, as 'CORP\\svc-audit' via SMB",
            "smb",
            {141118, 110095, 117887, 10394},
            {24786, 26917, 104410},
            id="windows administrator",
        ),
        pytest.param("10.10.4.1", WINDOWS, "no", None, {104410, 21745}, {141118, 10394}, id="windows other password"),
        pytest.param(
            "10.10.5.1",
            WINDOWS,
            "yes, as 'CORP\\svc-audit' via SMB",
            "smb",
            {10428, 110385, 117887},
            {110095},
            id="windows registry in part",
        ),
        pytest.param(
            "10.10.6.1",
            WINDOWS,
            "no",
            None,
            {141118, 24786, 26917, 110385},
            {117887, 110095},
            id="windows login only",
        ),
        pytest.param(
            "10.10.3.1",
            None,
            "no",
            None,
            {110723, 24786, 26917, 10394},
            {104410, 141118},
            id="windows null session",
        ),
        pytest.param(
            "10.10.7.1",
            ssh(
                NETWORK_ACCOUNT,
                NETWORK_PASSWORD,
                elevate_privileges_with="Cisco 'enable'",
                escalation_password=ENABLE_PASSWORD,
            ),
            "yes, as 'netadmin' via ssh",
            "ssh",
            {102095, 117887},
            {110385},
            id="device with enable password",
        ),
        pytest.param("10.10.8.1", SSH, "yes, as 'audit' via ssh", "ssh", {117885}, {110095}, id="intermittent"),
        pytest.param("10.10.9.1", SSH, "no", None, {141118, 110695}, {117887}, id="appliance"),
        pytest.param("10.10.11.1", SSH, "no", None, {117886}, {104410, 110723, 141118}, id="printer"),
        pytest.param("localhost", None, "yes (on the localhost)", "local", {141118, 117887}, {110723}, id="localhost"),
    ],
)
def test_the_evidence_tells_how_the_login_went(
    target: str, credentials: Json | None, answer: str, proto: str | None, present: set[int], absent: set[int]
) -> None:
    host = evidence(target, credentials)
    assert host.credentialed_checks == [answer]
    assert host.tags.get("local-checks-proto") == proto
    assert present <= host.plugins
    assert not absent & host.plugins


@pytest.mark.parametrize(("target", "ran"), [("10.10.0.1", True), ("10.10.1.1", False)])
def test_the_tags_say_the_same_as_the_scan_information(target: str, ran: bool) -> None:
    tags = evidence(target, SSH).tags
    assert tags["Credentialed_Scan"] == ("true" if ran else "false")
    assert ("LastAuthenticatedResults" in tags, "LastUnauthenticatedResults" in tags) == (ran, not ran)


def test_a_login_is_named_in_the_tags_where_one_worked() -> None:
    assert evidence("10.10.0.1", SSH).tags["ssh-login-used"] == "audit"
    assert evidence("10.10.6.1", WINDOWS).tags["smb-login-used"] == "CORP\\svc-audit"
    assert "ssh-login-used" not in evidence("10.10.1.1", SSH).tags


def test_one_report_holds_hosts_of_every_outcome() -> None:
    root = rendered(report_of("10.10.0.1,10.10.1.1,10.10.3.1", SSH))
    assert [host.credentialed_checks[0][:3] for host in hosts(root)] == ["yes", "no", "no"]


def test_a_dead_host_is_reported_as_dead_and_a_silent_one_not_at_all() -> None:
    (dead,) = hosts(rendered(report_of("10.10.99.1,10.10.200.1")))
    assert dead.plugins == {10180}
    assert "considered as dead" in dead.output(10180)
    assert "Credentialed_Scan" not in dead.tags


def test_a_host_that_is_lost_has_no_end_and_no_scan_information() -> None:
    lost = evidence("10.10.12.1", SSH)
    assert "HOST_END" not in lost.tags
    assert lost.plugins
    assert 19506 not in lost.plugins
    assert lost.tags["Credentialed_Scan"] == "true"
    assert "Credentialed_Scan" not in evidence("10.10.12.1").tags


def test_a_host_that_was_reached_half_way_shows_less_than_a_finished_one() -> None:
    whole = report_of("10.10.0.1", SSH)
    half = replace(whole, hosts=(replace(whole.hosts[0], done=0.5),))
    assert 0 < sum(summary(half, half.hosts[0]).by_severity) < sum(summary(whole, whole.hosts[0]).by_severity)
    (host,) = hosts(rendered(half))
    assert 19506 not in host.plugins


def test_local_findings_need_a_login() -> None:
    local = "ReportItem[@pluginFamily='Larch Linux Local Security Checks']"
    assert len(evidence("10.10.0.1", SSH).element.findall(local)) == 12
    assert not evidence("10.10.0.1").element.findall(local)


def test_hundreds_of_findings_are_there_when_asked_for() -> None:
    assert len(evidence("10.10.0.1", findings=500).element.findall("ReportItem")) > 500


def test_a_finding_carries_scores_references_and_platform() -> None:
    items = evidence("10.10.0.1", findings=99).element.findall("ReportItem")
    critical = next(item for item in items if item.get("severity") == "4")
    assert critical.findtext("risk_factor") == "Critical"
    assert re.fullmatch(r"CVE-\d{4}-\d+", critical.findtext("cve") or "")
    assert (critical.findtext("cvss3_vector") or "").startswith("CVSS:3.0/")
    assert (critical.findtext("cvss_vector") or "").startswith("CVSS2#")
    assert (critical.findtext("cpe") or "").startswith("cpe:/a:")
    assert len((critical.findtext("see_also") or "").splitlines()) == 2
    assert {item.get("severity") for item in items} == {"0", "1", "2", "3", "4"}


def test_compliance_items_use_the_namespace_and_the_severities_in_their_own_way() -> None:
    items = evidence("10.10.10.1", SSH).element.findall("ReportItem[@pluginFamily='Policy Compliance']")
    told = {(item.findtext("{http://www.nessus.org/cm}compliance-result"), item.get("severity")) for item in items}
    assert len(items) == 12
    assert told == {("PASSED", "1"), ("FAILED", "3"), ("WARNING", "2")}


def test_compliance_items_are_no_vulnerabilities() -> None:
    report = report_of("10.10.0.1,10.10.10.1", SSH)
    plain, audited = (sum(summary(report, host).by_severity) for host in report.hosts)
    assert plain == audited


def test_hostile_text_stays_text() -> None:
    host = evidence("10.10.66.6", SSH)
    assert "<script>" in host.output(10263)
    assert host.credentialed_checks == ["yes, as 'audit' via ssh"]
    assert "yes, as 'nobody'" in host.output(10263)


def test_names_that_xml_cannot_carry_do_not_break_the_report() -> None:
    root = rendered(report_of("10.10.0.1"))
    report = root.find("Report")
    assert report is not None
    assert report.get("name") == "a <scan> & ?more"


def preferences(root: etree._Element) -> dict[str, str]:
    return {
        str(one.findtext("preferenceName")): one.findtext("selectedValue") or ""
        for one in root.iterfind("Policy/Preferences/PluginsPreferences/item")
    }


def test_the_policy_tells_the_targets_and_the_names_but_no_secret() -> None:
    both = {"add": {"Host": {**SSH["add"]["Host"], **WINDOWS["add"]["Host"]}}}
    root = rendered(report_of("10.10.0.1\n10.10.3.0/31", both))
    server = {
        one.findtext("name"): one.findtext("value") or ""
        for one in root.iterfind("Policy/Preferences/ServerPreferences/preference")
    }
    shown = preferences(root)
    assert server["TARGET"] == "10.10.0.1,10.10.3.0/31"
    assert (shown["SSH user name :"], shown["SMB account :"]) == ("audit", "svc-audit")
    assert not any(value for name, value in shown.items() if "assword" in name and "type" not in name)
    assert LINUX_PASSWORD.encode() not in b"".join(pieces(report_of("10.10.0.1", both)))


def test_without_credentials_the_policy_shows_its_defaults() -> None:
    shown = preferences(rendered(report_of("10.10.0.1")))
    assert (shown["SSH user name :"], shown["SMB account :"]) == ("root", "")


def test_the_same_host_shows_the_same_in_every_report() -> None:
    assert list(pieces(report_of("10.10.0.7", SSH)))[1] == list(pieces(report_of("10.10.0.7", SSH)))[1]


def test_no_tag_and_no_host_is_there_twice() -> None:
    root = rendered(report_of("192.0.2.0/24", SSH))
    names = [host.element.get("name") for host in hosts(root)]
    assert len(names) == len(set(names)) == 34
    for host in hosts(root):
        tags = [tag.get("name") for tag in host.element.iterfind("HostProperties/tag")]
        assert len(tags) == len(set(tags))


@pytest.mark.parametrize("described", DEFAULT_HOSTS, ids=lambda host: host.address)
@pytest.mark.parametrize("credentials", [None, SSH, WINDOWS], ids=["none", "ssh", "windows"])
def test_every_kind_of_host_renders_well_formed(described: Host, credentials: Json | None) -> None:
    first = re.split("[-/]", described.address)[0]
    for host in hosts(rendered(report_of(first, credentials))):
        assert len(host.credentialed_checks) == (19506 in host.plugins)
