"""Puts what was spooled into page order, in the file that is kept."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

import msgspec

from scanpool.report.findings import schema
from scanpool.report.findings.counts import counts
from scanpool.report.findings.writing import repeated_hosts
from scanpool.report.findings.writing.host_lists import HostLists
from scanpool.report.findings.writing.inserting import insert
from scanpool.report.findings.writing.outputs import OutputWriter
from scanpool.report.findings.writing.spool import Spool

_PORTS_IN_MEMORY = 8_192
_RANGES_IN_MEMORY = 1_024
_ORDER = """
CREATE TABLE spool.host_place (id INTEGER PRIMARY KEY, place INTEGER);
INSERT INTO spool.host_place
  SELECT id, DENSE_RANK() OVER (ORDER BY address_key IS NULL, address_key, name, address) FROM spool.host;
CREATE TABLE spool.plugin_place (id INTEGER PRIMARY KEY, place INTEGER);
INSERT INTO spool.plugin_place
  SELECT id, ROW_NUMBER() OVER (
    ORDER BY severity IS NULL, severity DESC, score IS NULL, score DESC, plugin_id IS NULL, plugin_id, name, id
  ) FROM spool.plugin WHERE id IN (SELECT plugin FROM spool.item);
"""
_HOSTS = """
INSERT INTO hosts
SELECT p.place, h.name, h.address, h.address_key, h.fqdn, h.netbios, h.os, h.started_at, h.ended_at,
  COALESCE(v.verdict, 'unknown'), COALESCE(v.authenticated, 0), COALESCE(v.reason, ''), COALESCE(v.evidence, ''),
  COALESCE(v.method, ''), 0, 0, 0, 0, 0, 0, h.tags
FROM spool.host h JOIN spool.host_place p ON p.id = h.id
LEFT JOIN spool.verdict v ON v.name = h.name AND v.address = h.address
GROUP BY p.place HAVING h.id = MIN(h.id) ORDER BY p.place
"""
_PLUGINS = """
INSERT INTO plugins
SELECT p.place, g.plugin_id, g.severity, g.score, g.name, g.family, g.cvss2, g.cvss3, g.cvss4, g.vpr, g.epss,
  g.exploit, g.known_exploited, 0, 0, g.facts
FROM spool.plugin g JOIN spool.plugin_place p ON p.id = g.id ORDER BY p.place
"""
_FINDINGS = """
SELECT p.place, h.place, i.port, i.service, i.start, i.size, i.extra
FROM spool.item i JOIN spool.plugin_place p ON p.id = i.plugin JOIN spool.host_place h ON h.id = i.host
ORDER BY p.place << 24 | h.place, i.port, i.service, i.seq
"""
"""By plugin and host as one number, since numbers that differ are quick to sort; a report has fewer hosts than that."""
_COMPLIANCE = """
INSERT INTO compliance (check_, host, result, data)
SELECT r.check_, h.place, r.result, r.data
FROM spool.result r JOIN spool.check_ c ON c.id = r.check_ JOIN spool.host_place h ON h.id = r.host
ORDER BY CASE r.result WHEN 'FAILED' THEN 0 WHEN 'ERROR' THEN 1 WHEN 'WARNING' THEN 2
  WHEN 'SKIPPED' THEN 4 WHEN 'PASSED' THEN 5 ELSE 3 END, r.result, c.name, c.check_id, r.check_, h.place, r.seq
