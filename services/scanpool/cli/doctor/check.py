"""What was looked at, and what came of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from scanpool.cli.doctor.catalogue import CHECK_OF, FINDINGS, SECTION_OF, Section

Status: TypeAlias = Literal["ok", "warning", "problem"]
Place: TypeAlias = str


@dataclass(frozen=True, kw_only=True, slots=True)
class Check:
    """One thing that was looked at."""

    section: Section
    name: str
    place: Place
    """Where: a stream, a pool, a scanner, a file; empty where there is only one such thing."""
    status: Status
    code: str = ""
    """What is wrong, of the catalogue; empty where all is well."""
    message: str
    remedy: str = ""
    """A command or a setting; never empty where something is wrong."""
    facts: Mapping[str, object] = field(default_factory=dict)

    def document(self) -> dict[str, object]:
        """As `--json` prints it: the facts beside what all checks have."""
        common = {
            "section": self.section,
            "name": self.name,
            "place": self.place,
            "status": self.status,
            "code": self.code or None,
            "message": self.message,
            "remedy": self.remedy or None,
        }
        return {**common, **{name: value for name, value in self.facts.items() if name not in common}}


def fine(name: str, place: Place, message: str, **facts: object) -> Check:
    """Something that is as it should be."""
    return Check(section=SECTION_OF[name], name=name, place=place, status="ok", message=message, facts=facts)


def found(code: str, place: Place, message: str, remedy: str, **facts: object) -> Check:
    """Something that is wrong; the catalogue says how badly."""
    name = CHECK_OF[code]
    return Check(
        section=SECTION_OF[name],
        name=name,
        place=place,
        status=FINDINGS[code].status,
        code=code,
        message=message,
        remedy=remedy,
        facts=facts,
    )


def unseen(code: str, section: Section, place: Place, message: str, remedy: str, **facts: object) -> Check:
    """Something that could not be looked at."""
    return Check(
        section=section,
        name=section,
        place=place,
        status=FINDINGS[code].status,
        code=code,
        message=message,
        remedy=remedy,
        facts=facts,
    )


def sentence(text: str) -> str:
    """Texts that others wrote, without the full stop that would stand before the remedy."""
    return text.strip().removesuffix(".")
