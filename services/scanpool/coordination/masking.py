"""Takes secrets out of what others wrote: whatever stands under a name of a secret, and what looks like one."""

from __future__ import annotations

import re
from typing import Any

import msgspec

STRUCK = "…"

_NAMES = r"pass(?:word|wd|phrase)|secret|token|api[_-]?keys?|access[_-]?key|private[_-]?key|authorization|cookie"
_NAME = re.compile(_NAMES, re.IGNORECASE)
# Every repetition is bounded or ends at one character, so that time stays proportional to length whatever the text is.
_NAMED = re.compile(
    rf"((?:{_NAMES})[\w.-]{{0,64}}[\"']?\s{{0,8}}[:=]\s{{0,8}})"
    r"(\"(?:[^\"\\]|\\.)*+\"?|'[^']*+'?|(?:bearer|basic)\s+\S+|[^\s,;&}\]]+)",
    re.IGNORECASE | re.DOTALL,
)
_BEARER = re.compile(r"\b(bearer|basic)\s+[\w.~+/=-]{8,}", re.IGNORECASE)
_IN_URL = re.compile(r"(://)[^/\s@\"']{1,512}@")
_PEM = re.compile(
    r"(-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----).*?(?:-----END [A-Z ]{0,40}PRIVATE KEY-----|\Z)", re.DOTALL
)


def masked(document: Any) -> Any:
    """The document (what JSON can say) with its secrets struck out."""
    match document:
        case dict():
            return {name: STRUCK if value and _NAME.search(name) else masked(value) for name, value in document.items()}
        case list() | tuple():
            return [masked(each) for each in document]
        case str():
            return masked_text(document)
        case _:
            return document


def masked_text(text: str) -> str:
    """The text with what follows the name of a secret struck out, and keys, passwords in URLs and bearer tokens."""
    text = _PEM.sub(rf"\1{STRUCK}", text)
    text = _IN_URL.sub(rf"\1{STRUCK}@", text)
    return _BEARER.sub(rf"\1 {STRUCK}", _NAMED.sub(_struck, text))


def masked_body(body: bytes) -> bytes:
    """The body without secrets; byte for byte the same where it has none."""
    try:
        document = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        # One byte a character, so that what is no text at all comes back as it was.
        return masked_text(body.decode("latin-1")).replace(STRUCK, "...").encode("latin-1")
    harmless = masked(document)
    return body if harmless == document else msgspec.json.encode(harmless)


def _struck(found: re.Match[str]) -> str:
    quote = found[2][0] if found[2][0] in "\"'" else ""
    return f"{found[1]}{quote}{STRUCK}{quote}"
