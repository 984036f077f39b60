"""What a caller asks of findings, made into the filters of the file. No I/O."""

from __future__ import annotations

from scanpool.bridge.answering.models.results import FindingFilters, MinSeverity
from scanpool.report.findings.filters import Filters, Score, SeverityName

_WORST_FIRST: tuple[SeverityName, ...] = ("critical", "high", "medium", "low", "info")


def as_filters(wanted: FindingFilters) -> Filters:
    """The same in the form of the file.

    Raises:
        BadFilter: a value is none that its filter takes.
    """
    return Filters(
        severity=tuple(wanted.severity),
        host=tuple(wanted.host),
        plugin_id=tuple(wanted.plugin_id),
        family=tuple(wanted.family),
        cve=tuple(each.upper() for each in wanted.cve),
        scores=(
            *((Score("cvss", ">=", wanted.min_cvss),) if wanted.min_cvss is not None else ()),
            *((Score("vpr", ">=", wanted.min_vpr),) if wanted.min_vpr is not None else ()),
        ),
        exploit_available=wanted.exploitable,
        text=() if wanted.text is None else (wanted.text,),
    )


def at_least(severity: MinSeverity | None) -> tuple[SeverityName, ...]:
    """The severities that are as bad, or worse; none for no limit."""
    return () if severity is None else _WORST_FIRST[: _WORST_FIRST.index(severity) + 1]
