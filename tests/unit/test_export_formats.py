"""What each format says of a finding, and by what a finding is known again in the next scan."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from scanpool.report.findings.export import defectdojo, ocsf, sarif
from scanpool.report.findings.filter_syntax import parse
from scanpool.report.findings.filters import ComplianceFilters, Filters
from scanpool.report.findings.query import every_finding
from scanpool.report.findings.store import Store
from tests.support.exports import HARD, HOSTILE, VECTOR, document, documents
from tests.support.findings import check, store_of, vulnerability
from tests.support.reports import host

EVERYTHING = Filters()
RICHEST = Filters(host=("10.0.0.1",), plugin_id=(7,))
SEVERITIES = ("critical", "high", "medium", "low", "info", "unrated")
EVERY_SEVERITY = tuple(vulnerability(20 + number, severity=number) for number in range(5))


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with store_of(tmp_path, *HARD) as opened:
        yield opened


def in_sarif(store: Store, filters: Any = EVERYTHING) -> list[Any]:
    found: list[Any] = document(sarif.lines(store, filters))["runs"][0]["results"]
    return found


def in_defectdojo(store: Store, filters: Any = EVERYTHING) -> list[Any]:
    found: list[Any] = document(defectdojo.lines(store, filters))["findings"]
    return found


def in_ocsf(store: Store, filters: Any = EVERYTHING) -> list[Any]:
    return documents(ocsf.lines(store, filters))


IDENTITIES: tuple[tuple[Callable[..., list[Any]], Callable[[Any], str]], ...] = (
    (in_sarif, lambda each: each["partialFingerprints"][sarif.FINGERPRINT]),
    (in_defectdojo, lambda each: each["unique_id_from_tool"]),
    (in_ocsf, lambda each: each["finding_info"]["uid"]),
)


def known_by(folder: Path, *hosts: str, filters: Any = EVERYTHING) -> list[list[str]]:
    """By format, what findings are known by."""
    folder.mkdir()
    with store_of(folder, *hosts) as store:
        return [sorted(identity(each) for each in read(store, filters)) for read, identity in IDENTITIES]


def test_a_finding_is_known_again_when_its_output_and_severity_changed(tmp_path: Path) -> None:
    before = known_by(tmp_path / "1", host("a", vulnerability(1, "seen at 10:00", port=443, severity=2)))
    after = known_by(tmp_path / "2", host("a", vulnerability(1, "seen at 11:00", port=443, severity=3)))
    assert before == after
    assert all(len(each) == 1 for each in before)


@pytest.mark.parametrize(
    "other",
    [
        host("b", vulnerability(1, "x", port=443)),
        host("a", vulnerability(2, "x", port=443)),
        host("a", vulnerability(1, "x", port=444)),
    ],
    ids=["host", "plugin", "port"],
)
def test_a_finding_elsewhere_or_of_another_plugin_is_another_one(tmp_path: Path, other: str) -> None:
    one = known_by(tmp_path / "1", host("a", vulnerability(1, "x", port=443)))
    another = known_by(tmp_path / "2", other)
    assert all(not set(each) & set(its) for each, its in zip(one, another, strict=True))


def test_a_compliance_result_is_known_again_when_it_changed(tmp_path: Path) -> None:
    filters = ComplianceFilters()
    before = known_by(tmp_path / "1", host("a", check("c", "FAILED", actual_value="1")), filters=filters)
    after = known_by(tmp_path / "2", host("a", check("c", "PASSED", actual_value="2")), filters=filters)
    other = known_by(tmp_path / "3", host("a", check("d", "PASSED", actual_value="2")), filters=filters)
    assert before == after
    assert before != other


def test_all_formats_know_a_finding_by_the_same_text(store: Store) -> None:
    found = [[identity(each) for each in read(store)] for read, identity in IDENTITIES]
    assert found[0] == found[1] == found[2]


def test_severities_keep_their_order_in_every_format(tmp_path: Path) -> None:
    with store_of(tmp_path, host("a", *EVERY_SEVERITY), HARD[0]) as store:
        found = {
            name: (
                [(each["kind"], each["level"]) for each in in_sarif(store, parse([f"severity={name}"]))],
                [each["severity"] for each in in_defectdojo(store, parse([f"severity={name}"]))],
                [(each["severity_id"], each["severity"]) for each in in_ocsf(store, parse([f"severity={name}"]))],
            )
            for name in SEVERITIES
        }
    assert {
        name: tuple(set(each).pop() for each in values if len(set(each)) == 1) for name, values in found.items()
    } == {
        "critical": (("fail", "error"), "Critical", (5, "Critical")),
        "high": (("fail", "error"), "High", (4, "High")),
        "medium": (("fail", "warning"), "Medium", (3, "Medium")),
        "low": (("fail", "note"), "Low", (2, "Low")),
        "info": (("informational", "none"), "Info", (1, "Informational")),
        "unrated": (("review", "none"), "Info", (0, "Unknown")),
    }


def test_compliance_results_keep_their_meaning_in_every_format(store: Store) -> None:
    filters = ComplianceFilters(host=("10.0.0.1",))
    found = zip(in_sarif(store, filters), in_defectdojo(store, filters), in_ocsf(store, filters), strict=True)
    told = {
        rule["properties"]["result"]: (
            f"{rule['kind']} {rule['level']}",
            f"{issue['severity']}{'' if issue['active'] else ' inactive'}",
            f"{event['compliance']['status']} {event['severity']}",
        )
        for rule, issue, event in found
    }
    assert told == {
        "PASSED": ("pass none", "Info inactive", "Pass Informational"),
        "FAILED": ("fail error", "High", "Fail High"),
        "WARNING": ("fail warning", "Medium", "Warning Medium"),
        "ERROR": ("open none", "Medium", "ERROR Medium"),
        "SKIPPED": ("notApplicable none", "Info inactive", "SKIPPED Informational"),
        "MANUAL": ("review none", "Info", "MANUAL Unknown"),
    }


def test_filters_choose_what_is_exported(store: Store) -> None:
    chosen = parse(["severity>=medium"])
    count = sum(1 for _ in every_finding(store, chosen))
    assert 0 < count < sum(1 for _ in every_finding(store))
    assert [len(read(store, chosen)) for read, _ in IDENTITIES] == [count] * 3


def test_sarif_says_what_a_viewer_shows(store: Store) -> None:
    run = document(sarif.lines(store, RICHEST))["runs"][0]
    (result,), (rule,) = run["results"], run["tool"]["driver"]["rules"]
    assert run["tool"]["driver"]["name"] == "Nessus"
    assert run["conversion"]["tool"]["driver"]["name"] == "scanpool"
    assert run["automationDetails"]["id"] == "scanpool//s1/0"
    assert result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == "tcp://10.0.0.1:443"
    assert result["locations"][0]["logicalLocations"][0]["fullyQualifiedName"] == "10.0.0.1:443/tcp"
    assert result["rank"] == 100.0
    assert result["properties"]["plugin_output"] == HOSTILE
    assert (rule["id"], rule["shortDescription"]["text"]) == ("7", "Plugin 7")
    assert rule["helpUri"] == "http://a.example/x?y=1"
    assert rule["properties"]["security-severity"] == "10.0"
    assert rule["properties"]["tags"] == ["security", "external/cwe/cwe-502", "external/cwe/cwe-200"]
    assert rule["properties"]["cve"] == ["CVE-2021-44228", "CVE-2021-45046"]


@pytest.mark.parametrize(
    ("name", "port", "protocol", "uri"),
    [
        ("2001:db8::1", 443, "tcp", "tcp://[2001:db8::1]:443"),
        ("2001:db8::1", 0, "tcp", "host://[2001:db8::1]"),
        ("fe80::1%eth0", 0, "", "host://[fe80::1%25eth0]"),
        ("10.0.0.1", 53, "udp", "udp://10.0.0.1:53"),
        ("www.example", 80, "java script:", "host://www.example:80"),
        ("a/b?c#d@e\n", 0, "", "host://a%2Fb%3Fc%23d%40e%0A"),
    ],
)
def test_a_place_is_a_uri_whatever_the_host_is_called(name: str, port: int, protocol: str, uri: str) -> None:
    from scanpool.report.findings.export.sarif_texts import uri as made

    assert made(name, port, protocol) == uri


def test_defectdojo_is_told_what_it_has_fields_for(store: Store) -> None:
    (told,) = in_defectdojo(store, RICHEST)
    assert told["vulnerability_ids"] == ["CVE-2021-44228", "CVE-2021-45046"]
    assert (told["cwe"], told["cvssv3"], told["cvssv3_score"], told["epss_score"]) == (502, VECTOR, 10.0, 0.97)
    assert (told["vuln_id_from_tool"], told["date"], told["active"], told["verified"]) == (
        "7",
        "2021-03-24",
        True,
        False,
    )
    assert told["endpoints"] == [{"host": "10.0.0.1", "port": 443, "protocol": "tcp"}]
    assert told["tags"] == ["exploit-available", "known-exploited"]
    assert told["references"].splitlines()[0] == "http://a.example/x?y=1"
    assert "javascript:" not in told["references"]
    (single,) = in_defectdojo(store, Filters(plugin_id=(8,), host=("10.0.0.1",)))
    assert (single["cve"], "vulnerability_ids" in single, "cvssv3" in single) == ("CVE-2020-1000", False, False)


def test_output_cannot_end_the_fence_that_it_is_shown_in(store: Store) -> None:
    (told,) = in_defectdojo(store, RICHEST)
    fence, *shown, end = told["steps_to_reproduce"].split("\n")
    assert "\n".join(shown) == HOSTILE
    assert fence == end == "``````"


def test_a_host_that_has_no_name_for_a_network_is_described_and_no_endpoint(store: Store) -> None:
    told = [each for each in in_defectdojo(store) if "endpoints" not in each]
    assert len(told) == 1
    assert told[0]["description"].startswith("Host: `=cmd|")


def test_ocsf_says_one_vulnerability_for_each_cve(store: Store) -> None:
    (event,) = in_ocsf(store, RICHEST)
    assert [each["cve"]["uid"] for each in event["vulnerabilities"]] == ["CVE-2021-44228", "CVE-2021-45046"]
    cve = event["vulnerabilities"][0]["cve"]
    assert [(each["version"], each["base_score"]) for each in cve["cvss"]] == [("3.1", 10.0), ("2.0", 9.3)]
    assert cve["cvss"][1]["vector_string"] == "AV:N/AC:M/Au:N/C:C/I:C/A:C"
    assert cve["epss"] == {"score": "0.97"}
    assert event["time"] == 1616619819000
    assert event["metadata"]["correlation_uid"] == "s1"
    assert event["unmapped"]["plugin_output"] == HOSTILE
    assert event["resources"][0] == {
        "uid": "10.0.0.1",
        "name": "10.0.0.1",
        "type": "host",
        "role_id": 3,
        "role": "Affected",
        "hostname": "web.example",
        "ip": "10.0.0.1",
    }


def test_ocsf_says_a_weakness_or_the_plugin_where_there_is_no_cve(store: Store) -> None:
    (weak,) = in_ocsf(store, Filters(plugin_id=(9,)))
    (plain,) = in_ocsf(store, Filters(plugin_id=(10,)))
    assert [each["cwe"] for each in weak["vulnerabilities"]] == [{"uid": "CWE-79"}]
    assert [each["advisory"]["uid"] for each in plain["vulnerabilities"]] == ["10"]


def test_a_finding_whose_time_nobody_says_has_time_0_and_no_date(store: Store) -> None:
    events = [each["time"] for each in in_ocsf(store, Filters(host=("2001:db8::1",)))]
    issues = [each.get("date") for each in in_defectdojo(store, Filters(host=("2001:db8::1",)))]
    assert (events, issues) == ([0, 0], [None, None])
