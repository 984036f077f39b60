"""Pools and scanners as tables."""

from __future__ import annotations

from collections.abc import Sequence

from rich.table import Table
from rich.text import Text

from scanpool.cli.views.breakers import breaker_text
from scanpool.cli.views.elements import counted, table, when, yes
from scanpool.cli.views.holding import held
from scanpool.client import PoolStatus, ScannerStatus


def scanners_view(scanners: Sequence[ScannerStatus]) -> Table:
    """A line for each scanner."""
    columns = ("scanner", "ready", "breaker", "scans", "launches", "edition", "version", "last seen", "reason")
    rows = [
        (
            each.scanner_instance,
            yes(each.ready),
            breaker_text(each.breaker),
            f"{each.active} of {each.capacity}",
            Text("?", "dim") if each.can_launch is None else yes(each.can_launch),
            each.edition,
            each.version,
            when(each.last_seen),
            _reasons(each),
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
    notes = [note for note, applies in (("default", pool.default), ("retired", pool.retired)) if applies]
    notes += [held("paused", pool.paused)] if pool.paused else []
    notes += [f"no room in NATS: {pool.no_room.why}"] if pool.no_room else []
    notes += [f"{pool.scanners_cordoned} cordoned"] if pool.scanners_cordoned else []
    notes += [counted(pool.breakers_open, "breaker") + " open"] if pool.breakers_open else []
    return ", ".join(notes)


def _reasons(scanner: ScannerStatus) -> str:
    reasons = [held("cordoned", scanner.cordoned)] if scanner.cordoned else []
    reasons += [scanner.reason] if scanner.reason else []
    return "; ".join(reasons)
