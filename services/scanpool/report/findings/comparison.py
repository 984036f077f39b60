"""Two files of findings compared: counts at once, and every difference in page order, in bounded memory."""

from __future__ import annotations

import contextlib
import json
import sqlite3
import tempfile
from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self

import msgspec

from scanpool.report.findings.errors import NotAFindingsFile
from scanpool.report.findings.identity import check_identity, finding_identity, plugin_of
from scanpool.report.findings.matching import Moved, Reason, Status, moved, why_unverified
from scanpool.report.findings.store import Store
from scanpool_schemas.result import LoginVerdict

Kind = Literal["finding", "compliance"]
STATUSES: tuple[Status, ...] = ("new", "fixed", "unverified", "changed")

_PAIRS = """
CREATE TABLE pairs (before INTEGER, after INTEGER);
INSERT INTO pairs SELECT a.id, b.id FROM a.hosts a JOIN b.hosts b ON b.name = a.name AND b.address = a.address;
CREATE INDEX pairs_before ON pairs (before);
CREATE INDEX pairs_after ON pairs (after);
INSERT INTO pairs
  SELECT MIN(a.id), MIN(b.id) FROM a.hosts a JOIN b.hosts b ON b.address_key = a.address_key
  WHERE a.id NOT IN (SELECT before FROM pairs) AND b.id NOT IN (SELECT after FROM pairs)
  GROUP BY a.address_key HAVING COUNT(*) = 1;
INSERT INTO pairs SELECT a.id, NULL FROM a.hosts a WHERE a.id NOT IN (SELECT before FROM pairs);
INSERT INTO pairs SELECT NULL, b.id FROM b.hosts b WHERE b.id NOT IN (SELECT after FROM pairs WHERE after NOT NULL);
CREATE TABLE changes (
  kind TEXT, status TEXT, reason TEXT, host TEXT, address TEXT, plugin_id INTEGER, name TEXT, port INTEGER,
  protocol TEXT, before TEXT, after TEXT, severity INTEGER, score REAL
);
"""
"""A host is the same by name and address; else, where that leaves no choice, by its address."""
_HOSTS = """
SELECT p.before, p.after, COALESCE(b.name, a.name), COALESCE(b.address, a.address), a.verdict, b.verdict,
  ia.findings, ib.findings, ia.compliance, ib.compliance
FROM pairs p LEFT JOIN a.hosts a ON a.id = p.before LEFT JOIN b.hosts b ON b.id = p.after
LEFT JOIN a.identities ia ON ia.host = p.before LEFT JOIN b.identities ib ON ib.host = p.after
"""
_FINDINGS_OF = """
SELECT p.plugin_id, p.name, f.port, s.protocol, p.severity, p.score FROM {file}.findings f
JOIN {file}.plugins p ON p.id = f.plugin JOIN {file}.services s ON s.id = f.service
WHERE f.host = :host
"""
_OF_PLUGINS = """
AND f.plugin IN (
  SELECT id FROM {file}.plugins WHERE plugin_id IN (SELECT value FROM json_each(:numbers))
  UNION ALL SELECT id FROM {file}.plugins WHERE plugin_id IS NULL AND :unnumbered
)
"""
_FEW = 64
"""Differences of a host up to which only their plugins' findings are read."""
_RESULTS_OF = """
SELECT c.plugin_id, c.check_id, c.name, r.result FROM {file}.compliance r
JOIN {file}.checks c ON c.id = r.check_ WHERE r.host = ?
"""
_SEVERITIES = ("info", "low", "medium", "high", "critical")


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """One finding, or compliance result, that is not the same in both scans."""

    kind: Kind
    status: Status
    reason: Reason
    host: str
    address: str
    plugin_id: int | None
    name: str
    port: int
    protocol: str
    before: str | None
    """Severity, or compliance result, in the earlier scan."""
    after: str | None


class Counts(msgspec.Struct, frozen=True, kw_only=True):
    """How many findings, or compliance results, have which fate."""

    new: int = 0
    fixed: int = 0
    unverified: int = 0
    changed: int = 0
    unchanged: int = 0


