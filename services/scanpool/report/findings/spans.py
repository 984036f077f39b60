"""Ranks as runs: how many there are, which come at a place, without looking at any. No I/O."""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator

Run = tuple[int, int]
"""First and last, both in it."""


class Spans:
    """Disjoint runs of ranks, in ascending order."""

    __slots__ = ("_before", "_firsts", "_lasts")

    def __init__(self, runs: Iterable[Run]) -> None:
        """`runs` do not overlap, and ascend; neighbours become one."""
        self._firsts, self._lasts, self._before = array("q"), array("q"), array("q", [0])
        for first, last in runs:
            if self._lasts and first == self._lasts[-1] + 1:
                self._lasts[-1] = last
                self._before[-1] += last - first + 1
            else:
                self._firsts.append(first)
                self._lasts.append(last)
                self._before.append(self._before[-1] + last - first + 1)

    def __len__(self) -> int:
        """How many ranks."""
        return self._before[-1]

    def __contains__(self, rank: object) -> bool:
        if not isinstance(rank, int):
            return False
        run = bisect_right(self._firsts, rank) - 1
        return run >= 0 and rank <= self._lasts[run]

    @property
    def runs(self) -> int:
        """How many runs they make."""
        return len(self._firsts)

    def up_to(self, rank: int) -> int:
        """How many of them are `rank` or lower."""
        run = bisect_right(self._firsts, rank) - 1
        return 0 if run < 0 else self._before[run] + min(rank, self._lasts[run]) - self._firsts[run] + 1

    def at(self, offset: int, count: int) -> list[int]:
        """The ranks from that place on, `count` of them where there are as many."""
        found: list[int] = []
        if offset < len(self):
            run = bisect_right(self._before, offset) - 1
            start = self._firsts[run] + offset - self._before[run]
            for first, last in self.after(start - 1):
                found.extend(range(first, min(last, first + count - len(found) - 1) + 1))
                if len(found) >= count:
                    break
        return found

    def after(self, rank: int) -> Iterator[Run]:
        """The runs of what is higher than `rank`."""
        for run in range(bisect_left(self._lasts, rank + 1), len(self._firsts)):
            yield max(self._firsts[run], rank + 1), self._lasts[run]
