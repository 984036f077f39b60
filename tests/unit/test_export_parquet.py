"""Parquet: the type of each column, and where pyarrow is installed a file that says what the findings say."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from scanpool.report.findings.export import parquet
from scanpool.report.findings.filters import ComplianceFilters, Filters
from scanpool.report.findings.profiles import COMPLIANCE_FIELDS, FINDING_FIELDS
from scanpool.report.findings.query import every_finding, every_result
from tests.support.exports import HARD
from tests.support.findings import store_of

TYPES: dict[str, Any] = {
    "text": str,
    "texts": list,
    "flag": bool,
    "whole": int,
    "number": float,
    "json": (dict, list),
}


@pytest.mark.parametrize("kind", ["findings", "compliance"])
def test_a_column_has_the_type_of_its_values(tmp_path: Path, kind: str) -> None:
    with store_of(tmp_path, *HARD) as store:
        rows = list(every_finding(store, fields="full") if kind == "findings" else every_result(store, fields="full"))
    for name, field in (FINDING_FIELDS if kind == "findings" else COMPLIANCE_FIELDS).items():
        column = parquet.column_type(field)
        values = [row[name] for row in rows if row[name] is not None]
        assert all(isinstance(value, TYPES[column]) for value in values), name
        assert column == "flag" or not any(isinstance(value, bool) for value in values), name


@pytest.mark.parametrize("filters", [Filters(), ComplianceFilters()], ids=["findings", "compliance"])
def test_a_file_says_what_the_findings_say(tmp_path: Path, filters: Any) -> None:
    pytest.importorskip("pyarrow")
    from importlib import import_module

    with store_of(tmp_path, *HARD) as store:
        parquet.write(store, filters, tmp_path / "x.parquet")
        if isinstance(filters, Filters):
            rows = list(every_finding(store, filters, "full"))
        else:
            rows = list(every_result(store, filters, "full"))
    read = import_module("pyarrow.parquet").read_table(tmp_path / "x.parquet").to_pylist()
    for row in read:
        row["extras"] = json.loads(row["extras"])
        if "attachments" in row:
            row["attachments"] = json.loads(row["attachments"])
    assert read == rows
