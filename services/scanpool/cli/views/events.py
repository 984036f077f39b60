"""An event as a line."""

from __future__ import annotations

from rich.text import Text

from scanpool.cli.frame.untrusted import shown
from scanpool.cli.views.elements import bar, status_text, verdict_text, when
from scanpool.client import Event, ProgressEvent, ScanEvent
from scanpool_schemas.status import ScanStatus


def event_line(event: Event) -> Text:
    """What happened to which scan."""
    match event:
        case ScanEvent(scan=scan, at=at):
            return _joined([shown(when(at)), *_ended(scan)])
        case ProgressEvent(progress=told):
            where = shown(f"{told.pool}.{told.scanner}", "dim")
            return _joined([shown(when(told.at)), shown(told.id), bar(told.percent), where, shown(told.status)])


def _ended(scan: ScanStatus) -> list[Text]:
    parts = [shown(scan.id), status_text(scan.status), shown(scan.name)]
    parts.append(shown(scan.scanner_instance or scan.pool, "dim"))
    if scan.authentication_status:
        parts.append(verdict_text(scan.authentication_status))
    if scan.error:
        parts.append(shown(f"{scan.error.code}: {scan.error.message}", "red"))
    return parts


def _joined(parts: list[Text]) -> Text:
    return Text("  ").join(parts)
