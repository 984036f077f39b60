"""Memory does not depend on how large a report is, nor on how large one host in it is."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

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
