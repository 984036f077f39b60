"""Mutated reports for a while; for longer: `make fuzz`."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fuzz.mutation import mutated, templates

ROOT = Path(__file__).parents[2]
INPUTS = 200


@pytest.mark.parametrize("seed", [1, 2026])
def test_no_mutated_report_crashes_hangs_or_takes_more_memory_than_is_stated(seed: int, tmp_path: Path) -> None:
    words = ["--inputs", str(INPUTS), "--seed", str(seed), "--keep", str(tmp_path)]
    ended = subprocess.run(
        [sys.executable, "-m", "tests.fuzz.run", *words], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stderr
    tally = json.loads(ended.stdout)
    assert tally["inputs"] == INPUTS
    assert tally["accepted"] > 0
    assert {"report_malformed", "report_truncated"} <= set(tally["refused"])


def test_the_same_seed_makes_the_same_inputs() -> None:
    def made(seed: int) -> list[bytes]:
        chance, seeds = random.Random(seed), templates()
        return [mutated(chance, seeds) for _ in range(20)]

    assert made(3) == made(3)
    assert made(3) != made(4)
