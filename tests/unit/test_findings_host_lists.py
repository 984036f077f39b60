"""What is kept of one host with findings without end takes no memory for each."""

from __future__ import annotations

import sqlite3
import tracemalloc
from contextlib import closing

from scanpool.report.findings import schema
from scanpool.report.findings.identity import finding_identity
from scanpool.report.findings.packing import unpacked_numbers
from scanpool.report.findings.writing.host_lists import KEPT_IN_MEMORY, HostLists

_FILLED = """
INSERT INTO services VALUES (1, 'tcp', 'www');
INSERT INTO plugins SELECT 1, 10, 2, NULL, '', '', NULL, NULL, NULL, NULL, NULL, 0, 0, 0, 0, '';
INSERT INTO plugins SELECT 2, 5, 1, NULL, '', '', NULL, NULL, NULL, NULL, NULL, 0, 0, 0, 0, '';
INSERT INTO hosts SELECT 1, 'h', '', NULL, '', '', '', '', '', '', 0, '', '', '', 0, 0, 0, 0, 0, 0, '';
"""
_FINDINGS = KEPT_IN_MEMORY + 10_000
_ROWS = 8_192


def test_one_host_with_findings_without_end_is_put_in_order_without_a_list_of_them() -> None:
    findings = [(1 + (n >= _FINDINGS // 2), 1, n % 50_000, 1) for n in range(_FINDINGS)]
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as database:
        database.execute("ATTACH '' AS spool")
        database.executescript(schema.TABLES + _FILLED)
        database.executemany("INSERT INTO findings (plugin, host, port, service) VALUES (?, ?, ?, ?)", findings)
        lists = HostLists(database)
        for start in range(0, _FINDINGS, _ROWS):
            lists.see(findings[start : start + _ROWS])
        tracemalloc.start()
        try:
            lists.fill()
            _, most = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        ((plugins,),) = database.execute("SELECT plugins FROM host_plugins")
        ((identities, results),) = database.execute("SELECT findings, compliance FROM identities")
        counts = database.execute("SELECT medium, low, high FROM hosts").fetchall()
    assert most < 4 * 1024 * 1024
    assert list(unpacked_numbers("I", plugins)) == [plugin for plugin, *_ in findings]
    expected = sorted(finding_identity((10, 5)[plugin - 1], port, "tcp", 3 - plugin) for plugin, _, port, _ in findings)
    assert list(unpacked_numbers("Q", identities)) == expected
    assert (results, counts) == (b"", [(_FINDINGS // 2, _FINDINGS - _FINDINGS // 2, 0)])
