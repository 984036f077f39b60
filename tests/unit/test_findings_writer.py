"""The file of findings says what the report says, in page order, and holds what few findings have beside it."""

from __future__ import annotations

import json
import sqlite3
import tracemalloc
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec
import pytest
import zstandard

from scanpool.report.findings import schema
from scanpool.report.findings.writing.writer import FindingsWriter
from scanpool.report.limits import Limits
from scanpool.report.validate import validate
from scanpool_schemas.result import Result
from tests.support.reports import compliance, host, item, report, scan_info


class File:
    """A file of findings, read as SQL reads it."""

    def __init__(self, path: Path, result: Result) -> None:
        self.result = result
        self.database = sqlite3.connect(f"file:{path}?mode=ro&immutable=1", uri=True)
        self.database.row_factory = sqlite3.Row

    def rows(self, statement: str) -> list[tuple[Any, ...]]:
        return [tuple(row) for row in self.database.execute(statement)]

    def outputs(self) -> list[str | None]:
        blocks = self.rows("SELECT texts FROM outputs ORDER BY first_rank")
        return [text for (block,) in blocks for text in msgspec.msgpack.decode(unpacked(block))]


def unpacked(data: bytes) -> bytes:
    return zstandard.ZstdDecompressor().decompress(data)


def facts(data: bytes) -> Any:
    return json.loads(unpacked(data))


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path
    assert not list(tmp_path.glob("*.spool*")), "the spool is thrown away"


def written(folder: Path, *hosts: str, limits: Limits | None = None) -> File:
    with FindingsWriter(folder, limits) as writer:
        result = validate([report(*hosts)], limits=limits, listener=writer)
        writer.write(folder / "findings.sqlite", {"scan": {"id": "s1"}})
    return File(folder / "findings.sqlite", result)


def test_findings_stand_by_severity_score_plugin_host_and_port(folder: Path) -> None:
    score = "<cvss3_base_score>{}</cvss3_base_score>"
    items = [
        item(30, severity=1),
        item(20, severity=3, children=score.format("7.0")),
        item(10, severity=3, children=score.format("9.8")),
        item(40, severity=0),
        item(5, severity=3, children=score.format("7.0")),
    ]
    with closing(written(folder, host("10.0.0.10", *items), host("10.0.0.9", *items)).database) as database:
        found = database.execute(
            "SELECT p.plugin_id, h.name FROM findings f JOIN plugins p ON p.id = f.plugin "
            "JOIN hosts h ON h.id = f.host ORDER BY f.rank"
        )
        plugins = [10, 5, 20, 30, 40]
        assert [tuple(row) for row in found] == [(plugin, f"10.0.0.{n}") for plugin in plugins for n in (9, 10)]
        ranges = database.execute("SELECT first_rank, last_rank FROM plugins ORDER BY id")
        assert [tuple(row) for row in ranges] == [(1, 2), (3, 4), (5, 6), (7, 8), (9, 10)]


def test_what_a_plugin_says_is_kept_whole_and_once(folder: Path) -> None:
    children = (
        "<description>what it is</description><see_also>http://a\nhttp://b</see_also><cve>cve-2020-1</cve>"
        "<cve>CVE-2020-2</cve><xref>CWE:200</xref><cvss_base_score>5.0</cvss_base_score><vpr_score>6.7</vpr_score>"
        "<epss_score>0.42</epss_score><exploit_available>true</exploit_available>"
        "<cisa-known-exploited>2022/05/03</cisa-known-exploited><a_new_element>too</a_new_element>"
    )
    items = [item(7, "printed", severity=2, children=children)]
    file = written(folder, host("10.0.0.1", *items), host("10.0.0.2", *items))
    ((*columns, data),) = file.rows(
        "SELECT plugin_id, severity, score, cvss2, cvss3, vpr, epss, exploit, known_exploited, facts FROM plugins"
    )
    assert columns == [7, 2, 5.0, 5.0, None, 6.7, 0.42, 1, 1]
    assert facts(data) == {
        "description": ["what it is"],
        "see_also": ["http://a", "http://b"],
        "cve": ["cve-2020-1", "CVE-2020-2"],
        "xref": ["CWE:200"],
        "cvss_base_score": ["5.0"],
        "vpr_score": ["6.7"],
        "epss_score": ["0.42"],
        "exploit_available": ["true"],
        "cisa-known-exploited": ["2022/05/03"],
        "a_new_element": ["too"],
    }
    assert file.rows("SELECT cve FROM cves ORDER BY cve") == [("CVE-2020-1",), ("CVE-2020-2",)]
    assert file.outputs() == ["printed", "printed"]


