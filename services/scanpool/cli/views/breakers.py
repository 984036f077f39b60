"""Breakers: many as a table, one as a line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from rich.table import Table
from rich.text import Text

from scanpool.cli.frame.untrusted import shown
from scanpool.cli.views.elements import table, when
from scanpool.client.breakers import BreakerStatus

BREAKER_STYLES: Mapping[str, str] = {"closed": "green", "open": "red", "half-open": "yellow"}


def breakers_view(breakers: Sequence[BreakerStatus]) -> Table:
    """A line for each scanner."""
    columns = ("scanner", "breaker", "failures", "since", "until", "by", "opened", "reason")
    rows = [
        (
            each.scanner_instance,
            breaker_text(each.state),
            str(each.failures),
            when(each.since),
            until(each),
            each.by,
            str(each.opened),
            each.reason,
        )
        for each in breakers
    ]
    return table(columns, rows)


def breaker_text(state: str) -> Text:
    """A breaker's state in its colour."""
    return shown(state, BREAKER_STYLES.get(state, ""))


def until(breaker: BreakerStatus) -> str:
    """Until when an open breaker leaves its scanner alone."""
    if breaker.state != "open":
        return ""
    return when(breaker.until) or "reset"


def breaker_line(breaker: BreakerStatus, now: datetime) -> Text:
    """What one breaker is now, and what comes next."""
    whose = f"the breaker of {breaker.scanner_instance} is {breaker.state}"
    match breaker.state:
        case "closed":
            return shown(f"{whose}: the scanner is called")
        case "half-open":
            return shown(f"{whose}: the scanner is being probed")
        case "open":
            return shown(f"{whose}: {_next(breaker, now)}")


def _next(breaker: BreakerStatus, now: datetime) -> str:
    if breaker.until is None:
        return f"the scanner is left alone until scanpool breaker reset {breaker.scanner_instance}"
    if breaker.until <= now:
        return "the scanner is probed next"
    return f"the scanner is left alone until {when(breaker.until)}, then probed"