class Summary(msgspec.Struct, frozen=True, kw_only=True):
    """Two scans compared, in numbers."""

    findings: Counts
    by_severity: dict[str, Counts]
    """Of findings; a changed one stands with its later severity."""
    compliance: Counts
    unverified: dict[str, int]
    """Why what is gone does not count as fixed: how often each reason."""
    hosts_in_both: int
    hosts_new: int
    hosts_gone: int


@dataclass(frozen=True, slots=True)
class _Host:
    before: int | None
    after: int | None
    name: str
    address: str
    verdict_before: str | None
    verdict_after: str | None


class Comparison:
    """Compares while entered; what it writes on the way stands in a temporary folder."""

    def __init__(self, before: Path, after: Path, folder: Path | None = None) -> None:
        """`folder` is where the temporary folder is made; without it where the system makes them."""
        self._files = (("a", before), ("b", after))
        self._temporary = tempfile.TemporaryDirectory(prefix="scanpool-diff-", dir=folder)
        self._counts: Counter[tuple[Kind, Status, str]] = Counter()

    def __enter__(self) -> Self:
        """Compare.

        Raises:
            FileNotFoundError: a file is not there.
            NotAFindingsFile: it is something else, or damaged.
            OtherVersion: it is of another version.
        """
        with contextlib.ExitStack() as stack:
            stack.callback(self._temporary.cleanup)
            for _, file in self._files:
                Store(file).close()
            self._database = sqlite3.connect(Path(self._temporary.name) / "diff.sqlite", isolation_level=None, uri=True)
            stack.callback(self._database.close)
            self._compare()
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def summary(self) -> Summary:
        """The numbers."""
        hosts = self._database.execute(
            "SELECT SUM(before NOT NULL AND after NOT NULL), SUM(before IS NULL), SUM(after IS NULL) FROM pairs"
        ).fetchone()
        reasons = self._database.execute("SELECT reason, COUNT(*) FROM changes WHERE reason != '' GROUP BY reason")
        return Summary(
            findings=self._of("finding", self._total("findings")),
            by_severity=self._by_severity(),
            compliance=self._of("compliance", self._total("compliance")),
            unverified=dict(reasons),
            hosts_in_both=hosts[0] or 0,
            hosts_new=hosts[1] or 0,
            hosts_gone=hosts[2] or 0,
        )

    def changes(self, statuses: Collection[Status] = STATUSES, *, limit: int = -1, offset: int = 0) -> Iterator[Change]:
        """Differences of these statuses, worst first: by severity, score, plugin, host and port."""
        marks = ", ".join("?" * len(statuses))
        names = Change.__struct_fields__
        rows = self._database.execute(
            f"SELECT {', '.join(names)} FROM changes WHERE status IN ({marks}) "  # noqa: S608  # names of ours
            "ORDER BY severity DESC, score IS NULL, score DESC, plugin_id, name, host, port, rowid LIMIT ? OFFSET ?",
            [*statuses, limit, offset],
        )
        return (Change(**dict(zip(names, row, strict=True))) for row in rows)

    def _total(self, table: str) -> int:
        total: int = self._database.execute(f"SELECT COUNT(*) FROM b.{table}").fetchone()[0]  # noqa: S608  # ours
        return total

    def _of(self, kind: Kind, total: int) -> Counts:
        found = {status: sum(self._counts[kind, status, state] for state in self._states(kind)) for status in STATUSES}
        return Counts(**found, unchanged=total - found["new"] - found["changed"])

    def _states(self, kind: Kind) -> set[str]:
        return {state for each, _, state in self._counts if each == kind}

    def _by_severity(self) -> dict[str, Counts]:
        columns = (*_SEVERITIES, "unrated")
        sums = ", ".join(f"SUM({name})" for name in columns)
        totals = self._database.execute(f"SELECT {sums} FROM b.hosts").fetchone()  # noqa: S608  # names of ours
        return {name: self._severity(name, total or 0) for name, total in zip(columns, totals, strict=True)}

    def _severity(self, name: str, total: int) -> Counts:
        found = {status: self._counts["finding", status, name] for status in STATUSES}
        return Counts(**found, unchanged=total - found["new"] - found["changed"])

    def _compare(self) -> None:
        self._database.executescript("PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; PRAGMA cache_size=-4096;")
        for name, file in self._files:
            self._database.execute(f"ATTACH ? AS {name}", (f"{file.absolute().as_uri()}?mode=ro&immutable=1",))
        self._database.execute("BEGIN")
        try:
            for statement in _PAIRS.split(";"):
                self._database.execute(statement)
            self._note_all()
        except sqlite3.OperationalError:
            raise
        except sqlite3.DatabaseError as error:
            names = " or ".join(str(file) for _, file in self._files)
            raise NotAFindingsFile(f"{names}: damaged: {error}") from error
        self._database.execute("COMMIT")

    def _note_all(self) -> None:
        for *head, old, new, old_results, new_results in self._database.execute(_HOSTS):
            host = _Host(*head)
            self._note("finding", host, list(moved(old or b"", new or b"")))
            self._note("compliance", host, list(moved(old_results or b"", new_results or b"")))

    def _note(self, kind: Kind, host: _Host, differences: list[Moved]) -> None:
        if not differences:
            return
        unverified = why_unverified(host.verdict_before or LoginVerdict.UNKNOWN, host.verdict_after)
        before = self._details(kind, "a", host.before, {each.before for each in differences})
        after = self._details(kind, "b", host.after, {each.after for each in differences})
        rows = []
        for each in differences:
            old = before[each.before] if each.before is not None else None
            new = after[each.after] if each.after is not None else None
            status = _status(each, unverified)
            shown = new or old
            assert shown is not None
            self._counts[kind, status, shown.state] += 1
            reason = unverified if each.is_gone else ""
            rows.append((kind, status, reason, host.name, host.address, *shown.row(old, new)))
        self._database.executemany("INSERT INTO changes VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", rows)

    def _details(self, kind: Kind, file: str, host: int | None, wanted: Iterable[int | None]) -> dict[int, _Detail]:
        """By identity: what the file says of these of the host's findings, or compliance results, and of others."""
        identities = [each for each in wanted if each is not None]
        if host is None or not identities:
            return {}
        if kind == "finding":
            numbers = sorted({plugin_of(identity) for identity in identities})
            asked = {"host": host, "numbers": json.dumps(numbers), "unnumbered": 0 in numbers}
            statement = f"{_FINDINGS_OF}{_OF_PLUGINS if len(identities) <= _FEW else ''}".format(file=file)
            rows = self._database.execute(statement, asked)
            return {finding_identity(row[0], row[2], row[3], row[4]): _finding(*row) for row in rows}
        rows = self._database.execute(_RESULTS_OF.format(file=file), (host,))
        return {
            check_identity(plugin, check_id, name, result): _Detail(plugin, name, 0, "", result, -1, None)
            for plugin, check_id, name, result in rows
        }


@dataclass(frozen=True, slots=True)
class _Detail:
    plugin_id: int | None
    name: str
    port: int
    protocol: str
    state: str
    """Severity, or compliance result."""
    severity: int
    score: float | None

    def row(self, old: _Detail | None, new: _Detail | None) -> tuple[Any, ...]:
        states = (old.state if old else None, new.state if new else None)
        return self.plugin_id, self.name, self.port, self.protocol, *states, self.severity, self.score


def _finding(plugin: int | None, name: str, port: int, protocol: str, severity: int | None, score: float) -> _Detail:
    rank = -1 if severity is None else severity
    return _Detail(plugin, name, port, protocol, _severity_name(severity), rank, score)


def _status(each: Moved, unverified: Reason) -> Status:
    if each.before is None:
        return "new"
    if not each.is_gone:
        return "changed"
    return "unverified" if unverified else "fixed"


def _severity_name(severity: int | None) -> str:
    return "unrated" if severity is None else _SEVERITIES[severity]
