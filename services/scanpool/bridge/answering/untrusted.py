"""Text that a scanned host could have written, made fit to stand below a key `untrusted`: visible, and of a known size.

What looks like markup, JSON or a call of a tool stays: it is data, and a reader should see it. What goes is what a
person does not see and a model or a terminal does: controls, escape sequences, characters that hide or reorder text.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

TEXT_CAP = 2000
"""Characters of a text of several lines."""
LINE_CAP = 200
"""Characters of a name."""
SHORTEST_CAP = 40
"""Of a cap: a word about the cut needs room."""

_ESCAPE_SEQUENCES = re.compile(r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]")
_LINE_BREAKS = re.compile(r"\r\n|[\n\v\f\r\x85\u2028\u2029]")
_BLANKS = re.compile(r"[\xa0\u1680\u2000-\u200a\u202f\u205f\u2800\u3000]")
_WHITE = re.compile(r"[\n\t ]+")
_INVISIBLE = re.compile(
    "["
    r"\x00-\x08\x0e-\x1f\x7f-\x9f"  # controls
    r"\xad\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2\u180e\u200b-\u200f\u202a-\u202e"  # format
    r"\u2060-\u206f\ufeff"
    r"\ufff0-\ufffb\U000110bd\U000110cd\U00013430-\U0001343f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"
    r"\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180d\u180f\u3164\uffa0\ufe00-\ufe0f"  # fillers, variation selectors
    r"\ud800-\udfff\ue000-\uf8ff\U000f0000-\U0010ffff"  # halves of surrogate pairs, private use
    r"\U000e0000-\U000e0fff"  # tags, and more variation selectors
    r"\ufdd0-\ufdef\ufffe\uffff"  # what is no character
    + "".join(f"{chr((plane << 16) | 0xFFFE)}{chr((plane << 16) | 0xFFFF)}" for plane in range(1, 15))
    + "]"
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Caps:
    """How much of a nested value is kept."""

    text: int = TEXT_CAP
    """Characters of each text."""
    items: int = 50
    """Of each list and each object."""
    depth: int = 6


@dataclass(frozen=True, kw_only=True, slots=True)
class Part:
    """A piece of a long text."""

    text: str
    offset: int
    total: int
    """Characters of the whole text."""

    @property
    def next_offset(self) -> int | None:
        """Where the next piece begins; None at the end."""
        end = self.offset + len(self.text)
        return end if end < self.total else None


def clean(text: str, cap: int = TEXT_CAP) -> str:
    r"""The text with nothing invisible but `\n` and `\t`; at most `cap` characters, the last of which tell of a cut."""
    return _cut(_visible(text), cap)


def clean_line(text: str, cap: int = LINE_CAP) -> str:
    """As `clean`, on one line: for names, hosts and the like."""
    return _cut(_WHITE.sub(" ", _visible(text)).strip(), cap)


def part(text: str, offset: int, length: int) -> Part:
    """The piece of the cleaned text from `offset`, both in characters; pieces put together are the whole."""
    whole = _visible(text)
    start = min(offset, len(whole))
    return Part(text=whole[start : start + length], offset=start, total=len(whole))


def clean_value(value: Any, caps: Caps = Caps()) -> Any:  # frozen
    """As `clean`, of all texts in lists and objects; what is beyond the caps is replaced by a word about it."""
    match value:
        case str():
            return clean(value, caps.text)
        case float() if not math.isfinite(value):
            return str(value)
        case None | bool() | int() | float():
            return value
        case _ if caps.depth <= 0:
            return "[deeper levels cut]"
        case Mapping():
            return _clean_object(value, caps)
        case Iterable():
            return _clean_list(list(value), caps)
        case _:
            return clean(str(value), caps.text)


def _clean_list(values: list[Any], caps: Caps) -> list[Any]:
    kept = [clean_value(each, _below(caps)) for each in values[: caps.items]]
    more = len(values) - len(kept)
    return [*kept, f"[{more} more cut]"] if more else kept


def _clean_object(values: Mapping[Any, Any], caps: Caps) -> dict[str, Any]:
    kept: dict[str, Any] = {}
    for key, value in list(values.items())[: caps.items]:
        kept[_unused(clean_line(str(key)), kept)] = clean_value(value, _below(caps))
    if (more := len(values) - len(kept)) > 0:
        kept[_unused("[cut]", kept)] = f"[{more} more cut]"
    return kept


def _unused(key: str, kept: Mapping[str, Any]) -> str:
    """The key, numbered where cleaning has made two keys the same."""
    name, number = key, 1
    while name in kept:
        number += 1
        name = f"{key} ({number})".lstrip()
    return name


def _below(caps: Caps) -> Caps:
    return Caps(text=caps.text, items=caps.items, depth=caps.depth - 1)


def _visible(text: str) -> str:
    if text.isascii() and text.isprintable():
        return text
    text = _LINE_BREAKS.sub("\n", _ESCAPE_SEQUENCES.sub("", text))
    return _INVISIBLE.sub("", _BLANKS.sub(" ", text))


def _cut(text: str, cap: int) -> str:
    cap = max(cap, SHORTEST_CAP)
    if len(text) <= cap:
        return text
    kept = cap - len(_note(len(text)))
    return text[:kept] + _note(len(text) - kept)


def _note(count: int) -> str:
    return f"… [{count} characters cut]"
