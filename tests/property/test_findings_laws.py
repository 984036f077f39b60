"""Laws of querying findings: filters against a look at each, pages against the whole, groups against counting."""

from __future__ import annotations

import ipaddress
import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scanpool.report.findings import choosing, selection
from scanpool.report.findings.filters import (
    SEVERITY_NAMES,
    ComplianceFilters,
    Filters,
    Score,
)
from scanpool.report.findings.groups import GROUPINGS, By, groups
from scanpool.report.findings.jsonlines import all_lines
from scanpool.report.findings.query import compliance, every_finding, every_result, findings
from scanpool.report.findings.spans import Spans
from scanpool.report.findings.store import Store
from tests.support.findings import check, findings_file, vulnerability
from tests.support.reports import host, item

CVES = [f"CVE-2020-{1000 + number}" for number in range(6)]
WORDS = ["OpenSSL", "openssl 1.0", "50%", "a_b", "back\\slash", "Ärger", "ärger", "\u2028", "'--"]
NAMES = ["10.0.0.1", "10.0.0.2", "10.0.1.1", "10.0.1.200", "192.168.0.1", "2001:db8::1", "web.example", "db.example"]
RESULTS = ["FAILED", "ERROR", "WARNING", "PASSED", "SKIPPED", "ODD", "OTHER"]
COMPARE: dict[str, Callable[[float, float], bool]] = {
    ">=": lambda one, other: one >= other,
    "<=": lambda one, other: one <= other,
    ">": lambda one, other: one > other,
    "<": lambda one, other: one < other,
    "=": lambda one, other: one == other,
}
COLUMNS = {
    "cvss": "cvss_score",
    "cvss2": "cvss_base_score",
    "cvss3": "cvss3_base_score",
    "cvss4": "cvss4_base_score",
    "vpr": "vpr_score",
    "epss": "epss_score",
}


def a_plugin(number: int, chance: Random) -> Callable[[str, int], str]:
    facts: dict[str, Any] = {"cve": CVES[number % 6 : number % 6 + number % 3]}
    for name in ("cvss_base_score", "cvss3_base_score", "cvss4_base_score", "vpr_score", "epss_score"):
        if chance.random() < 0.7:
            facts[name] = str(chance.choice([0, 0.5, 5, 7, 7.5, 9.8]))
    if number % 2:
        facts["exploit_available"] = "true"
    if number % 5 == 0:
        facts["cisa-known-exploited"] = "2022/05/03"
    severity, family = chance.randrange(5), chance.choice(["General", "Web Servers"])
    word = WORDS[number % len(WORDS)]

    def reported(output: str, port: int) -> str:
        made = vulnerability(number, output, severity=severity, port=port, family=family, **facts)
        return made.replace(f'"Plugin {number}"', f'"Plugin {number} {word}"')

    return reported


def a_report() -> list[str]:
    chance = Random(1)
    plugins = [a_plugin(number, chance) for number in range(1, 25)]
    hosts = []
    for number, name in enumerate(NAMES):
        items = [
            chance.choice(plugins)(chance.choice(WORDS) * chance.randrange(1, 3), chance.choice([0, 22, 443]))
            for _ in range(60)
        ]
        items += [item("none", chance.choice(WORDS), severity=None)] * (number % 3)
        items += [check(f"check {chance.choice(WORDS)}", chance.choice(RESULTS)) for _ in range(12)]
        address = "" if name == "web.example" else "10.9.9.9" if name == "db.example" else None
        hosts.append(host(name, *items, address=address))
    return hosts


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return findings_file(tmp_path_factory.mktemp("laws"), *a_report())


@cache
def everything(path: Path) -> list[dict[str, Any]]:
    with Store(path) as store:
        return list(every_finding(store, fields="full"))


@cache
def every_check(path: Path) -> list[dict[str, Any]]:
    with Store(path) as store:
        return list(every_result(store, fields="full"))


def ranks(rows: Iterable[dict[str, Any]]) -> list[int]:
    return [row["rank"] for row in rows]


def some(values: list[Any], most: int = 3) -> st.SearchStrategy[tuple[Any, ...]]:
    return st.one_of(st.just(()), st.lists(st.sampled_from(values), min_size=1, max_size=most).map(tuple))