def test_a_severity_that_somebody_changed_is_another_row_of_the_plugin(folder: Path) -> None:
    file = written(folder, host("a", item(7, severity=3)), host("b", item(7, severity=0)))
    assert file.rows("SELECT plugin_id, severity, last_rank - first_rank + 1 FROM plugins") == [(7, 3, 1), (7, 0, 1)]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("<solution>Upgrade to 2.</solution>", "<solution>Upgrade to 3.</solution>"),
        ("<see_also>http://a\nhttp://b</see_also>", "<see_also>http://a</see_also>"),
        ("<xref>CWE:200</xref><xref>IAVA:1</xref>", "<xref>CWE:200</xref><xref>IAVA:2</xref>"),
        ("<cve>CVE-2020-1</cve>", "<bid>CVE-2020-1</bid>"),
        ("<synopsis>ab</synopsis><solution>c</solution>", "<synopsis>a</synopsis><solution>bc</solution>"),
        ("<synopsis>a</synopsis><solution>b</solution>", "<synopsis>asolutionb</synopsis>"),
    ],
    ids=["a text", "a line", "a reference", "an element's name", "where a text ends", "an element within a text"],
)
def test_items_of_one_plugin_that_differ_in_one_thing_keep_what_each_says(folder: Path, one: str, other: str) -> None:
    items = [item(7, "first", children=one), item(7, "second", children=other), item(7, "third", children=one)]
    file = written(folder, host("10.0.0.1", *items), host("10.0.0.2", *items[:1]))
    found = file.rows("SELECT first_rank, last_rank, facts FROM plugins ORDER BY id")
    alone = written(folder, host("a", items[1])).rows("SELECT facts FROM plugins")
    assert [row[:2] for row in found] == [(1, 3), (4, 4)]
    assert file.outputs() == ["first", "third", "first", "second"]
    assert facts(found[1][2]) == facts(alone[0][0]) != facts(found[0][2])


def test_layout_between_elements_makes_no_other_plugin(folder: Path) -> None:
    close = item(7, "x", children="<synopsis>a</synopsis><solution>b</solution>")
    wide = item(7, children="\n<synopsis>a</synopsis>\n  <solution>b</solution>\n")
    assert written(folder, host("a", close), host("b", wide)).rows("SELECT COUNT(*) FROM plugins") == [(1,)]


def test_outputs_are_in_their_finding_s_place_whatever_their_size(folder: Path) -> None:
    texts = [None if n % 7 == 0 else f"{n} " * (1 + n % 50) for n in range(300)]
    big = "x" * 600_000
    hosts = [host(f"10.0.{n // 200}.{n % 200}", item(7, text)) for n, text in enumerate(texts)]
    large = [host(f"10.1.0.{n}", item(7, f"{n}{big}")) for n in range(4)]
    file = written(folder, *hosts, *large)
    assert file.outputs() == [*texts, *(f"{n}{big}" for n in range(4))]
    (blocks,) = file.rows("SELECT COUNT(*) FROM outputs")
    assert blocks[0] >= 300 // schema.BLOCK_ROWS + 2


