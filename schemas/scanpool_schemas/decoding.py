"""Decoding, from any number of threads.

msgspec learns what fields a struct has when that is decoded for the first time. A thread that decodes it while another
one still learns ends the process (a segmentation fault, msgspec 0.22). So a kind is learned by one thread at a time,
and decoded only when that is done; everything of ours that decodes does it here.
"""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock
from typing import Any, TypeVar

import msgspec

_T = TypeVar("_T")
_learning = Lock()
_decoders: dict[tuple[Any, bool], msgspec.json.Decoder[Any]] = {}


def decode(body: bytes | bytearray, kind: type[_T], *, strict: bool = True) -> _T:
    """A JSON document as a struct or another kind; where it is not strict, numbers may come as text.

    Raises:
        msgspec.DecodeError, UnicodeDecodeError, RecursionError: it is none.
    """
    value: _T = _decoder(kind, strict)(body)
    return value


def document(body: bytes | bytearray) -> Any:
    """A JSON document of whatever kind.

    Raises:
        msgspec.DecodeError, UnicodeDecodeError, RecursionError: it is none.
    """
    return _decoder(Any, True)(body)


def unpack(body: bytes, kind: type[_T]) -> _T:
    """A MessagePack document as that kind.

    Raises:
        msgspec.DecodeError: it is none.
    """
    _decoder(kind, True)
    return msgspec.msgpack.decode(body, type=kind)


def convert(value: Any, kind: type[_T], *, strict: bool = True) -> _T:
    """Dictionaries, lists and plain values as that kind.

    Raises:
        msgspec.ValidationError: they do not fit.
    """
    _decoder(kind, strict)
    return msgspec.convert(value, kind, strict=strict)


def _decoder(kind: Any, strict: bool) -> Callable[[bytes | bytearray], Any]:
    known = _decoders.get((kind, strict))
    if known is None:
        with _learning:
            known = _decoders.setdefault((kind, strict), msgspec.json.Decoder(kind, strict=strict))
    return known.decode