places = [*NAMES, "10.0.0.0/24", "10.0.0.0/8", "0.0.0.0/0", "2001:db8::/32", "::/0", "10.9.9.9", "nowhere", "8.0.0.0/8"]
scores = st.builds(
    Score,
    st.sampled_from(sorted(COLUMNS)),
    st.sampled_from(sorted(COMPARE)),
    st.sampled_from([0, 0.5, 5, 7.5, 9.8, 11]),
)
filters = st.builds(
    Filters,
    severity=some(list(SEVERITY_NAMES)),
    host=some(places),
    plugin_id=st.one_of(st.just(()), st.lists(st.integers(0, 30), min_size=1, max_size=12).map(tuple)),
    family=some(["general", "WEB SERVERS", "none"]),
    port=some([0, 22, 443, 80]),
    cve=some([*CVES, "cve-2020-1001", "CVE-1999-0001"]),
    scores=st.lists(scores, max_size=2).map(tuple),
    exploit_available=st.sampled_from([None, None, True, False]),
    known_exploited=st.sampled_from([None, None, None, True, False]),
    name=some([*WORDS, "plugin", "PLUGIN 1"], 2),
    output=some([*WORDS, "S", "OPENSSL", "ssl"], 2),
    text=some([*WORDS, "PLUGIN 1", "ssl"], 2),
)
# All at once leave next to nothing; a few at a time leave something.
few_filters = st.builds(
    lambda whole, names: Filters(**{name: getattr(whole, name) for name in names}),
    filters,
    st.sets(st.sampled_from(Filters.__struct_fields__), max_size=3),
)
compliance_filters = st.builds(
    ComplianceFilters,
    result=some([*RESULTS, "failed"]),
    host=some(places),
    plugin_id=st.sampled_from([(), (), (21157,), (1,)]),
    name=some([*WORDS, "CHECK"], 2),
)


@pytest.fixture(params=["listed", "looked"], autouse=True)
def way(request: pytest.FixtureRequest) -> Iterator[None]:
    """Both ways to come by ranks, whatever the size of the report."""
    before = choosing.MOST_LISTED, selection.STEP
    if request.param == "looked":
        choosing.MOST_LISTED, selection.STEP = 5, 4
    yield
    choosing.MOST_LISTED, selection.STEP = before


@given(few_filters)
@settings(deadline=None)
def test_what_a_filter_leaves_is_what_a_look_at_every_finding_leaves(path: Path, wanted: Filters) -> None:
    expected = ranks(row for row in everything(path) if fits(row, wanted))
    with Store(path) as store:
        assert ranks(every_finding(store, wanted, ["rank"])) == expected
        assert findings(store, wanted, page_size=1).total == len(expected)


@given(filters)
@settings(deadline=None)
def test_so_do_all_filters_at_once(path: Path, wanted: Filters) -> None:
    with Store(path) as store:
        found = ranks(every_finding(store, wanted, ["rank"]))
    assert found == ranks(row for row in everything(path) if fits(row, wanted))


@given(compliance_filters, st.integers(1, 40))
@settings(deadline=None)
def test_the_same_of_compliance_results(path: Path, wanted: ComplianceFilters, size: int) -> None:
    expected = [row for row in every_check(path) if result_fits(row, wanted)]
    with Store(path) as store:
        assert ranks(every_result(store, wanted, ["rank"])) == ranks(expected)
        page = compliance(store, wanted, "full", page=2, page_size=size)
        assert (page.total, list(page.rows)) == (len(expected), expected[size : 2 * size])


@given(few_filters, st.integers(20, 200))
@settings(deadline=None, max_examples=50)
def test_pages_and_cursors_are_the_whole_cut_into_pieces(path: Path, wanted: Filters, size: int) -> None:
    with Store(path) as store, Store(path) as other:
        whole = ranks(every_finding(store, wanted, ["rank"]))
        page = findings(store, wanted, ["rank"], page_size=size)
        pages = [page]
        while page.next_page is not None:
            assert page.next_cursor is not None
            after = findings(other, wanted, ["rank"], cursor=page.next_cursor, page_size=size)
            page = findings(store, wanted, ["rank"], page=page.next_page, page_size=size)
            assert (after.rows, after.total, after.next_cursor) == (page.rows, page.total, page.next_cursor)
            pages.append(page)
        assert ranks(row for each in pages for row in each.rows) == whole
        assert {each.total for each in pages} == {len(whole)}
        assert len(pages) == max(1, page.total_pages)


