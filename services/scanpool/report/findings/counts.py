"""How much is in a file of findings; counted once, when it is written."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

import msgspec

from scanpool_schemas.result import SeverityCounts

SEVERITIES = ("info", "low", "medium", "high", "critical")
"""By the number that the report gives them; without a number it is unrated."""
WORST_FIRST = (*reversed(SEVERITIES), "unrated")
"""Names of columns too."""
_SUMS = f"SELECT {', '.join(f'COALESCE(SUM({name}), 0)' for name in WORST_FIRST)}, COUNT(*) FROM hosts"  # noqa: S608
_PLUGINS = "SELECT COUNT(DISTINCT COALESCE(plugin_id, -id)) FROM plugins"
_RESULTS = "SELECT LOWER(result), SUM(last_rank - first_rank + 1) FROM results GROUP BY 1 ORDER BY 1"


class Counts(msgspec.Struct, frozen=True, kw_only=True):
    """How much is in the file."""

    findings: int
    """Their ranks are 1 to this."""
    severity: SeverityCounts
    """Findings; compliance results are not among them."""
    compliance: int
    """Their ranks are 1 to this."""
    results: dict[str, int]
    """Compliance results by their word in lower case, as `failed`; empty where they have none."""
    hosts: int
    """Their ids are 1 to this."""
    plugins: int
    """As many numbers of plugins as have findings."""


def severity_counts(counts: Sequence[int]) -> SeverityCounts:
    """Counts that stand as `WORST_FIRST`."""
    return SeverityCounts(**dict(zip(WORST_FIRST, counts, strict=True)))


def counts(database: sqlite3.Connection) -> Counts:
    """Count."""
    *by_severity, hosts = database.execute(_SUMS).fetchone()
    results = dict(database.execute(_RESULTS))
    ((plugins,),) = database.execute(_PLUGINS)
    return Counts(
        findings=sum(by_severity),
        severity=severity_counts(by_severity),
        compliance=sum(results.values()),
        results=results,
        hosts=hosts,
        plugins=plugins,
    )
