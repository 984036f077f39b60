"""Markup of constant elements that was parsed before, and what stands for it where it comes again."""

from __future__ import annotations

import secrets
from itertools import count
from typing import NamedTuple

from scanpool.report.limits import MIB

FOLDED = f"_{secrets.token_hex(8)}"
"""The element that stands for an item's constant elements. No report can know its name.

Its text says for which, and after which start tag: items with the same text have the same attributes, and say the same
but for what follows.
"""
KEPT_BYTES = 8 * MIB
"""Of markup that is remembered. What comes first is, for what is frequent comes early."""
HEADS_BYTES = 4 * MIB
"""Of start tags after which it is known what comes; then begun anew."""
# In characters, and more than an element that stands for others has.
_SHORTEST = 128
# What a dictionary takes for an entry.
_OVERHEAD = 300


class Known(NamedTuple):
    """Markup, and what is to be parsed in its place: an element, and white space."""

    markup: bytes
    element: bytes
    blank: bytes


class Constants:
    """What was seen of one report."""

    def __init__(self) -> None:
        self.by_head: dict[bytes, Known] = {}
        """By an item's start tag, what came after it last."""
        self.is_full = False
        self._numbers: dict[bytes, int] = {}
        self._kept: list[tuple[bytes, bytes]] = []
        """By number, the markup, and what takes its room behind the element."""
        self._size_bytes = 0
        self._head_numbers = count()
        self._heads_bytes = 0

    def __len__(self) -> int:
        return len(self._kept)

    def markup(self, folded: str) -> bytes:
        """What the element with that text stands for."""
        return self._kept[int(folded.partition(".")[0])][0]

    def remember(self, markup: bytes) -> None:
        """Take in markup of flat elements, if there is room and it is worth it."""
        size = len(markup) + _OVERHEAD
        self.is_full = self.is_full or self._size_bytes + size > KEPT_BYTES
        blank = None if self.is_full else _blank(markup)
        if blank is not None:
            self._numbers[markup] = len(self._kept)
            self._kept.append((markup, blank))
            self._size_bytes += size

    def again(self, head: bytes, markup: bytes) -> Known | None:
        """What stands for the markup, from now on also to be found by the start tag; None where it is not known."""
        number = self._numbers.get(markup)
        if number is None:
            return None
        markup, blank = self._kept[number]
        known = Known(markup, _element(number, next(self._head_numbers)), blank)
        size = len(head) + _OVERHEAD
        if self._heads_bytes + size > HEADS_BYTES:
            self.by_head.clear()
            self._heads_bytes = 0
        self.by_head[head] = known
        self._heads_bytes += size
        return known


def _element(number: int, head_number: int) -> bytes:
    # Always of the same length, and its text one that libxml2 needs no memory for.
    return f"<{FOLDED}>{number:05}.{head_number:09}</{FOLDED}>".encode()


_ELEMENT_CHARS = len(_element(0, 0))


def _blank(markup: bytes) -> bytes | None:
    """White space behind the element, by which it takes the markup's room; None of what is short or not UTF-8."""
    try:
        text = markup.decode()
    except UnicodeDecodeError:
        return None
    if len(text) < _SHORTEST:
        return None
    _, newline, last_line = text.rpartition("\n")
    columns = len(last_line) if newline else len(text) - _ELEMENT_CHARS
    return b"\n" * text.count("\n") + b" " * columns
