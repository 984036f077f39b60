"""Dead letters: many as a table, one with all that it holds, and what became of those that were retried."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from scanpool.cli.frame.untrusted import clean, clean_lines, shown
from scanpool.cli.views.elements import Cell, facts, table, when
from scanpool.coordination.dead_letters import Outcome
from scanpool.coordination.letter_details import LetterDetails
from scanpool.coordination.letters import Letter

_OUTCOMES: Mapping[str, str] = {"retried": "green", "would_retry": "cyan", "already_retried": "yellow"}


def letters_view(letters: Sequence[Letter]) -> Table:
    """A line for each dead letter."""
    columns = ("id", "pool", "stage", "reason", "at", "tries", "sentence")
    rows = [
        (each.id, each.pool, each.stage, shown(each.reason, "red"), when(each.at), str(each.attempts), each.message)
        for each in letters
    ]
    return table(columns, rows)


def outcomes_view(outcomes: Sequence[Outcome]) -> Table:
    """A line for each dead letter that was to be retried."""
    rows = [
        (each.id, each.pool, shown(each.outcome.replace("_", " "), _OUTCOMES.get(each.outcome, "red")), each.message)
        for each in outcomes
    ]
    return table(("id", "pool", "outcome", "sentence"), rows)


def details_view(details: LetterDetails) -> RenderableType:
    """All of a dead letter."""
    parts: list[RenderableType] = [facts(_facts(details))]
    if details.headers:
        parts += [
            Text("\nheaders", "dim"),
            facts(("  " + clean(name), value) for name, value in details.headers.items()),
        ]
    if details.body_base64 is not None:
        parts += [Text("\nbody, in base64", "dim"), shown(details.body_base64)]
    elif details.body:
        parts += [Text("\nbody", "dim"), Text(clean_lines(details.body))]
    if details.timeline:
        rows = [(when(entry.at), entry.state, entry.by, entry.why) for entry in details.timeline]
        parts += [Text(), table(("at", "state", "by", "why"), rows)]
    return Group(*parts)


def _facts(details: LetterDetails) -> list[tuple[str, Cell]]:
    letter = details.letter
    return [
        ("dead letter", letter.id),
        ("pool", letter.pool),
        ("scan", letter.scan_id),
        ("run", str(letter.run or "")),
        ("stage", letter.stage),
        ("scanner", details.scanner),
        ("reason", shown(letter.reason, "red")),
        *(("error" if place == 0 else "", error) for place, error in enumerate(details.errors)),
        ("tries", str(letter.attempts)),
        ("first", when(details.first_at)),
        ("given up", when(letter.at)),
        ("from", details.origin),
        ("lies at", f"SCAN_DLQ {letter.sequence}, {letter.subject}"),
    ]
