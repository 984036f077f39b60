"""CSV by RFC 4180 that no spreadsheet takes for formulas."""

from __future__ import annotations

import csv
import io
import re
from pathlib import Path
from typing import Any

import pytest

from scanpool.report.findings.export import csv_file
from scanpool.report.findings.filters import ComplianceFilters, Filters
from scanpool.report.findings.profiles import COMPLIANCE_FIELDS, FINDING_FIELDS
from scanpool.report.findings.query import every_finding
from tests.support.exports import FINDINGS, HARD, HOSTILE, RESULTS
from tests.support.findings import store_of


def exported(folder: Path, filters: Any, fields: Any = "full") -> str:
    with store_of(folder, *HARD) as store:
        return b"".join(csv_file.lines(store, filters, fields)).decode()


def records(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text, newline=""), strict=True))


@pytest.mark.parametrize(
    ("filters", "fields", "count"),
    [(Filters(), FINDING_FIELDS, FINDINGS), (ComplianceFilters(), COMPLIANCE_FIELDS, RESULTS)],
    ids=["findings", "compliance"],
)
def test_a_header_names_the_fields_and_a_record_is_a_finding(
    tmp_path: Path, filters: Any, fields: Any, count: int
) -> None:
    read = records(exported(tmp_path, filters))
    assert len(read) == count
    assert {tuple(each) for each in read} == {tuple(fields)}


def test_every_line_of_the_format_ends_as_the_standard_says(tmp_path: Path) -> None:
    text = exported(tmp_path, Filters(), ["plugin_id", "host"])
    assert text.endswith("\r\n")
    assert text.count("\r\n") == 1 + FINDINGS


def test_no_cell_is_a_formula(tmp_path: Path) -> None:
    cells = [cell for read in records(exported(tmp_path, Filters())) for cell in read.values()]
    assert "'" + HOSTILE in cells
    assert not [cell for cell in cells if re.match(r"\s*[=+\-@]", cell)]


@pytest.mark.parametrize(
    "text",
    ["=1", "+1", "-1", "@x", "\t=1", "\r=1", "\n=1", " =1", "\x00=1", "\ufeff=1", "\u200b=1", "\uff1d1", "\xa0+1"],
)
def test_what_a_spreadsheet_would_take_for_a_formula_gets_an_apostrophe(text: str) -> None:
    assert csv_file.safe(text) == "'" + text


@pytest.mark.parametrize("text", ["", "a=1", "\n  text", "1-2", "http://x/?a=1", "'=1"])
def test_other_texts_stay_as_they_are(text: str) -> None:
    assert csv_file.safe(text) == text


def test_values_are_those_of_the_findings(tmp_path: Path) -> None:
    fields = ["plugin_id", "cvss_score", "exploit_available", "cve", "netbios_name", "attachments"]
    with store_of(tmp_path, *HARD) as store:
        (row,) = every_finding(store, Filters(host=("10.0.0.1",), plugin_id=(7,)), fields)
        (read,) = records(b"".join(csv_file.lines(store, Filters(host=("10.0.0.1",), plugin_id=(7,)), fields)).decode())
    assert read == {
        "plugin_id": "7",
        "cvss_score": "10.0",
        "exploit_available": "true",
        "cve": "\n".join(row["cve"]),
        "netbios_name": "",
        "attachments": "",
    }
