"""What the elements say that were left out of the parse: read when it is asked for."""

from __future__ import annotations

from functools import lru_cache

from lxml import etree

from scanpool.report.constants import Constants

# Few ask for one more than once.
_KEPT = 512


class Unfolding:
    """Of one report. For one thread at a time."""

    def __init__(self, constants: Constants) -> None:
        self._constants = constants
        self._said = lru_cache(_KEPT)(_said)

    def said(self, folded: str) -> tuple[str, ...]:
        """Tag and text by turns, in order, of what the `FOLDED` element with that text stands for."""
        return self._said(self._constants.markup(folded))


def _said(markup: bytes) -> tuple[str, ...]:
    parser = etree.XMLParser(huge_tree=True, resolve_entities=False, no_network=True, collect_ids=False)
    elements = etree.fromstring(b"<_>" + markup + b"</_>", parser)
    return tuple(part for element in elements for part in (str(element.tag), element.text or ""))
