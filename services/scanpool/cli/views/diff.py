"""Two scans compared, for people."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from scanpool.cli.frame.untrusted import shown
from scanpool.cli.views.elements import SEVERITY_STYLES, Cell, counted, facts, table
from scanpool.report.findings.comparison import Change, Counts, Summary

_STYLES = {"new": "red", "fixed": "green", "unverified": "yellow", "changed": "cyan"}
_REASONS = {
    "host_not_in_scan": "on hosts that the later scan has not got",
    "host_not_scanned": "on hosts that did not answer the later scan",
    "login_less_deep": "on hosts that the later scan did not log in to as deeply",
}


def diff_view(summary: Summary, changes: Sequence[Change], left_out: int) -> RenderableType:
    """The counts, then the differences that were asked for."""
    parts: list[RenderableType] = [facts(_counts(summary)), Text(), _by_severity(summary)]
    if changes:
        parts += [Text(), _changes(changes)]
    if left_out:
        parts.append(shown(f"{counted(left_out, 'difference')} not listed; --limit lists more.", "dim"))
    return Group(*parts)


def _counts(summary: Summary) -> Iterator[tuple[str, Cell]]:
    yield "findings", _sentence(summary.findings)
    if any(getattr(summary.compliance, name) for name in Counts.__struct_fields__):
        yield "compliance", _sentence(summary.compliance)
    for reason, number in summary.unverified.items():
        yield "unverified", f"{number:,} {_REASONS.get(reason, reason)}"
    yield "hosts", f"{summary.hosts_in_both:,} in both, {summary.hosts_new:,} new, {summary.hosts_gone:,} gone"


def _sentence(counts: Counts) -> Text:
    text = Text()
    for name in Counts.__struct_fields__:
        text.append(", " if text else "").append(f"{getattr(counts, name):,} {name}", _STYLES.get(name, ""))
    return text


def _by_severity(summary: Summary) -> Table:
    names = Counts.__struct_fields__
    rows: list[Sequence[Cell]] = [
        (Text(severity, SEVERITY_STYLES.get(severity, "")), *(f"{getattr(counts, name):,}" for name in names))
        for severity, counts in reversed(summary.by_severity.items())
        if any(getattr(counts, name) for name in names)
    ]
    return table(("severity", *names), rows)


def _changes(changes: Sequence[Change]) -> Table:
    columns = ("", "before", "after", "host", "port", "plugin", "name", "why")
    return table(columns, [_row(each) for each in changes])


def _row(each: Change) -> tuple[Cell, ...]:
    return (
        Text(each.status, _STYLES[each.status]),
        _state(each.before),
        _state(each.after),
        each.host,
        f"{each.port}/{each.protocol}" if each.port else "",
        str(each.plugin_id or ""),
        each.name,
        each.reason,
    )


def _state(state: str | None) -> Text:
    return Text(state or "", SEVERITY_STYLES.get(state or "", ""))
