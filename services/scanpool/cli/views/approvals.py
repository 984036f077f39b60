"""What became of scans that were approved or rejected."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rich.table import Table

from scanpool.cli.frame.untrusted import shown
from scanpool.cli.views.elements import table
from scanpool.coordination.approvals import Outcome

_COLOURS: Mapping[str, str] = {
    "approved": "green",
    "rejected": "green",
    "already_approved": "yellow",
    "already_rejected": "yellow",
}


def outcomes_view(outcomes: Sequence[Outcome]) -> Table:
    """A line for each scan that was to be approved or rejected."""
    rows = [
        (each.id, each.pool, shown(each.outcome.replace("_", " "), _COLOURS.get(each.outcome, "red")), each.message)
        for each in outcomes
    ]
    return table(("id", "pool", "outcome", "sentence"), rows)
