"""How a value is kept in a column: JSON, compressed."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import zstandard


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
