"""What views are made of: tables, lists of names and values, colours, times."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import TypeAlias

from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from scanpool.cli.frame.untrusted import shown
from scanpool.cli.views.fitting import FittingTable

Cell: TypeAlias = str | Text

STATUS_STYLES: Mapping[str, str] = {
    "queued": "dim",
    "running": "cyan",
    "completed": "green",
    "failed": "red",
    "timeout": "yellow",
    "cancelled": "yellow",
}
VERDICT_STYLES: Mapping[str, str] = {
    "success": "green",
    "partial": "yellow",
    "failed": "red",
    "unknown": "red",
    "not_applicable": "dim",
    "auth": "green",
    "agent": "green",
    "auth_limited": "yellow",
    "login_only": "yellow",
    "noauth": "red",
    "local": "dim",
    "not_scanned": "dim",
}
SEVERITY_STYLES: Mapping[str, str] = {"critical": "bold red", "high": "red", "medium": "yellow", "low": "blue"}

_BAR = 12
_NEVER_FOLDED = frozenset({"id", "at", "submitted", "last seen"})


def table(columns: Sequence[str], rows: Iterable[Sequence[Cell]]) -> Table:
    """A table; on a narrow terminal its widest columns take several lines, ids and times never do, and where words
    would be broken it is told row by row.
    """
    made = FittingTable(box=SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for column in columns:
        made.add_column(column, overflow="fold", no_wrap=column in _NEVER_FOLDED)
    for row in rows:
        made.add_row(*(_text(cell) for cell in row))
    return made


def facts(pairs: Iterable[tuple[str, Cell]]) -> Table:
    """Names and values, one pair a line; pairs without a value are left out."""
    made = Table.grid(padding=(0, 2))
    made.add_column(no_wrap=True)
    made.add_column(overflow="fold")
    for name, value in pairs:
        if value:
            made.add_row(Text(name, "dim"), _text(value))
    return made


def status_text(status: str) -> Text:
    """A scan's status in its colour."""
    return shown(status, STATUS_STYLES.get(status, ""))


def verdict_text(verdict: str | None) -> Text:
    """A login verdict, of a scan or a host, in its colour."""
    return shown(verdict or "", VERDICT_STYLES.get(verdict or "", ""))


def yes(applies: bool) -> Text:
    """Yes or no in its colour."""
    return Text("yes", "green") if applies else Text("no", "red")


def bar(percent: int) -> Text:
    """How far something is."""
    full = min(max(percent, 0), 100) * _BAR // 100
    return Text("█" * full + "░" * (_BAR - full) + f" {percent:3d} %", "cyan")


def when(instant: datetime | None) -> str:
    """A time in UTC, to the second."""
    return instant.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%SZ") if instant else ""


def span(length: timedelta) -> str:
    """A length of time, as 1h 02m or 35s."""
    seconds = max(0, round(length.total_seconds()))
    hours, minutes = seconds // 3600, seconds // 60 % 60
    if hours:
        return f"{hours}h {minutes:02d}m"
    return f"{minutes}m {seconds % 60:02d}s" if minutes else f"{seconds}s"


def counted(number: int, one: str, many: str = "") -> str:
    """A number and what it counts."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def _text(cell: Cell) -> Text:
    return shown(cell) if isinstance(cell, str) else cell
