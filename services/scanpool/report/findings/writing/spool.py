"""What was harvested, on disk until all of it is known: a SQLite file, and one of outputs, that are thrown away."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path
from typing import Any

from scanpool.report.findings.writing.inserting import insert

_ROWS = 512
_CHARS = 1 << 20
_BUFFER_BYTES = 1 << 18

_TABLES = """
CREATE TABLE item (
  seq INTEGER PRIMARY KEY, plugin INTEGER, host INTEGER, port INTEGER, service INTEGER, start INTEGER, size INTEGER,
  extra BLOB
);
CREATE TABLE plugin (
  id INTEGER PRIMARY KEY, plugin_id INTEGER, severity INTEGER, score REAL, name TEXT, family TEXT,
  cvss2 REAL, cvss3 REAL, cvss4 REAL, vpr REAL, epss REAL, exploit INTEGER, known_exploited INTEGER, facts BLOB
);
CREATE TABLE cve (plugin INTEGER, cve TEXT, PRIMARY KEY (plugin, cve)) WITHOUT ROWID;
CREATE TABLE service (id INTEGER PRIMARY KEY, protocol TEXT, name TEXT);
CREATE TABLE host (
  id INTEGER PRIMARY KEY, name TEXT, address TEXT, address_key BLOB, fqdn TEXT, netbios TEXT, os TEXT,
  started_at TEXT, ended_at TEXT, tags BLOB
);
CREATE TABLE verdict (
  name TEXT, address TEXT, verdict TEXT, authenticated INTEGER, reason TEXT, evidence TEXT, method TEXT,
  PRIMARY KEY (name, address)
) WITHOUT ROWID;
CREATE TABLE check_ (id INTEGER PRIMARY KEY, plugin_id INTEGER, name TEXT, check_id TEXT, family TEXT, facts BLOB);
CREATE TABLE result (seq INTEGER PRIMARY KEY, check_ INTEGER, host INTEGER, result TEXT, data BLOB);
"""


class Spool:
    """Takes rows in whatever order they come; memory does not grow with them."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._texts_path = path.with_name(f"{path.name}-texts")
        self._texts = self._texts_path.open("w+b", buffering=_BUFFER_BYTES)
        self._texts_size = 0
        self._items: list[tuple[Any, ...]] = []
        self.database = sqlite3.connect(path, isolation_level=None)
        self.database.executescript(
            "PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; PRAGMA cache_size=-4096; PRAGMA locking_mode=EXCLUSIVE;"
        )
        self.database.executescript(_TABLES)
        self.database.execute("BEGIN")
        self._rows: dict[str, list[tuple[Any, ...]]] = {}
        self._chars = 0
        self._waiting = 0

    def add_item(self, item: tuple[int, int, int, int], output: str | None, extra: bytes | None = None) -> None:
        """Add a finding (plugin, host, port, service) with what was printed, and what else it has."""
        start = size = None
        if output is not None:
            start = self._texts_size
            size = self._texts.write(output.encode())
            self._texts_size += size
        # Its number, left out here, is by the order in which findings come.
        self._items.append((*item, start, size, extra))
        self._chars += 0 if extra is None else len(extra)
        if len(self._items) >= _ROWS or self._chars >= _CHARS:
            self.flush()

    def text(self, start: int, size: int) -> str:
        """The output that begins at that byte; after a `flush`."""
        return os.pread(self._texts.fileno(), size, start).decode()

    def add(self, table: str, row: tuple[Any, ...], chars: int = 0) -> None:
        """Add a row that says everything of itself; `chars` is how large it is."""
        self._rows.setdefault(table, []).append(row)
        self._chars += chars
        self._waiting += 1
        if self._waiting >= _ROWS or self._chars >= _CHARS:
            self.flush()

    def flush(self) -> None:
        """Write what waits."""
        self._texts.flush()
        insert(self.database, "item (plugin, host, port, service, start, size, extra)", self._items)
        self._items.clear()
        for table, rows in self._rows.items():
            insert(self.database, table, rows)
        self._rows.clear()
        self._chars = self._waiting = 0

    def close(self) -> None:
        """Throw all of it away."""
        self.database.close()
        self._texts.close()
        for path in (self.path, self._texts_path):
            path.unlink(missing_ok=True)
