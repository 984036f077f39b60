"""Where the ranks are that a filter leaves: known by counting, listed, or found by looking.

What only plugins (or checks) decide is known from their runs of ranks. Few rows of some hosts are listed. Everything
else is looked for in rank order, from places remembered on the way.
"""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Protocol

from scanpool.report.findings.spans import Spans

STEP = 64
"""Of so many ranks that are found by looking, one is remembered."""


class Selection(Protocol):
    """Ranks in ascending order."""

    def total(self) -> int:
        """How many there are."""

    def at(self, offset: int, count: int) -> list[int]:
        """Those from that place on, `count` of them where there are as many."""

    def after(self, rank: int, count: int) -> list[int]:
        """Those higher than `rank`, the first `count` of them."""

    def weight(self) -> int:
        """About how many ranks it holds in memory."""


class Counted:
    """All ranks of some runs."""

    def __init__(self, spans: Spans) -> None:
        self._spans = spans

    def total(self) -> int:
        return len(self._spans)

    def at(self, offset: int, count: int) -> list[int]:
        return self._spans.at(offset, count)

    def after(self, rank: int, count: int) -> list[int]:
        return self._spans.at(self._spans.up_to(rank), count)

    def weight(self) -> int:
        return 3 * self._spans.runs


class Listed:
    """Ranks that are few enough to hold each of them."""

    def __init__(self, ranks: array[int]) -> None:
        self._ranks = ranks

    def total(self) -> int:
        return len(self._ranks)

    def at(self, offset: int, count: int) -> list[int]:
        return self._ranks[offset : offset + count].tolist()

    def after(self, rank: int, count: int) -> list[int]:
        return self.at(bisect_right(self._ranks, rank), count)

    def weight(self) -> int:
        return len(self._ranks)


class Looked:
    """Ranks that are found by looking; `look` yields those above a rank."""

    def __init__(self, look: Callable[[int], Iterator[int]], total: int | None = None, *, most_listed: int) -> None:
        """`total` where it is known; once all were looked at, up to `most_listed` of them are held."""
        self._look = look
        self._total = total
        self._most_listed = most_listed
        self._listed: Listed | None = None
        self._marks = array("q", [0])
        """After which rank to look for the ranks from place 0, STEP, twice STEP."""

    def total(self) -> int:
        if self._total is None:
            self._total = self._look_at_all()
        return self._total

    def at(self, offset: int, count: int) -> list[int]:
        if self._listed is not None:
            return self._listed.at(offset, count)
        if self._total is not None and offset >= self._total:
            return []
        mark = offset // STEP
        if mark >= len(self._marks):
            self._mark(mark)
        if mark >= len(self._marks):
            return []
        skipped = offset - mark * STEP
        return list(islice(self._look(self._marks[mark]), skipped, skipped + count))

    def after(self, rank: int, count: int) -> list[int]:
        if self._listed is not None:
            return self._listed.after(rank, count)
        return list(islice(self._look(rank), count))

    def weight(self) -> int:
        # What it will hold is not known before it has looked.
        return self._most_listed

    def _look_at_all(self) -> int:
        first = array("q", islice(self._look(0), self._most_listed + 1))
        if len(first) <= self._most_listed:
            self._listed = Listed(first)
            return len(first)
        self._marks = array("q", [0, *first[STEP - 1 :: STEP]])
        return self._mark(None)

    def _mark(self, wanted: int | None) -> int:
        """Look on from the last mark up to the wanted one, or to the end; says how many ranks were passed."""
        passed = (len(self._marks) - 1) * STEP
        for rank in self._look(self._marks[-1]):
            passed += 1
            if passed % STEP == 0:
                self._marks.append(rank)
                if wanted is not None and len(self._marks) > wanted:
                    break
        return passed
