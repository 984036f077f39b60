"""Pools and scanners as tables."""

from __future__ import annotations

from collections.abc import Sequence

from rich.table import Table
from rich.text import Text

from scanpool.cli.views.elements import table, when
from scanpool.client import PoolStatus, ScannerStatus


def scanners_view(scanners: Sequence[ScannerStatus]) -> Table:
    """A line for each scanner."""
    columns = ("scanner", "ready", "scans", "launches", "edition", "version", "last seen", "reason")
    rows = [
        (
            each.scanner_instance,
            _yes(each.ready),
            f"{each.active} of {each.capacity}",
            Text("?", "dim") if each.can_launch is None else _yes(each.can_launch),
            each.edition,
            each.version,
            when(each.last_seen),
            each.reason,
        )
        for each in scanners
    ]
    return table(columns, rows)


def pools_view(pools: Sequence[PoolStatus]) -> Table:
    """A line for each pool."""
    columns = ("pool", "scanners ready", "scans", "waiting", "credentials", "allowed", "")
    rows = [
        (
            each.pool,
            f"{each.scanners_ready} of {each.scanners}",
            f"{each.active} of {each.capacity}",
            str(each.waiting),
            ", ".join(each.credentials) or "none",
            ", ".join(each.allow) or "everything",
            _notes(each),
        )
        for each in pools
    ]
    return table(columns, rows)


def _notes(pool: PoolStatus) -> str:
    return ", ".join(note for note, applies in (("default", pool.default), ("retired", pool.retired)) if applies)


def _yes(applies: bool) -> Text:
    return Text("yes", "green") if applies else Text("no", "red")
