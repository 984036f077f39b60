"""Where a page ended, as a text that another process can go on from. No I/O."""

from __future__ import annotations

import base64
import binascii
import hashlib

import msgspec

from scanpool.report.findings.errors import BadCursor
from scanpool_schemas import decoding

_FORM = 1
_KEY_BYTES = 8
_LONGEST = 200


class Cursor(msgspec.Struct, frozen=True, array_like=True):
    """The place after a page, in one file and of one filter."""

    form: int
    file: bytes
    filters: bytes
    rank: int
    """The last one that was seen."""
    seen: int
    """How many there are up to it."""
    total: int


def key(*texts: bytes) -> bytes:
    """What a file, or a filter, is known by."""
    digest = hashlib.blake2b(digest_size=_KEY_BYTES)
    for text in texts:
        digest.update(len(text).to_bytes(8, "big") + text)
    return digest.digest()


def cursor(file: bytes, filters: bytes, *, rank: int, seen: int, total: int) -> str:
    """The text for the place after `rank`."""
    place = Cursor(_FORM, file, filters, rank, seen, total)
    return base64.urlsafe_b64encode(msgspec.msgpack.encode(place)).rstrip(b"=").decode()


def read_cursor(text: str, file: bytes, filters: bytes) -> Cursor:
    """The place that the text means.

    Raises:
        BadCursor: it is no cursor, or one of another file or of other filters.
    """
    if len(text) > _LONGEST:
        raise BadCursor("the text is no cursor: it is too long")
    try:
        padded = text.encode("ascii") + b"=" * (-len(text) % 4)
        place = decoding.unpack(base64.b64decode(padded, altchars=b"-_", validate=True), Cursor)
    except (UnicodeEncodeError, binascii.Error, msgspec.MsgspecError) as error:
        raise BadCursor(f"{text!r} is no cursor; take next_cursor of the page before") from error
    if place.form != _FORM or min(place.rank, place.seen, place.total) < 0 or place.rank > 1 << 62:
        raise BadCursor(f"{text!r} is no cursor of this version; ask for the first page")
    if place.file != file:
        raise BadCursor("the cursor is of another scan's findings; ask for the first page")
    if place.filters != filters:
        raise BadCursor("the cursor is of other filters; ask for the first page, or with the filters it came with")
    return place
