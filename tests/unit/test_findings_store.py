"""A file of findings is opened only if it is one, and says what it is of."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from scanpool.report.findings.errors import NotAFindingsFile, OtherVersion
from scanpool.report.findings.filters import Filters
from scanpool.report.findings.groups import By, groups
from scanpool.report.findings.query import every_finding
from scanpool.report.findings.store import Store
from scanpool_schemas.result import SeverityCounts
from tests.support.findings import check, findings_file, store_of, vulnerability
from tests.support.reports import host, item, scan_info


def test_the_file_says_of_which_scan_it_is_and_how_much_is_in_it(tmp_path: Path) -> None:
    hosts = [
        host("10.0.0.2", item(1, severity=4), item(2), check("c", "FAILED")),
        host("10.0.0.1", item(1, severity=4)),
    ]
    with store_of(tmp_path, *hosts) as store:
        assert store.about == {"scan": {"id": "s1"}}
        assert store.counts.findings == 3
        assert store.counts.severity == SeverityCounts(critical=2, info=1)
        assert (store.counts.compliance, store.counts.results) == (1, {"failed": 1})
        assert (store.counts.hosts, store.counts.plugins) == (2, 2)


def test_an_empty_report_has_a_file_too(tmp_path: Path) -> None:
    with store_of(tmp_path) as store:
        assert (store.counts.findings, store.counts.hosts, list(every_finding(store))) == (0, 0, [])


def test_hosts_are_told_in_order_of_address_with_their_login(tmp_path: Path) -> None:
    login = scan_info("yes, as 'audit' via ssh")
    hosts = [host("10.0.0.10", login, item(1, severity=2)), host("10.0.0.9"), host("name", address="")]
    with store_of(tmp_path, *hosts) as store:
        told = list(store.hosts())
        assert [each.name for each in told] == ["10.0.0.9", "10.0.0.10", "name"]
        assert (told[1].verdict, told[1].method, told[1].severity) == ("auth", "ssh", SeverityCounts(medium=1, info=1))
        assert [each.name for each in store.hosts(limit=1, offset=1)] == ["10.0.0.10"]
        assert [each.name for each in store.hosts(offset=2)] == ["name"]
        assert list(store.hosts(offset=3)) == []


@pytest.mark.parametrize("by", ["plugin", "host"])
def test_hosts_are_told_while_other_questions_are_asked(tmp_path: Path, by: By) -> None:
    names = [f"10.0.{number >> 8}.{number & 255}" for number in range(300)]
    with store_of(tmp_path, *(host(name, item(1)) for name in names)) as store:
        asked = [groups(store, by, Filters(host=(each.name,))).findings for each in store.hosts()]
    assert asked == [1] * len(names)


def test_the_digest_is_the_same_for_the_same_report_and_for_no_other(tmp_path: Path) -> None:
    def digest(name: str, *hosts: str) -> str:
        with Store(findings_file(tmp_path, *hosts, name=name)) as store:
            return store.digest

    first = digest("a", host("10.0.0.1", item(1, "text")))
    assert digest("b", host("10.0.0.1", item(1, "text"))) == first
    others = [
        host("10.0.0.2", item(1, "text")),
        host("10.0.0.1", item(2, "text")),
        host("10.0.0.1", item(1, "Text")),
        host("10.0.0.1", vulnerability(1, "text", cve="CVE-2020-1000")),
        host("10.0.0.1", vulnerability(1, "text", cve="CVE-2020-1001")),
        host("10.0.0.1", check("c", "FAILED", actual_value="1")),
        host("10.0.0.1", check("c", "FAILED", actual_value="2")),
        host("10.0.0.1", check("c", "FAILED", solution="none", actual_value="2")),
    ]
    assert len({first, *(digest(f"c{number}", each) for number, each in enumerate(others))}) == 1 + len(others)


def test_a_file_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="missing"):
        Store(tmp_path / "missing")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("content", [b"", b"<NessusClientData_v2/>", b"SQLite format 3\0" + bytes(200)])
def test_something_else_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "report.nessus"
    path.write_bytes(content)
    with pytest.raises(NotAFindingsFile, match=r"report\.nessus"):
        Store(path)


def changed(path: Path, statement: str) -> Path:
    database = sqlite3.connect(path)
    with database:
        database.execute(statement)
    database.close()
    return path


def test_another_database_is_refused(tmp_path: Path) -> None:
    path = changed(tmp_path / "other.sqlite", "CREATE TABLE about (name, value)")
    with pytest.raises(NotAFindingsFile, match="application id 0x0"):
        Store(path)


def test_another_version_is_refused_with_both_versions_named(tmp_path: Path) -> None:
    path = changed(findings_file(tmp_path, host("a")), "PRAGMA user_version=99")
    with pytest.raises(OtherVersion, match="version 99; this program reads version"):
        Store(path)


@pytest.mark.parametrize("statement", ["DROP TABLE about", "DELETE FROM about", "UPDATE about SET value = '{'"])
def test_a_file_that_does_not_say_what_it_holds_is_damaged(tmp_path: Path, statement: str) -> None:
    path = changed(findings_file(tmp_path, host("a")), statement)
    with pytest.raises(NotAFindingsFile, match="damaged"):
        Store(path)


def test_damage_is_told_when_it_is_met(tmp_path: Path) -> None:
    path = changed(findings_file(tmp_path, host("a", item(1, "text"))), "UPDATE outputs SET texts = x'00'")
    with Store(path) as store, pytest.raises(NotAFindingsFile, match="damaged"):
        list(every_finding(store, fields=["plugin_output"]))


def test_damage_of_what_is_kept_of_a_host_is_told_too(tmp_path: Path) -> None:
    hosts = (host("a", item(1)), host("b"))
    path = changed(findings_file(tmp_path, *hosts), "UPDATE host_plugins SET plugins = x'000000'")
    with Store(path) as store, pytest.raises(NotAFindingsFile, match="damaged"):
        groups(store, "plugin", Filters(host=("a",)))


def test_reading_leaves_the_folder_and_the_file_as_they_are(tmp_path: Path) -> None:
    path = findings_file(tmp_path, host("a", item(1, "text")))
    path.chmod(0o444)
    before = path.read_bytes()
    with Store(path) as store:
        assert len(list(every_finding(store, fields="full"))) == 1
    assert (path.read_bytes(), list(tmp_path.iterdir())) == (before, [path])
