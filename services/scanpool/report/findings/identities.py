"""Fills the table by which two files are compared: of each host what its findings and results are known by."""

from __future__ import annotations

import sqlite3
import sys
from array import array
from collections.abc import Iterable, Iterator
from itertools import groupby
from operator import itemgetter

from scanpool.report.findings.identity import FINDING_IDENTITY, check_identity, protocol_bits

_UNSIGNED = (1 << 64) - 1
_PROTOCOLS = "CREATE TEMP TABLE protocols (service INTEGER PRIMARY KEY, bits INTEGER)"
_FINDINGS = f"""
SELECT f.host, {FINDING_IDENTITY} FROM findings f INDEXED BY findings_by_host
CROSS JOIN plugins p ON p.id = f.plugin CROSS JOIN temp.protocols c ON c.service = f.service ORDER BY f.host
"""  # noqa: S608  # names of ours
_RESULTS = """
SELECT r.host, c.plugin_id, c.check_id, c.name, r.result FROM compliance r JOIN checks c ON c.id = r.check_
ORDER BY r.host
"""


def fill_identities(database: sqlite3.Connection) -> None:
    """Fill the table from the others, which are full."""
    database.execute(_PROTOCOLS)
    services = database.execute("SELECT id, protocol FROM services")
    bits = ((service, protocol_bits(protocol)) for service, protocol in services)
    database.executemany("INSERT INTO temp.protocols VALUES (?, ?)", bits)
    database.executemany("INSERT INTO identities VALUES (?, ?, ?)", _rows(database))
    database.execute("DROP TABLE temp.protocols")


def _rows(database: sqlite3.Connection) -> Iterator[tuple[int, bytes, bytes]]:
    findings = _by_host(database.execute(_FINDINGS))
    results = _by_host((host, check_identity(*check)) for host, *check in database.execute(_RESULTS))
    of_findings, of_results = next(findings, None), next(results, None)
    for (host,) in database.execute("SELECT id FROM hosts ORDER BY id"):
        found, checked = b"", b""
        if of_findings is not None and of_findings[0] == host:
            found, of_findings = of_findings[1], next(findings, None)
        if of_results is not None and of_results[0] == host:
            checked, of_results = of_results[1], next(results, None)
        yield host, found, checked


def _by_host(rows: Iterable[tuple[int, int]]) -> Iterator[tuple[int, bytes]]:
    """By host, which comes first in each row: its identities in order."""
    for host, group in groupby(rows, key=itemgetter(0)):
        numbers = array("Q", sorted([number & _UNSIGNED for _, number in group]))
        if sys.byteorder == "big":
            numbers.byteswap()
        yield host, numbers.tobytes()
