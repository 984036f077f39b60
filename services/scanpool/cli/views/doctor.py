"""What the doctor found, for people: what is wrong with its remedy, and all the rest in a line each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby

from rich.console import Group, RenderableType
from rich.text import Text

from scanpool.cli.doctor.check import Check
from scanpool.cli.frame.untrusted import shown
from scanpool.cli.views.elements import counted

_MARKS: Mapping[str, tuple[str, str]] = {
    "ok": ("ok      ", "green"),
    "warning": ("warning ", "yellow"),
    "problem": ("PROBLEM ", "bold red"),
}
_NAME = 20
_INDENT = 30


def doctor_view(checks: Sequence[Check]) -> RenderableType:
    """By section; then what it comes to."""
    parts: list[RenderableType] = []
    for section, own in groupby(checks, key=lambda each: each.section):
        parts.append(shown(section, "bold"))
        parts += [line for each in own for line in _lines(each)]
        parts.append(Text())
    return Group(*parts, shown(_sum(checks)))


def _lines(check: Check) -> Iterator[Text]:
    mark, style = _MARKS[check.status]
    name = check.name.replace("_", " ")
    place = f"{check.place}: " if check.place and check.place not in check.message else ""
    yield Text.assemble("  ", (mark, style), shown(f"{name:<{_NAME}}", "dim"), shown(f"{place}{check.message}"))
    if check.remedy:
        yield Text.assemble(" " * _INDENT, "-> ", shown(check.remedy))


def _sum(checks: Sequence[Check]) -> str:
    number = {status: sum(each.status == status for each in checks) for status in _MARKS}
    wrong = f"{counted(number['problem'], 'problem')}, {counted(number['warning'], 'warning')}"
    return f"{wrong}, {counted(number['ok'], 'check')} ok"
