"""What the file keeps of a host that has too much for memory: put in order on disk, and written piece by piece."""

from __future__ import annotations

import sqlite3
from array import array
from collections.abc import Iterator

from scanpool.report.findings.identity import UNRATED, check_identity, finding_identity
from scanpool.report.findings.packing import packed_numbers

_AT_ONCE = 8_192
_LARGE = """
CREATE TABLE spool.large_host AS SELECT host FROM findings GROUP BY host HAVING COUNT(*) > :most
UNION SELECT host FROM compliance GROUP BY host HAVING COUNT(*) > :most
"""
_PLUGINS = "SELECT plugin FROM findings INDEXED BY findings_by_host WHERE host = ? ORDER BY plugin"
_FINDINGS = """
SELECT finding_key(p.plugin_id, f.port, s.protocol, p.severity)
FROM findings f CROSS JOIN plugins p ON p.id = f.plugin CROSS JOIN services s ON s.id = f.service
WHERE f.host = ? ORDER BY 1
"""
_RESULTS = """
SELECT check_key(c.plugin_id, c.check_id, c.name, r.result)
FROM compliance r CROSS JOIN checks c ON c.id = r.check_ WHERE r.host = ? ORDER BY 1
"""
_STATES = f"""
SELECT COALESCE(p.severity, {UNRATED}), COUNT(*) FROM findings f CROSS JOIN plugins p ON p.id = f.plugin
WHERE f.host = ? GROUP BY 1
"""  # noqa: S608  # a number of ours


class LargeHosts:
    """The hosts with more findings, or more compliance results, than `most`; the tables of both are full."""

    def __init__(self, database: sqlite3.Connection, most: int) -> None:
        self._database = database
        database.create_function("finding_key", 4, lambda *of: finding_identity(*of).to_bytes(8, "big"))
        database.create_function("check_key", 4, lambda *of: check_identity(*of).to_bytes(8, "big"))
        database.execute(_LARGE, {"most": most})
        self._hosts = {host for (host,) in database.execute("SELECT host FROM spool.large_host")}

    def __contains__(self, host: int) -> bool:
        return host in self._hosts

    def fill(self, host: int) -> dict[int, int]:
        """Fill what the file keeps of the host, but its counts: how many findings have which state."""
        states: dict[int, int] = dict(self._database.execute(_STATES, (host,)))
        findings = sum(states.values())
        if findings:
            self._database.execute("INSERT INTO host_plugins VALUES (?, zeroblob(?))", (host, 4 * findings))
            self._write("host_plugins", "plugins", host, self._plugins(host))
        ((results,),) = self._database.execute("SELECT COUNT(*) FROM compliance WHERE host = ?", (host,))
        rows = (host, 8 * findings, 8 * results)
        self._database.execute("INSERT INTO identities VALUES (?, zeroblob(?), zeroblob(?))", rows)
        self._write("identities", "findings", host, self._identities(_FINDINGS, host))
        self._write("identities", "compliance", host, self._identities(_RESULTS, host))
        return states

    def _write(self, table: str, column: str, host: int, pieces: Iterator[bytes]) -> None:
        with self._database.blobopen(table, column, host) as blob:
            for piece in pieces:
                blob.write(piece)

    def _plugins(self, host: int) -> Iterator[bytes]:
        cursor = self._database.execute(_PLUGINS, (host,))
        while rows := cursor.fetchmany(_AT_ONCE):
            yield packed_numbers(array("I", [plugin for (plugin,) in rows]))

    def _identities(self, statement: str, host: int) -> Iterator[bytes]:
        """In order: as keys they have their big end first, by which numbers too large for SQLite compare."""
        cursor = self._database.execute(statement, (host,))
        while rows := cursor.fetchmany(_AT_ONCE):
            numbers = array("Q", b"".join([key for (key,) in rows]))
            numbers.byteswap()
            yield numbers.tobytes()
