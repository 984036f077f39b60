"""What the file keeps of each host as a whole: its plugins, its counts, and by what two files are compared."""

from __future__ import annotations

import sqlite3
from array import array
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import groupby
from operator import itemgetter
from typing import TypeAlias

from scanpool.report.findings.identity import STATE, UNRATED, check_identity, finding_identity, protocol_bits
from scanpool.report.findings.packing import packed_numbers
from scanpool.report.findings.writing.large_hosts import LargeHosts

KEPT_IN_MEMORY = 262_144
"""Findings that wait before they are put on disk, of hosts a thirty-second of it; a host with more is a large one."""
_KNOWN_SERVICES = 4_096
_STATES = (4, 3, 2, 1, 0, UNRATED)
_SPOOLED = "CREATE TABLE spool.host_list (host INTEGER, plugins BLOB, identities BLOB)"
_PARTS = """
SELECT host, plugins, identities FROM spool.host_list WHERE host NOT IN (SELECT host FROM spool.large_host)
ORDER BY host, rowid
"""
_RESULTS = """
SELECT r.host, c.plugin_id, c.check_id, c.name, r.result FROM compliance r JOIN checks c ON c.id = r.check_
WHERE r.host NOT IN (SELECT host FROM spool.large_host) ORDER BY r.host
"""
_COUNTS = """
UPDATE hosts SET critical = ?, high = ?, medium = ?, low = ?, info = ?, unrated = ? WHERE id = ?
"""

_Numbers: TypeAlias = "tuple[array[int], array[int]]"
"""Plugins, and identities."""


class HostLists:
    """Sees every finding in page order, and puts together what is of one host."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self._database = database
        self._hosts: defaultdict[int, _Numbers] = defaultdict(lambda: (array("I"), array("Q")))
        self._waiting = 0
        self._of_plugin = lru_cache(maxsize=1)(self._plugin_bits)
        self._of_service = lru_cache(_KNOWN_SERVICES)(self._service_bits)
        database.execute(_SPOOLED)

    def see(self, findings: Sequence[tuple[int, ...]]) -> None:
        """Take in findings: plugin, host, port, service."""
        hosts, of_plugin, of_service = self._hosts, self._of_plugin, self._of_service
        for plugin, host, port, service in findings:
            plugins, identities = hosts[host]
            plugins.append(plugin)
            identities.append(of_plugin(plugin) | (port & 0xFFFF) << 8 | of_service(service))
        self._waiting += len(findings)
        if self._waiting > KEPT_IN_MEMORY or len(hosts) > KEPT_IN_MEMORY // 32:
            self._flush()

    def fill(self) -> None:
        """Fill the tables from what was seen, once that is all; that of compliance results is full."""
        self._flush()
        execute = self._database.execute
        large = LargeHosts(self._database, KEPT_IN_MEMORY)
        listed, checked = self._by_host(), _results(self._database)
        of_findings, of_results = next(listed, None), next(checked, None)
        for (host,) in self._database.execute("SELECT id FROM hosts ORDER BY id"):
            if host in large:
                self._count(host, large.fill(host))
                continue
            findings, results = b"", b""
            if of_findings is not None and of_findings[0] == host:
                _, plugins, identities = of_findings
                self._count(host, Counter([number & STATE for number in identities]))
                execute("INSERT INTO host_plugins VALUES (?, ?)", (host, packed_numbers(plugins)))
                findings, of_findings = packed_numbers(array("Q", sorted(identities))), next(listed, None)
            if of_results is not None and of_results[0] == host:
                results, of_results = of_results[1], next(checked, None)
            execute("INSERT INTO identities VALUES (?, ?, ?)", (host, findings, results))

    def _count(self, host: int, states: Mapping[int, int]) -> None:
        self._database.execute(_COUNTS, (*(states.get(state, 0) for state in _STATES), host))

    def _flush(self) -> None:
        rows = ((host, *numbers) for host, numbers in self._hosts.items())
        self._database.executemany("INSERT INTO spool.host_list VALUES (?, ?, ?)", rows)
        self._hosts.clear()
        self._waiting = 0

    def _by_host(self) -> Iterator[tuple[int, array[int], array[int]]]:
        for host, parts in groupby(self._database.execute(_PARTS), key=itemgetter(0)):
            plugins, identities = array("I"), array("Q")
            for _, some_plugins, some_identities in parts:
                plugins.frombytes(some_plugins)
                identities.frombytes(some_identities)
            yield host, plugins, identities

    def _plugin_bits(self, plugin: int) -> int:
        row = self._database.execute("SELECT plugin_id, severity FROM plugins WHERE id = ?", (plugin,)).fetchone()
        plugin_id, severity = row
        return finding_identity(plugin_id, 0, "", severity)

    def _service_bits(self, service: int) -> int:
        (protocol,) = self._database.execute("SELECT protocol FROM services WHERE id = ?", (service,)).fetchone()
        return protocol_bits(protocol)


def _results(database: sqlite3.Connection) -> Iterator[tuple[int, bytes]]:
    """By host: the identities of its compliance results in order."""
    for host, rows in groupby(database.execute(_RESULTS), key=itemgetter(0)):
        yield host, packed_numbers(array("Q", sorted([check_identity(*check) for _, *check in rows])))
