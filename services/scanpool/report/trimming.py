"""Cuts long texts in the parsed tree, before they become strings: those may take four times as much as their markup."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lxml import etree

from scanpool.report.errors import LimitExceeded
from scanpool.report.limits import ATTACHMENT_CHARS, TAG_CHARS, Limits
from scanpool.report.texts import Room, cut

_LONG = f"[string-length() > {TAG_CHARS}]"
_HAS_LONG_TAG = etree.XPath(f"boolean(@*{_LONG} | namespace::*{_LONG})")
_HOLDS_LONG_TAG = etree.XPath(
    f"boolean(descendant::*[string-length(name()) + string-length(namespace-uri()) > {TAG_CHARS} or @*{_LONG}])"
)
_TEXT = "node()[1][self::text()]"
_LENGTH: Callable[..., Any] = etree.XPath(f"string-length({_TEXT})")
_FROM: Callable[..., Any] = etree.XPath(f"substring({_TEXT}, $start, $length)", smart_strings=False)


def refuse_long_tag(element: etree._Element) -> None:
    """Refuse an element in whose start tag something is too long to be read.

    Raises:
        LimitExceeded: an attribute, or a namespace that is known there.
    """
    if _HAS_LONG_TAG(element):
        raise _tag_too_long()


def trim(host: etree._Element, elements: tuple[etree._Element, ...], limits: Limits) -> None:
    """Cut texts in some children of a host so that those of each child have room beside each other.

    Raises:
        LimitExceeded: a name or an attribute is too long to be read.
    """
    if _HOLDS_LONG_TAG(host):
        raise _tag_too_long()
    for element in elements:
        room = Room(limits.kept_bytes)
        for child in element:
            _trim_text(child, limits.text_chars, room)


def _trim_text(element: etree._Element, text_chars: int, room: Room) -> None:
    most = min(text_chars, ATTACHMENT_CHARS) if element.tag == "attachment" else text_chars
    length = int(_LENGTH(element))
    if length:
        text = _head_and_tail(element, length, most) if length > most else element.text or ""
        fitting = room.fit(text)
        if length > most or fitting is not text:
            element.text = fitting


def _head_and_tail(element: etree._Element, length: int, most: int) -> str:
    half = most // 2
    head = _FROM(element, start=1, length=half)
    return cut(head, length - 2 * half, _FROM(element, start=length - half + 1, length=half))


def _tag_too_long() -> LimitExceeded:
    return LimitExceeded("tag_chars", TAG_CHARS, "characters in a tag within a host")
