"""Text that others wrote (names, hosts, evidence, answers of scanners), made harmless for a terminal."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.text import Text

_COLOUR_AND_CURSOR = re.compile(r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]")
_LINE_BREAKS_AND_TABS = re.compile(r"[\t\n\v\f\r\x85\u2028\u2029]+")
_C0 = r"\x00-\x1f"
_OTHERS = (
    r"\x7f-\x9f"  # DEL, and the controls of one character that begin sequences too
    r"\xad\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u3164\uffa0"  # fillers, soft hyphen
    r"\u061c\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff"  # bidirectional controls, zero-width characters
    r"\u2028\u2029\ufff9-\ufffb"  # line and paragraph separators, interlinear annotation
    r"\ud800-\udfff"  # halves of surrogate pairs, which no encoding takes
    r"\U000e0000-\U000e0fff"  # tags
)
_HARMFUL = re.compile(f"[{_C0}{_OTHERS}]")
_HARMFUL_IN_JSON = re.compile(f"[{_OTHERS}]")
"""An encoder of JSON escapes the rest itself."""


def clean(text: str) -> str:
    """The text as one line, without anything that a terminal obeys or that hides or reorders what is read."""
    text = _COLOUR_AND_CURSOR.sub("", text)
    return _HARMFUL.sub("", _LINE_BREAKS_AND_TABS.sub(" ", text))


def clean_lines(text: str) -> str:
    """As `clean`, line by line."""
    return "\n".join(clean(line) for line in text.split("\n"))


def shown(text: str, style: str = "") -> Text:
    """The cleaned text for rich, which takes nothing in it for markup."""
    from rich.text import Text

    return Text(clean(text), style)


def safe_json(document: str) -> str:
    r"""The same JSON document, with what a terminal would obey written as `\u…`."""
    return _HARMFUL_IN_JSON.sub(lambda found: _escaped(found[0]), document)


def _escaped(character: str) -> str:
    units = character.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[place : place + 2].hex()}" for place in range(0, len(units), 2))