def test_a_text_that_is_too_long_keeps_head_and_tail_and_the_cut_counted(folder: Path) -> None:
    file = written(folder, host("a", item(7, "h" * 100 + "t" * 100)), limits=Limits(text_chars=20))
    assert file.outputs() == ["h" * 10 + "\n[180 characters cut]\n" + "t" * 10]


def test_attachments_and_dates_of_a_platform_stand_beside_their_finding(folder: Path) -> None:
    children = '<attachment name="shot.png" type="image/png">aGVsbG8=</attachment><first_found>2025/01/01</first_found>'
    file = written(folder, host("a", item(7, "text", children=children), item(8)))
    ((rank, data),) = file.rows("SELECT rank, data FROM extras")
    kept = facts(data)
    assert (rank, kept["first_found"]) == (1, ["2025/01/01"])
    assert json.loads(kept["attachment"][0]) == {"name": "shot.png", "type": "image/png", "content": "aGVsbG8="}
    ((plugin,),) = file.rows("SELECT facts FROM plugins WHERE plugin_id = 7")
    assert facts(plugin) == {}


def test_hosts_stand_by_address_with_their_verdict_and_counts(folder: Path) -> None:
    login = scan_info("yes, as 'audit' via ssh")
    tags = {"operating-system": "Linux", "host-fqdn": "web.example", "ssh-login-used": "audit"}
    file = written(
        folder,
        host("name.example", item(1), address=""),
        host("10.0.0.10", login, item(1, severity=4), item(2, severity=3), tags=tags),
        host("10.0.0.9", scan_info("no")),
        host("fe80::1", item(3, severity=2)),
    )
    assert [name for (name,) in file.rows("SELECT name FROM hosts ORDER BY id")] == [
        "10.0.0.9",
        "10.0.0.10",
        "fe80::1",
        "name.example",
    ]
    ((*row, tag_data),) = file.rows(
        "SELECT verdict, authenticated, method, fqdn, os, critical, high, info, started_at, tags "
        "FROM hosts WHERE id = 2"
    )
    assert row == ["auth", 1, "ssh", "web.example", "Linux", 1, 1, 1, "2021-03-24T21:03:39"]
    assert facts(tag_data)["ssh-login-used"] == "…"
    assert "audit" not in unpacked(tag_data).decode()


def test_a_host_that_is_in_the_report_twice_is_one(folder: Path) -> None:
    file = written(folder, host("a", item(1, "one")), host("b", item(1, "b")), host("a", item(1, "two"), item(2)))
    assert file.rows("SELECT name, info FROM hosts ORDER BY id") == [("a", 3), ("b", 1)]
    assert sorted(filter(None, file.outputs())) == ["b", "one", "two"]


def test_what_a_host_is_said_to_be_is_taken_from_all_its_appearances(folder: Path) -> None:
    first = host("a", tags={"mac-address": "00:11", "host-fqdn": "a.example"})
    second = host("a", tags={"mac-address": "22:33", "os": "Linux", "netbios-name": "A"})
    file = written(folder, first, host("b", tags={"os": "Plan 9"}), second, host("a", tags={"os": "BSD"}))
    assert file.rows("SELECT name, fqdn, netbios, os FROM hosts ORDER BY id") == [
        ("a", "a.example", "A", "Linux"),
        ("b", "", "", "Plan 9"),
    ]
    ((packed,),) = file.rows("SELECT tags FROM hosts WHERE name = 'a'")
    tags = json.loads(zstandard.ZstdDecompressor().decompress(packed))
    assert {name: tags[name] for name in ("mac-address", "host-fqdn", "os", "netbios-name")} == {
        "mac-address": "00:11",
        "host-fqdn": "a.example",
        "os": "Linux",
        "netbios-name": "A",
    }


