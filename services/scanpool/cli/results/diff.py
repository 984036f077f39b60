"""`scanpool diff`: what changed between two scans."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from scanpool.cli.frame.exits import ExitCode
from scanpool.cli.frame.invocation import Invocation, command
from scanpool.cli.frame.scan_options import OfPool
from scanpool.cli.results.files import OR_FILE, files_of

if TYPE_CHECKING:
    from rich.console import RenderableType

    from scanpool.report.findings.comparison import Comparison
    from scanpool.report.findings.matching import Status

commands = typer.Typer()

SHOWN = 50


@command(
    commands,
    "diff",
    panel="Scans",
    examples=(
        "scanpool diff weekly-41 weekly-42  # what is new, fixed and changed",
        "scanpool diff weekly-41 weekly-42 --status new --limit 500",
        "scanpool diff march.nessus april.nessus --json | jq .summary.findings  # two files, without NATS",
    ),
)
def diff(
    call: Invocation,
    before: Annotated[str, typer.Argument(metavar="BEFORE", help=OR_FILE)],
    after: Annotated[str, typer.Argument(metavar="AFTER", help=OR_FILE)],
    *,
    status: Annotated[
        list[str] | None,
        typer.Option("--status", metavar="STATUS", help="new, fixed, unverified or changed; may be repeated."),
    ] = None,
    limit: Annotated[int, typer.Option("--limit", min=0, help="How many differences to list.")] = SHOWN,
    pool: OfPool = None,
) -> ExitCode:
    """Compare two scans: what is new, fixed, changed, and what is gone but cannot be said to be fixed.

    Gone counts as fixed only where its host was reached, and logged in to at least as deeply as before.
    """
    from scanpool.report.findings.comparison import Comparison

    wanted = _statuses(status)
    with tempfile.TemporaryDirectory(prefix="scanpool-diff-") as folder:
        earlier, later = files_of(call, (before, after), pool, Path(folder))
        with Comparison(earlier, later, Path(folder)) as comparison:
            _answer(call, comparison, before, after, wanted, limit)
    return ExitCode.DONE


def _answer(
    call: Invocation, comparison: Comparison, before: str, after: str, wanted: tuple[Status, ...], limit: int
) -> None:
    summary, changes = comparison.summary(), list(comparison.changes(wanted, limit=limit))
    both = (summary.findings, summary.compliance)
    left_out = sum(getattr(counts, each) for counts in both for each in wanted) - len(changes)
    document = {
        "before": before,
        "after": after,
        "summary": summary,
        "changes": changes,
        "changes_omitted": left_out,
    }

    def view() -> RenderableType:
        from scanpool.cli.views.diff import diff_view

        return diff_view(summary, changes, left_out)

    call.out.answer(document, view)


def _statuses(named: list[str] | None) -> tuple[Status, ...]:
    from scanpool.report.findings.comparison import STATUSES

    unknown = [each for each in named or () if each not in STATUSES]
    if unknown:
        raise typer.BadParameter(f"{unknown[0]!r} is none of {', '.join(STATUSES)}", param_hint="--status")
    return tuple(each for each in STATUSES if not named or each in named)
