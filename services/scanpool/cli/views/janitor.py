"""A round of the janitor, for people."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Group, RenderableType
from rich.text import Text

from scanpool.cli.frame.untrusted import shown
from scanpool.cli.views.elements import counted, table, when
from scanpool.janitor.report import Round

SHOWN = 50
"""Lines of the table; `--json` has all."""


def round_view(found: Round, *, repair: bool) -> RenderableType:
    """What was done, or would be, a line each; then what it comes to."""
    lines = [*_lines(found, repair=repair)]
    parts: list[RenderableType] = []
    if lines:
        parts += [table(("what", "pool", "which", "why"), lines[:SHOWN]), Text()]
    if len(lines) > SHOWN:
        parts += [shown(f"and {len(lines) - SHOWN} more; --json lists all"), Text()]
    parts += [shown(f"pool {pool}: {why}", "red") for pool, why in found.nearly_full.items()]
    parts += [shown(f"not read: {each.what}", "yellow") for each in found.not_read]
    return Group(*parts, shown(_sum(found)))


def _lines(found: Round, *, repair: bool) -> Iterator[tuple[str, str, str, str]]:
    would = "would be " if found.dry_run else ""
    for ended in found.scans_ended:
        yield f"{would}ended", ended.pool, f"scan {ended.id}", f"was {ended.was} for too long; {ended.becomes}"
    for told in found.told_again:
        yield f"{would}told again", told.pool, f"scan {told.id}, {told.state}", f"its delivery was lost: {told.why}"
    for left in found.not_told_again:
        yield (
            "left alone",
            left.pool,
            f"scan {left.id}, {left.state}",
            "lost its delivery, or was deleted and came back",
        )
    for scan in found.scans_deleted:
        yield f"{would}deleted", scan.pool, f"scan {scan.id}", f"{scan.state} since {when(scan.over_since)}"
    for events in found.events_purged:
        number = counted(events.events, "spent event")
        yield f"{would}deleted", events.pool, f"{number} of scan {events.id}", "the scan is over"
    for kind, objects in (("export", found.exports_deleted), ("findings", found.findings_deleted)):
        for each in objects:
            yield f"{would}deleted", "", f"{kind} {each.object}", f"no event names it; stored {when(each.stored_at)}"
    for place in found.disagreements:
        done = f"{would}repaired" if place in found.repaired else "wrong" if not repair else "moved meanwhile"
        state = f"its last event is {place.state}" if place.state else "it has no event"
        yield done, place.pool, f"place of scan {place.scan_id} on {place.scanner}", f"{place.what}: {state}"


def _sum(found: Round) -> str:
    number = found.deleted
    deleted = ", ".join(
        (
            counted(number["scan"], "scan"),
            counted(number["event"], "spent event"),
            counted(number["export"], "export"),
            counted(number["findings"], "file of findings", "files of findings"),
        )
    )
    told = (
        f"{counted(len(found.scans_ended), 'overdue scan')} ended; "
        f"{counted(len(found.told_again), 'lost delivery', 'lost deliveries')} told again; {deleted} deleted, "
        f"{sum(found.freed_bytes.values()):,} bytes; {counted(len(found.disagreements), 'place')} wrong, "
        f"{len(found.repaired)} repaired"
    )
    return f"would be: {told}; nothing was changed" if found.dry_run else told
