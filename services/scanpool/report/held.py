"""How much of a report is in memory because the element it belongs to has not ended."""

from __future__ import annotations

import re

from scanpool.report.errors import LimitExceeded
from scanpool.report.limits import KIB, Limits

_TAGS_COUNT_ABOVE = 512 * KIB
_ATTRIBUTES = re.compile(rb"=[\s\0]*[\"']")
"""In UTF-16 too."""


class Held:
    """What the tree holds of markup in which nothing could be forgotten yet."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._size_bytes = 0
        self._tags = 0

    def add(self, block: bytes, where: str) -> None:
        """Count a block that set nothing free; its tags only where much is held, since counting has a price.

        Raises:
            LimitExceeded: too much is held at once.
        """
        self._size_bytes += len(block)
        if self._size_bytes > self._limits.item_bytes:
            raise LimitExceeded("item_bytes", self._limits.item_bytes, f"bytes {where}")
        if self._size_bytes > _TAGS_COUNT_ABOVE:
            self._tags += block.count(b"<") + len(_ATTRIBUTES.findall(block))
        if self._tags > self._limits.item_tags:
            raise LimitExceeded("item_tags", self._limits.item_tags, f"tags and attributes {where}")

    def clear(self) -> None:
        """Say that everything before the elements now open is gone."""
        self._size_bytes = 0
        self._tags = 0
