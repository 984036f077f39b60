"""What people hold back, in words."""

from __future__ import annotations

from rich.text import Text

from scanpool.cli.frame.untrusted import shown
from scanpool.cli.views.elements import when
from scanpool_schemas.keys import Hold


def cordoned_line(scanner: str, hold: Hold) -> Text:
    """A scanner was cordoned."""
    return shown(f"{scanner} is {held('cordoned', hold)}; end it with: scanpool uncordon {scanner}")


def uncordoned_line(scanner: str, ended: Hold | None) -> Text:
    """A scanner was uncordoned, or was not cordoned."""
    if ended is None:
        return shown(f"{scanner} was not cordoned")
    return shown(f"{scanner} is given scans again; it was {held('cordoned', ended)}")


def paused_line(pool: str, hold: Hold) -> Text:
    """A pool was paused."""
    return shown(f"pool {pool} is {held('paused', hold)}; end it with: scanpool resume {pool}")


def resumed_line(pool: str, ended: Hold | None) -> Text:
    """A pool was resumed, or was not paused."""
    if ended is None:
        return shown(f"pool {pool} was not paused")
    return shown(f"scans of pool {pool} are placed again; it was {held('paused', ended)}")


def held(how: str, hold: Hold) -> str:
    """How it is held back, by whom, until when and why."""
    until = f" until {when(hold.until)}" if hold.until else ""
    why = f" ({hold.reason})" if hold.reason else ""
    return f"{how} by {hold.by}{until}{why}"
