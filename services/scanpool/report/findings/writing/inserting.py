"""Rows put into a table, many with one statement: half as dear as one by one, and memory does not grow with them."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from itertools import chain
from typing import Any

_AT_ONCE = 64


def insert(database: sqlite3.Connection, into: str, rows: Sequence[tuple[Any, ...]]) -> None:
    """Put rows of one length into a table, or into some of its columns: `into` is SQL."""
    for start in range(0, len(rows), _AT_ONCE):
        some = rows[start : start + _AT_ONCE]
        marks = f"({', '.join('?' * len(some[0]))})"
        statement = f"INSERT INTO {into} VALUES {', '.join([marks] * len(some))}"  # noqa: S608  # names of ours
        database.execute(statement, [*chain.from_iterable(some)])
