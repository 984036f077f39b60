"""Texts found in what plugins printed: in which findings, all of them at once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from scanpool.report.findings.errors import NotAFindingsFile
from scanpool.report.findings.filters import folded
from scanpool.report.findings.outputs import outputs
from scanpool.report.findings.searching.chunk import Chunk, Needle
from scanpool.report.findings.searching.marks import both, either, of_spans
from scanpool.report.findings.selection import Marked
from scanpool.report.findings.spans import Spans
from scanpool.report.findings.store import Store

_LINES = "SELECT first_rank, last_rank, templates, whole FROM lines ORDER BY first_rank"
_REST = "SELECT findings, numbers, codes FROM lines WHERE first_rank = ?"


@dataclass(frozen=True, slots=True)
class Search:
    """A text that is looked for in what plugins printed; letters A to Z in either case."""

    text: str
    named: Spans = field(default_factory=lambda: Spans(()))
    """Ranks that fit whatever was printed: the text stands in the plugin's name."""


def found(store: Store, within: Spans, searches: Sequence[Search]) -> Marked:
    """The ranks, of those in these runs, that fit all the searches.

    Raises:
        NotAFindingsFile: the file is damaged.
    """
    marks = bytearray(store.counts.findings)
    for first, last, *texts in store.rows(_LINES):
        fitting = of_spans(within, first, last)
        if 1 in fitting:
            neighbours = _Neighbours(store, first, last, *texts)
            for search in searches:
                fitting = both(fitting, neighbours.fitting(search, fitting))
            marks[first - 1 : last] = fitting
    return Marked(bytes(marks))


class _Neighbours:
    """Findings whose lines are kept together."""

    def __init__(self, store: Store, first: int, last: int, templates: bytes, whole: bytes) -> None:
        self._store, self._first, self._last = store, first, last
        self._packed = {"templates": templates, "whole": whole}
        self._chunk = Chunk(self._part)

    def fitting(self, search: Search, candidates: bytes) -> bytes:
        """Of the candidates those that fit; of the others some may be among them."""
        wanted = folded(search.text).encode("utf-8", "surrogatepass")
        marks = bytes(len(candidates)) if b"\0" in wanted else candidates  # XML has no such character
        for line in filter(None, wanted.split(b"\n")):
            if 1 in marks:
                marks = both(marks, self._holding(Needle(line)))
        if b"\n" in wanted:
            marks = self._printed(search, marks)
        return either(marks, of_spans(search.named, self._first, self._last))

    def _holding(self, needle: Needle) -> bytes:
        marks = bytearray(self._last - self._first + 1)
        try:
            self._chunk.mark(needle, marks)
        except (ValueError, IndexError) as error:
            raise NotAFindingsFile(
                f"{self._store.path}: damaged: lines of ranks {self._first} to {self._last}: {error}"
            ) from error
        return bytes(marks)

    def _printed(self, search: Search, marks: bytes) -> bytes:
        """Those of them in whose whole output the text stands; lines alone do not say which follows which."""
        wanted, fitting = folded(search.text), bytearray(len(marks))
        ranks = [*_ranks(marks, self._first)]
        for rank, output in zip(ranks, outputs(self._store, ranks), strict=True):
            fitting[rank - self._first] = wanted in folded(output or "")
        return bytes(fitting)

    def _part(self, name: str) -> bytes:
        if name not in self._packed:  # all the others at once
            ((findings, numbers, codes),) = self._store.rows(_REST, (self._first,))
            self._packed |= {"findings": findings, "numbers": numbers, "codes": codes}
        return self._store.unpacked(self._packed[name])


def _ranks(marks: bytes, first: int) -> Iterator[int]:
    return (rank for rank, mark in enumerate(marks, start=first) if mark)
