"""Pages of lists that grow at their head: a cursor names the last thing that was shown, not a place."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

import msgspec

from scanpool.bridge.answering.refusals import Refusal
from scanpool_schemas import decoding

_T = TypeVar("_T")
Key = tuple[str, str]
"""When, as ISO 8601, and an id where several are of one instant; the greater comes first."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Shown(Generic[_T]):
    """A page."""

    items: tuple[_T, ...]
    total: int
    next_cursor: str | None


def page(items: Sequence[_T], key: Callable[[_T], Key], limit: int, cursor: str | None) -> Shown[_T]:
    """The `limit` items after the cursor, the greatest key first.

    Raises:
        Refusal: the cursor is none.
    """
    ordered = sorted(items, key=key, reverse=True)
    after = None if cursor is None else read_cursor(cursor)
    left = ordered if after is None else [item for item in ordered if key(item) < after]
    shown = tuple(left[:limit])
    more = len(left) > limit
    return Shown(items=shown, total=len(ordered), next_cursor=cursor_of(key(shown[-1])) if more else None)


def cursor_of(key: Key) -> str:
    """The cursor after the item of this key."""
    return base64.urlsafe_b64encode(msgspec.json.encode(key)).rstrip(b"=").decode()


def read_cursor(cursor: str) -> Key:
    """The key of the item that the cursor stands after.

    Raises:
        Refusal: it is no cursor.
    """
    try:
        body = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        key = decoding.decode(body, tuple[str, str])
    except (binascii.Error, ValueError) as error:
        raise Refusal(
            "invalid_argument", "cursor: this is no cursor of such a list", hint="pass next_cursor of the page before"
        ) from error
    return key
