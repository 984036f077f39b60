"""Quotations from plugin outputs, with user names struck out. Rather too much is struck than too little."""

from __future__ import annotations

import re
from collections.abc import Iterable

from scanpool.report.texts import clip

STRUCK = "…"
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
    """The text in one line of at most `length` characters, without what is or looks like a user name."""
    shown = clip(text, 4 * length)
    for name in sorted(user_names, key=len, reverse=True):
        shown = re.sub(rf"(?<!\w){re.escape(name)}(?!\w)", STRUCK, shown, flags=re.IGNORECASE)
    shown = _QUOTED.sub(f"'{STRUCK}'", shown)
    shown = _WITH_DOMAIN.sub(STRUCK, shown)
    return clip(_AFTER_A_WORD.sub(rf"\1{STRUCK}", shown), length)


def names_in(login: str) -> frozenset[str]:
    """What has to be struck where a login was made as `DOMAIN\\user` or `user@domain`."""
    return frozenset(name for name in (login, *re.split(r"[\\@]", login)) if len(name) > 1)
