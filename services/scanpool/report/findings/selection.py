"""Where the ranks are that a filter leaves: known by counting, listed, or found by looking.

What only plugins (or checks) decide is known from their runs of ranks. Few rows of some hosts are listed. What texts
decide is marked. Everything else is looked for in rank order, from places remembered on the way.
"""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Callable, Iterator
from itertools import accumulate, islice
from typing import Protocol

from scanpool.report.findings.spans import Spans

STEP = 64
"""Of so many ranks that are found by looking at all, one is remembered; so few are skipped one by one."""
_MARKS = 1_024
"""Of so many ranks together it is remembered how many are marked."""


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


class Marked:
    """Ranks of which each one up to the last has a byte that says whether it is among them."""

    def __init__(self, marks: bytes) -> None:
        """1 for those that are, 0 for others; the first byte is that of rank 1."""
        self._marks = marks
        starts = range(0, len(marks), _MARKS)
        self._before = array("q", accumulate((marks.count(1, at, at + _MARKS) for at in starts), initial=0))

    def __contains__(self, rank: int) -> bool:
        return self._marks[rank - 1] == 1

    def total(self) -> int:
        return self._before[-1]

    def within(self, first: int, last: int) -> int:
        """How many there are from one rank to another."""
        return self._marks.count(1, first - 1, last)

    def at(self, offset: int, count: int) -> list[int]:
        part = bisect_right(self._before, offset) - 1
        return [*islice(self._from(part * _MARKS), offset - self._before[part], offset - self._before[part] + count)]

    def after(self, rank: int, count: int) -> list[int]:
        return [*islice(self._from(rank), count)]

    def weight(self) -> int:
        return len(self._marks) // 8

    def _from(self, place: int) -> Iterator[int]:
        while (place := self._marks.find(1, place) + 1) > 0:
            yield place


class Looked:
    """Ranks that are found by looking; `look` yields those above a rank."""

    def __init__(
        self,
        look: Callable[[int], Iterator[int]],
        total: int | None = None,
        *,
        most_listed: int,
        nth: Callable[[int, int], int | None] | None = None,
    ) -> None:
        """`total` where it is known; once all were looked at, up to `most_listed` of them are held.

        `nth` is for a quicker way to skip many: after a rank the first, the second and so on; None where none is left.
        """
        self._look = look
        self._nth = nth or self._nth_by_looking
        self._total = total
        self._most_listed = most_listed
        self._listed: Listed | None = None
        self._places, self._after = array("q", [0]), array("q", [0])
        """Places in ascending order, and of each after which rank to look for it."""

    def total(self) -> int:
        if self._total is None:
            self._total = self._look_at_all()
        return self._total

    def at(self, offset: int, count: int) -> list[int]:
        if self._listed is not None:
            return self._listed.at(offset, count)
        if self._total is not None and offset >= self._total:
            return []
        known = bisect_right(self._places, offset)
        after, skipped = self._after[known - 1], offset - self._places[known - 1]
        if skipped > STEP:
            found = self._nth(after, skipped)
            if found is None:
                return []
            after, skipped = found, 0
            self._places.insert(known, offset)
            self._after.insert(known, after)
        return list(islice(self._look(after), skipped, skipped + count))

    def after(self, rank: int, count: int) -> list[int]:
        if self._listed is not None:
            return self._listed.after(rank, count)
        return list(islice(self._look(rank), count))

    def weight(self) -> int:
        # What it will hold is not known before it has looked.
        return self._most_listed

    def _nth_by_looking(self, after: int, count: int) -> int | None:
        return next(islice(self._look(after), count - 1, None), None)

    def _look_at_all(self) -> int:
        first = array("q", islice(self._look(0), self._most_listed + 1))
        if len(first) <= self._most_listed:
            self._listed = Listed(first)
            return len(first)
        self._after = array("q", [0, *first[STEP - 1 :: STEP]])
        passed = (len(self._after) - 1) * STEP
        for rank in self._look(self._after[-1]):
            passed += 1
            if passed % STEP == 0:
                self._after.append(rank)
        self._places = array("q", range(0, len(self._after) * STEP, STEP))
        return passed
