"""Findings as JSON lines: each line is one document whatever a scanned host printed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from scanpool.report.findings.filter_syntax import parse, parse_compliance
from scanpool.report.findings.jsonlines import all_lines, line, page_lines
from scanpool.report.findings.query import compliance, findings
from tests.support.findings import check, store_of
from tests.support.reports import host, item

HOSTILE = 'a\r\nb\x85c\u2028d\u2029e\x9b31m\t"}\n{"type":"pagination"}\U0001f600\u202e\ufffe'.replace("\ufffe", "")


def documents(lines: Any) -> list[dict[str, Any]]:
    joined = b"".join(lines).decode()
    assert joined.endswith("\n")
    return [json.loads(each) for each in joined.splitlines()]


def test_a_page_is_schema_metadata_findings_and_pagination(tmp_path: Path) -> None:
    with store_of(tmp_path, host("10.0.0.1", item(1), item(2), item(3, severity=4))) as store:
        page = findings(store, parse(["severity=info"]), ["plugin_id", "severity_name"], page_size=1)
        schema, metadata, row, pagination = documents(page_lines(store, page))
    assert schema == {
        "type": "schema",
        "kind": "findings",
        "profile": "custom",
        "fields": ["plugin_id", "severity_name"],
        "filters_applied": {"severity": ["info"]},
        "total": 2,
    }
    assert (metadata["type"], metadata["scan"]) == ("scan_metadata", {"id": "s1"})
    assert metadata["counts"]["severity"]["critical"] == 1
    assert row == {"plugin_id": 1, "severity_name": "info"}
    assert pagination == {
        "type": "pagination",
        "total": 2,
        "page": 1,
        "page_size": 1,
        "total_pages": 2,
        "has_next": True,
        "next_page": 2,
        "next_cursor": page.next_cursor,
    }


def test_everything_is_one_page(tmp_path: Path) -> None:
    with store_of(tmp_path, host("a", *(item(number) for number in range(600)))) as store:
        schema, _, *rows, pagination = documents(all_lines(store, parse([]), "minimal"))
    assert (schema["profile"], schema["total"], len(rows)) == ("minimal", 600, 600)
    assert (pagination["page_size"], pagination["total_pages"], pagination["has_next"]) == (600, 1, False)


def test_compliance_results_have_the_same_form(tmp_path: Path) -> None:
    with store_of(tmp_path, host("a", check("c", "FAILED"), check("d", "PASSED"))) as store:
        filters = parse_compliance(["result=failed"])
        schema, _, row, _ = documents(page_lines(store, compliance(store, filters)))
        assert (schema["kind"], schema["filters_applied"]) == ("compliance", {"result": ["failed"]})
        assert row["check_name"] == "c"
        assert documents(all_lines(store, filters))[2] == row


def test_what_a_host_printed_cannot_end_a_line_and_comes_out_as_it_is(tmp_path: Path) -> None:
    printed = HOSTILE.replace("\r\n", "\n")
    with store_of(tmp_path, host("a", item(1, printed))) as store:
        lines = list(all_lines(store, parse([]), ["plugin_output"]))
        assert len(lines) == 4
        assert json.loads(lines[2]) == {"plugin_output": printed}
        assert all(text.isascii() and text[:-1].decode().isprintable() for text in lines)


@pytest.mark.parametrize("text", ["\ud800", "\x00\x1b[2J\x7f", HOSTILE])
def test_a_line_is_ascii_that_means_the_same(text: str) -> None:
    made = line({"a": text})
    assert made[:-1].isascii()
    assert made.count(b"\n") == 1
    assert json.loads(made) == {"a": text}
