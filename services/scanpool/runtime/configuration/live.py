"""The configuration of a running process: read again on demand, the last good one kept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from scanpool.runtime.configuration.changes import changes
from scanpool.runtime.configuration.loading import load_with_warnings
from scanpool.runtime.configuration.model import Configuration
from scanpool.runtime.configuration.problems import ConfigurationError, Problem


@dataclass(frozen=True, slots=True)
class Reloaded:
    """The file was good and is now the configuration."""

    before: Configuration
    after: Configuration

    @property
    def removed_pools(self) -> tuple[str, ...]:
        """Pools that left: served until empty, refusing new requests."""
        return tuple(name for name in self.before.pools if name not in self.after.pools)

    @property
    def changes(self) -> tuple[str, ...]:
        """What is different now, each in words; empty where nothing is."""
        return changes(self.before, self.after)


@dataclass(frozen=True, slots=True)
class Kept:
    """The file was bad; the configuration is still the last good one."""

    problems: tuple[Problem, ...]


Reload: TypeAlias = Reloaded | Kept


_Version: TypeAlias = tuple[int, int, int]


def _version(path: Path) -> _Version | None:
    """Tells one version of the file from another, whether it was written over or replaced; None: there is none now."""
    try:
        at = path.stat()
    except OSError:
        return None
    return at.st_ino, at.st_mtime_ns, at.st_size


class LiveConfiguration:
    """Holds the current configuration."""

    def __init__(self, path: Path, environ: Mapping[str, str]) -> None:
        """Read the file for the first time.

        Raises:
            ConfigurationError: it is bad, and there is no earlier one to keep.
        """
        self._path = path
        self._environ = environ
        self._read = self._seen = _version(path)
        self._current, self._warnings = load_with_warnings(path, environ)

    @property
    def path(self) -> Path:
        """The file."""
        return self._path

    @property
    def current(self) -> Configuration:
        """The last good one."""
        return self._current

    @property
    def warnings(self) -> tuple[Problem, ...]:
        """What a person should know of the last good one."""
        return self._warnings

    def changed(self) -> bool:
        """Whether the file is another than was read, and has been since the look before: nobody is writing it."""
        before, self._seen = self._seen, _version(self._path)
        return self._seen is not None and self._seen != self._read and self._seen == before

    def reload(self) -> Reload:
        """Read the file again."""
        self._read = _version(self._path)
        try:
            after, warnings = load_with_warnings(self._path, self._environ)
        except ConfigurationError as error:
            return Kept(error.problems)
        before, self._current, self._warnings = self._current, after, warnings
        return Reloaded(before, after)
