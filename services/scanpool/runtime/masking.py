"""Takes secrets out of what others wrote: whatever stands under a name of a secret, and what looks like one."""

from __future__ import annotations

import re
from typing import Any

import msgspec

from scanpool_schemas import decoding

STRUCK = "…"

_NAMES = r"pass(?:word|wd|phrase)|secret|token|api[_-]?keys?|access[_-]?key|private[_-]?key|authorization|cookie"
_NAME = re.compile(_NAMES, re.IGNORECASE)
# Every repetition is bounded or ends at one character, so that time stays proportional to length whatever the text is.
_NAMED = re.compile(
    rf"((?:{_NAMES})[\w.-]{{0,64}}[\"']?\s{{0,8}}[:=]\s{{0,8}})"
    r"(\"(?:[^\"\\]|\\.)*+\"?|'[^']*+'?|(?:bearer|basic)\s+\S+|[^\s,;&}\]]+)",
    re.IGNORECASE | re.DOTALL,
)
# What is named in a sentence of ours is no secret, as in "password: is missing"; in these forms it is one.
_ASSIGNED = re.compile(
    rf"((?:{_NAMES})[\w.-]{{0,64}}(?:=|[\"']\s{{0,8}}:\s{{0,8}}(?=[\"'])))"
    r"(\"(?:[^\"\\]|\\.)*+\"?|'[^']*+'?|[^\s,;&}\]]+)",
    re.IGNORECASE | re.DOTALL,
)
_HEADER = re.compile(
    r"(\b(?:authorization|x-api-?keys|x-cookie|cookie|set-cookie)\s{0,8}:\s{0,8})[^\r\n]+", re.IGNORECASE
)
_TOKEN = re.compile(r"\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*")
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
    return _without_bearers(_NAMED.sub(_struck, _without_keys(text)))


def masked_line(text: str) -> str:
    """A text of our own, which may repeat others' words, without secrets in the forms in which they are sent.

    What our own sentences say of a secret by its name is left: "password: is missing".
    """
    if not _is_suspicious(text):
        return text
    text = _HEADER.sub(rf"\1{STRUCK}", _ASSIGNED.sub(_struck, _without_keys(text)))
    return _TOKEN.sub(STRUCK, _without_bearers(text))


def is_name_of_secret(name: str) -> bool:
    """Whether what stands under the name is to be taken for a secret."""
    return _NAME.search(name) is not None


def _without_keys(text: str) -> str:
    return _IN_URL.sub(rf"\1{STRUCK}@", _PEM.sub(rf"\1{STRUCK}", text))


def _without_bearers(text: str) -> str:
    return _BEARER.sub(rf"\1 {STRUCK}", text)


def _is_suspicious(text: str) -> bool:
    """Whether it may hold one of the forms at all; most texts are short words."""
    return any(sign in text for sign in ("=", "://", ":", "-----", "eyJ", "earer", "asic", "EARER", "ASIC"))


def masked_body(body: bytes) -> bytes:
    """The body without secrets; byte for byte the same where it has none."""
    try:
        document = decoding.document(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        # One byte a character, so that what is no text at all comes back as it was.
        return masked_text(body.decode("latin-1")).replace(STRUCK, "...").encode("latin-1")
    harmless = masked(document)
    return body if harmless == document else msgspec.json.encode(harmless)


def _struck(found: re.Match[str]) -> str:
    quote = found[2][0] if found[2][0] in "\"'" else ""
    return f"{found[1]}{quote}{STRUCK}{quote}"
