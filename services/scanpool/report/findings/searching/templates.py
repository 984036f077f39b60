"""Lines of outputs as templates, their numbers apart: what a text is looked for in. No I/O.

What a plugin prints on many hosts is much the same but for versions, ports and addresses. So every line is kept once,
with a gap for each number, and for each gap a column of the numbers that stood there: each once, and by its place among
them for every finding. A template that an output has twice is two lines: the second is that of all second ones.
"""

from __future__ import annotations

import re
from array import array
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from scanpool.report.findings.packing import packed_numbers, packed_parts

MOST_FINDINGS = 8_192
"""In a chunk."""
MOST_BYTES = 12 << 20
"""About what a chunk takes in memory while it is gathered, but for the last output."""
LARGE_OUTPUT = 1 << 16
"""Bytes; the lines of a larger output keep their numbers, which would take too much memory one by one."""
MOST_LINES = 1 << 14
"""An output of more lines stays in one piece: each line takes memory too."""
GAP = b"\0"
"""Stands for a number; XML has no such character. In an output that stays in one piece it stands for a newline."""
END = b"\n"
CODES = 256
"""So many numbers of a gap are told apart by a byte."""

_NUMBER = re.compile(rb"([0-9]+)")

_Line: TypeAlias = tuple[list[int], list[list[bytes]]]
"""Findings that printed a line, and the numbers of each of them."""
_Entry: TypeAlias = tuple[_Line, list[bytes]]
"""A line of an output, and its numbers."""
_LINE_BYTES, _ENTRY_BYTES, _FINDING_BYTES = 350, 150, 16
"""What each takes in memory, measured: a line, an entry without its numbers, a finding of a line."""
_PLACE_BYTES, _NUMBER_BYTES = 8, 40
"""Of a number; one of a single digit is a constant of Python and takes a place only."""


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
    """The lines of large outputs, which have no gaps, and outputs in one piece; each once, a newline after each."""
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

    def __init__(self, large_output: int = LARGE_OUTPUT, most_lines: int = MOST_LINES) -> None:
        self._large, self._most_lines = large_output, most_lines
        self._lines: dict[tuple[bytes, int], _Line] = {}
        self._whole: dict[bytes, _Line] = {}
        self._outputs: dict[bytes, list[_Entry]] = {}
        self._bytes = 0
        self.findings = 0
        """How many were added."""

    @property
    def is_full(self) -> bool:
        return self.findings >= MOST_FINDINGS or self.size > MOST_BYTES

    @property
    def size(self) -> int:
        """About how many bytes what is gathered takes in memory."""
        return self._bytes + _LINE_BYTES * (len(self._lines) + len(self._whole))

    def add(self, output: str | None) -> None:
        """Take in what the next finding printed."""
        if output:
            raw = output.encode("utf-8", "surrogatepass").lower()
            entries = self._outputs.get(raw)
            if entries is None:
                entries = self._outputs[raw] = [*self._entries(raw)]
            for (findings, rows), numbers in entries:
                findings.append(self.findings)
                rows.append(numbers)
            self._bytes += _FINDING_BYTES * len(entries)
        self.findings += 1

    def encoded(self) -> Encoded:
        """What was gathered."""
        columns = [_column(numbers) for _, rows in self._lines.values() for numbers in zip(*rows, strict=True)]
        lines = len(self._lines) + len(self._whole)
        places, runs = array("I", [lines + 1]), array("I")
        for findings, _ in (*self._lines.values(), *self._whole.values()):
            runs.extend(_runs(findings))
            places.append(lines + 1 + len(runs))
        return Encoded(
            templates=_joined(template for template, _ in self._lines),
            whole=_joined(self._whole),
            findings=packed_numbers(places + runs),
            numbers=packed_parts([numbers for numbers, _ in columns]),
            codes=packed_parts([codes for _, codes in columns]),
        )

    def _entries(self, raw: bytes) -> Iterator[_Entry]:
        self._bytes += 2 * len(raw)
        if raw.count(END) > self._most_lines:
            yield self._whole_line(raw.replace(END, GAP))
            return
        lines = filter(None, dict.fromkeys(raw.split(END)))
        if len(raw) > self._large:
            yield from map(self._whole_line, lines)
        else:
            yield from self._taken_apart(lines)

    def _whole_line(self, line: bytes) -> _Entry:
        self._bytes += _ENTRY_BYTES
        return self._whole.setdefault(line, ([], [])), []

    def _taken_apart(self, lines: Iterable[bytes]) -> Iterator[_Entry]:
        met: Counter[bytes] = Counter()
        for line in lines:
            template, numbers = taken_apart(line)
            longer = min(len(numbers), len(line) - len(template))
            self._bytes += _ENTRY_BYTES + _PLACE_BYTES * len(numbers) + _NUMBER_BYTES * longer
            yield self._lines.setdefault((template, met[template]), ([], [])), numbers
            met[template] += 1


def _column(column: Sequence[bytes]) -> tuple[bytes, bytes]:
    """Its numbers and its codes, from the number of each finding."""
    places: dict[bytes, int] = {}
    codes = [places.setdefault(number, len(places)) for number in column]
    numbers = END + END.join(places) + END
    if len(places) > CODES:
        return numbers, bytes(code % CODES for code in codes) + bytes(code // CODES for code in codes)
    return numbers, bytes(codes) if len(places) > 1 else b""


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
