"""A kill -9 between any two side effects of a dispatcher loses nothing and repeats nothing.

Each row kills real processes at named points, replaces them, and looks at everything from outside. The points are
those of the protocol: between a side effect and its commit, and between a commit and its ack.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.kill_rows import ROWS
from tests.support.kill_scenes import play_all


@pytest.mark.parametrize("of", ["dispatcher", "takeover"])
async def test_a_process_killed_at_any_point_loses_nothing_and_repeats_nothing(of: str, tmp_path: Path) -> None:
    await play_all(ROWS[of], tmp_path)
