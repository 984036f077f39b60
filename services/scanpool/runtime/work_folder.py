"""Folders for files in hand. Each is locked while its process lives, so that what a killed one left is known for it."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import structlog

YOUNG_S = 60.0
"""A folder that was made within this time may be about to be locked."""

log = structlog.get_logger(__name__)


@contextmanager
def work_folder(kind: str, within: Path | None) -> Iterator[Path]:
    """A folder of one's own, gone when it is left; those of its kind that killed processes left go first.

    Raises:
        OSError: it cannot be made or removed.
    """
    base = within or Path(tempfile.gettempdir())
    _remove_left(kind, base)
    temporary = tempfile.TemporaryDirectory(prefix=_prefix(kind), dir=base)
    lock = os.open(temporary.name, os.O_RDONLY)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield Path(temporary.name)
    finally:
        temporary.cleanup()
        os.close(lock)


def _prefix(kind: str) -> str:
    return f"scanpool-{kind}-"


def _remove_left(kind: str, base: Path) -> None:
    for folder in base.glob(f"{_prefix(kind)}*"):
        try:
            lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        except OSError:  # it is gone by now, or somebody else's
            continue
        try:
            if _is_left(lock):
                shutil.rmtree(folder)
                log.info("what a killed process left is removed", folder=str(folder))
        except OSError as error:
            log.warning("what a killed process left cannot be removed", folder=str(folder), error=str(error))
        finally:
            os.close(lock)


def _is_left(lock: int) -> bool:
    """Whether it is ours, not new, and locked by nobody any more."""
    facts = os.fstat(lock)
    if facts.st_uid != os.getuid() or time.time() - facts.st_mtime < YOUNG_S:
        return False
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
