"""Findings of scans and of reports, as files that are open to be read."""

from __future__ import annotations

import sqlite3
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

from scanpool.cli.frame.exits import ExitCode, Failure
from scanpool.cli.frame.failures import code_of, file_failures
from scanpool.cli.frame.invocation import Invocation

if TYPE_CHECKING:
    from scanpool.client import ScanPool
    from scanpool.report.findings.store import Store

OR_FILE = "Id of a scan that is over, or a report (.nessus)."

ScanOrFile: TypeAlias = Annotated[str, typer.Argument(metavar="ID", help=OR_FILE)]


@contextmanager
def findings_of(call: Invocation, named: str, pool: str | None) -> Iterator[Store]:
    """The findings of a scan, or of a report, open while it is entered.

    Raises:
        Failure: there are none, or they cannot be read; also for what `findings_failures` turns into one.
    """
    from scanpool.report.findings.store import Store

    with tempfile.TemporaryDirectory(prefix="scanpool-findings-") as folder, findings_failures():
        (path,) = files_of(call, (named,), pool, Path(folder))
        with file_failures(path):
            store = Store(path)
        with store:
            yield store


@contextmanager
def findings_failures() -> Iterator[None]:
    """What cannot be read of findings, or was asked in vain.

    Raises:
        Failure: in its place.
    """
    from scanpool.report.findings.errors import BadQuery, FindingsError

    try:
        yield
    except BadQuery as error:
        raise Failure(code_of(error), str(error), exit_code=ExitCode.USAGE) from error
    except FindingsError as error:
        raise Failure(code_of(error), str(error)) from error
    except sqlite3.OperationalError as error:
        raise Failure("file_unusable", f"the file of findings cannot be read: {error}") from error


def files_of(call: Invocation, named: Sequence[str], pool: str | None, folder: Path) -> list[Path]:
    """The files of findings: made in the folder of reports, fetched of scans.

    Raises:
        Failure: a scan has none, or a report is refused.
    """
    local = {each: _read(Path(each), folder / f"{place}.sqlite") for place, each in enumerate(named) if is_file(each)}
    scans = [each for each in named if each not in local]
    if not scans:
        return [local[each] for each in named]

    async def fetched(client: ScanPool) -> dict[str, Path]:
        with file_failures("the cache of findings"):
            return {each: await client.findings_file(each, pool=pool) for each in scans}

    from scanpool.cli.frame.connecting import with_client

    known = {**local, **with_client(call, fetched)}
    return [known[each] for each in named]


def is_file(named: str) -> bool:
    """Whether a report is meant, and not the id of a scan."""
    return Path(named).is_file()


def _read(report: Path, destination: Path) -> Path:
    import msgspec

    from scanpool.report.findings.writing.writer import FindingsWriter
    from scanpool.report.reader import pieces_of
    from scanpool.report.validate import validate

    with file_failures(report), report.open("rb") as file, FindingsWriter(destination.parent) as writer:
        result = validate(pieces_of(file), listener=writer)
        if result.error is not None:
            raise Failure(result.error.code, f"{report}: {result.error.message}")
        about = msgspec.to_builtins(msgspec.structs.replace(result, hosts=()))
        writer.write(destination, {"report": {"file": str(report)}, "result": about})
    return destination
