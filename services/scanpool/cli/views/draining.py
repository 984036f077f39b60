"""How the emptying of a scanner or a pool stands, in words."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.text import Text

from scanpool.cli.frame.untrusted import shown
from scanpool.cli.operators.drained import Drain, Left, Part
from scanpool.cli.views.elements import counted, table
from scanpool.cli.views.holding import held
from scanpool_schemas.keys import Hold

_NAMED = 5


def draining_line(what: str, left: Sequence[Left]) -> Text:
    """What still holds a place, in one line."""
    if not left:
        return shown(f"{what} is empty")
    return shown(f"{what}: {counted(len(left), 'scan')} left: {_some([_left(each) for each in left])}")


def drain_view(part: Part, drain: Drain) -> RenderableType:
    """How it stands, and what to do next."""
    said = (_standing(part, drain), f"end it with: {ending_of(part)}", *_waiting(part, drain))
    lines = [shown(each) for each in said]
    if not drain.left:
        return Group(*lines)
    rows = [(each.id, each.scanner_instance, _state(each)) for each in drain.left]
    return Group(*lines, Text(), table(("id", "scanner", "state"), rows))


def begun(part: Part, hold: Hold) -> str:
    """What is done, before the wait."""
    return f"{part} is {_how(part, hold)}; waiting until no scan is left on it, Ctrl-C ends the wait and nothing else"


def ending_of(part: Part) -> str:
    """The command that lets scans in again."""
    return f"scanpool resume {part}" if part.scanner is None else f"scanpool uncordon {part}"


def _how(part: Part, hold: Hold) -> str:
    return held("paused" if part.scanner is None else "cordoned", hold)


def _standing(part: Part, drain: Drain) -> str:
    if drain.drained:
        return f"{part} is empty and {_how(part, drain.held)}"
    return f"{part} is {_how(part, drain.held)}; {counted(len(drain.left), 'scan')} left on it"


def _waiting(part: Part, drain: Drain) -> list[str]:
    if not drain.waiting:
        return []
    return [f"waiting for {part} until then, {counted(len(drain.waiting), 'scan')}: {_some(drain.waiting)}"]


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more


def _left(left: Left) -> str:
    return f"{left.id} ({_state(left)})"


def _state(left: Left) -> str:
    percent = f" {left.percent} %" if left.percent is not None else ""
    return f"{left.state or 'unknown'}{percent}{', paused' if left.paused else ''}"
