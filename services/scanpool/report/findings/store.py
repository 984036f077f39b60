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

from scanpool.report.findings.errors import NotAFindingsFile, OtherVersion
from scanpool.report.findings.schema import APPLICATION_ID, VERSION
from scanpool_schemas.result import SeverityCounts

T = TypeVar("T")

SEVERITIES = ("info", "low", "medium", "high", "critical")
"""By the number that the report gives them; without a number it is unrated."""
WORST_FIRST = (*reversed(SEVERITIES), "unrated")
_CACHE_KIB = 8192
_REMEMBERED = 16
_REMEMBERED_WEIGHT = 1 << 20
_SUMS = ", ".join(f"COALESCE(SUM({name}), 0)" for name in WORST_FIRST)


class Counts(msgspec.Struct, frozen=True, kw_only=True):
    """How much is in the file."""

    findings: int
    severity: SeverityCounts
    """Findings; compliance results are not among them."""
    compliance: dict[str, int]
    """Compliance results by their word in lower case, as `failed`."""
    hosts: int
    plugins: int
    """As many numbers of plugins as have findings."""


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
        try:
            self._check()
            self._database.execute(f"PRAGMA cache_size=-{_CACHE_KIB}")
            self.about: dict[str, Any] = {name: json.loads(text) for name, text in self.rows("SELECT * FROM about")}
            """What the writer said that the file is of: `scan`, `report`, `result` where it said so."""
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
            raise OtherVersion(f"{self.path}: findings of version {version}; this program reads version {VERSION}")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    @property
    def digest(self) -> str:
        """Of the order and the outputs of the findings: the same for the same report read by the same version."""
        return str(self.about.get("digest", ""))

    @property
    def findings(self) -> int:
        """How many findings there are; their ranks are 1 to this."""
        return int(self.value("SELECT MAX(rank) FROM findings") or 0)

    @property
    def compliance(self) -> int:
        """How many compliance results there are; their ranks are 1 to this."""
        return int(self.value("SELECT MAX(rank) FROM compliance") or 0)

    def counts(self) -> Counts:
        """How much is in the file."""
        results = self.rows("SELECT LOWER(result), SUM(last_rank - first_rank + 1) FROM results GROUP BY 1 ORDER BY 1")
        return Counts(
            findings=self.findings,
            severity=_severities(next(self.rows(f"SELECT {_SUMS} FROM hosts"))),  # noqa: S608  # names of ours
            compliance={word or "other": count for word, count in results},
            hosts=self.value("SELECT COUNT(*) FROM hosts"),
            plugins=self.value("SELECT COUNT(DISTINCT COALESCE(plugin_id, -id)) FROM plugins"),
        )

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
                severity=_severities(tail),
            )

    def _hosts(self, counts: str, limit: int, offset: int) -> Iterator[tuple[Any, ...]]:
        columns = "name, address, fqdn, netbios, os, started_at, ended_at, verdict, authenticated, reason, evidence"
        statement = f"SELECT {columns}, method, {counts} FROM hosts ORDER BY id LIMIT ? OFFSET ?"  # noqa: S608
        return ((*row[:12], row[12:]) for row in self.rows(statement, (limit, offset)))

    def rows(self, statement: str, parameters: Sequence[Any] = ()) -> Iterator[tuple[Any, ...]]:
        """What the statement finds, as it is read.

        Raises:
            NotAFindingsFile: the file is damaged.
        """
        try:
            yield from self._database.execute(statement, parameters)
        except sqlite3.DatabaseError as error:
            raise NotAFindingsFile(f"{self.path}: damaged: {error}") from error

    def value(self, statement: str, parameters: Sequence[Any] = ()) -> Any:
        """The one value that the statement finds; None where it finds no row."""
        return next(self.rows(statement, parameters), (None,))[0]

    def unpacked(self, data: bytes) -> bytes:
        """What a column holds compressed.

        Raises:
            NotAFindingsFile: the file is damaged.
        """
        try:
            return zstandard.ZstdDecompressor().decompress(data)
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


def _severities(counts: Sequence[int]) -> SeverityCounts:
    return SeverityCounts(**dict(zip(WORST_FIRST, counts, strict=True)))