@given(few_filters, st.sampled_from(GROUPINGS))
@settings(deadline=None)
def test_groups_are_what_counting_gives(path: Path, wanted: Filters, by: By) -> None:
    left = [row for row in everything(path) if fits(row, wanted)]
    expected = Counter((key, row["severity_name"]) for row in left for key in keys_of(row, by))
    with Store(path) as store:
        page = groups(store, by, wanted, page_size=1000)
    found = {
        (next(iter(group.key.values())), name): getattr(group.severity, name)
        for group in page.groups
        for name in SEVERITY_NAMES
    }
    order = [tuple(-getattr(group.severity, name) for name in SEVERITY_NAMES) for group in page.groups]
    assert {key: count for key, count in found.items() if count} == expected
    assert order == sorted(order)
    assert page.findings == len(left)
    assert all(group.findings > 0 for group in page.groups)


@given(few_filters)
@settings(deadline=None, max_examples=25)
def test_lines_are_the_findings(path: Path, wanted: Filters) -> None:
    with Store(path) as store:
        lines = b"".join(all_lines(store, wanted, "full")).decode().splitlines()
    assert [json.loads(each) for each in lines[2:-1]] == [row for row in everything(path) if fits(row, wanted)]


@given(st.sets(st.integers(1, 60)), st.integers(0, 70), st.integers(0, 20))
def test_spans_are_the_ranks_that_they_are_made_of(members: set[int], place: int, count: int) -> None:
    ordered = sorted(members)
    spans = Spans((rank, rank) for rank in ordered)
    assert len(spans) == len(ordered)
    assert spans.at(place, count) == ordered[place : place + count]
    assert spans.up_to(place) == sum(rank <= place for rank in ordered)
    after = [rank for first, last in spans.after(place) for rank in range(first, last + 1)]
    assert after == [rank for rank in ordered if rank > place]
    assert [rank for rank in range(70) if rank in spans] == ordered


def fits(row: dict[str, Any], wanted: Filters) -> bool:
    return all(
        (
            not wanted.severity or row["severity_name"] in wanted.severity,
            not wanted.host or any(is_host(row, each) for each in wanted.host),
            not wanted.plugin_id or row["plugin_id"] in wanted.plugin_id,
            not wanted.family or row["plugin_family"].lower() in {each.lower() for each in wanted.family},
            not wanted.port or row["port"] in wanted.port,
            not wanted.cve or {each.upper() for each in wanted.cve} & set(row["cve"]),
            all(compared(row[COLUMNS[each.of]], each) for each in wanted.scores),
            wanted.exploit_available in (None, row["exploit_available"]),
            wanted.known_exploited in (None, row["known_exploited"]),
            all(has(row["plugin_name"], each) for each in wanted.name),
            all(has(row["plugin_output"], each) for each in wanted.output),
            all(has(row["plugin_name"], each) or has(row["plugin_output"], each) for each in wanted.text),
        )
    )


def result_fits(row: dict[str, Any], wanted: ComplianceFilters) -> bool:
    return all(
        (
            not wanted.result or row["result"] in {each.upper() for each in wanted.result},
            not wanted.host or any(is_host(row, each) for each in wanted.host),
            not wanted.plugin_id or row["plugin_id"] in wanted.plugin_id,
            all(has(row["check_name"], each) for each in wanted.name),
        )
    )


def is_host(row: dict[str, Any], named: str) -> bool:
    if "/" not in named:
        return named in (row["host"], row["host_ip"])
    try:
        return ipaddress.ip_address(row["host_ip"] or row["host"]) in ipaddress.ip_network(named)
    except ValueError:
        return False


def compared(value: float | None, score: Score) -> bool:
    return value is not None and COMPARE[score.operator](value, score.value)


def has(text: str | None, wanted: str) -> bool:
    return text is not None and ascii_lower(wanted) in ascii_lower(text)


def ascii_lower(text: str) -> str:
    return "".join(letter.lower() if letter.isascii() else letter for letter in text)


def keys_of(row: dict[str, Any], by: By) -> list[Any]:
    match by:
        case "plugin":
            return [row["plugin_id"]]
        case "host":
            return [row["host"]]
        case "cve":
            return list(row["cve"])
        case "family":
            return [row["plugin_family"]]
