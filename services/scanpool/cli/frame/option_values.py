"""Values of options that are more than a word: durations, shares, pairs, lists of targets."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from datetime import timedelta

import typer

_DURATION = re.compile(r"(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?")
_NUMBER = re.compile(r"\d+(?:\.\d+)?")

LONGEST = timedelta(days=3650)
LONGEST_REASON = 500
"""Characters."""


def duration(text: str) -> timedelta:
    """Read `90s`, `10m`, `1h30m`, `2d`, or a bare number of seconds.

    Raises:
        typer.BadParameter: it is none.
    """
    if _NUMBER.fullmatch(text):
        return timedelta(seconds=float(text))
    found = _DURATION.fullmatch(text)
    if found is None or not text:
        raise typer.BadParameter(f"{text!r} is no duration; write it as 90s, 10m, 1h30m or 2d")
    days, hours, minutes, seconds = (int(part or 0) for part in found.groups())
    try:
        return timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)
    except OverflowError as error:
        raise typer.BadParameter(f"{text!r} is too long") from error


def limited_duration(text: str) -> timedelta:
    """Read how long something is to last: as `duration`, longer than nothing and at most ten years.

    Raises:
        typer.BadParameter: it is none.
    """
    length = duration(text)
    if not timedelta(0) < length <= LONGEST:
        raise typer.BadParameter(f"{text!r} lasts {'no time' if not length else 'longer than ten years'}")
    return length


def reason(text: str) -> str:
    """Read why something is done: a sentence that others will see.

    Raises:
        typer.BadParameter: it says nothing, or too much.
    """
    sentence = " ".join(text.split())
    if not sentence:
        raise typer.BadParameter("say why, in a sentence; others will see it")
    if len(sentence) > LONGEST_REASON:
        raise typer.BadParameter(f"{len(sentence)} characters; at most {LONGEST_REASON}")
    return sentence


def share(text: str) -> float:
    """Read a share of 0 to 1, as `0.8`, or a percentage, as `80%`.

    Raises:
        typer.BadParameter: it is neither.
    """
    number = text.removesuffix("%")
    if not _NUMBER.fullmatch(number):
        raise typer.BadParameter(f"{text!r} is no share; write it as 0.8 or 80%")
    value = float(number) / 100 if text.endswith("%") else float(number)
    if value > 1:
        raise typer.BadParameter(f"{text!r} is more than everything; write it as 0.8 or 80%")
    return value


def check_timeout(timeout: timedelta | None, flag: str, *, given: bool) -> None:
    """Check that a timeout stands beside the flag that waits.

    Raises:
        typer.BadParameter: it does not.
    """
    if timeout is not None and not given:
        raise typer.BadParameter(f"says how long to {flag}, which is missing", param_hint="--timeout")


def pairs(texts: Iterable[str], option: str) -> dict[str, str]:
    """Read `name=value` as often as it was given; the value may hold further equals signs.

    Raises:
        typer.BadParameter: one has no name, or a name comes twice.
    """
    found: dict[str, str] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not name or not equals:
            raise typer.BadParameter(f"{text!r} is not of the form NAME=VALUE", param_hint=option)
        if name in found:
            raise typer.BadParameter(f"{name!r} is given twice", param_hint=option)
        found[name] = value
    return found


def one_of(text: str, known: Collection[str]) -> str:
    """The text itself, where it is one of the known words.

    Raises:
        typer.BadParameter: it is not.
    """
    if text not in known:
        raise typer.BadParameter(f"{text!r} is not one of {', '.join(known)}")
    return text


def listed_targets(text: str) -> list[str]:
    """The targets of a file: one a line; what follows a `#` at the line's beginning or after a blank is a comment."""
    lines = (re.sub(r"(?:^|\s)#.*", "", line).strip() for line in text.splitlines())
    return [line for line in lines if line]
