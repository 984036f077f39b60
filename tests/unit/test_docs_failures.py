"""The table of failures names tests that are there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TEST = re.compile(r"`(tests/[a-z_/]+\.py)`")


@pytest.mark.usefixtures("checkout")
def test_every_row_names_a_test_that_is_there() -> None:
    rows = [
        line
        for line in (ROOT / "docs/explanation/failures.md").read_text().splitlines()
        if line.startswith("|") and not line.startswith(("| fault", "| ---"))
    ]
    named = [TEST.findall(row.rpartition("|")[0].rpartition("|")[2]) for row in rows]
    assert len(rows) > 30
    assert [row for row, tests in zip(rows, named, strict=True) if not tests] == []
    assert [path for tests in named for path in tests if not (ROOT / path).is_file()] == []