def test_compliance_results_stand_apart_with_their_own_fields(folder: Path) -> None:
    check = "<cm:compliance-check-name>{}</cm:compliance-check-name><cm:compliance-result>{}</cm:compliance-result>"
    more = "<cm:compliance-solution>fix</cm:compliance-solution><cm:compliance-actual-value>{}"
    more += "</cm:compliance-actual-value>"

    def result(name: str, word: str, value: str) -> str:
        return item(
            21157, severity=3, family="Policy Compliance", children=check.format(name, word) + more.format(value)
        )

    file = written(
        folder,
        host("a", result("no root", "PASSED", "1"), result("no guest", "FAILED", "2"), item(1)),
        host("b", result("no root", "FAILED", "3"), compliance("WARNING")),
    )
    found = file.rows(
        "SELECT r.result, c.name, h.name FROM compliance r JOIN checks c ON c.id = r.check_ "
        "JOIN hosts h ON h.id = r.host ORDER BY r.rank"
    )
    assert found == [
        ("FAILED", "no guest", "a"),
        ("FAILED", "no root", "b"),
        ("WARNING", "a check", "b"),
        ("PASSED", "no root", "a"),
    ]
    assert [facts(data) for (data,) in file.rows("SELECT data FROM compliance ORDER BY rank LIMIT 1")] == [
        {"actual-value": ["2"]}
    ]
    assert file.rows("SELECT COUNT(*) FROM checks WHERE name = 'no root'") == [(1,)]
    assert file.rows("SELECT COUNT(*) FROM findings") == [(1,)]


def test_no_text_of_a_compliance_result_replaces_another(folder: Path) -> None:
    children = (
        "<solution>one</solution><cm:compliance-solution>two</cm:compliance-solution>"
        "<cm:compliance-result>FAILED</cm:compliance-result><plugin_output>first</plugin_output>"
        '<attachment name="a.txt" type="text/plain">x</attachment><attachment name="b.txt">y</attachment>'
    )
    file = written(folder, host("a", item(21157, "second", family="Policy Compliance", children=children)))
    ((of_the_check, of_the_host),) = file.rows(
        "SELECT c.facts, r.data FROM compliance r JOIN checks c ON c.id = r.check_"
    )
    assert facts(of_the_check) == {"solution": ["one", "two"]}
    kept = facts(of_the_host)
    assert kept["plugin_output"] == ["first\nsecond"]
    assert [json.loads(text)["name"] for text in kept["attachment"]] == ["a.txt", "b.txt"]


def test_services_take_no_more_memory_than_they_show(folder: Path) -> None:
    long = [f'<ReportItem protocol="{n}tcp" svc_name="{"s" * 300_000}" pluginID="1"/>' for n in range(100)]
    data = report(host("a", *long))
    tracemalloc.start()
    try:
        with FindingsWriter(folder) as writer:
            validate((data[at : at + 65_536] for at in range(0, len(data), 65_536)), listener=writer)
            _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most < 16_000_000, "each name is cut before it is remembered"


def test_a_family_that_says_compliance_at_its_far_end_is_one_of_compliance(folder: Path) -> None:
    children = "<cm:compliance-result>PASSED</cm:compliance-result>"
    file = written(folder, host("a", item(7, family="x" * 300 + "Compliance", children=children)))
    assert file.rows("SELECT (SELECT COUNT(*) FROM findings), (SELECT COUNT(*) FROM compliance)") == [(0, 1)]


def test_counts_are_those_of_the_result(folder: Path) -> None:
    items = [item(n % 40, severity=n % 5) for n in range(200)] + [compliance("FAILED"), item("x", severity=None)]
    file = written(folder, host("a", *items), host("b", *items))
    severity = file.result.results_summary.severity
    (counts,) = file.rows("SELECT SUM(critical), SUM(high), SUM(medium), SUM(low), SUM(info), SUM(unrated) FROM hosts")
    assert counts == (
        severity.critical,
        severity.high,
        severity.medium,
        severity.low,
        severity.info,
        severity.unrated,
    )
    assert file.rows("SELECT COUNT(*) FROM findings") == [(file.result.results_summary.items,)]


