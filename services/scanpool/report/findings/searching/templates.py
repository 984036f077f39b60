"""Lines of outputs as templates, their numbers apart: what a text is looked for in. No I/O.

What a plugin prints on many hosts is much the same but for versions, ports and addresses. So every line is kept once,
with a gap for each number, and for each gap a column of the numbers that stood there: each once, and by its place among
them for every finding.
"""

from __future__ import annotations

import re
from array import array
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, chain
from typing import TypeAlias

from scanpool.report.findings.packing import packed_numbers, packed_parts

MOST_FINDINGS = 8_192
"""In a chunk."""
MOST_BYTES = 8 << 20
"""About what a chunk takes in memory while it is gathered, but for the last output."""
LARGE_OUTPUT = 1 << 16
"""Bytes; the lines of a larger output keep their numbers, which would take too much memory one by one."""
GAP = b"\0"
"""Stands for a number; XML has no such character."""
END = b"\n"
CODES = 256
"""So many numbers of a gap are told apart by a byte."""

_NUMBER = re.compile(rb"([0-9]+)")
_ENTRY_BYTES = 16
_NUMBER_BYTES = 48

_Entry: TypeAlias = tuple[list[int], list[list[bytes]], list[bytes]]
"""Findings that printed a line, the numbers of each of them, and the numbers of the next."""


def taken_apart(line: bytes) -> tuple[bytes, list[bytes]]:
    """The line with gaps, and the numbers that stood there: runs of the digits 0 to 9."""
    parts = _NUMBER.split(line)
    return GAP.join(parts[::2]), parts[1::2]


@dataclass(frozen=True, slots=True)
class Encoded:
    """The lines of neighbouring findings, as they are kept."""

    templates: bytes
    """The lines, each once and with gaps, a newline after each."""
    whole: bytes
    """The lines of large outputs, which have no gaps, each once, a newline after each."""
    findings: bytes
    """Numbers of 32 bits: of each line, of both kinds, where among the numbers its runs begin, and where the last ones
    end; then the runs: of findings that printed the line the first, and the one after the last."""
    numbers: bytes
    """A part for each gap: the numbers that stood there, each once, with a newline before the first and after each."""
    codes: bytes
    """A part for each gap: of each finding that printed the line the place of its number among those. Nothing where
    there is one number only; else a byte each with the low 8 bits, and for more than 256 numbers then one with the
    high ones."""


class Lines:
    """Gathers what findings printed, in their order."""

    def __init__(self, large_output: int = LARGE_OUTPUT) -> None:
        self._large = large_output
        self._lines: dict[bytes, tuple[list[int], list[list[bytes]]]] = {}
        self._whole: dict[bytes, tuple[list[int], list[list[bytes]]]] = {}
        self._outputs: dict[bytes, list[_Entry]] = {}
        self._bytes = 0
        self.findings = 0
        """How many were added."""

    @property
    def is_full(self) -> bool:
        return self.findings >= MOST_FINDINGS or self._bytes > MOST_BYTES

    def add(self, output: str | None) -> None:
        """Take in what the next finding printed."""
        if output:
            raw = output.encode("utf-8", "surrogatepass").lower()
            entries = self._outputs.get(raw)
            if entries is None:
                entries = self._outputs[raw] = [*self._entries(raw)]
            for findings, rows, numbers in entries:
                findings.append(self.findings)
                rows.append(numbers)
            self._bytes += _ENTRY_BYTES * len(entries)
        self.findings += 1

    def encoded(self) -> Encoded:
        """What was gathered."""
        columns = [_Column(numbers) for _, rows in self._lines.values() for numbers in zip(*rows, strict=True)]
        runs = [[*_runs(findings)] for findings, _ in (*self._lines.values(), *self._whole.values())]
        places = accumulate(map(len, runs), initial=len(runs) + 1)
        return Encoded(
            templates=_joined(self._lines),
            whole=_joined(self._whole),
            findings=packed_numbers(array("I", [*places, *chain.from_iterable(runs)])),
            numbers=packed_parts([column.numbers for column in columns]),
            codes=packed_parts([column.codes for column in columns]),
        )

    def _entries(self, raw: bytes) -> Iterator[_Entry]:
        self._bytes += 2 * len(raw)
        lines = filter(None, dict.fromkeys(raw.split(END)))
        if len(raw) > self._large:
            for line in lines:
                yield *self._whole.setdefault(line, ([], [])), []
        else:
            for line in lines:
                template, numbers = taken_apart(line)
                self._bytes += _NUMBER_BYTES * len(numbers)
                yield *self._lines.setdefault(template, ([], [])), numbers


class _Column:
    """The numbers of a gap."""

    def __init__(self, column: Sequence[bytes]) -> None:
        """`column` has the number of each finding."""
        places: dict[bytes, int] = {}
        codes = [places.setdefault(number, len(places)) for number in column]
        self.numbers = END + END.join(places) + END
        self.codes = b""
        if len(places) > CODES:
            self.codes = bytes(code % CODES for code in codes) + bytes(code // CODES for code in codes)
        elif len(places) > 1:
            self.codes = bytes(codes)


def _joined(lines: Iterable[bytes]) -> bytes:
    return b"".join(line + END for line in lines)


def _runs(numbers: Sequence[int]) -> Iterator[int]:
    """Of ascending numbers, run by run: the first, and the one after the last."""
    first, last = numbers[0], numbers[-1]
    if last - first + 1 == len(numbers):
        yield from (first, last + 1)
        return
    for before, number in zip((first, *numbers), numbers, strict=False):
        if number > before + 1:
            yield from (first, before + 1)
            first = number
    yield from (first, last + 1)
