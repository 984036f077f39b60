"""Findings counted by plugin, host, CVE and family, the worst first."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from scanpool.report.findings.errors import BadPage, UnknownField
from scanpool.report.findings.filter_syntax import parse
from scanpool.report.findings.groups import By, groups, host_count
from scanpool.report.findings.store import Store
from tests.support.findings import store_of, vulnerability
from tests.support.reports import host, item

BOTH = ["CVE-2020-0001", "CVE-2020-0002"]
HOSTS = (
    host(
        "10.0.0.1",
        vulnerability(1, "apache", severity=3, family="Web", cve=BOTH, cvss3_base_score="7.5"),
        vulnerability(2, severity=4, family="Web", cve="CVE-2020-0002"),
        item(4),
    ),
    host("10.0.0.2", vulnerability(1, severity=3, family="Web", cve=BOTH, cvss3_base_score="7.5"), item(4)),
    host("10.0.0.3", vulnerability(1, severity=0, family="Web", cve=BOTH, cvss3_base_score="7.5"), item("x", "none")),
)


def counted(store: Store, by: By, *conditions: str) -> dict[Any, tuple[int, ...]]:
    page = groups(store, by, parse(conditions))
    assert page.total == len(page.groups)
    key = {"plugin": "plugin_id", "host": "host", "cve": "cve", "family": "plugin_family"}[by]
    return {
        group.key[key]: (group.findings, group.severity.critical, group.severity.high, group.severity.info)
        for group in page.groups
    }


def test_by_plugin_the_same_number_is_one_group_whatever_its_severity(tmp_path: Path) -> None:
    with store_of(tmp_path, *HOSTS) as store:
        by_plugin = counted(store, "plugin")
        assert list(by_plugin) == [2, 1, 4, None]
        assert by_plugin == {2: (1, 1, 0, 0), 1: (3, 0, 2, 1), 4: (2, 0, 0, 2), None: (1, 0, 0, 1)}
        first = groups(store, "plugin", page=2, page_size=1).groups[0]
        assert first.key == {"plugin_id": 1, "plugin_name": "Plugin 1", "plugin_family": "Web"}
        assert first.cvss_score == 7.5


@pytest.mark.parametrize(
    ("conditions", "hosts"),
    [
        ([], 3),
        (["plugin_id=1"], 3),
        (["plugin_id=1", "severity>=high"], 2),
        (["cve=CVE-2020-0002"], 3),
        (["cvss>9"], 0),
    ],
)
def test_a_host_counts_once_however_much_is_found_on_it(tmp_path: Path, conditions: list[str], hosts: int) -> None:
    with store_of(tmp_path, *HOSTS) as store:
        assert host_count(store, parse(conditions)) == hosts


def test_by_host_the_one_with_the_worst_comes_first(tmp_path: Path) -> None:
    with store_of(tmp_path, *HOSTS) as store:
        assert counted(store, "host") == {
            "10.0.0.1": (3, 1, 1, 1),
            "10.0.0.2": (2, 0, 1, 1),
            "10.0.0.3": (2, 0, 0, 2),
        }
        assert list(counted(store, "host")) == ["10.0.0.1", "10.0.0.2", "10.0.0.3"]
        assert groups(store, "host").groups[0].key["verdict"] == "unknown"


def test_by_cve_a_finding_counts_with_each_of_its_cves(tmp_path: Path) -> None:
    with store_of(tmp_path, *HOSTS) as store:
        assert counted(store, "cve") == {"CVE-2020-0002": (4, 1, 2, 1), "CVE-2020-0001": (3, 0, 2, 1)}
        assert groups(store, "cve").findings == 7


def test_by_family(tmp_path: Path) -> None:
    with store_of(tmp_path, *HOSTS) as store:
        assert counted(store, "family") == {"Web": (4, 1, 2, 1), "General": (3, 0, 0, 3)}


@pytest.mark.parametrize(
    ("by", "conditions", "expected"),
    [
        ("plugin", ["severity>=high"], {2: (1, 1, 0, 0), 1: (2, 0, 2, 0)}),
        ("plugin", ["host=10.0.0.0/30"], {2: (1, 1, 0, 0), 1: (3, 0, 2, 1), 4: (2, 0, 0, 2), None: (1, 0, 0, 1)}),
        ("plugin", ["host=10.0.0.2"], {1: (1, 0, 1, 0), 4: (1, 0, 0, 1)}),
        ("plugin", ["output~apache"], {1: (1, 0, 1, 0)}),
        ("host", ["severity=high"], {"10.0.0.1": (1, 0, 1, 0), "10.0.0.2": (1, 0, 1, 0)}),
        ("host", ["host=10.0.0.2/31", "severity=info"], {"10.0.0.3": (2, 0, 0, 2), "10.0.0.2": (1, 0, 0, 1)}),
        ("host", ["plugin_id=4"], {"10.0.0.1": (1, 0, 0, 1), "10.0.0.2": (1, 0, 0, 1)}),
        ("host", ["output~none"], {"10.0.0.3": (1, 0, 0, 1)}),
        ("cve", ["host=10.0.0.1"], {"CVE-2020-0002": (2, 1, 1, 0), "CVE-2020-0001": (1, 0, 1, 0)}),
        ("cve", ["severity=critical"], {"CVE-2020-0002": (1, 1, 0, 0)}),
        ("cve", ["cve=CVE-2020-0001"], {"CVE-2020-0001": (3, 0, 2, 1), "CVE-2020-0002": (3, 0, 2, 1)}),
        ("family", ["port=0", "name~plugin 4"], {"General": (2, 0, 0, 2)}),
        ("family", ["port=1"], {}),
    ],
)
def test_groups_count_what_the_filters_leave(tmp_path: Path, by: By, conditions: list[str], expected: Any) -> None:
    with store_of(tmp_path, *HOSTS) as store:
        assert counted(store, by, *conditions) == expected
        assert counted(store, by, *conditions) == expected, "asked again it is the same"


def test_groups_are_paged(tmp_path: Path) -> None:
    with store_of(tmp_path, *HOSTS) as store:
        first, last = groups(store, "plugin", page_size=3), groups(store, "plugin", page=2, page_size=3)
        assert (first.total, first.total_pages, first.has_next, first.next_page) == (4, 2, True, 2)
        assert (len(last.groups), last.has_next, last.next_page) == (1, False, None)
        assert groups(store, "plugin", page=9).groups == ()
        with pytest.raises(BadPage):
            groups(store, "plugin", page=0)


def test_an_unknown_grouping_is_told_with_the_nearest(tmp_path: Path) -> None:
    with store_of(tmp_path) as store, pytest.raises(UnknownField, match=r"did you mean 'plugin'.*plugin, host, cve"):
        groups(store, "plugins")  # type: ignore[arg-type]


def test_many_groupings_leave_only_the_latest_behind(tmp_path: Path) -> None:
    with store_of(tmp_path, *HOSTS) as store:
        for port in range(40):
            groups(store, "plugin", parse([f"port={port}"]))
        assert store.value("SELECT COUNT(*) FROM temp.sqlite_schema") <= 16


@pytest.mark.parametrize("conditions", [[], ["severity=high"], ["name~plugin"], ["port=0"], ["output~printed"]])
def test_hosts_come_in_the_same_order_whatever_is_asked_beside_them(tmp_path: Path, conditions: list[str]) -> None:
    hosts = [
        host(f"10.0.0.{number}", vulnerability(number, "printed", cvss3_base_score=score))
        for number, score in ((1, "7.0"), (2, "9.0"), (3, "8.0"))
    ]
    with store_of(tmp_path, *hosts) as store:
        page = groups(store, "host", parse(conditions))
    assert [(group.key["host"], group.cvss_score) for group in page.groups] == [
        (f"10.0.0.{number}", None) for number in (1, 2, 3)
    ]


def test_a_cve_that_shows_nothing_is_no_group(tmp_path: Path) -> None:
    with store_of(tmp_path, host("a", vulnerability(1, cve=["\u200b", " CVE-2020-0001 "]))) as store:
        assert list(counted(store, "cve")) == ["CVE-2020-0001"]
