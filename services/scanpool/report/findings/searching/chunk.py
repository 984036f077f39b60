"""A text found in lines that are kept as templates. No I/O.

A run of digits ends only where no digit follows. So a text that is taken apart like the lines stands in one exactly if
its template stands in that of the line, and its numbers in those gaps: whole ones, but for a number at the text's
beginning or end, which may be part of one.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, reduce
from itertools import accumulate, groupby, repeat

from scanpool.report.findings.packing import Parts, unpacked_numbers
from scanpool.report.findings.searching.marks import MARK, both, either, of_codes
from scanpool.report.findings.searching.templates import CODES, END, GAP, taken_apart


@dataclass(frozen=True)
class Needle:
    """A text that is looked for in single lines: in lower case, without a newline, not empty."""

    text: bytes

    @cached_property
    def template(self) -> bytes:
        """What stands in a line's template."""
        return taken_apart(self.text)[0]

    @cached_property
    def numbers(self) -> tuple[bytes, ...]:
        """What stands in the gaps: with a newline on the sides where the number cannot go on."""
        _, numbers = taken_apart(self.text)
        before = b"" if self.template.startswith(GAP) else END
        after = b"" if self.template.endswith(GAP) else END
        last = len(numbers) - 1
        return tuple(
            (END if place else before) + number + (END if place < last else after)
            for place, number in enumerate(numbers)
        )


class Chunk:
    """The lines of neighbouring findings, unpacked as far as is asked."""

    def __init__(self, part: Callable[[str], bytes]) -> None:
        """`part` gives what an `Encoded` has, by its names."""
        self._part = part

    def mark(self, needle: Needle, marks: bytearray) -> None:
        """Set the byte of each finding in whose output the text stands.

        Raises:
            ValueError, IndexError: the chunk is damaged.
        """
        if needle.numbers:
            for line, gap in _places(self._templates, needle.template):
                self._mark_some(line, gap, needle.numbers, marks)
        elif lines := _lines(self._templates, needle.text):
            self._mark_lines(lines, marks)
        if whole := _lines(self._whole, needle.text):
            self._mark_lines([self._first_whole + line for line in whole], marks)

    def _mark_lines(self, lines: Iterable[int], marks: bytearray) -> None:
        numbers = self._findings
        for line in lines:  # many thousands, where a text stands in lines that all differ
            for run in range(numbers[line], numbers[line + 1], 2):
                first, end = numbers[run], numbers[run + 1]
                _check_end(end, marks)
                marks[first:end] = MARK * (end - first)

    def _mark_some(self, line: int, gap: int, wanted: Sequence[bytes], marks: bytearray) -> None:
        """Of the findings that printed a line those whose numbers from that gap on are the wanted ones."""
        several = []
        for place, number in enumerate(wanted, start=gap):
            numbers = self._numbers[place]
            if number not in numbers:
                return
            if (count := numbers.count(END) - 1) > 1:
                several.append((place, count, _among(numbers, number)))
        if several:
            fitting = (_fitting(self._codes[place], count, matching) for place, count, matching in several)
            self._mark_those(line, reduce(both, fitting), marks)
        else:
            self._mark_lines([line], marks)

    def _mark_those(self, line: int, fitting: bytes, marks: bytearray) -> None:
        begin = 0
        for first, end in self._runs(line):
            _check_end(end, marks)
            marks[first:end] = either(fitting[begin : begin + end - first], bytes(marks[first:end]))
            begin += end - first

    def _runs(self, line: int) -> Iterator[tuple[int, int]]:
        """Of the findings that printed a line, run by run: the first, and the one after the last."""
        numbers = self._findings
        runs = numbers[numbers[line] : numbers[line + 1]]
        return zip(runs[::2], runs[1::2], strict=True)

    @cached_property
    def _templates(self) -> bytes:
        return self._part("templates")

    @cached_property
    def _whole(self) -> bytes:
        return self._part("whole")

    @cached_property
    def _first_whole(self) -> int:
        return self._templates.count(END)

    @cached_property
    def _findings(self) -> array[int]:
        return unpacked_numbers("I", self._part("findings"))

    @cached_property
    def _numbers(self) -> Parts:
        return Parts(self._part("numbers"))

    @cached_property
    def _codes(self) -> Parts:
        return Parts(self._part("codes"))


def _check_end(end: int, marks: bytearray) -> None:
    if end > len(marks):
        raise IndexError(f"there is no finding {end}")


def _fitting(codes: bytes, numbers: int, wanted: Iterable[int]) -> bytes:
    """Of the findings that printed a line those whose number has one of the wanted places, of so many numbers."""
    if numbers <= CODES:
        return of_codes(codes, wanted)
    low, high = codes[: len(codes) // 2], codes[len(codes) // 2 :]
    by_high = groupby(wanted, key=lambda place: place // CODES)
    return reduce(
        either, (both(of_codes(high, [bits]), of_codes(low, (each % CODES for each in same))) for bits, same in by_high)
    )


def _lines(templates: bytes, wanted: bytes) -> Collection[int]:
    """The lines in which it stands, each once; they are counted from the first one."""
    *before, _ = templates.split(wanted)
    return dict.fromkeys(accumulate(map(bytes.count, before, repeat(END))))


def _places(templates: bytes, wanted: bytes) -> Iterator[tuple[int, int]]:
    """Where it stands in templates: in which line, and before which gap, both counted from the first."""
    line = gap = seen = 0
    place = templates.find(wanted)
    while place >= 0:
        line += templates.count(END, seen, place)
        gap += templates.count(GAP, seen, place)
        yield line, gap
        seen = place
        place = templates.find(wanted, place + 1)


def _among(numbers: bytes, wanted: bytes) -> list[int]:
    """The places of those in which it stands, in their order."""
    places, place, seen, skipped = [], -1, 0, wanted.startswith(END)
    at = numbers.find(wanted)
    while at >= 0:
        place += numbers.count(END, seen, at + skipped)
        places.append(place)
        seen = at + skipped
        at = numbers.find(wanted, numbers.index(END, seen))
    return places
