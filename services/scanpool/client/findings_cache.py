"""Files of findings on the local disk: fetched once, then read as often as one likes, within a limit of size."""

from __future__ import annotations

import contextlib
import hashlib
import os
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import anyio.to_thread

from scanpool.client.errors import NoResult
from scanpool.runtime.jetstream import JetStream
from scanpool.runtime.objects import ObjectMissing, Objects
from scanpool_schemas import subjects
from scanpool_schemas.scan import Findings

LIMIT_BYTES = 1 << 30
"""Of all files together; those that were not used for longest go first."""


def default_folder(environ: Mapping[str, str]) -> Path:
    """`$XDG_CACHE_HOME/scanpool/findings`, or `~/.cache/scanpool/findings`."""
    home = environ.get("XDG_CACHE_HOME") or ""
    base = Path(home) if home.startswith("/") else Path.home() / ".cache"
    return base / "scanpool" / "findings"


class FindingsCache:
    """A folder of files, each named by its digest; several processes may share it."""

    def __init__(self, jetstream: JetStream, folder: Path, *, limit_bytes: int = LIMIT_BYTES) -> None:
        self._objects = Objects(jetstream, subjects.FINDINGS_BUCKET)
        self._folder = folder
        self._limit_bytes = limit_bytes

    async def file(self, findings: Findings) -> Path:
        """The file, fetched where it is not here yet. Open it at once: it may be gone later, which harms no reader.

        Raises:
            NoResult: it is no longer in the object store, or damaged there.
            BrokerUnavailable: no answer.
            OSError: the folder cannot be used.
        """
        path = self._folder / f"{findings.sha256}.sqlite"
        try:
            os.utime(path)
        except FileNotFoundError:
            await self._fetch(findings, path)
        await anyio.to_thread.run_sync(self._make_room, path)
        return path

    async def _fetch(self, findings: Findings, path: Path) -> None:
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with tempfile.TemporaryDirectory(prefix="fetching-", dir=self._folder) as own:
            fetched = Path(own) / "findings.sqlite"
            try:
                await self._objects.get(findings.object, fetched)
            except ObjectMissing as error:
                raise NoResult(f"the findings are gone: {error}") from error
            if await anyio.to_thread.run_sync(_sha256, fetched) != findings.sha256:
                raise NoResult(f"findings {findings.object} are damaged: their SHA-256 is not that of the event")
            fetched.replace(path)

    def _make_room(self, kept: Path) -> None:
        used = list(self._used())
        over = sum(size for _, size, _ in used) - self._limit_bytes
        for _, size, path in sorted(used):
            if over <= 0:
                return
            if path != kept:
                path.unlink(missing_ok=True)
                over -= size

    def _used(self) -> Iterator[tuple[float, int, Path]]:
        """When each file was used last, its size, and the file; another process may delete it at any moment."""
        for path in self._folder.glob("*.sqlite"):
            with contextlib.suppress(FileNotFoundError):
                found = path.stat()
                yield found.st_mtime, found.st_size, path


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
