"""Finds secrets among the arguments of a call, by the names they are given under."""

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


def refuse_secrets(arguments: object) -> None:
    """Let no call through that carries a secret, however deep.

    Raises:
        Refusal: names the argument where its name is plain, never its value.
    """
    found = next(_secret_names(arguments), None)
    if found is None:
        return
    name = found if _PLAIN.fullmatch(found) else "one of the arguments"
    raise Refusal(
        "secret_refused",
        f"{name} is a secret, and none is taken from a tool's arguments: it was not used, kept or logged",
        hint="name a credential that an operator has set up, with run_authenticated_scan's credential_ref; "
        "list_credentials shows which you may use. Consider the secret you sent as disclosed to this conversation",
    )


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