"""
_RESULTS = """
INSERT INTO results (check_, result, first_rank, last_rank)
SELECT check_, result, MIN(rank), MAX(rank) FROM compliance GROUP BY check_, result ORDER BY MIN(rank)
"""
_CVES = """
INSERT OR IGNORE INTO cves SELECT c.cve, g.id, g.severity, g.score, g.last_rank - g.first_rank + 1
FROM spool.cve c JOIN spool.plugin_place p ON p.id = c.plugin JOIN plugins g ON g.id = p.place
"""
_DIGESTED = (
    "SELECT name, address FROM hosts ORDER BY id",
    "SELECT plugin_id, severity, name, family, first_rank, facts FROM plugins ORDER BY id",
    "SELECT plugin_id, family, facts FROM checks ORDER BY id",
    "SELECT check_, host, result, data FROM compliance ORDER BY rank",
)
"""By which two files are told apart, beside their findings and outputs."""


def assemble(spool: Spool, destination: Path, about: Iterable[tuple[str, str]], checkpoint: Callable[[], None]) -> None:
    """Write the file; it appears under its name only when it is whole, and not if `checkpoint` ever raises."""
    spool.flush()
    spool.database.execute("COMMIT")
    partial = destination.with_name(destination.name + ".part")
    partial.unlink(missing_ok=True)
    database = sqlite3.connect(partial, isolation_level=None)
    try:
        _prepare(database, spool)
        _fill(database, spool, about, checkpoint)
    finally:
        database.close()
    partial.replace(destination)


def _prepare(database: sqlite3.Connection, spool: Spool) -> None:
    spool.database.execute("PRAGMA locking_mode=NORMAL")
    spool.database.execute("SELECT 1 FROM item LIMIT 1").fetchone()
    database.executescript(
        f"PRAGMA application_id={schema.APPLICATION_ID}; PRAGMA user_version={schema.VERSION};"
        "PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; PRAGMA cache_size=-8192; PRAGMA temp_store=FILE;"
    )
    database.execute("ATTACH ? AS spool", (str(spool.path),))
    database.executescript(
        "PRAGMA spool.journal_mode=OFF; PRAGMA spool.synchronous=OFF; PRAGMA spool.cache_size=-4096;"
    )


def _fill(
    database: sqlite3.Connection, spool: Spool, about: Iterable[tuple[str, str]], checkpoint: Callable[[], None]
) -> None:
    database.execute("BEGIN")
    for statement in _statements(schema.TABLES):
        if not statement.startswith("CREATE INDEX"):
            database.execute(statement)
    for statement in _statements(_ORDER):
        database.execute(statement)
    database.execute(_HOSTS)
    repeated_hosts.merge(database)
    database.execute(_PLUGINS)
    database.execute("INSERT INTO services SELECT id, protocol, name FROM spool.service")
    database.execute("INSERT INTO checks SELECT id, plugin_id, name, check_id, family, facts FROM spool.check_")
    digest = hashlib.blake2b(digest_size=16)
    lists = HostLists(database)
    _findings(database, spool, lists, digest, checkpoint)
    database.execute(_CVES)
    database.execute(_COMPLIANCE)
    database.execute(_RESULTS)
    for statement in _statements(schema.TABLES):
        if statement.startswith("CREATE INDEX"):
            database.execute(statement)
    lists.fill()
    database.executemany("INSERT INTO about VALUES (?, ?)", [*about, *_own(database, digest)])
    database.execute("COMMIT")
    database.execute("DETACH spool")


def _own(database: sqlite3.Connection, digest: hashlib.blake2b) -> Iterator[tuple[str, str]]:
    """What the file says of itself, beside what the writer was told."""
    for statement in _DIGESTED:
        for row in database.execute(statement):
            digest.update(msgspec.msgpack.encode(row))
    yield "digest", json.dumps(digest.hexdigest())
    yield "counts", msgspec.json.encode(counts(database)).decode()


def _statements(script: str) -> list[str]:
    code = "\n".join(line.split("--")[0].rstrip() for line in script.splitlines())
    return [statement.strip() for statement in code.split(";") if statement.strip()]


def _findings(
    database: sqlite3.Connection,
    spool: Spool,
    lists: HostLists,
    digest: hashlib.blake2b,
    checkpoint: Callable[[], None],
) -> None:
    """Findings, their outputs and extras in page order, and which ranks are which plugin's."""
    outputs, ranges, ports = OutputWriter(database, spool.text, digest), _Ranges(database), _Ports(database)
    rank = 1
    cursor = database.execute(_FINDINGS)
    while rows := cursor.fetchmany(schema.BLOCK_ROWS):
        checkpoint()
        findings = [row[:4] for row in rows]
        digest.update(msgspec.msgpack.encode(findings))
        insert(database, "findings (plugin, host, port, service)", findings)
        ranges.see(rank, findings)
        ports.see(findings)
        lists.see(findings)
        outputs.add(rank, [row[4:6] for row in rows])
        extras = ((rank, row[6]) for rank, row in enumerate(rows, start=rank) if row[6] is not None)
        database.executemany("INSERT INTO extras VALUES (?, ?)", extras)
        rank += len(rows)
    outputs.flush()
    ranges.flush()
    ports.flush()


class _Ranges:
    """Which ranks are which plugin's: its findings stand together."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self._database = database
        self._plugin = self._first = self._last = 0
        self._ended: list[tuple[int, int, int]] = []

    def see(self, first: int, findings: Sequence[tuple[int, ...]]) -> None:
        if findings[-1][0] != self._plugin:
            for rank, (plugin, *_) in enumerate(findings, start=first):
                if plugin != self._plugin:
                    self._end(rank - 1)
                    self._plugin, self._first = plugin, rank
        self._last = first + len(findings) - 1
        if len(self._ended) > _RANGES_IN_MEMORY:
            self._write()

    def flush(self) -> None:
        self._end(self._last)
        self._write()

    def _end(self, last: int) -> None:
        if self._plugin:
            self._ended.append((self._first, last, self._plugin))

    def _write(self) -> None:
        self._database.executemany("UPDATE plugins SET first_rank = ?, last_rank = ? WHERE id = ?", self._ended)
        self._ended.clear()


class _Ports:
    """How many findings plugins have on which port."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self._database = database
        self._counts: Counter[tuple[int, int]] = Counter()

    def see(self, findings: Iterable[tuple[int, ...]]) -> None:
        self._counts.update([(port, plugin) for plugin, _host, port, _service in findings])
        if len(self._counts) > _PORTS_IN_MEMORY:
            self.flush()

    def flush(self) -> None:
        rows = ((port, plugin, count) for (port, plugin), count in self._counts.items())
        self._database.executemany(
            "INSERT INTO ports VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET findings = findings + excluded.findings", rows
        )
        self._counts.clear()
