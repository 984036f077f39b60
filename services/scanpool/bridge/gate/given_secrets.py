"""Finds secrets among the arguments of a call: by the names they are given under, and in free text by their form."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from typing import Any

from scanpool.bridge.answering.refusals import Refusal

_SECRET = re.compile(
    r"passw(or)?d|passphrase|passcode|pass$|pwd$|pw$|secret|privatekey|sshkey|apikey|accesskey|tokens?$|bearer|^pin$"
    r"|communitystring|^credentials?$|authorization"
)
"""Among the letters of a name."""
_NO_LETTER = re.compile(r"[^a-z]")
_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,39}")
_FREE_TEXT = frozenset({"name", "description", "reason"})
"""Arguments that are kept with a scan, whatever stands in them. What is only looked for, as a filter's text, may have
any form.
"""
_LOOKED_AT = 8192
"""Characters of a free text; one that is longer is refused for that."""
_GIVEN = r"[\"']?\s{0,3}(?:=|:(?!:))\s{0,3}[\"']?"
_FORMS = re.compile(
    rf"(?:password|passwd|passphrase|passcode|pwd){_GIVEN}[^\s\"']"
    rf"|(?:secret|token|(?:api|access|secret|private)[ _-]?key){_GIVEN}(?=\S{{0,60}}[0-9])[^\s\"']{{8}}"
    r"|-----BEGIN [A-Z ]{0,40}PRIVATE KEY"
    r"|\bbearer\s{1,3}(?=\S{0,60}[0-9])[\w.~+/=-]{16}"
    r"|://[^\s/@:]{1,64}:[^\s/@]{1,64}@"
    r"|\b(?:AKIA|ASIA)[A-Z0-9]{16}\b"
    r"|\b(?:gh[opsur]|github_pat|glpat|xox[abeprs]|sk_live|scanpool)[_-][\w-]{16}"
    r"|\beyJ[\w-]{8,512}\.eyJ[\w-]{8}",
    re.IGNORECASE,
)
"""What is written so that a value follows: `password=…` and `password: …`, and the forms of well-known keys and tokens.
That a text speaks of passwords is no such form.
"""
_DISCLOSED = (
    "name a credential that an operator has set up, with run_authenticated_scan's credential_ref; "
    "list_credentials shows which you may use. Consider the secret you sent as disclosed to this conversation"
)


def refuse_secrets(arguments: object) -> None:
    """Let no call through that carries a secret, however deep.

    Raises:
        Refusal: names the argument where its name is plain, never its value.
    """
    found = next(_secret_names(arguments), None)
    if found is not None:
        raise _refused(f"{found if _PLAIN.fullmatch(found) else 'one of the arguments'} is a secret", hint=_DISCLOSED)
    written = next((name for name, text in _free_texts(arguments) if holds_secret(text)), None)
    if written is not None:
        hint = f"leave it out of {written}, or if it is none put it in other words; {_DISCLOSED}"
        raise _refused(f"{written} holds what has the form of a password, key or token", hint=hint)


def holds_secret(text: str) -> bool:
    """Whether the text has a secret in it, as far as its form shows."""
    return _FORMS.search(unicodedata.normalize("NFKC", text[:_LOOKED_AT])) is not None


def _refused(what: str, *, hint: str) -> Refusal:
    message = f"{what}, and none is taken from a tool's arguments: it was not used, kept or logged"
    return Refusal("secret_refused", message, hint=hint)


def _free_texts(arguments: object) -> Iterator[tuple[str, str]]:
    given = arguments if isinstance(arguments, dict) else {}
    return ((name, text) for name, text in given.items() if name in _FREE_TEXT and isinstance(text, str))


def _secret_names(value: object) -> Iterator[str]:
    """Names that secrets go by; an explicit stack, since a caller chooses how deep it nests."""
    waiting: list[Any] = [value]
    while waiting:
        match waiting.pop():
            case dict() as named:
                yield from (str(name) for name in named if _SECRET.search(_letters(str(name))))
                waiting += named.values()
            case list() as values:
                waiting += values
            case _:
                continue


def _letters(name: str) -> str:
    """What a reader takes the name for: of wide and styled letters the plain ones, without what stands between."""
    return _NO_LETTER.sub("", unicodedata.normalize("NFKC", name).casefold())
