"""Texts of a report made fit to keep and to show: bounded, and without what steers a terminal."""

from __future__ import annotations

import re
import sys

_CUT = re.compile(r"\n\[(\d{1,16}) characters cut\]\n")
_CUT_CHARS = 48
"""More than that takes."""
_ALWAYS_KEPT = 64
_BYTES_A_CHAR = 4


def clip(text: str, length: int) -> str:
    """One line of at most `length` printable characters; runs of anything else become one space."""
    if len(text) <= length and text.isprintable() and "  " not in text and text == text.strip():
        return text
    # Twice the length is enough to look at, but for a text that is mostly blank.
    shown = " ".join("".join(c if c.isprintable() else " " for c in text[: 2 * length]).split())
    return shown if len(shown) <= length else shown[: length - 1] + "…"


def head_and_tail(text: str, length: int) -> str:
    """The text, or if it is longer than `length` its head and tail with the cut counted between them.

    What was cut before, to that length or another, stays counted.
    """
    if len(text) <= length:
        return text
    half, chars = length // 2, len(text)
    middle = max(len(text) - _CUT_CHARS, 0) // 2
    earlier = _CUT.search(text, middle, middle + _CUT_CHARS + 1)
    if earlier is not None:
        if earlier.start() <= half:
            return text
        chars += int(earlier[1]) - len(earlier[0])
    return cut(text[:half], chars - 2 * half, text[len(text) - half :])


def cut(head: str, chars: int, tail: str) -> str:
    """Head and tail of a text, between which so many characters were."""
    return f"{head}\n[{chars} characters cut]\n{tail}"


class Room:
    """What texts that are kept together may take in memory."""

    def __init__(self, size_bytes: int) -> None:
        self._left = size_bytes

    def fit(self, text: str) -> str:
        """The text, or what there is room for of its head and tail; a short one stays whole without room."""
        if sys.getsizeof(text) > self._left:
            text = head_and_tail(text, max(self._left // _BYTES_A_CHAR - _CUT_CHARS, _ALWAYS_KEPT))
        self._left -= sys.getsizeof(text)
        return text
