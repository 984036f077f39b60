"""Quotations from plugin outputs, with user names struck out. Rather too much is struck than too little."""

from __future__ import annotations

import re
from collections.abc import Iterable

from scanpool.report.texts import clip

STRUCK = "…"
LONGEST_NAME = 256
"""Of a longer name the beginning is known, and with it all is struck that follows."""
_MARK = "\0"
_WORD = re.compile(r"\w+|\W")
_DOMAIN = re.compile(rf"{_MARK}[\\@]{_MARK}")
# A quotation that is cut off is one to the end; an apostrophe within a word begins none.
_QUOTED = re.compile(r"(?<!\w)(?:'.*?(?:'(?!\w)|$)|\".*?(?:\"|$)|`.*?(?:[`']|$))")
# Possessive, and only from a word's beginning: time stays proportional to length whatever the text is.
_WITH_DOMAIN = re.compile(r"(?<![^\s\\])[^\s\\]*+\\+[^\s\\]+|(?<![^\s@])[^\s@]++@[^\s@]+")
_NO_NAME = r"(?!(?:the|a|an|is|was|has|had|does|did|could|can|cannot|not|and|or|with|on|in|for|to)\b)"
_AFTER_A_WORD = re.compile(
    rf"\b((?:user(?: ?name)?|account|login|principal)[ \t]*[:=][ \t]*|"
    rf"(?:user(?: ?name)?|account|principal|as)[ \t]+){_NO_NAME}\S+",
    re.IGNORECASE,
)


def redact(text: str, user_names: Iterable[str], length: int) -> str:
    """The text in one line of at most `length` characters, without what is or looks like a user name.

    `user_names` are of `names_in`.
    """
    shown = _QUOTED.sub(f"'{STRUCK}'", _without(user_names, text, 4 * length))
    shown = _WITH_DOMAIN.sub(STRUCK, shown)
    return clip(_AFTER_A_WORD.sub(rf"\1{STRUCK}", shown), length)


def names_in(login: str) -> frozenset[str]:
    """What has to be struck where a login was made as `DOMAIN\\user` or `user@domain`, its words marked."""
    name = clip(login, LONGEST_NAME + 1)
    whole = _marked(_WORD.findall(name[:LONGEST_NAME]))
    if len(name) > LONGEST_NAME:
        whole = whole.removesuffix(_MARK)
    return frozenset(part for part in (whole, *_DOMAIN.split(whole)) if len(part) > len(_MARK + "x" + _MARK))


def _without(names: Iterable[str], text: str, length: int) -> str:
    """The text's first `length` characters in one line, without the names, the longest of which goes first."""
    words = _WORD.findall(clip(text[:length], length))
    marked = _marked(_WORD.findall(clip(text[: length + LONGEST_NAME], length + LONGEST_NAME)))
    for name in sorted(filter(marked.__contains__, names), key=_length, reverse=True):
        marked = _struck(marked, name)
    left = marked[1:-1].split(2 * _MARK)
    return "".join(new if new in {STRUCK, ""} else word for word, new in zip(words, left, strict=False))


def _length(name: str) -> int:
    return len(name) - name.count(_MARK)


def _struck(marked: str, name: str) -> str:
    if name.endswith(_MARK):
        words = name.count(_MARK) // 2
        return marked.replace(name, _MARK + STRUCK + _MARK + 2 * _MARK * (words - 1))
    before, found, _ = marked.partition(name)
    return f"{before}{_MARK}{STRUCK}{_MARK}" if found else marked


def _marked(words: list[str]) -> str:
    """The words in one case, each between two marks: what stands in there by its marks is whole words."""
    # Other alphabets have more than two cases: the dotless i of Turkish is an I, and so is the dotted I.
    return _MARK + (2 * _MARK).join(words).replace("\u0130", "i").upper().casefold() + _MARK
