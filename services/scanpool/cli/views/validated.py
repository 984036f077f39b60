"""Reports that were validated: one with every host, several with a line each."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from scanpool.cli.frame.untrusted import shown
from scanpool.cli.results.validated import Validated
from scanpool.cli.views.elements import SEVERITY_STYLES, table, verdict_text
from scanpool.cli.views.results import result_view
from scanpool.report.errors import ReportError
from scanpool_schemas.result import Result


def one_view(result: Result) -> RenderableType:
    """The whole result; of a refused report its remedy too."""
    view = result_view(result, all_hosts=True)
    if result.error is None:
        return view
    remedies = {kind.code: kind.remedy for kind in ReportError.__subclasses__()}
    return Group(view, shown(remedies[result.error.code]))


def several_view(found: Sequence[Validated]) -> Table:
    """A line for each report."""
    columns = ("file", "valid", "login", "coverage", "hosts", "findings", "error")
    return table(columns, [_row(each) for each in found])


def _row(each: Validated) -> tuple[str | Text, ...]:
    return (
        each.file,
        Text("yes", "green") if each.valid else Text("no", "bold red"),
        verdict_text(each.verdict),
        "" if each.coverage is None else f"{each.coverage:.0%}",
        f"{each.hosts.total:,}",
        _findings(each),
        each.error.message if each.error else "",
    )


def _findings(each: Validated) -> Text:
    text = Text()
    for name in ("critical", "high", "medium", "low"):
        if count := getattr(each.severity, name):
            text.append(", " if text else "").append(f"{count:,} {name}", SEVERITY_STYLES.get(name, ""))
    return text
