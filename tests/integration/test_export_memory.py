"""Memory does not depend on how many findings are exported."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from scanpool.report.findings.writing.writer import FindingsWriter
from scanpool.report.validate import validate
from tests.support.reports import large_report

pytestmark = pytest.mark.long

ROOT = Path(__file__).parents[2]
MIB = 1024 * 1024
FINDINGS = 50_000
ITEM_BYTES = 2_250
"""Of the smallest size that has as many findings."""


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file of more than 50,000 findings, made of a report of about 120 MB."""
    folder = tmp_path_factory.mktemp("large")
    with FindingsWriter(folder) as writer:
        result = validate(large_report(FINDINGS * ITEM_BYTES, items_per_host=200), listener=writer)
        writer.write(folder / "findings.sqlite", {})
    assert result.results_summary.items >= FINDINGS
    return folder / "findings.sqlite"


@pytest.mark.parametrize("format", ["jsonl", "csv", "sarif", "ocsf", "defectdojo"])
def test_50000_findings_are_exported_in_less_than_64_mb(large: Path, format: str) -> None:
    command = [sys.executable, "-m", "tests.support.export_cost", format, str(large)]
    found = json.loads(subprocess.run(command, cwd=ROOT, check=True, capture_output=True, timeout=300).stdout)
    assert found["findings"] >= FINDINGS
    assert found["bytes"] > FINDINGS * 1000
    assert found["peak_bytes"] - found["idle_bytes"] < 64 * MIB
