"""Texts are found in outputs wherever their lines are kept: in whichever chunk, with few numbers or many."""

from __future__ import annotations

import sqlite3
import tracemalloc
from itertools import islice, product
from pathlib import Path

import pytest

from scanpool.report.findings.errors import NotAFindingsFile
from scanpool.report.findings.filters import Filters
from scanpool.report.findings.groups import By, groups
from scanpool.report.findings.query import every_finding
from scanpool.report.findings.searching import marks, templates
from scanpool.report.findings.searching.templates import Lines
from scanpool.report.findings.selection import Marked
from scanpool.report.findings.spans import Spans
from scanpool.report.findings.store import Store
from tests.support.findings import findings_file
from tests.support.reports import host, item


def ranks(store: Store, *texts: str, plugin_id: tuple[int, ...] = ()) -> list[int]:
    return [row["rank"] for row in every_finding(store, Filters(output=texts, plugin_id=plugin_id), fields=["rank"])]


def test_a_number_is_whole_unless_the_text_begins_or_ends_with_it(tmp_path: Path) -> None:
    printed = ["port 443: open", "port 4430: open", "port 1443: open", "port 443", "443"]
    items = [item(number, text) for number, text in enumerate(printed)]
    with Store(findings_file(tmp_path, host("a", *items))) as store:
        assert ranks(store, "port 443:") == [1]
        assert ranks(store, "443: open") == [1, 3]
        assert ranks(store, "port 443") == [1, 2, 4]
        assert ranks(store, "443") == [1, 2, 3, 4, 5]
        assert ranks(store, "PORT 443", "OPEN") == [1, 2]
        assert ranks(store, "port 44: open") == []


