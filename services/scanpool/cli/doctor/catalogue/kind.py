"""The form of the catalogue."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

Section: TypeAlias = Literal["nats", "topology", "clock", "disk", "configuration", "services", "pools", "scanners"]
SECTIONS: tuple[Section, ...] = get_args(Section)


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that may be wrong."""

    code: str
    status: Literal["warning", "problem"]
    meaning: str
    remedy: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Kind:
    """Something that is looked at."""

    section: Section
    name: str
    looks_at: str
    findings: tuple[Finding, ...]
