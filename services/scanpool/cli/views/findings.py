"""Findings, compliance results and their counts, for people; every text of a report is cleaned."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from scanpool.cli.frame.untrusted import clean_lines, shown
from scanpool.cli.views.elements import SEVERITY_STYLES, Cell, counted, facts, table, verdict_text
from scanpool.report.findings.counts import WORST_FIRST, Counts
from scanpool.report.findings.groups import GroupPage
from scanpool.report.findings.query import Page
from scanpool_schemas.result import SeverityCounts

FINDING_ROW = (
    *("severity_name", "cvss_score", "plugin_id", "plugin_name", "host", "port", "protocol", "cve"),
    *("exploit_available", "known_exploited"),
)
RESULT_ROW = ("result", "plugin_id", "check_id", "check_name", "host", "actual_value", "policy_value")
"""The fields that the tables are made of."""
_MOST_CVES = 2
_MOST_COLUMNS = 8
_RESULT_STYLES = {"FAILED": "red", "ERROR": "red", "WARNING": "yellow", "PASSED": "green", "SKIPPED": "dim"}


def page_view(page: Page, counts: Counts, *, plain: bool) -> RenderableType:
    """How much there is, the page, and how to see more; `plain` where nobody named fields."""
    parts: list[RenderableType] = [facts(_counts(page, counts))]
    if page.rows:
        parts += [Text(), *_rows(page, plain=plain), Text(), shown(_more(page), "dim")]
    return Group(*parts)


def groups_view(page: GroupPage) -> RenderableType:
    """The groups, and how to see more."""
    names = list(page.groups[0].key) if page.groups else []
    columns = (*WORST_FIRST, "cvss", *(name.removeprefix("plugin_") for name in names))
    rows = [
        (*_numbers(each.severity), _cell(each.cvss_score), *(_key(name, each.key[name]) for name in names))
        for each in page.groups
    ]
    total = facts(
        [("findings", f"{page.findings:,}"), (f"by {page.by}", counted(page.total, page.by, _plural(page.by)))]
    )
    if not rows:
        return total
    last = f"page {page.page} of {page.total_pages:,}"
    more = f"{last}; --page {page.next_page} shows the next" if page.has_next else last
    return Group(total, Text(), table(columns, rows), Text(), shown(more, "dim"))


def _counts(page: Page, counts: Counts) -> Iterator[tuple[str, Cell]]:
    yield "findings", _severities(counts.findings, counts.severity)
    if counts.compliance:
        results = ", ".join(f"{number:,} {word or 'other'}" for word, number in counts.results.items())
        yield "compliance", f"{counts.compliance:,}: {results}"
    yield "hosts", f"{counts.hosts:,}"
    yield "shown", f"{len(page.rows):,} of {page.total:,} that were asked for"


def _severities(total: int, severity: SeverityCounts) -> Text:
    text = Text(f"{total:,}: ") if total else Text("none")
    found = [(name, getattr(severity, name)) for name in WORST_FIRST if getattr(severity, name)]
    for place, (name, number) in enumerate(found):
        text.append(", " if place else "").append(f"{number:,} {name}", SEVERITY_STYLES.get(name, ""))
    return text


def _rows(page: Page, *, plain: bool) -> Iterator[RenderableType]:
    if plain:
        yield _result_table(page.rows) if "result" in page.fields else _finding_table(page.rows)
    elif len(page.fields) <= _MOST_COLUMNS:
        yield table(page.fields, [[_cell(row[name]) for name in page.fields] for row in page.rows])
    else:
        yield from _one_by_one(page.rows)


def _one_by_one(rows: Sequence[Mapping[str, Any]]) -> Iterator[RenderableType]:
    for place, row in enumerate(rows):
        if place:
            yield Text()
        yield facts([(name, _block(value)) for name, value in row.items()])


def _finding_table(rows: Sequence[Mapping[str, Any]]) -> Table:
    columns = ("severity", "cvss", "plugin", "name", "host", "port", "cve", "exploit")
    return table(columns, [_finding(row) for row in rows])


def _finding(row: Mapping[str, Any]) -> tuple[Cell, ...]:
    name = row["severity_name"]
    left_out = len(row["cve"]) - _MOST_CVES
    return (
        Text(name, SEVERITY_STYLES.get(name, "")),
        _cell(row["cvss_score"]),
        _cell(row["plugin_id"]),
        row["plugin_name"],
        row["host"],
        f"{row['port']}/{row['protocol']}" if row["port"] else "",
        ", ".join(row["cve"][:_MOST_CVES]) + (f" and {left_out} more" if left_out > 0 else ""),
        Text("in use", "bold red") if row["known_exploited"] else "known" if row["exploit_available"] else "",
    )


def _result_table(rows: Sequence[Mapping[str, Any]]) -> Table:
    columns = ("result", "plugin", "check", "name", "host", "found", "wanted")
    return table(columns, [(_result(row["result"]), *(_cell(row[name]) for name in RESULT_ROW[1:])) for row in rows])


def _result(word: str) -> Text:
    return shown(word.lower() or "none", _RESULT_STYLES.get(word, ""))


def _more(page: Page) -> str:
    if page.page is None:
        return f"--cursor {page.next_cursor} shows the next page" if page.has_next else "the last page"
    place = f"page {page.page:,} of {page.total_pages:,}"
    return f"{place}; --page {page.next_page} shows the next, FILTERs narrow it down" if page.has_next else place


def _numbers(severity: SeverityCounts) -> tuple[Text, ...]:
    numbers = ((name, getattr(severity, name)) for name in WORST_FIRST)
    return tuple(Text(f"{number:,}" if number else "", SEVERITY_STYLES.get(name, "")) for name, number in numbers)


def _key(name: str, value: Any) -> Cell:
    return verdict_text(value) if name == "verdict" else _cell(value)


def _plural(by: str) -> str:
    return "families" if by == "family" else "CVEs" if by == "cve" else ""


def _cell(value: Any) -> str:
    """A value in one line."""
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else ""
        case str():
            return value
        case [*values]:
            return ", ".join(_cell(each) for each in values)
        case dict():
            return "; ".join(f"{name}: {_cell(each)}" for name, each in value.items())
        case _:
            return str(value)


def _block(value: Any) -> Text:
    """A value with the lines that it has."""
    return Text(clean_lines(value if isinstance(value, str) else _cell(value)))
