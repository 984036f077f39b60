"""Scans: one with all that is known of it, many as a table, one that goes on as a line."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from scanpool.cli.frame.untrusted import shown
from scanpool.cli.views.elements import Cell, bar, facts, span, status_text, table, verdict_text, when
from scanpool.cli.views.orders import paused_text
from scanpool_schemas.status import ScanStatus

_TARGETS_SHOWN = 5


def scan_view(scan: ScanStatus) -> RenderableType:
    """All that is known of a scan, its timeline at the end."""
    timeline = table(
        ("at", "state", "by", "why"),
        [(when(entry.at), entry.state, entry.by, entry.why) for entry in scan.timeline],
    )
    return Group(facts(_facts(scan)), Text(), timeline)


def scans_view(scans: Sequence[ScanStatus]) -> Table:
    """A line for each scan."""
    columns = ("id", "name", "pool", "status", "scanner", "login", "submitted")
    return table(columns, [_row(scan) for scan in scans])


def progress_line(scan: ScanStatus, now: datetime) -> Text:
    """The scan as it is now, in one line."""
    line = Text()
    for part in (*_standing(scan), shown(span(now - scan.submitted_at), "dim")):
        line.append_text(part).append("  ")
    return line


def _standing(scan: ScanStatus) -> list[Text]:
    parts = [shown(scan.id), status_text(scan.status)]
    if stage := _stage(scan):
        parts.append(shown(f"({stage})", "dim"))
    if scan.scanner_instance:
        parts.append(shown(f"on {scan.scanner_instance}"))
    if scan.progress is not None and scan.state == "running":
        parts.append(bar(scan.progress.percent))
    if scan.paused:
        parts.append(shown("paused", "yellow"))
    return parts


def _facts(scan: ScanStatus) -> list[tuple[str, Cell]]:
    return [
        ("scan", scan.id),
        ("name", scan.name),
        ("pool", scan.pool),
        ("status", _status(scan)),
        ("awaits approval", shown(scan.awaiting, "yellow") if scan.awaiting else ""),
        ("held back", shown(scan.held_back, "yellow") if scan.held_back else ""),
        ("login", verdict_text(scan.authentication_status)),
        ("error", shown(f"{scan.error.code}: {scan.error.message}", "red") if scan.error else ""),
        ("scanner", _scanner(scan)),
        ("progress", _progress(scan)),
        ("paused", shown(paused_text(scan.progress), "yellow") if scan.paused and scan.progress else ""),
        ("type", scan.scan_type),
        ("priority", scan.priority),
        ("targets", _targets(scan)),
        ("owner", scan.owner or ""),
        ("labels", ", ".join(f"{name}={value}" for name, value in scan.labels.items())),
        ("submitted", when(scan.submitted_at)),
        ("updated", when(scan.updated_at)),
        ("report", f"{scan.export.size_bytes:,} bytes, SHA-256 {scan.export.sha256}" if scan.export else ""),
        ("trace", scan.trace_id),
    ]


def _status(scan: ScanStatus) -> Text:
    text = status_text(scan.status)
    notes = [stage] if (stage := _stage(scan)) else []
    notes += ["being cancelled"] if scan.cancelling else []
    notes += ["awaits approval"] if scan.awaiting else []
    notes += ["dead letter"] if scan.dead_letter else []
    notes += ["paused"] if scan.paused else []
    return text.append(f" ({', '.join(notes)})", "dim") if notes else text


def _stage(scan: ScanStatus) -> str:
    """The stage, where it says more than the status."""
    return "" if scan.is_over or scan.state == scan.status else scan.state


def _scanner(scan: ScanStatus) -> str:
    number = f", scan {scan.scanner_scan_id} there" if scan.scanner_scan_id is not None else ""
    return f"{scan.scanner_instance}{number}" if scan.scanner_instance else ""


def _progress(scan: ScanStatus) -> Cell:
    if scan.progress is None or scan.state != "running":
        return ""
    done, seen = scan.progress.hosts_done, scan.progress.hosts_seen
    return bar(scan.progress.percent).append(f"  {done} of {seen} hosts  {when(scan.progress.at)}")


def _targets(scan: ScanStatus) -> str:
    more = len(scan.targets) - _TARGETS_SHOWN
    listed = ", ".join(scan.targets[:_TARGETS_SHOWN])
    return f"{listed} and {more} more" if more > 0 else listed


def _row(scan: ScanStatus) -> tuple[Cell, ...]:
    return (
        scan.id,
        scan.name,
        scan.pool,
        _status(scan).append_text(shown(f": {scan.awaiting}", "yellow")) if scan.awaiting else _status(scan),
        (scan.scanner_instance or "").rpartition(".")[2],
        verdict_text(scan.authentication_status),
        when(scan.submitted_at),
    )
