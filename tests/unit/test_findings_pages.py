"""Pages of findings: fields, filters, order, totals and cursors."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from scanpool.report.findings.errors import BadCursor, BadPage, UnknownField
from scanpool.report.findings.filter_syntax import parse, parse_compliance
from scanpool.report.findings.filters import ComplianceFilters, Filters
from scanpool.report.findings.profiles import FINDING_FIELDS, PROFILES
from scanpool.report.findings.query import (
    LARGEST_PAGE,
    compliance,
    every_finding,
    every_result,
    finding,
    findings,
    shortened,
)
from scanpool.report.findings.store import Store
from tests.support.findings import check, findings_file, store_of, vulnerability
from tests.support.reports import host, item

RICH = vulnerability(
    7,
    "what it printed",
    severity=4,
    port=443,
    family="Web Servers",
    description="what it is",
    see_also="http://a\nhttp://b",
    cve=["CVE-2020-1000", "CVE-2020-2000"],
    xref=["CWE:200", "IAVA:1"],
    cvss_base_score="5.0",
    cvss3_base_score="9.8",
    cvss3_vector="CVSS:3.0/AV:N",
    vpr_score="6.7",
    epss_score="0.42",
    exploit_available="true",
    exploit_framework_metasploit="true",
    metasploit_name="A module",
    plugin_publication_date="2020/01/01",
    synopsis="in short",
    solution="update",
    first_found="2025/01/01",
    a_new_element="too",
    **{"cisa-known-exploited": "2022/05/03"},
)


def found(store: Store, *conditions: str, fields: str | list[str] = "full") -> list[dict[str, Any]]:
    return list(every_finding(store, parse(conditions), fields))


def numbers(store: Store, *conditions: str) -> list[tuple[int, str]]:
    rows = found(store, *conditions, fields=["plugin_id", "host"])
    assert findings(store, parse(conditions), page_size=1).total == len(rows)
    return [(row["plugin_id"], row["host"]) for row in rows]


def test_a_full_finding_says_everything_that_the_report_says(tmp_path: Path) -> None:
    with store_of(tmp_path, host("10.0.0.1", RICH, tags={"host-fqdn": "web.example"})) as store:
        (row,) = found(store)
    assert list(row) == list(FINDING_FIELDS)
    said = {name: value for name, value in row.items() if value not in (None, [], False, "")}
    assert said == {
        "rank": 1,
        "host": "10.0.0.1",
        "host_ip": "10.0.0.1",
        "host_fqdn": "web.example",
        "plugin_id": 7,
        "plugin_name": "Plugin 7",
        "plugin_family": "Web Servers",
        "severity": 4,
        "severity_name": "critical",
        "port": 443,
        "protocol": "tcp",
        "svc_name": "general",
        "cve": ["CVE-2020-1000", "CVE-2020-2000"],
        "cvss_score": 9.8,
        "cvss_base_score": 5.0,
        "cvss3_base_score": 9.8,
        "cvss3_vector": "CVSS:3.0/AV:N",
        "vpr_score": 6.7,
        "epss_score": 0.42,
        "exploit_available": True,
        "known_exploited": True,
        "cisa_known_exploited": "2022/05/03",
        "exploit_framework_metasploit": True,
        "metasploit_name": "A module",
        "synopsis": "in short",
        "description": "what it is",
        "solution": "update",
        "see_also": ["http://a", "http://b"],
        "xref": ["CWE:200", "IAVA:1"],
        "plugin_publication_date": "2020/01/01",
        "first_found": "2025/01/01",
        "plugin_output": "what it printed",
        "extras": {"a_new_element": ["too"]},
    }


def test_profiles_grow_and_name_their_fields_in_order(tmp_path: Path) -> None:
    with store_of(tmp_path, host("10.0.0.1", RICH)) as store:
        for profile, names in PROFILES.items():
            page = findings(store, fields=profile)
            assert (page.profile, page.fields, tuple(page.rows[0])) == (profile, tuple(names), tuple(names))
        assert findings(store, fields="minimal").rows[0] == {
            "host": "10.0.0.1",
            "plugin_id": 7,
            "severity": 4,
            "severity_name": "critical",
            "cve": ["CVE-2020-1000", "CVE-2020-2000"],
            "cvss_score": 9.8,
            "exploit_available": True,
        }
    assert set(PROFILES["minimal"]) < set(PROFILES["summary"]) < set(PROFILES["brief"]) < set(PROFILES["full"])


@pytest.mark.parametrize("name", FINDING_FIELDS)
def test_every_field_can_be_had_alone(tmp_path: Path, name: str) -> None:
    with store_of(tmp_path, host("10.0.0.1", RICH)) as store:
        (whole,), (alone,) = found(store), found(store, fields=[name])
        assert alone == {name: whole[name]}


def test_attachments_are_objects(tmp_path: Path) -> None:
    attached = '<attachment name="shot.png" type="image/png">aGVsbG8=</attachment>'
    with store_of(tmp_path, host("a", item(1, children=attached), item(2))) as store:
        rows = found(store, fields=["attachments"])
    assert [row["attachments"] for row in rows] == [
        [{"name": "shot.png", "type": "image/png", "content": "aGVsbG8="}],
        [],
    ]


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ("ful", "no profile 'ful'; did you mean 'full'. There are: minimal, summary, brief, full"),
        (["host", "plugin_nme"], "no field 'plugin_nme'; did you mean 'plugin_name'. There are: rank, host"),
        ([], "no field is named"),
    ],
)
def test_an_unknown_field_is_told_with_the_nearest_and_all(tmp_path: Path, fields: Any, told: str) -> None:
    with store_of(tmp_path) as store, pytest.raises(UnknownField, match=told.replace("'.", r"'\?")):
        findings(store, fields=fields)


THREE = vulnerability(3, severity=0, cvss3_base_score="7.0", epss_score="0.2", exploit_available="true")
HOSTS = (
    host("10.0.0.10", vulnerability(1, "Apache 2.4", severity=4, port=443, cve="CVE-2020-0001", vpr_score="9.1")),
    host(
        "10.0.0.9",
        vulnerability(1, "apache 2.2", severity=4, port=80, cve="CVE-2020-0001", vpr_score="9.1"),
        vulnerability(2, "a_b", severity=2, port=443, family="Web Servers", cvss3_base_score="5.5"),
        THREE,
    ),
    host("web.example", vulnerability(2, "a%b", severity=2, family="Web Servers", cvss3_base_score="5.5"), address=""),
    host("db.example", item(9, "none", severity=None), THREE, address="2001:db8::1"),
)
NINE, TEN, WEB, DB = "10.0.0.9", "10.0.0.10", "web.example", "db.example"


@pytest.mark.parametrize(
    ("conditions", "expected"),
    [
        ([], [(1, NINE), (1, TEN), (2, NINE), (2, WEB), (3, NINE), (3, DB), (9, DB)]),
        (["severity=critical"], [(1, NINE), (1, TEN)]),
        (["severity>=medium"], [(1, NINE), (1, TEN), (2, NINE), (2, WEB)]),
        (["severity=unrated"], [(9, DB)]),
        (["severity=unrated,info"], [(3, NINE), (3, DB), (9, DB)]),
        (["host=10.0.0.9"], [(1, NINE), (2, NINE), (3, NINE)]),
        (["host=10.0.0.8/31"], [(1, NINE), (2, NINE), (3, NINE)]),
        (["host=10.0.0.0/8"], [(1, NINE), (1, TEN), (2, NINE), (3, NINE)]),
        (["host=2001:db8::/32"], [(3, DB), (9, DB)]),
        (["host=2001:DB8:0::1"], [(3, DB), (9, DB)]),
        (["host=web.example,10.0.0.10"], [(1, TEN), (2, WEB)]),
        (["host=0.0.0.0/0,::/0"], [(1, NINE), (1, TEN), (2, NINE), (3, NINE), (3, DB), (9, DB)]),
        (["host=web"], []),
        (["plugin_id=2,9"], [(2, NINE), (2, WEB), (9, DB)]),
        (["family=web servers"], [(2, NINE), (2, WEB)]),
        (["port=443"], [(1, TEN), (2, NINE)]),
        (["port=443,80", "severity=critical"], [(1, NINE), (1, TEN)]),
        (["cve=cve-2020-0001"], [(1, NINE), (1, TEN)]),
        (["cvss3>=5.5"], [(2, NINE), (2, WEB), (3, NINE), (3, DB)]),
        (["cvss3>5.5", "cvss3<8"], [(3, NINE), (3, DB)]),
        (["cvss=7"], [(3, NINE), (3, DB)]),
        (["vpr>9"], [(1, NINE), (1, TEN)]),
        (["epss<=0.2"], [(3, NINE), (3, DB)]),
        (["exploit_available=true"], [(3, NINE), (3, DB)]),
        (["name~PLUGIN 2"], [(2, NINE), (2, WEB)]),
        (["output~APACHE"], [(1, NINE), (1, TEN)]),
        (["output~apache", "output~2.2"], [(1, NINE)]),
        (["output~a_b"], [(2, NINE)]),
        (["output~a%b"], [(2, WEB)]),
        (["output~a", "host=10.0.0.9", "port=443"], [(2, NINE)]),
        (["text~APACHE"], [(1, NINE), (1, TEN)]),
        (["text~plugin 1", "text~2.2"], [(1, NINE)]),
        (["text~plugin 1", "host=10.0.0.10"], [(1, TEN)]),
        (["severity=critical", "family=Web Servers"], []),
    ],
)
def test_filters_leave_what_fits_all_of_them(tmp_path: Path, conditions: list[str], expected: list[Any]) -> None:
    with store_of(tmp_path, *HOSTS) as store:
        assert numbers(store, *conditions) == expected


def test_a_page_cut_short_goes_on_after_its_last_finding(tmp_path: Path) -> None:
    with store_of(tmp_path, *HOSTS) as store:
        whole = [row["rank"] for row in findings(store, fields=["rank"], page_size=100).rows]
        for page in (findings(store, fields=["rank"], page_size=100), findings(store, fields=["rank"], page_size=4)):
            cut = shortened(store, page, 2)
            assert (cut.total, cut.has_next, cut.next_page) == (page.total, True, None)
            rest = findings(store, fields=["rank"], page_size=100, cursor=cut.next_cursor)
            assert [row["rank"] for row in (*cut.rows, *rest.rows)] == whole
            assert rest.next_cursor is None
        second = shortened(store, findings(store, fields=["rank"], page=2, page_size=3), 1)
        after = findings(store, fields=["rank"], page_size=100, cursor=second.next_cursor)
        assert [row["rank"] for row in after.rows] == whole[4:]


def test_letters_beyond_a_to_z_fit_as_they_are(tmp_path: Path) -> None:
    named = item(2).replace("Plugin 2", "Ärger")
    with store_of(tmp_path, host("a", item(1, "Ärger"), named)) as store:
        for field, number in (("output", 1), ("name", 2)):
            assert numbers(store, f"{field}~ÄRGER") == [(number, "a")]
            assert numbers(store, f"{field}~ärger") == []


def test_a_host_is_found_by_its_name_however_long_it_is(tmp_path: Path) -> None:
    names = [f"https://web.example/{'a' * 300}/{number}" for number in range(2)]
    with store_of(tmp_path, *(host(name, item(1), address="") for name in names)) as store:
        for name in names:
            (row,) = every_finding(store, Filters(host=(name,)), ["host"])
            assert row["host"].startswith(name[:200])
            assert len(list(every_finding(store, Filters(host=(row["host"],))))) == 1


@pytest.mark.parametrize("text", ["\0", "a\0", "\ufffe"])
def test_a_character_that_no_name_can_have_stands_in_none(tmp_path: Path, text: str) -> None:
    named = (item("\ufffd", "printed"), check("a \ufffd check", "FAILED"))
    with store_of(tmp_path, host("a", *named)) as store:
        assert list(every_finding(store, Filters(name=(text,)))) == []
        assert list(every_finding(store, Filters(text=(text,)))) == []
        assert list(every_result(store, ComplianceFilters(name=(text,)))) == []
        assert len(list(every_finding(store, Filters(name=("\ufffd",))))) == 1


def test_wildcards_of_sql_are_letters_like_others(tmp_path: Path) -> None:
    named = [
        item(number).replace(f"Plugin {number}", name) for number, name in enumerate(["a_b", "axb", "a%b", "a\\b"])
    ]
    with store_of(tmp_path, host("a", *named)) as store:
        for number, text in [(0, "a_b"), (2, "%"), (3, "A\\B")]:
            assert numbers(store, f"name~{text}") == [(number, "a")]


def test_pages_have_true_totals_and_say_where_to_go_on(tmp_path: Path) -> None:
    with store_of(tmp_path, host("a", *(item(number) for number in range(7)))) as store:
        first = findings(store, page_size=3)
        assert (first.total, first.total_pages, first.has_next, first.next_page) == (7, 3, True, 2)
        last = findings(store, page=3, page_size=3)
        assert (len(last.rows), last.has_next, last.next_page, last.next_cursor) == (1, False, None, None)
        beyond = findings(store, page=4, page_size=3)
        assert (beyond.rows, beyond.total, beyond.has_next) == ((), 7, False)


def test_a_cursor_goes_on_in_another_process_and_with_another_size(tmp_path: Path) -> None:
    path = findings_file(tmp_path, host("a", *(item(number) for number in range(7))))
    conditions = parse(["severity=info"])
    with Store(path) as store:
        cursor = findings(store, conditions, page_size=2).next_cursor
    with Store(path) as store:
        after = findings(store, conditions, ["plugin_id"], cursor=cursor, page_size=4)
    assert [row["plugin_id"] for row in after.rows] == [2, 3, 4, 5]
    assert (after.page, after.total, after.has_next, after.next_page) == (None, 7, True, None)
    assert after.next_cursor is not None


def test_a_cursor_is_good_for_its_file_and_its_filters_only(tmp_path: Path) -> None:
    items = [item(number) for number in range(4)]
    with store_of(tmp_path, host("a", *items)) as store:
        cursor = findings(store, page_size=1).next_cursor
        assert cursor is not None
        with pytest.raises(BadCursor, match="other filters"):
            findings(store, parse(["severity=info"]), cursor=cursor)
        with pytest.raises(BadCursor, match="other filters"):
            compliance(store, cursor=cursor)
        for broken in ("", "x", "é", "A" * 300, cursor[:-3], "/" + cursor[1:], "a b"):
            with pytest.raises(BadCursor, match="no cursor"):
                findings(store, cursor=broken)
    other_scan = findings_file(tmp_path, host("a", *items), name="other", scan="s2")
    other_report = findings_file(tmp_path, host("b", *items), name="another")
    for path in (other_scan, other_report):
        with Store(path) as store, pytest.raises(BadCursor, match="another scan"):
            findings(store, cursor=cursor)


@pytest.mark.parametrize(("page", "size"), [(0, 1), (-1, 1), (10**15, 1), (1, 0), (1, LARGEST_PAGE + 1)])
def test_pages_that_cannot_be_are_refused(tmp_path: Path, page: int, size: int) -> None:
    with store_of(tmp_path) as store, pytest.raises(BadPage, match="cannot be"):
        findings(store, page=page, page_size=size)


def test_one_finding_is_had_by_its_rank(tmp_path: Path) -> None:
    with store_of(tmp_path, host("a", item(1, "one"), item(2, "two"))) as store:
        assert finding(store, 2, ["plugin_output"]) == {"plugin_output": "two"}
        assert [finding(store, rank) for rank in (0, 3, -1, 10**30)] == [None] * 4


CHECKS = (
    host(
        "10.0.0.1",
        check("no root", "PASSED", actual_value="1", policy_value="0"),
        check("no guest", "FAILED", check_id="1.1", info="why", solution="how", reference="800-53|AC-1", new_one="x"),
        item(1),
    ),
    host("10.0.0.2", check("no root", "FAILED", actual_value="3"), check("odd", "Unknown")),
)


def test_compliance_results_are_a_list_of_their_own(tmp_path: Path) -> None:
    with store_of(tmp_path, *CHECKS) as store:
        page = compliance(store, fields="summary")
        assert [(row["result"], row["check_name"], row["host"], row["actual_value"]) for row in page.rows] == [
            ("FAILED", "no guest", "10.0.0.1", None),
            ("FAILED", "no root", "10.0.0.2", "3"),
            ("UNKNOWN", "odd", "10.0.0.2", None),
            ("PASSED", "no root", "10.0.0.1", "1"),
        ]
        (full,) = every_result(store, parse_compliance(["check_id=1.1"]), "full")
        assert (full["info"], full["solution"], full["reference"], full["policy_value"]) == (
            "why",
            "how",
            "800-53|AC-1",
            None,
        )
        assert full["extras"] == {"new-one": ["x"]}
        assert findings(store).total == 1


@pytest.mark.parametrize(
    ("conditions", "expected"),
    [
        (["result=failed"], ["no guest", "no root"]),
        (["result=PASSED,unknown"], ["odd", "no root"]),
        (["host=10.0.0.2"], ["no root", "odd"]),
        (["host=10.0.0.2/32", "result=failed"], ["no root"]),
        (["name~ROOT"], ["no root", "no root"]),
        (["plugin_id=1"], []),
    ],
)
def test_compliance_results_are_filtered(tmp_path: Path, conditions: list[str], expected: list[str]) -> None:
    with store_of(tmp_path, *CHECKS) as store:
        filters = parse_compliance(conditions)
        assert [row["check_name"] for row in every_result(store, filters)] == expected
        first = compliance(store, filters, page_size=1)
        assert first.total == len(expected)
        if first.next_cursor:
            after = compliance(store, filters, cursor=first.next_cursor)
            assert [row["check_name"] for row in (*first.rows, *after.rows)] == expected


@pytest.mark.parametrize("order", [range(1, 11), range(10, 0, -1)], ids=["forward", "backward"])
def test_many_hosts_and_texts_are_looked_for_with_the_same_outcome(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, order: range
) -> None:
    """Where the hosts have too many findings to list them."""
    monkeypatch.setattr("scanpool.report.findings.choosing.MOST_LISTED", 3)
    monkeypatch.setattr("scanpool.report.findings.selection.STEP", 2)
    hosts = [
        host(f"10.0.0.{n}", *(item(p, f"{p} on {n}", port=p % 3, severity=p % 2) for p in range(10)))
        for n in range(1, 9)
    ]
    with store_of(tmp_path, *hosts) as store:
        for conditions in (
            ["host=10.0.0.0/30"],
            ["port=1"],
            ["output~ on 3"],
            ["output~ on 3", "port=1"],
            ["output~ on 3", "output~7", "port=1"],
            ["output~ on ", "host=10.0.0.0/30"],
            ["host=10.0.0.0/30", "severity=low"],
            ["host=10.0.0.4/30", "port=2"],
            ["port=1", "plugin_id=1,4"],
        ):
            filters = parse(conditions)
            pages = {number: findings(store, filters, ["rank"], page=number, page_size=4).rows for number in order}
            rows = found(store, *conditions, fields=["rank"])
            assert [row for _, page in sorted(pages.items()) for row in page] == rows
            assert findings(store, filters).total == len(rows)
        assert found(store, "host=10.0.0.0/30", fields=["rank"])[0] == {"rank": 1}


def test_filters_are_decided_before_fields(tmp_path: Path) -> None:
    with store_of(tmp_path, *HOSTS) as store:
        assert findings(store, Filters(output=("apache",)), ["port"]).rows == ({"port": 80}, {"port": 443})
