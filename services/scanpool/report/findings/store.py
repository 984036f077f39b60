"""A file of findings, opened to be read: what it is of, its counts, its hosts."""

from __future__ import annotations

import json
import sqlite3
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

import msgspec
import zstandard

from scanpool.report.findings.counts import WORST_FIRST, Counts, severity_counts
from scanpool.report.findings.errors import NotAFindingsFile, OtherVersion
from scanpool.report.findings.schema import APPLICATION_ID, VERSION
from scanpool_schemas import decoding
from scanpool_schemas.result import SeverityCounts

T = TypeVar("T")

_CACHE_KIB = 8192
_HOSTS_AT_ONCE = 256
_REMEMBERED = 16
_REMEMBERED_WEIGHT = 1 << 20


class Host(msgspec.Struct, frozen=True, kw_only=True):
    """A host, and what became of the login on it."""

    name: str
    host_ip: str
    host_fqdn: str
    netbios_name: str
    operating_system: str
    started_at: str
    ended_at: str
    verdict: str
    authenticated: bool
    reason: str
    evidence: str
    method: str
    severity: SeverityCounts


@dataclass(frozen=True, slots=True)
class _Kept:
    value: Any
    weight: int


class Store:
    """Reads while entered, and never writes. For one thread at a time."""

    def __init__(self, path: Path) -> None:
        """Open the file.

        Raises:
            FileNotFoundError: there is none.
            NotAFindingsFile: it is something else.
            OtherVersion: it is of another version.
        """
        if not path.is_file():
            raise FileNotFoundError(f"{path}: there is no such file")
        self.path = path
        address = f"{path.absolute().as_uri()}?mode=ro&immutable=1"
        self._database = sqlite3.connect(address, uri=True, isolation_level=None, check_same_thread=False)
        self._remembered: OrderedDict[Any, _Kept] = OrderedDict()
        self._tables: OrderedDict[Any, str] = OrderedDict()
        self._numbered = 0
        self._decompress: Callable[[bytes], bytes] = zstandard.ZstdDecompressor().decompress
        try:
            self._check()
            self._database.execute(f"PRAGMA cache_size=-{_CACHE_KIB}")
            told = dict(self.rows("SELECT name, value FROM about"))
            self.digest: str = decoding.decode(told.pop("digest"), str)
            """Of all that filters look at, in its order: the same for the same report read by the same version."""
            self.counts: Counts = decoding.decode(told.pop("counts"), Counts)
            self.about: dict[str, Any] = {name: json.loads(text) for name, text in told.items()}
            """What the writer was told that the file is of: `scan`, `report`, `result` where it was."""
        except (KeyError, ValueError, sqlite3.OperationalError) as error:
            self.close()
            raise NotAFindingsFile(f"{path}: damaged: it does not say what it holds") from error
        except BaseException:
            self.close()
            raise

    def _check(self) -> None:
        try:
            ((application,), (version,)) = (
                self._database.execute(f"PRAGMA {name}").fetchone() for name in ("application_id", "user_version")
            )
        except sqlite3.DatabaseError as error:
            raise NotAFindingsFile(f"{self.path}: not a file of findings, but something else or damaged") from error
        if application != APPLICATION_ID:
            raise NotAFindingsFile(f"{self.path}: not a file of findings (application id {application:#x})")
        if version != VERSION:
            raise OtherVersion(
                f"{self.path}: findings of version {version}; this program reads version {VERSION}. Use the other "
                "version, or read the report itself: save it with `scanpool results export ID --format nessus`"
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    def hosts(self, *, limit: int = -1, offset: int = 0) -> Iterator[Host]:
        """Hosts, by address: IPv4, then IPv6, then those without one by name. -1 is no limit."""
        counts = ", ".join(WORST_FIRST)
        for *texts, authenticated, reason, evidence, method, tail in self._hosts(counts, limit, offset):
            name, address, fqdn, netbios, system, started, ended, verdict = texts
            yield Host(
                name=name,
                host_ip=address,
                host_fqdn=fqdn,
                netbios_name=netbios,
                operating_system=system,
                started_at=started,
                ended_at=ended,
                verdict=verdict,
                authenticated=bool(authenticated),
                reason=reason,
                evidence=evidence,
                method=method,
                severity=severity_counts(tail),
            )

    def _hosts(self, counts: str, limit: int, offset: int) -> Iterator[tuple[Any, ...]]:
        columns = "name, address, fqdn, netbios, os, started_at, ended_at, verdict, authenticated, reason, evidence"
        statement = f"SELECT {columns}, method, {counts} FROM hosts WHERE id > ? AND id <= ?"  # noqa: S608
        last = self.counts.hosts if limit < 0 else min(offset + limit, self.counts.hosts)
        for first in range(offset, last, _HOSTS_AT_ONCE):  # no statement stays open meanwhile: others may change tables
            rows = list(self.rows(f"{statement} ORDER BY id", (first, min(first + _HOSTS_AT_ONCE, last))))
            yield from ((*row[:12], row[12:]) for row in rows)

    def rows(self, statement: str, parameters: Sequence[Any] = ()) -> Iterator[tuple[Any, ...]]:
        """What the statement finds, as it is read.

        Raises:
            NotAFindingsFile: the file is damaged.
            sqlite3.OperationalError: the disk.
        """
        try:
            yield from self._database.execute(statement, parameters)
        except sqlite3.OperationalError:
            raise
        except sqlite3.DatabaseError as error:
            raise NotAFindingsFile(f"{self.path}: damaged: {error}") from error

    def value(self, statement: str, parameters: Sequence[Any] = ()) -> Any:
        """The one value that the statement finds; None where it finds no row."""
        return next(self.rows(statement, parameters), (None,))[0]

    def change(self, statement: str, parameters: Sequence[Any] = ()) -> None:
        """Run a statement that writes to temporary tables; they are on disk, and gone when the file is closed."""
        for _ in self.rows(statement, parameters):
            pass

    def table(self, key: Any, fill: Callable[[str], None]) -> str:
        """The name of the temporary table that was made for this key before, or that `fill` makes of that name now.

        The latest few are kept.
        """
        name = self._tables.get(key)
        if name is None:
            self._numbered += 1
            name = f"kept_{self._numbered}"
            fill(name)
            self._tables[key] = name
        self._tables.move_to_end(key)
        while len(self._tables) > _REMEMBERED:
            self.change(f"DROP TABLE temp.{self._tables.popitem(last=False)[1]}")
        return name

    def unpacked(self, data: bytes) -> bytes:
        """What a column holds compressed.

        Raises:
            NotAFindingsFile: the file is damaged.
        """
        try:
            return self._decompress(data)
        except zstandard.ZstdError as error:
            raise NotAFindingsFile(f"{self.path}: damaged: {error}") from error

    def facts(self, data: bytes) -> dict[str, list[str]]:
        """The JSON object that a column holds compressed."""
        facts: dict[str, list[str]] = json.loads(self.unpacked(data))
        return facts

    def remembered(self, key: Any, make: Callable[[], T], weight: Callable[[T], int]) -> T:
        """What was made for this key before, or is made now; the latest few are kept while they are not heavy.

        `weight` is about how many rows it holds.
        """
        kept = self._remembered.get(key)
        if kept is None:
            value = make()
            kept = self._remembered[key] = _Kept(value, weight(value))
        self._remembered.move_to_end(key)
        while len(self._remembered) > _REMEMBERED or (
            len(self._remembered) > 1 and sum(each.weight for each in self._remembered.values()) > _REMEMBERED_WEIGHT
        ):
            self._remembered.popitem(last=False)
        found: T = kept.value
        return found
