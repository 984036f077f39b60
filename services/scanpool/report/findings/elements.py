"""What stands in the elements of an item, made ready to be kept: lists, numbers, yes and no."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from scanpool.report.constants import FOLDED
from scanpool.report.element_names import OF_THE_FINDING
from scanpool.report.errors import LimitExceeded
from scanpool.report.limits import KIB, TAG_CHARS
from scanpool.report.texts import head_and_tail

if TYPE_CHECKING:
    from lxml import etree

Facts = dict[str, list[str]]
"""By element: its texts, in order."""

_LINES = frozenset({"see_also", "cpe"})
"""One element that holds a list, one entry a line."""
_TAKEN_APART_CHARS = 128 * KIB
"""Of the lists of one item: what is beyond stays one text, since each line is one more string."""
_LONGEST_NUMBER = 24


def parted(element: etree._Element) -> tuple[list[etree._Element], str, list[str]]:
    """The elements of an item that are the finding's, and of the others, in order, tag and text by turns.

    Between them the text of the `FOLDED` element, which stands before the others; empty where there is none.

    Raises:
        LimitExceeded: their names are too long to be kept.
    """
    own: list[etree._Element] = []
    folded = ""
    said: list[str] = []
    name_chars = 0
    for child in element:
        tag = child.tag
        if tag in OF_THE_FINDING:
            own.append(child)
        elif tag == FOLDED:
            folded = child.text or ""
        else:
            name_chars += len(tag)
            if name_chars > TAG_CHARS:
                raise LimitExceeded("tag_chars", TAG_CHARS, "characters in names of elements of an item")
            said.append(tag)
            said.append(child.text or "")
    return own, folded, said


def facts_of(said: Sequence[str], text_chars: int) -> Facts:
    """By tag the texts of tags and texts that stand by turns; oversized texts keep head and tail."""
    facts: Facts = {}
    left = _TAKEN_APART_CHARS
    for tag, whole in zip(said[::2], said[1::2], strict=True):
        text = head_and_tail(whole, text_chars)
        texts = facts.setdefault(tag, [])
        if tag in _LINES and len(text) <= left:
            left -= len(text)
            texts += _lines(text)
        else:
            texts.append(text)
    return facts


def first(facts: Mapping[str, Sequence[str]], name: str) -> str:
    """The first text of the element; empty where there is none."""
    texts = facts.get(name)
    return texts[0] if texts else ""


def score(facts: Mapping[str, Sequence[str]], name: str) -> float | None:
    """The element as a number that is not negative; None where it is none."""
    text = first(facts, name).strip()
    if not text or len(text) > _LONGEST_NUMBER:
        return None
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) and value >= 0 else None


def is_true(facts: Mapping[str, Sequence[str]], name: str) -> bool:
    """Whether the element says yes."""
    return first(facts, name).strip().lower() == "true"


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip()]
