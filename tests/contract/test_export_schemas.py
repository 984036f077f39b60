"""What is exported is what the published schemas of the formats ask for, whatever stands in the report."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import jsonschema
import pytest

from scanpool.report.findings.export import defectdojo, ocsf, sarif
from scanpool.report.findings.filters import ComplianceFilters, Filters
from scanpool.report.findings.store import Store
from scanpool.report.findings.writing.writer import FindingsWriter
from scanpool.report.validate import validate
from tests.support import defectdojo as dojo
from tests.support import ocsf as definitions
from tests.support.exports import FINDINGS, HARD, RESULTS, VECTOR, document, documents
from tests.support.findings import store_of, vulnerability
from tests.support.reports import FAR, host, report

SARIF: dict[str, Any] = json.loads((Path(__file__).parent / "schemas/sarif-schema-2.1.0.json").read_text("utf-8"))
HOW_TO = Path(__file__).parents[2] / "docs/how-to/export-findings.md"
KINDS = pytest.mark.parametrize(
    ("filters", "count"), [(Filters(), FINDINGS), (ComplianceFilters(), RESULTS)], ids=["findings", "compliance"]
)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with store_of(tmp_path, *HARD) as opened:
        yield opened


@pytest.fixture
def empty(tmp_path: Path) -> Iterator[Store]:
    with store_of(tmp_path) as opened:
        yield opened


@KINDS
def test_sarif_is_valid(store: Store, filters: Any, count: int) -> None:
    log = document(sarif.lines(store, filters))
    jsonschema.Draft4Validator(SARIF, format_checker=jsonschema.FormatChecker()).validate(log)
    (run,) = log["runs"]
    assert len(run["results"]) == count


@KINDS
def test_every_result_of_sarif_is_of_the_rule_that_it_names(store: Store, filters: Any, count: int) -> None:
    (run,) = document(sarif.lines(store, filters))["runs"]
    rules = run["tool"]["driver"]["rules"]
    assert [rules[each["ruleIndex"]]["id"] for each in run["results"]] == [each["ruleId"] for each in run["results"]]
    assert len({each["id"] for each in rules}) == len(rules)
    assert {each["ruleId"] for each in run["results"]} == {each["id"] for each in rules}


@KINDS
def test_what_is_no_failure_has_no_level_in_sarif(store: Store, filters: Any, count: int) -> None:
    (run,) = document(sarif.lines(store, filters))["runs"]
    assert all((each["level"] == "none") == (each["kind"] != "fail") for each in run["results"])


@KINDS
def test_every_address_in_sarif_is_a_uri(store: Store, filters: Any, count: int) -> None:
    (run,) = document(sarif.lines(store, filters))["runs"]
    places = [each["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] for each in run["results"]]
    helps = [each["helpUri"] for each in run["tool"]["driver"]["rules"] if "helpUri" in each]
    for address in (*places, *helps):
        parts = urlsplit(address)
        assert parts.scheme in ("host", "tcp", "http", "https")
        assert parts.netloc
        assert not set(address) & set(' "<>\\^`{|}\n')
        assert address.isascii()


@KINDS
def test_no_text_of_a_report_is_a_link_or_a_placeholder_in_sarif(store: Store, filters: Any, count: int) -> None:
    (run,) = document(sarif.lines(store, filters))["runs"]
    rules = run["tool"]["driver"]["rules"]
    texts = [each["message"]["text"] for each in run["results"]]
    texts += [each[name]["text"] for each in rules for name in ("fullDescription", "help") if name in each]
    assert any("{{0}}" in text for text in texts)
    assert not any("](" in text or "{0}" in text.replace("{{", "").replace("}}", "") for text in texts)


@KINDS
def test_ocsf_is_valid(store: Store, filters: Any, count: int) -> None:
    events = documents(ocsf.lines(store, filters))
    assert [definitions.mistakes(each) for each in events] == [[]] * count
    assert {each["class_uid"] for each in events} == {2002 if isinstance(filters, Filters) else 2003}


@pytest.mark.parametrize(
    ("spoil", "mistake"),
    [
        (lambda event: event.pop("time"), ".time: missing"),
        (lambda event: event["finding_info"].pop("uid"), ".finding_info.uid: missing"),
        (lambda event: event.update(severity_id=7), ".severity_id: 7 is none of"),
        (lambda event: event.update(port=1), ".port: unknown"),
        (lambda event: event["vulnerabilities"][0].update(cwe={"uid": "CWE-1"}), ".vulnerabilities[0]: just_one of"),
        (lambda event: event["resources"][0].update(ip="x"), ".resources[0].ip: 'x' is no ip_t"),
        (lambda event: event.update(type_uid=1), "type_uid: 1 is not 200201"),
    ],
)
def test_what_is_not_valid_ocsf_is_noticed(store: Store, spoil: Any, mistake: str) -> None:
    event = documents(ocsf.lines(store, Filters()))[0]
    spoil(event)
    assert any(each.startswith(mistake) for each in definitions.mistakes(event))


@KINDS
def test_defectdojo_takes_the_import(store: Store, filters: Any, count: int) -> None:
    imported = document(defectdojo.lines(store, filters))
    assert dojo.mistakes(imported) == []
    assert len(imported["findings"]) == count
    assert {name for each in imported["findings"] for name in each} <= dojo.REQUIRED.keys() | dojo.OF_EVERY_RELEASE


@pytest.mark.parametrize(
    ("name", "address", "endpoint"),
    [
        ("web.example", "10.0.0.1", {"host": "web.example", "port": 443, "protocol": "tcp"}),
        ("2001:db8::1", None, {"host": "2001:db8::1", "port": 443, "protocol": "tcp"}),
        ("a", "10.0.0.1", {"host": "10.0.0.1", "port": 443, "protocol": "tcp"}),
        ("fe80::1%eth0", "fe80::1", {"host": "fe80::1", "port": 443, "protocol": "tcp"}),
        ("a place of ours", "", None),
    ],
)
def test_an_endpoint_for_defectdojo_has_a_host_that_it_takes(
    tmp_path: Path, name: str, address: str | None, endpoint: dict[str, Any] | None
) -> None:
    with store_of(tmp_path, host(name, vulnerability(7, "x", port=443), address=address)) as opened:
        imported = document(defectdojo.lines(opened, Filters()))
    assert [each.get("endpoints") for each in imported["findings"]] == [[endpoint] if endpoint else None]
    assert dojo.mistakes(imported) == []


@pytest.mark.parametrize("port", [65_536, 10**11])
def test_a_port_that_cannot_be_is_not_given_to_defectdojo(tmp_path: Path, port: int) -> None:
    with store_of(tmp_path, host("web.example", vulnerability(7, "x", port=port))) as opened:
        imported = document(defectdojo.lines(opened, Filters()))
    assert imported["findings"][0]["endpoints"] == [{"host": "web.example"}]


NAMED = 'pluginName="Plugin 7"'


@pytest.mark.parametrize(
    ("hosts", "field", "expected"),
    [
        ((host("a.example", vulnerability(7).replace(NAMED, f'pluginName="{"x" * 600}"')),), "title", "x" * 511),
        ((host("a.example", vulnerability(7).replace(NAMED, f'pluginName="{"ß " * 300}"')),), "title", "ß " * 170),
        ((host("a.example", vulnerability(7, synopsis="x" * 100_000)),), "impact", "x" * 65_536),
        ((host("a.example", vulnerability(7, "x" * 300_009)),), "steps_to_reproduce", f"```\n{'x' * 300_000}\n```"),
        ((host("a.example", vulnerability(7, "x" * 265_000)),), "steps_to_reproduce", f"```\n{'x' * 265_000}\n```"),
        ((host("a.example", vulnerability(7, cvss3_vector=VECTOR, cvss3_base_score="11")),), "cvssv3_score", None),
        ((host("a.example", vulnerability(7)).replace(FAR, "Fri Dec 31 23:59:59 9999"),), "date", None),
        ((host("a.example", vulnerability(7)).replace(FAR, "Mon Jan  1 00:00:00 0001"),), "date", "0001-01-01"),
    ],
    ids=["title", "title of small letters", "text", "output", "long output", "score", "last year", "first year"],
)
def test_what_a_report_has_too_much_of_does_not_fail_an_import_into_defectdojo(
    tmp_path: Path, hosts: tuple[str, ...], field: str, expected: Any
) -> None:
    with store_of(tmp_path, *hosts) as opened:
        imported = document(defectdojo.lines(opened, Filters()))
    assert [each.get(field) for each in imported["findings"]] == [expected]
    assert dojo.mistakes(imported) == []


def test_a_description_for_defectdojo_has_room_in_its_search(tmp_path: Path) -> None:
    with store_of(tmp_path, host("a.example", vulnerability(7, description="x" * 100_000))) as opened:
        imported = document(defectdojo.lines(opened, Filters()))
    assert len(imported["findings"][0]["description"]) == 65_536
    assert dojo.mistakes(imported) == []


def test_a_version_for_defectdojo_is_cut(tmp_path: Path) -> None:
    about = {"result": {"results_summary": {"scanner_version": "9" * 300}}}
    with FindingsWriter(tmp_path) as writer:
        validate([report(host("a.example", vulnerability(7)))], listener=writer)
        writer.write(tmp_path / "findings.sqlite", about)
    with Store(tmp_path / "findings.sqlite") as opened:
        imported = document(defectdojo.lines(opened, Filters()))
    assert imported["version"] == f"Nessus {'9' * 93}"
    assert dojo.mistakes(imported) == []


@pytest.mark.parametrize(("protocol", "kept"), [("abcdefghij", True), ("abcdefghijk", False)])
def test_a_protocol_that_is_too_long_for_defectdojo_is_left_out(tmp_path: Path, protocol: str, kept: bool) -> None:
    found = vulnerability(7, port=5).replace('protocol="tcp"', f'protocol="{protocol}"')
    with store_of(tmp_path, host("a.example", found)) as opened:
        imported = document(defectdojo.lines(opened, Filters()))
    place = {"host": "a.example", "port": 5, "protocol": protocol} if kept else {"host": "a.example"}
    assert imported["findings"][0]["endpoints"] == [place]
    assert dojo.mistakes(imported) == []


def test_the_how_to_names_the_test_type_that_defectdojo_makes(store: Store) -> None:
    named = dojo.name_of_test_type(document(defectdojo.lines(store, Filters())))
    assert named == "scanpool Scan (Generic Findings Import)"
    assert f'DEDUPLICATION_ALGORITHM_PER_PARSER["{named}"]' in HOW_TO.read_text("utf-8")


def test_the_how_to_says_what_a_product_that_defectdojo_has_to_make_is_of() -> None:
    (asked,) = [block for block in HOW_TO.read_text("utf-8").split("```") if "/api/v2/reimport-scan/" in block]
    assert "auto_create_context=true" in asked
    assert all(f"-F {name}_name=" in asked for name in ("product_type", "product", "engagement"))


@pytest.mark.parametrize(
    ("spoil", "mistake"),
    [
        (lambda finding: finding.pop("description"), "description: missing"),
        (lambda finding: finding.update(severity="high"), "severity: 'high'"),
        (lambda finding: finding.update(cvss=7), "cvss: not allowed"),
        (lambda finding: finding.update(cwe="79"), "cwe: '79' is no int"),
        (lambda finding: finding.update(cvssv3_score=10.5), "cvssv3_score: 10.5 is out of its range"),
        (lambda finding: finding.update(date="24 March"), "date: '24 March' is no date"),
        (lambda finding: finding.update(tags=[1]), "tags: [1] is no list of texts"),
        (lambda finding: finding.update(title="t" * 512), "title: too long"),
        (lambda finding: finding.update(title="ß" * 300), "title: too long with capitals"),
        (lambda finding: finding.update(description="x" * 200_000), "description: too long"),
        (lambda finding: finding.update(date="9999-12-31"), "date: '9999-12-31' is no date"),
        (lambda finding: finding.update(endpoints=[{"host": "a b"}]), "endpoints.host: 'a b'"),
        (lambda finding: finding.update(endpoints=[{"host": "10.0.0.1", "userinfo": "me"}]), "endpoints.userinfo"),
        (lambda finding: finding.update(endpoints=[{"host": "10.0.0.1", "port": 65536}]), "endpoints.port: 65536"),
        (
            lambda finding: finding.update(endpoints=[{"host": "10.0.0.1", "protocol": "abcdefghijk"}]),
            "endpoints.protocol: 'abcdefghijk'",
        ),
        (lambda finding: finding.update(cve="CVE-2020-1", vulnerability_ids=[]), "cve and vulnerability_ids"),
    ],
)
def test_what_defectdojo_would_not_take_is_noticed(store: Store, spoil: Any, mistake: str) -> None:
    imported = document(defectdojo.lines(store, Filters()))
    spoil(imported["findings"][0])
    assert any(each.startswith(mistake) for each in dojo.mistakes(imported))


@pytest.mark.parametrize("filters", [Filters(), ComplianceFilters()], ids=["findings", "compliance"])
def test_a_report_without_findings_is_a_valid_document_too(empty: Store, filters: Any) -> None:
    log = document(sarif.lines(empty, filters))
    jsonschema.Draft4Validator(SARIF).validate(log)
    assert log["runs"][0]["results"] == log["runs"][0]["tool"]["driver"]["rules"] == []
    assert document(defectdojo.lines(empty, filters))["findings"] == []
    assert list(ocsf.lines(empty, filters)) == []
