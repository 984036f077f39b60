"""Sets of integers as sorted, disjoint, closed intervals: the algebra under the address sets."""

from collections.abc import Iterable
from typing import TypeAlias

Interval: TypeAlias = tuple[int, int]
"""First and last member, both included."""

Intervals: TypeAlias = tuple[Interval, ...]
"""Sorted, disjoint and never adjacent, so that equal sets are equal tuples."""


def merged(intervals: Iterable[Interval]) -> Intervals:
    """The canonical form of intervals in any order, overlapping or not."""
    result: list[Interval] = []
    for first, last in sorted(intervals):
        if result and first <= result[-1][1] + 1:
            result[-1] = (result[-1][0], max(last, result[-1][1]))
        else:
            result.append((first, last))
    return tuple(result)


def size(intervals: Intervals) -> int:
    """How many integers the intervals hold."""
    return sum(last - first + 1 for first, last in intervals)


def intersection(left: Intervals, right: Intervals) -> Intervals:
    """What both hold."""
    result: list[Interval] = []
    i = j = 0
    while i < len(left) and j < len(right):
        first, last = max(left[i][0], right[j][0]), min(left[i][1], right[j][1])
        if first <= last:
            result.append((first, last))
        if left[i][1] < right[j][1]:
            i += 1
        else:
            j += 1
    return tuple(result)


def difference(left: Intervals, right: Intervals) -> Intervals:
    """What the left holds and the right does not."""
    result: list[Interval] = []
    j = 0
    for first, last in left:
        while j < len(right) and right[j][1] < first:
            j += 1
        k = j
        while k < len(right) and right[k][0] <= last:
            if first < right[k][0]:
                result.append((first, right[k][0] - 1))
            first = right[k][1] + 1
            k += 1
        if first <= last:
            result.append((first, last))
    return tuple(result)
