"""The bracketed name by which a scan of ours is known again on a scanner."""

from __future__ import annotations

import re
from dataclasses import dataclass

_BRACKET = re.compile(r"\[([A-Za-z0-9_.-]{1,64})/([A-Za-z0-9_-]{1,64})/([1-9][0-9]{0,8})\]\Z")
_TITLE_LENGTH = 150


@dataclass(frozen=True, kw_only=True, slots=True)
class OurName:
    """Whose scan it is: `[<deployment>/<id>/<run>]` at the end of its name on the scanner."""

    deployment: str
    scan_id: str
    run: int

    def __str__(self) -> str:
        return f"[{self.deployment}/{self.scan_id}/{self.run}]"

    def titled(self, title: str) -> str:
        """The whole name on the scanner: what people call the scan, then the bracket."""
        return f"{' '.join(title.split())[:_TITLE_LENGTH]} {self}"


def our_name(name: str) -> OurName | None:
    """The bracketed name at the end of a scan's name; None where it has none."""
    match = _BRACKET.search(name)
    if match is None:
        return None
    return OurName(deployment=match[1], scan_id=match[2], run=int(match[3]))
