"""What `scanpool doctor` looks at, and what it may find. Codes keep their meaning."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from scanpool.cli.doctor.catalogue import hosts, nats, pools, scanners
from scanpool.cli.doctor.catalogue.kind import SECTIONS, Finding, Kind, Section

KINDS: tuple[Kind, ...] = (*nats.KINDS, *hosts.KINDS, *pools.KINDS, *scanners.KINDS)
"""In the order in which people read it."""

ANYWHERE: tuple[Finding, ...] = (
    Finding(
        "check_timed_out",
        "problem",
        "What was looked at did not answer in time.",
        "Look at it by itself with `--only`, and give it longer with `--timeout`.",
    ),
    Finding(
        "check_failed",
        "problem",
        "It could not be looked at.",
        "In the check; a user without the rights of an operator sees less.",
    ),
)
"""What may come of any part."""

SECTION_OF: Mapping[str, Section] = MappingProxyType({kind.name: kind.section for kind in KINDS})
CHECK_OF: Mapping[str, str] = MappingProxyType({each.code: kind.name for kind in KINDS for each in kind.findings})
FINDINGS: Mapping[str, Finding] = MappingProxyType(
    {each.code: each for findings in (*(kind.findings for kind in KINDS), ANYWHERE) for each in findings}
)
NAMES: tuple[str, ...] = tuple(dict.fromkeys((*SECTIONS, *SECTION_OF)))
"""What `--only` takes: sections and checks."""

__all__ = ["ANYWHERE", "CHECK_OF", "FINDINGS", "KINDS", "NAMES", "SECTIONS", "SECTION_OF", "Finding", "Kind", "Section"]
