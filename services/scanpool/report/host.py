"""A host of the report and its items, as they come out of the stream.

Views on the parsed tree: good until the reader is asked for the next part, then gone.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import IntEnum

from lxml import etree

from scanpool.report.constants import FOLDED
from scanpool.report.texts import head_and_tail
from scanpool.report.unfolding import Unfolding

COMPLIANCE_NAMESPACE = "http://www.nessus.org/cm"
_COMPLIANCE_RESULT = f"{{{COMPLIANCE_NAMESPACE}}}compliance-result"
_ANY_COMPLIANCE = f"{{{COMPLIANCE_NAMESPACE}}}*"
_RESULT_IN_BRACKETS = re.compile(r":[ \t]*\[(PASSED|FAILED|WARNING|ERROR|SKIPPED)\]")
_LONGEST_NUMBER = 12
_LONGEST_NAME = 255


class Severity(IntEnum):
    """The severity of an item, as the report numbers it."""

    INFO = 0
    LOW = 1
    MEDIUM = 2
    HIGH = 3
    CRITICAL = 4


_RISK_FACTORS = {
    "none": Severity.INFO,
    "low": Severity.LOW,
    "medium": Severity.MEDIUM,
    "high": Severity.HIGH,
    "critical": Severity.CRITICAL,
}
_SEVERITIES = {str(severity.value): severity for severity in Severity}


class Item:
    """One `ReportItem`: what one plugin said on one port."""

    __slots__ = ("_text_chars", "_unfolding", "element")

    def __init__(self, element: etree._Element, text_chars: int, unfolding: Unfolding) -> None:
        self.element = element
        self._text_chars = text_chars
        self._unfolding = unfolding

    @property
    def plugin_id(self) -> int | None:
        """None where the report has no number there."""
        return number(self.element.get("pluginID"))

    @property
    def severity(self) -> Severity | None:
        """By the attribute; where it is missing or no number, by the risk factor; else None."""
        severity = _SEVERITIES.get(self.element.get("severity", ""))
        if severity is not None:
            return severity
        return _RISK_FACTORS.get((self.text("risk_factor") or "").strip().lower())

    @property
    def compliance_result(self) -> str | None:
        """The result's word in upper case, empty if it has none; None where this is no compliance item."""
        family = self.element.get("pluginFamily")
        if not is_compliance_family(family):
            return None
        result = self.text(_COMPLIANCE_RESULT)
        if result is not None:
            return result.strip().upper()
        if next(self.element.iterchildren(_ANY_COMPLIANCE), None) is not None:
            return ""
        # Before results had an element of their own they stood in the description; the family also has
        # items that are no results, as notes on PCI.
        in_brackets = _RESULT_IN_BRACKETS.search(self.text("description") or "") if family else None
        return in_brackets.group(1) if in_brackets else None

    @property
    def output(self) -> str:
        """What the plugin printed; attacker-controlled text."""
        return self.text("plugin_output") or ""

    def text(self, tag: str) -> str | None:
        """The text of the first child of that name, cut to its head and tail; None where there is none."""
        for child in self.element.iterchildren(FOLDED, tag):
            said = self.unfolded(child.text or "") if child.tag == FOLDED else (tag, child.text or "")
            if tag in said[::2]:
                return head_and_tail(said[2 * said[::2].index(tag) + 1], self._text_chars)
        return None

    def unfolded(self, folded: str) -> tuple[str, ...]:
        """Tag and text by turns, in order, of what its `FOLDED` element with that text stands for."""
        return self._unfolding.said(folded)


@dataclass(frozen=True, slots=True)
class HostPart:
    """A host, or of a large one the next run of its items; the last part says so."""

    name: str
    """As the report spells it."""
    tags: Mapping[str, str]
    """The host's properties that were read so far; all of them in the last part."""
    elements: tuple[etree._Element, ...]
    text_chars: int
    unfolding: Unfolding
    is_last: bool
    is_web: bool
    """The report is a web application scan; its hosts are URLs."""

    @property
    def key(self) -> tuple[str, str]:
        """Name and address, bounded: by them a host is known again that is in the report twice."""
        name, address = known_name(self.name), self.tags.get("host-ip", "").strip()
        return name, name if address == self.name else known_name(address)

    def items(self) -> Iterator[Item]:
        """The part's items, in order; may be asked for more than once."""
        for element in self.elements:
            if element.tag == "ReportItem":
                yield Item(element, self.text_chars, self.unfolding)


def is_compliance_family(family: str | None) -> bool:
    """Whether items of the family may be compliance results; without a family any may."""
    return not family or "compliance" in family.lower()


def known_name(name: str) -> str:
    """The name by which a host is known: of a very long one the beginning, and a hash of all."""
    if len(name) <= _LONGEST_NAME:
        return name
    return f"{name[:_LONGEST_NAME]}…{hashlib.sha256(name.encode()).hexdigest()}"


def number(text: str | None) -> int | None:
    """The number that the text is; None where it is none or too long to be one."""
    if text is None or len(text) > _LONGEST_NUMBER or not (text.isascii() and text.isdigit()):
        return None
    return int(text)
