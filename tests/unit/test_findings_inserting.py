"""Rows arrive as they were given, in their order, however many there are."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest

from scanpool.report.findings.writing.inserting import insert


@pytest.mark.parametrize("count", [0, 1, 63, 64, 65, 200])
def test_every_row_arrives_in_its_order(count: int) -> None:
    rows = [(f"row {number}", None, number.to_bytes(2, "big")) for number in range(count)]
    with closing(sqlite3.connect(":memory:")) as database:
        database.execute("CREATE TABLE kept (id INTEGER PRIMARY KEY, text TEXT, empty TEXT, data BLOB)")
        insert(database, "kept (text, empty, data)", rows)
        assert database.execute("SELECT text, empty, data FROM kept ORDER BY id").fetchall() == rows
        assert database.execute("SELECT COUNT(*), MAX(id) FROM kept").fetchone() == (count, count or None)