@pytest.mark.parametrize("count", [1, 2, 256, 257, 700])
def test_a_gap_may_have_had_any_number_of_numbers(tmp_path: Path, count: int) -> None:
    items = [item(number, f"build {number} of {number % 2}") for number in range(count)]
    with Store(findings_file(tmp_path, host("a", *items))) as store:
        for number in {0, count // 2, count - 1}:
            assert ranks(store, f"build {number} of") == [number + 1]
        assert ranks(store, "of 1") == [number + 1 for number in range(1, count, 2)]
        assert ranks(store, "build 1") == [number + 1 for number in range(count) if str(number).startswith("1")]


def test_lines_are_searched_in_every_chunk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(templates, "MOST_FINDINGS", 3)
    items = [item(number, f"line {number}\nsame\n") for number in range(10)]
    with Store(findings_file(tmp_path, host("a", *items))) as store:
        assert store.value("SELECT COUNT(*) FROM lines") == 4
        assert ranks(store, "same") == list(range(1, 11))
        assert ranks(store, "line 7") == [8]
        assert ranks(store, "same", plugin_id=(2, 3, 9)) == [3, 4, 10]


@pytest.mark.parametrize("most_listed", [1, 100])
def test_a_text_is_found_on_a_port_and_on_hosts_whether_few_have_it_or_many(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, most_listed: int
) -> None:
    monkeypatch.setattr("scanpool.report.findings.choosing.MOST_LISTED", most_listed)
    hosts = [host(f"10.0.0.{n}", *(item(p, f"{p} on {n}", port=p % 3) for p in range(8))) for n in range(1, 6)]
    with Store(findings_file(tmp_path, *hosts)) as store:
        rows = list(every_finding(store, fields=["rank", "host", "port", "plugin_output"]))
        for named, ports in (((), (1,)), (("10.0.0.2", "10.0.0.4"), ()), (("10.0.0.4",), (0, 2))):
            wanted = Filters(output=("5 on ", "on"), host=named, port=ports)
            assert [row["rank"] for row in every_finding(store, wanted, fields=["rank"])] == [
                row["rank"]
                for row in rows
                if "5 on " in row["plugin_output"]
                and (not named or row["host"] in named)
                and (not ports or row["port"] in ports)
            ]


def test_much_text_is_not_gathered_in_one_chunk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(templates, "MOST_BYTES", 1_000)
    items = [item(number, f"{number} {'x' * 400}") for number in range(6)]
    with Store(findings_file(tmp_path, host("a", *items))) as store:
        assert store.value("SELECT COUNT(*) FROM lines") > 1
        assert ranks(store, "5 x") == [6]


def test_large_outputs_keep_their_numbers_and_are_found_with_small_ones(tmp_path: Path) -> None:
    large = "\n".join(f"package-1.{number}" for number in range(10_000))
    assert len(large) > templates.LARGE_OUTPUT
    items = [item(1, large), item(2, "package-1.77"), item(3, "package-1.777777")]
    with Store(findings_file(tmp_path, host("a", *items))) as store:
        assert ranks(store, "package-1.77") == [1, 2, 3]
        assert ranks(store, "package-1.9999") == [1]
        assert ranks(store, "package-1.99999") == []


def test_lines_that_differ_by_their_numbers_only_are_all_found(tmp_path: Path) -> None:
    listed = ["\n".join(f"port {port + 3 * each} is open" for each in range(300)) for port in range(3)]
    with Store(findings_file(tmp_path, host("a", *map(item, range(3), listed)))) as store:
        for port in (0, 5, 601, 899):
            assert ranks(store, f"port {port} is") == [port % 3 + 1]
        assert ranks(store, "port 900 is") == []


def test_an_output_of_very_many_lines_is_found_in_one_piece(tmp_path: Path) -> None:
    many = "\n".join(f"line {number}" for number in range(templates.MOST_LINES + 2))
    items = [item(1, many), item(2, "line 1"), item(3, f"{many}\nlast")]
    with Store(findings_file(tmp_path, host("a", *items))) as store:
        assert store.unpacked(store.value("SELECT whole FROM lines")).count(b"\n") == 2
        assert ranks(store, "line 1") == [1, 2, 3]
        assert ranks(store, "line 16384") == [1, 3]
        assert ranks(store, "1line") == []
        assert ranks(store, "last") == ranks(store, "5\nlast") == [3]


@pytest.mark.parametrize(
    ("letters", "width"),
    [
        pytest.param("abcdefghijklmnop", 5, id="short lines"),
        pytest.param("0123456789", 5, id="numbers"),
        pytest.param("1.", 14, id="many numbers in a line"),
    ],
)
@pytest.mark.parametrize("length", [3, 3_000, 20_000])
def test_what_is_gathered_takes_about_the_memory_it_is_bound_to(letters: str, width: int, length: int) -> None:
    lines = map("".join, product(letters, repeat=width))
    tracemalloc.start()
    try:
        gathered = Lines()
        while not gathered.is_full and (some := list(islice(lines, length))):
            gathered.add("\n".join(some))
            del some
        taken, _ = tracemalloc.get_traced_memory()
        gathered.encoded()
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert taken < 1.5 * templates.MOST_BYTES
    assert most < 3 * templates.MOST_BYTES


def test_a_text_of_several_lines_stands_where_they_follow_each_other(tmp_path: Path) -> None:
    printed = ["one\ntwo\nthree", "two\none", "one\n\ntwo", "one", None]
    items = [item(number, text) for number, text in enumerate(printed)]
    with Store(findings_file(tmp_path, host("a", *items))) as store:
        assert ranks(store, "ONE\ntw") == [1]
        assert ranks(store, "\n") == [1, 2, 3]
        assert ranks(store, "e\n\nt") == [3]


def test_a_character_that_no_report_can_have_stands_nowhere(tmp_path: Path) -> None:
    items = [item(1, "version 1.2")]
    with Store(findings_file(tmp_path, host("a", *items))) as store:
        assert ranks(store, "version \0") == []
        assert ranks(store, "version 1") == [1]


@pytest.mark.parametrize("by", ["plugin", "host", "cve", "family"])
def test_groups_of_a_text_are_those_of_its_findings(tmp_path: Path, by: By) -> None:
    hosts = [
        host(f"10.0.0.{n}", *(item(p, f"on {n}", port=p % 2, children="<cve>CVE-2020-1000</cve>") for p in range(4)))
        for n in range(1, 4)
    ]
    with Store(findings_file(tmp_path, *hosts)) as store:
        for port in ((), (1,)):
            found = groups(store, by, Filters(output=("on 2",), port=port))
            alone = groups(store, by, Filters(host=("10.0.0.2",), port=port))
            assert found.groups == alone.groups
            assert found.findings == alone.findings


@pytest.mark.parametrize(
    "change",
    [
        "findings = x'00'",
        "findings = (SELECT codes FROM lines)",
        "numbers = (SELECT templates FROM lines)",
        "codes = (SELECT templates FROM lines)",
        "numbers = (SELECT findings FROM lines)",
        "last_rank = 1",
    ],
)
def test_damaged_lines_are_told(tmp_path: Path, change: str) -> None:
    path = findings_file(tmp_path, host("a", item(1, "version 1 of 2"), item(2, "version 3 of 2")))
    with sqlite3.connect(path) as database:
        database.execute(f"UPDATE lines SET {change}")
    database.close()
    with Store(path) as store, pytest.raises(NotAFindingsFile, match="damaged"):
        ranks(store, "version 3 of 2")


def test_marked_ranks_are_counted_and_come_in_their_order() -> None:
    chosen = [rank for rank in range(1, 5_001) if rank % 7 == 0 or 2_000 < rank < 2_100]
    marked = Marked(marks.of_spans(Spans((rank, rank) for rank in chosen), 1, 5_000))
    assert marked.total() == len(chosen)
    assert marked.at(0, 10_000) == marked.after(0, 10_000) == chosen
    for offset in (0, 1, 146, 147, 300, len(chosen) - 1, len(chosen)):
        assert marked.at(offset, 20) == chosen[offset : offset + 20]
    for rank in (1, 7, 2_050, 4_999, 5_000):
        assert marked.after(rank, 20) == [each for each in chosen if each > rank][:20]
        assert (rank in marked) == (rank in chosen)
    assert marked.within(2_000, 2_200) == len([rank for rank in chosen if 2_000 <= rank <= 2_200])
