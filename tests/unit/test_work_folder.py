"""Folders for files in hand, and what is left of them by processes that were killed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from scanpool.runtime.work_folder import YOUNG_S, work_folder

HOLDS_ONE = """
import sys
from pathlib import Path
from scanpool.runtime.work_folder import work_folder
with work_folder("export", Path(sys.argv[1])) as folder:
    (folder / "report").write_text("of a customer")
    print(folder, flush=True)
    sys.stdin.read()
"""


def grown_old(folder: Path) -> None:
    """As if it was made some time ago."""
    then = folder.stat().st_mtime - 2 * YOUNG_S
    os.utime(folder, (then, then))


def names(base: Path) -> set[str]:
    return {each.name for each in base.iterdir()}


def test_a_folder_is_gone_when_it_is_left(tmp_path: Path) -> None:
    with work_folder("export", tmp_path) as folder:
        (folder / "report").write_text("x")
        assert folder.parent == tmp_path
        assert folder.stat().st_mode & 0o077 == 0
    assert names(tmp_path) == set()


def test_what_a_killed_process_left_goes_when_the_next_one_begins_and_not_while_it_lives(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HOLDS_ONE, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        held = Path(process.stdout.readline().strip())
        grown_old(held)
        with work_folder("export", tmp_path) as folder:
            assert names(tmp_path) == {held.name, folder.name}
        process.kill()
    with work_folder("export", tmp_path) as folder:
        assert names(tmp_path) == {folder.name}


def test_what_is_young_of_another_kind_or_no_folder_is_left_alone(tmp_path: Path) -> None:
    for name in ("scanpool-export-young", "scanpool-report-old"):
        (tmp_path / name).mkdir()
    grown_old(tmp_path / "scanpool-report-old")
    (tmp_path / "scanpool-export-file").write_text("x")
    (tmp_path / "scanpool-export-link").symlink_to(tmp_path / "scanpool-report-old")
    before = names(tmp_path)
    with work_folder("export", tmp_path):
        pass
    assert names(tmp_path) == before
