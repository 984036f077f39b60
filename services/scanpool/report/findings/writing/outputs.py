"""Puts what plugins printed into the file that is kept: to be read block by block, and to be searched."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Callable, Iterable

import msgspec
import zstandard

from scanpool.report.findings import schema
from scanpool.report.findings.searching.templates import Lines


class OutputWriter:
    """Takes the outputs of findings in page order."""

    def __init__(self, database: sqlite3.Connection, text: Callable[[int, int], str], digest: hashlib.blake2b) -> None:
        """`text` gives the output that begins at a byte and has so many; `digest` sees all blocks."""
        self._database = database
        self._text = text
        self._digest = digest
        self._compress = zstandard.ZstdCompressor(level=3).compress
        self._lines = Lines()
        self._lines_from = 1

    def add(self, first: int, places: Iterable[tuple[int | None, int]]) -> None:
        """Of the ranks from `first` on, where there is what was printed: beginning and size, or None."""
        block: list[str | None] = []
        size = 0
        for start, bytes_ in places:
            if block and size > schema.BLOCK_BYTES:
                self._store(first, block)
                first += len(block)
                block, size = [], 0
            if start is None:
                block.append(None)
            else:
                block.append(self._text(start, bytes_))
                size += bytes_
        self._store(first, block)

    def flush(self) -> None:
        """Write what waits, once that is all."""
        if self._lines.findings:
            self._store_lines()

    def _store(self, first: int, block: list[str | None]) -> None:
        packed = self._compress(msgspec.msgpack.encode(block))
        self._digest.update(packed)
        self._database.execute("INSERT INTO outputs VALUES (?, ?)", (first, packed))
        for output in block:
            self._lines.add(output)
            if self._lines.is_full:
                self._store_lines()

    def _store_lines(self) -> None:
        lines, last = self._lines.encoded(), self._lines_from + self._lines.findings - 1
        columns = map(self._compress, (lines.templates, lines.whole, lines.findings, lines.numbers, lines.codes))
        self._database.execute("INSERT INTO lines VALUES (?, ?, ?, ?, ?, ?, ?)", (self._lines_from, last, *columns))
        self._lines, self._lines_from = Lines(), last + 1
