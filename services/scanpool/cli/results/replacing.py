"""Files that are there whole or not at all."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def replaced(path: Path) -> Iterator[Path]:
    """A file beside it to write to, which takes its place at the end; of a device or a pipe that itself.

    Raises:
        OSError: it cannot be written there.
    """
    if path.exists() and not path.is_file():
        yield path
        return
    partial = path.with_name(f"{path.name}.part")
    try:
        yield partial
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
