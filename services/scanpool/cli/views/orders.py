"""What came of an order to pause or resume a scan, in words."""

from __future__ import annotations

from rich.text import Text

from scanpool.cli.frame.untrusted import shown
from scanpool.cli.views.elements import when
from scanpool_schemas.events import OrderAnswer, ScanProgress


def order_line(answer: OrderAnswer) -> Text:
    """What came of it, and what comes next."""
    return shown(f"{answer.message}{_since(answer)}; {_next(answer)}")


def paused_text(progress: ScanProgress) -> str:
    """Since when, by whom and why a scan is paused, and when it is stopped unless it is resumed."""
    until = f"; stopped at {when(progress.paused_until)} unless it is resumed" if progress.paused_until else ""
    return f"since {when(progress.paused_since)}{_by(progress)}{until}"


def _since(answer: OrderAnswer) -> str:
    if answer.progress is None or answer.progress.paused_since is None:
        return ""
    return f", since {when(answer.progress.paused_since)}{_by(answer.progress)}"


def _by(progress: ScanProgress) -> str:
    if not progress.paused_by:
        return ", on the scanner itself"
    return f", by {progress.paused_by}" + (f" ({progress.paused_reason})" if progress.paused_reason else "")


def _next(answer: OrderAnswer) -> str:
    if answer.progress is not None and answer.progress.paused_until is not None:
        until = when(answer.progress.paused_until)
        return f"it keeps its place, and is stopped at {until} unless you end it: scanpool resume-scan {answer.id}"
    return f"see how it goes with: scanpool status {answer.id}"
