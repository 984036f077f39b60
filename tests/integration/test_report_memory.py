"""Memory does not depend on how large a report is, nor on how large one host in it is."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.reports import host, item, report_text

ROOT = Path(__file__).parents[2]
MIB = 1024 * 1024
SIZE = 60_000_000


@pytest.mark.parametrize("items_per_host", [1, 100, 30_000], ids=["small-hosts", "usual-hosts", "one-host"])
def test_a_report_of_60_mb_is_read_in_less_than_64_mb(items_per_host: int) -> None:
    arguments = ["--generate", str(SIZE), str(items_per_host)]
    command = [sys.executable, "-m", "tests.support.report_cost", *arguments]
    found = json.loads(subprocess.run(command, cwd=ROOT, check=True, capture_output=True, timeout=120).stdout)
    assert found["error"] is None
    assert found["size_bytes"] >= SIZE
    assert found["peak_bytes"] - found["idle_bytes"] < 64 * MIB


def _odd(name: str) -> str:
    """A report of one host in which one thing is as large as it may be."""
    lines = "ab\n" * 333_000
    wide = "\N{MUSICAL SYMBOL G CLEF}" + "a" * 1_000_000
    match name:
        case "lists":
            return report_text(host("h", item(1, children=f"<see_also>{lines}</see_also>" * 14)))
        case "facts":
            return report_text(host("h", item(1, children="".join(f"<e{n}>{wide}</e{n}>" for n in range(14)))))
        case "output":
            return report_text(host("h", item(19506, wide * 14)))
        case _:
            return report_text(host("h", tags={f"t{n}": wide for n in range(14)}))


@pytest.mark.parametrize("name", ["lists", "facts", "output", "properties"])
def test_what_is_large_in_one_host_is_kept_in_less_than_64_mb(tmp_path: Path, name: str) -> None:
    path = tmp_path / "odd.nessus"
    path.write_text(_odd(name))
    command = [sys.executable, "-m", "tests.support.report_cost", "--reader", "store", str(path)]
    found = json.loads(subprocess.run(command, cwd=ROOT, check=True, capture_output=True, timeout=120).stdout)
    assert found["findings_bytes"] > 0
    assert found["peak_bytes"] - found["idle_bytes"] < 64 * MIB
