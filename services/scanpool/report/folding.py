"""Leaves out of a report's markup what was parsed before: an item's constant elements, which each host repeats.

An element stands for them where they are byte for byte the same as the first time. That was parsed without an error,
and so would they be: they are flat, without attributes and prefixes, and stand where an item's children stand. To be
sure of that, the markup is followed from the root on, as long as it is plain: tags and text. Where anything else comes
(a comment, CDATA, an instruction, or what is not well-formed), all is left as it is from there on. Lines and columns of
what follows stay true.
"""

from __future__ import annotations

import re

from scanpool.report.constants import Constants, Known
from scanpool.report.element_names import HEARD, OF_THE_FINDING
from scanpool.report.limits import KIB

_LONGEST = 16 * KIB
_LONGEST_TAG = 64 * KIB

_NAME = rb"[A-Za-z_:][\w:.-]*+"
_ATTRIBUTES = rb"(?:[ \t\r\n]++" + _NAME + rb"[ \t\r\n]*+=[ \t\r\n]*+(?:\"[^\"<]*+\"|'[^'<]*+'))*+[ \t\r\n]*+"
_ITEM_HEAD = re.compile(rb"<ReportItem" + _ATTRIBUTES + rb"(/?)>[^<]*+")
_NO_ITEM = re.compile(rb"(?:[^<]++|<(?!ReportItem )(?:/" + _NAME + rb"[ \t\r\n]*+|" + _NAME + _ATTRIBUTES + rb"/?)>)*+")
_NOT_CONSTANT = "|".join(sorted({*HEARD, *OF_THE_FINDING, "ReportItem"})).encode()
_CONSTANT = re.compile(rb"(?:<(?!(?:" + _NOT_CONSTANT + rb")>)[A-Za-z_][\w.-]*+>[^<]*+</[\w.-]++>[ \t\r\n]*+)++")


class Folding:
    """Folds the blocks of one report, in order; what each is folded to is parsed to the same as it."""

    def __init__(self) -> None:
        self.constants = Constants()
        self._is_on = False
        self._begin_at = 0
        self._open = b""
        """The tag in which the last block ended, or nothing."""
        self._seen = 0
        """Items with constant elements, in whole blocks."""

    def begin(self, root_at: int) -> None:
        """Fold from the next block on, in which the root element begins at that byte."""
        self._is_on = True
        self._begin_at = root_at

    def fold(self, block: bytes) -> bytes:
        """The block as it is to be parsed."""
        if not self._is_on:
            return block
        markup, fed = self._open + block, len(self._open)
        at, self._begin_at = self._begin_at, 0
        by_head = self.constants.by_head
        pieces: list[bytes] = []
        while self._is_on:
            at = _next_item(markup, at)
            children = markup.find(b"<", at + 1)
            if children < 0:
                self._wait(markup[at:])
                break
            known = by_head.get(markup[at:children])
            if known is None or not markup.startswith(known.markup, children):
                known = self._looked_at(markup, at)
            at = children
            if known is not None:
                pieces += (markup[fed:children], known.element, known.blank)
                fed = at = children + len(known.markup)
        self._seen += len(pieces) // 3
        pieces.append(markup[fed:])
        return b"".join(pieces)

    def _wait(self, tag: bytes) -> None:
        """Keep a tag whose end is in the next block."""
        self._open = tag
        self._is_on = len(tag) <= _LONGEST_TAG

    def _looked_at(self, markup: bytes, at: int) -> Known | None:
        """The constant elements of an item that is not known by its start tag; None where it has other children."""
        head = _ITEM_HEAD.match(markup, at)
        if head is None:
            self._is_on = False
            return None
        constant = _before_output(markup, head.end()) if _is_foldable(head) else b""
        return self.constants.again(head[0], constant) or self._learned(constant)

    def _learned(self, constant: bytes) -> Known | None:
        """Constant elements that come for the first time, and stay; None where it is not plain that they are."""
        if not _CONSTANT.fullmatch(constant):
            return None
        self.constants.remember(constant)
        # Where most come once it is not worth the time.
        self._is_on = not self.constants.is_full or self._seen >= 2 * len(self.constants)
        return Known(constant, constant, b"")


def _next_item(markup: bytes, at: int) -> int:
    """Where the next item begins; or, before it, what is not plain or not complete."""
    if markup.startswith(b"<plugin_output>", at):
        end = markup.find(b"<", at + 1)
        if markup.startswith(b"</plugin_output>", end):
            at = end + len(b"</plugin_output>")
    if markup.startswith(b"</ReportItem>\n<ReportItem ", at):
        return at + len(b"</ReportItem>\n")
    between = _NO_ITEM.match(markup, at)
    assert between is not None
    return between.end()


def _is_foldable(head: re.Match[bytes]) -> bool:
    """Whether the item has children, and is no compliance result: those differ from host to host."""
    return not head[1] and b"pluginFamily=" in head[0] and b"compliance" not in head[0].lower()


def _before_output(markup: bytes, at: int) -> bytes:
    """From there as far as the item's output, or its end; nothing where neither is near."""
    end = markup.find(b"</ReportItem>", at, at + _LONGEST)
    output = markup.find(b"<plugin_output>", at, end if end >= 0 else at + _LONGEST)
    return markup[at : max(output if output >= 0 else end, at)]
