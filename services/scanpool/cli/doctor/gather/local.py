"""Facts of this host: the configuration file with its secrets, folders and their disks."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import msgspec

from scanpool.cli.doctor.judge.local import FileFacts, FolderFacts
from scanpool.runtime.configuration import Configuration, ConfigurationError, Origin, Secret, find, unavailable
from scanpool.runtime.configuration.loading import load_with_warnings


@dataclass(frozen=True, kw_only=True, slots=True)
class Found:
    """What there is of a configuration."""

    facts: FileFacts | None = None
    """None where there is no file."""
    absent: str = ""
    """Why there is none."""
    configuration: Configuration | None = None
    """None where there is none that can be used."""


def configuration(explicit: Path | None, environ: Mapping[str, str], cwd: Path, pool: str | None = None) -> Found:
    """The configuration file, as every command finds it, and the secrets of the one pool or of all."""
    try:
        path = find(explicit, environ, cwd)
    except ConfigurationError as error:
        return Found(absent=error.problems[0].message)
    try:
        read, warnings = load_with_warnings(path, environ)
    except ConfigurationError as error:
        return Found(facts=FileFacts(path=path, faults=error.problems))
    kept = list(secrets_of(read))
    meant = kept if pool is None else list(secrets_of(_of_pool(read, pool)))
    facts = FileFacts(
        path=path,
        warnings=warnings,
        unavailable=tuple(unavailable(read, path, None if pool is None else (pool,))),
        is_open=any(each.origin is Origin.LITERAL for each in kept) and bool(path.stat().st_mode & stat.S_IROTH),
        secrets=len(meant),
    )
    return Found(facts=facts, configuration=read)


def _of_pool(read: Configuration, pool: str) -> tuple[object, ...]:
    """The parts of the configuration whose secrets the pool needs."""
    return (read.pools.get(pool), *(each for each in read.credentials if pool in each.pools))


def folder(path: Path) -> FolderFacts:
    """A folder, or the nearest one above it that is there: it is made when it is needed."""
    there = next(each for each in (path, *path.parents) if each.exists())
    try:
        free_bytes = shutil.disk_usage(there).free
    except OSError as error:
        return FolderFacts(path=path, unusable=error.strerror or str(error))
    if not there.is_dir():
        return FolderFacts(path=path, unusable=f"{there} is no folder")
    if not os.access(there, os.W_OK | os.X_OK):
        return FolderFacts(path=path, free_bytes=free_bytes, unusable="no permission to write")
    return FolderFacts(path=path, free_bytes=free_bytes)


def size_of(path: Path) -> int:
    """What the files in a folder take."""
    return sum(each.stat().st_size for each in path.glob("*.sqlite")) if path.is_dir() else 0


def secrets_of(value: object) -> Iterator[Secret]:
    """Every secret within a part of the configuration."""
    match value:
        case Secret():
            yield value
        case msgspec.Struct():
            for name in value.__struct_fields__:
                yield from secrets_of(getattr(value, name))
        case tuple():
            for each in value:
                yield from secrets_of(each)
        case dict():
            for each in value.values():
                yield from secrets_of(each)
        case _:
            return
