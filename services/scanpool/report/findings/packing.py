"""How values are kept in a column: JSON, compressed; numbers one behind the other."""

from __future__ import annotations

import json
import sys
from array import array
from collections.abc import Callable, Sequence
from itertools import accumulate
from typing import Any, Literal

import zstandard

_OFFSET_BYTES = 4


class Packer:
    """Packs values, for one thread at a time.

    zstandard lets go of the interpreter while it compresses: in a compressor that two threads share, the texts of
    two reports mix, or the process ends with a segmentation fault.
    """

    def __init__(self) -> None:
        self._compress: Callable[[bytes], bytes] = zstandard.ZstdCompressor(level=3).compress

    def pack(self, value: Any) -> bytes:
        """The value as it is kept."""
        text = json.dumps(value, separators=(",", ":"), ensure_ascii=False)
        return self._compress(text.encode("utf-8", "surrogatepass"))


def packed_numbers(numbers: array[int]) -> bytes:
    """Numbers as they are kept: little end first."""
    return _little_end_first(numbers).tobytes()


def unpacked_numbers(typecode: Literal["I", "Q"], data: bytes) -> array[int]:
    """Numbers that were kept: of 32 bits (I) or of 64 (Q)."""
    return _little_end_first(array(typecode, data))


def packed_parts(parts: Sequence[bytes]) -> bytes:
    """Parts as they are kept: where each begins and the last one ends, in numbers of 32 bits; then their bytes."""
    head = _OFFSET_BYTES * (len(parts) + 1)
    offsets = array("I", accumulate(map(len, parts), initial=head))
    return packed_numbers(offsets) + b"".join(parts)


class Parts:
    """Parts that were kept; IndexError and ValueError say that they are damaged."""

    def __init__(self, data: bytes) -> None:
        (head,) = unpacked_numbers("I", data[:_OFFSET_BYTES])
        self._data, self._offsets = data, unpacked_numbers("I", data[:head])

    def __getitem__(self, place: int) -> bytes:
        return self._data[self._offsets[place] : self._offsets[place + 1]]


def _little_end_first(numbers: array[int]) -> array[int]:
    if sys.byteorder == "big":
        numbers = numbers[:]
        numbers.byteswap()
    return numbers
