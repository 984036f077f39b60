"""The host of the report whose end has not been read yet."""

from __future__ import annotations

import sys

from lxml import etree

from scanpool.report.errors import LimitExceeded
from scanpool.report.host import HostPart
from scanpool.report.limits import KIB, Limits
from scanpool.report.texts import Room, clip, head_and_tail
from scanpool.report.trimming import refuse_long_tag, trim
from scanpool.report.unfolding import Unfolding

# What a property takes in memory beside its strings.
_TAG_OVERHEAD = 100
_LARGE_HOST = 512 * KIB
# Whole blocks of 256 KiB that a text of 1 MiB takes at least: a part of fewer has none.
_LARGE_PART = 768 * KIB


class OpenHost:
    """Collects the host's properties and hands out its children, at its end or before."""

    def __init__(self, element: etree._Element, limits: Limits, unfolding: Unfolding, *, is_web: bool) -> None:
        refuse_long_tag(element)
        self.element = element
        self._name = element.get("name") or ""
        self._is_web = is_web
        self._limits = limits
        self._unfolding = unfolding
        self._size_bytes = 0
        self._part_bytes = 0
        self._tags: dict[str, str] = {}
        self._tag_bytes = 0
        self._room = Room(limits.kept_bytes)

    def add(self, size_bytes: int) -> None:
        """Count a block in which the host did not end."""
        self._size_bytes += size_bytes
        self._part_bytes += size_bytes
        if self._size_bytes > self._limits.host_bytes:
            raise LimitExceeded("host_bytes", self._limits.host_bytes, f"bytes in {self}")

    def finished(self) -> tuple[etree._Element, ...]:
        """Of a large host the children that are complete; of a small one nothing yet."""
        return tuple(self.element)[:-1] if self._size_bytes >= _LARGE_HOST else ()

    def part(self, elements: tuple[etree._Element, ...], *, is_last: bool) -> HostPart:
        """The host with some of its children, whose properties join those read before."""
        if self._part_bytes >= _LARGE_PART:
            trim(self.element, elements, self._limits)
        self._part_bytes = 0
        for element in elements:
            if element.tag == "HostProperties":
                self._read_tags(element)
        text_chars = self._limits.text_chars
        return HostPart(self._name, self._tags, elements, text_chars, self._unfolding, is_last, self._is_web)

    def _read_tags(self, properties: etree._Element) -> None:
        for tag in properties.iterchildren("tag"):
            name = tag.get("name") or ""
            text = self._room.fit(head_and_tail(tag.text or "", self._limits.text_chars))
            self._tag_bytes += sys.getsizeof(name) + sys.getsizeof(text) + _TAG_OVERHEAD
            if self._tag_bytes > self._limits.item_bytes:
                raise LimitExceeded("item_bytes", self._limits.item_bytes, f"bytes in the properties of {self}")
            self._tags.setdefault(name, text)

    def __str__(self) -> str:
        return f"host {clip(self._name, 80)!r}"
