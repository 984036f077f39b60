"""Two scans compared: what is new, fixed, changed, and what nobody can say of what is gone."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from scanpool.report.findings.comparison import Change, Comparison, Counts, Summary
from scanpool.report.findings.errors import NotAFindingsFile, OtherVersion
from scanpool.report.findings.writing.writer import FindingsWriter
from scanpool.report.validate import validate
from tests.support.reports import host, item, report, scan_info

LOGIN = scan_info("yes, as 'audit' via ssh")
NO_LOGIN = scan_info("no")


def written(path: Path, *hosts: str) -> Path:
    path.parent.mkdir(exist_ok=True)
    with FindingsWriter(path.parent) as writer:
        assert validate([report(*hosts)], listener=writer).error is None
        writer.write(path, {})
    return path


def compared(folder: Path, before: tuple[str, ...], after: tuple[str, ...]) -> tuple[Summary, list[Change]]:
    files = written(folder / "a" / "findings.sqlite", *before), written(folder / "b" / "findings.sqlite", *after)
    with Comparison(*files, folder) as comparison:
        found = comparison.summary(), list(comparison.changes())
    assert sorted(path.name for path in folder.iterdir()) == ["a", "b"], "nothing is left behind"
    return found


def checked(name: str, word: str) -> str:
    children = f"<cm:compliance-check-name>{name}</cm:compliance-check-name><cm:compliance-result>{word}"
    return item(21157, severity=3, family="Policy Compliance", children=f"{children}</cm:compliance-result>")


def test_new_fixed_changed_and_unchanged_are_told_apart_whatever_was_printed(tmp_path: Path) -> None:
    before = host("a", LOGIN, item(1, "one", severity=2), item(2, severity=3), item(3, severity=1))
    after = host("a", LOGIN, item(1, "quite another text", severity=2), item(3, severity=4), item(4, severity=2))
    summary, changes = compared(tmp_path, (before,), (after,))
    assert [(each.status, each.plugin_id, each.before, each.after) for each in changes] == [
        ("changed", 3, "low", "critical"),
        ("fixed", 2, "high", None),
        ("new", 4, None, "medium"),
    ]
    assert summary.findings == Counts(new=1, fixed=1, changed=1, unchanged=2)
    assert summary.by_severity["high"] == Counts(fixed=1)
    assert summary.by_severity["medium"] == Counts(new=1, unchanged=1)
    assert summary.by_severity["critical"] == Counts(changed=1)
    assert (summary.hosts_in_both, summary.hosts_new, summary.hosts_gone) == (1, 0, 0)


@pytest.mark.parametrize(
    ("before", "after", "reason"),
    [
        (host("a", LOGIN, item(2, severity=3)), host("a", NO_LOGIN), "login_less_deep"),
        (host("a", LOGIN, item(2, severity=3)), host("b", LOGIN), "host_not_in_scan"),
        (
            host("a", LOGIN, item(2, severity=3)),
            host("a", item(10180, "The remote host is considered as dead")),
            "host_not_scanned",
        ),
        (host("a", NO_LOGIN, item(2, severity=3)), host("a", NO_LOGIN), ""),
        (host("a", NO_LOGIN, item(2, severity=3)), host("a", LOGIN), ""),
    ],
)
def test_what_is_gone_is_fixed_only_where_it_was_looked_for_as_deeply(
    before: str, after: str, reason: str, tmp_path: Path
) -> None:
    summary, changes = compared(tmp_path, (before,), (after,))
    (gone,) = [each for each in changes if each.plugin_id == 2]
    assert (gone.status, gone.reason) == ("unverified" if reason else "fixed", reason)
    assert summary.unverified.get(reason, 0) == sum(each.reason == reason for each in changes if reason)


@pytest.mark.parametrize("count", [1, 64, 65])
def test_as_many_differences_as_there_are_are_told_with_their_plugins(tmp_path: Path, count: int) -> None:
    alike = [item(f"{n}", severity=1) for n in range(1000, 1010)]
    before = host("a", *alike, *(item(n, severity=2) for n in range(1, count)), item("no number", severity=3))
    summary, changes = compared(tmp_path, (before,), (host("a", *alike, item("none", severity=4)),))
    assert [(each.status, each.plugin_id, each.name) for each in changes] == [
        ("changed", None, "Plugin none"),
        *(("fixed", n, f"Plugin {n}") for n in range(1, count)),
    ]
    assert summary.findings == Counts(changed=1, fixed=count - 1, unchanged=10)


def test_a_finding_that_a_host_has_several_times_is_counted_as_often(tmp_path: Path) -> None:
    before = host("a", LOGIN, *[item(1, f"{n}", severity=2) for n in range(3)])
    after = host("a", LOGIN, *[item(1, f"{n}", severity=2) for n in range(5)])
    summary, changes = compared(tmp_path, (before,), (after,))
    assert [each.status for each in changes] == ["new", "new"]
    assert summary.by_severity["medium"] == Counts(new=2, unchanged=3)


def test_a_host_is_known_again_by_its_address_where_its_name_changed(tmp_path: Path) -> None:
    before = host("old.example", LOGIN, item(1, severity=2), address="10.0.0.7")
    after = host("new.example", LOGIN, item(1, severity=2), address="10.0.0.7")
    summary, changes = compared(tmp_path, (before,), (after,))
    assert (changes, summary.hosts_in_both) == ([], 1)


def test_hosts_that_come_and_go_are_counted(tmp_path: Path) -> None:
    summary, changes = compared(
        tmp_path, (host("a", LOGIN), host("b", LOGIN)), (host("b", LOGIN), host("c", LOGIN, item(5, severity=4)))
    )
    assert (summary.hosts_in_both, summary.hosts_new, summary.hosts_gone) == (1, 1, 1)
    assert [(each.status, each.host, each.plugin_id) for each in changes] == [
        ("new", "c", 5),
        ("unverified", "a", 19506),
        ("new", "c", 19506),
    ]


def test_compliance_results_are_compared_by_their_check(tmp_path: Path) -> None:
    before = host("a", LOGIN, checked("no root", "PASSED"), checked("no guest", "FAILED"), checked("old", "PASSED"))
    after = host("a", LOGIN, checked("no root", "FAILED"), checked("no guest", "FAILED"), checked("new", "PASSED"))
    summary, changes = compared(tmp_path, (before,), (after,))
    assert {(each.kind, each.status, each.name, each.before, each.after) for each in changes} == {
        ("compliance", "changed", "no root", "PASSED", "FAILED"),
        ("compliance", "fixed", "old", "PASSED", None),
        ("compliance", "new", "new", None, "PASSED"),
    }
    assert summary.compliance == Counts(new=1, fixed=1, changed=1, unchanged=1)


def test_differences_are_asked_for_by_status_and_in_parts(tmp_path: Path) -> None:
    files = (
        written(tmp_path / "a" / "f.sqlite", host("a", LOGIN, *[item(n, severity=1) for n in range(10)])),
        written(tmp_path / "b" / "f.sqlite", host("a", LOGIN, *[item(n, severity=1) for n in range(5, 15)])),
    )
    with Comparison(*files) as comparison:
        assert [each.plugin_id for each in comparison.changes({"new"})] == [10, 11, 12, 13, 14]
        assert [each.plugin_id for each in comparison.changes({"fixed"}, limit=2, offset=1)] == [1, 2]
        assert len(list(comparison.changes({"new", "fixed"}))) == 10


def test_a_scan_compared_with_itself_differs_in_nothing(tmp_path: Path) -> None:
    same = (host("a", LOGIN, *[item(n % 7, severity=n % 5) for n in range(50)]), host("b", checked("x", "FAILED")))
    summary, changes = compared(tmp_path, same, same)
    assert changes == []
    assert (summary.findings, summary.compliance) == (Counts(unchanged=51), Counts(unchanged=1))


def test_what_is_no_file_of_findings_of_this_version_is_not_compared(tmp_path: Path) -> None:
    good = written(tmp_path / "a" / "findings.sqlite", host("a", item(1)))
    older = written(tmp_path / "b" / "findings.sqlite", host("a", item(1)))
    with closing(sqlite3.connect(older)) as database:
        database.execute("PRAGMA user_version = 2")
    (other := tmp_path / "other").write_bytes(b"something else" * 100)
    damaged = written(tmp_path / "c" / "findings.sqlite", host("a", item(1)))
    with closing(sqlite3.connect(damaged)) as database:
        (page,) = database.execute("SELECT rootpage FROM sqlite_schema WHERE name = 'hosts'").fetchone()
        (size,) = database.execute("PRAGMA page_size").fetchone()
    with damaged.open("r+b") as file:
        file.seek((page - 1) * size)
        file.write(b"\xff" * size)
    for file_of, error, told in (
        (older, OtherVersion, "findings of version 2"),
        (other, NotAFindingsFile, "not a file of findings"),
        (damaged, NotAFindingsFile, "damaged"),
        (tmp_path / "missing", FileNotFoundError, "missing"),
    ):
        for files in ((good, file_of), (file_of, good)):
            with pytest.raises(error, match=told):
                Comparison(*files, tmp_path).__enter__()