def test_a_host_of_unrated_findings_alone_is_counted(folder: Path) -> None:
    file = written(folder, host("a", item(1, severity=None), item(2, severity="x")))
    assert file.rows("SELECT critical, info, unrated FROM hosts") == [(0, 0, 2)]
    assert file.rows("SELECT severity, last_rank FROM plugins ORDER BY id") == [(None, 1), (None, 2)]


def test_identities_say_plugin_port_protocol_and_severity_and_nothing_of_what_was_printed(folder: Path) -> None:
    file = written(folder, host("a", item(7, "one", severity=3)), host("b", item(7, "two", severity=3)), host("c"))
    rows = file.rows("SELECT findings FROM identities ORDER BY host")
    assert rows == [((7 << 24 | 1 << 3 | 3).to_bytes(8, "little"),)] * 2 + [(b"",)]


@pytest.mark.parametrize("in_memory_at_once", [1, 100], ids=["not even one host", "not all hosts"])
def test_what_is_kept_of_a_host_is_the_same_whether_it_fits_in_memory(
    folder: Path, monkeypatch: pytest.MonkeyPatch, in_memory_at_once: int
) -> None:
    def kept() -> list[list[tuple[Any, ...]]]:
        checks = [compliance("FAILED"), compliance("PASSED")]
        largest = item(999_999_999_999, severity=None, port=65535)
        items = [largest, *(item(n, severity=4 * (n % 10 == 0)) for n in range(1, 100)), *checks]
        file = written(folder, *(host(f"10.0.0.{n}", *items) for n in range(3)), host("b", *checks))
        statements = ("SELECT * FROM host_plugins", "SELECT * FROM identities", "SELECT id, info, critical FROM hosts")
        return [file.rows(statement) for statement in statements]

    in_memory = kept()
    monkeypatch.setattr("scanpool.report.findings.writing.host_lists.KEPT_IN_MEMORY", in_memory_at_once)
    assert kept() == in_memory
    plugins, _, counts = in_memory
    assert [(host, len(data)) for host, data in plugins] == [(1, 400), (2, 400), (3, 400)]
    assert counts == [(1, 90, 9), (2, 90, 9), (3, 90, 9), (4, 0, 0)]


def test_the_file_says_what_it_is_and_appears_only_when_it_is_whole(folder: Path) -> None:
    file = written(folder, host("a", item(1)))
    assert file.rows("PRAGMA application_id") == [(schema.APPLICATION_ID,)]
    assert file.rows("PRAGMA user_version") == [(schema.VERSION,)]
    assert file.rows("SELECT value FROM about WHERE name = 'scan'") == [('{"id": "s1"}',)]
    assert sorted(path.name for path in folder.iterdir()) == ["findings.sqlite"]


def test_a_report_that_is_refused_leaves_nothing(folder: Path) -> None:
    with FindingsWriter(folder) as writer:
        result = validate([report(host("a", item(1)))[:-40]], listener=writer)
    assert result.error is not None
    assert list(folder.iterdir()) == []


def test_a_writing_that_is_ended_leaves_nothing_under_the_file_s_name(folder: Path) -> None:
    class Ended(Exception):
        pass

    def end() -> None:
        raise Ended

    with FindingsWriter(folder) as writer:
        validate([report(host("a", item(1)))], listener=writer)
        with pytest.raises(Ended):
            writer.write(folder / "findings.sqlite", {}, end)
    assert not (folder / "findings.sqlite").exists()


def test_plugins_without_end_are_kept_in_bounded_memory_and_none_is_lost(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("scanpool.report.findings.writing.harvest.KEPT_IN_MEMORY", 4)
    items = [item(n % 10, f"{n}") for n in range(60)]
    file = written(folder, host("a", *items))
    assert file.rows(
        "SELECT COUNT(*), COUNT(DISTINCT plugin_id) FROM findings f JOIN plugins p ON p.id = f.plugin"
    ) == [(60, 10)]
    assert sorted(filter(None, file.outputs()), key=int) == [f"{n}" for n in range(60)]
