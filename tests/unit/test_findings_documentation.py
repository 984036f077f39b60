"""The page on findings names every field, filter, profile, grouping and table, and its code runs."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from scanpool.report.findings import schema
from scanpool.report.findings.filter_syntax import COMPLIANCE_FILTERS, FILTERS
from scanpool.report.findings.groups import GROUPINGS
from scanpool.report.findings.profiles import COMPLIANCE_FIELDS, FINDING_FIELDS, PROFILES
from tests.support.findings import findings_file, vulnerability
from tests.support.pages import ROOT
from tests.support.reports import host

pytestmark = pytest.mark.usefixtures("checkout")


@pytest.fixture(scope="module")
def page() -> str:
    return (ROOT / "docs" / "reference" / "findings.md").read_text(encoding="utf-8")


def test_every_name_is_on_the_page(page: str) -> None:
    forms = [name for form in (*FILTERS, *COMPLIANCE_FILTERS) for name in (form.name, *form.also)]
    names = [*FINDING_FIELDS, *COMPLIANCE_FIELDS, *PROFILES, *forms, *GROUPINGS]
    shown = set(re.findall(r"`([a-z0-9_]+)[`=~>]", page))
    assert [name for name in names if name not in shown] == []


def test_tables_stand_with_their_version(page: str) -> None:
    (row,) = re.findall(rf"^\| {schema.VERSION} \| (.*) \|$", page, re.MULTILINE)
    tables = re.findall(r"CREATE TABLE (\w+)", schema.TABLES)
    assert sorted(re.findall(r"`(\w+)`", row)) == sorted(tables)


def test_the_code_on_the_page_runs(page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (code,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    findings_file(tmp_path, host("10.0.0.1", vulnerability(1, severity=3)))
    monkeypatch.chdir(tmp_path)
    space: dict[str, object] = {}
    exec(code, space)
    lines = space["lines"]
    assert isinstance(lines, list)
    assert len(lines) == 4
