"""Values of variables of the environment, each read and checked by its kind."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from pathlib import Path


class SettingInvalid(ValueError):
    """A variable of the environment has no usable value; says which, what it holds and what it takes."""

    def __init__(self, variable: str, found: str, wanted: str) -> None:
        super().__init__(f"{variable}={found!r}: {wanted}")
        self.variable = variable


def path(environ: Mapping[str, str], variable: str, wanted: str, exists: Callable[[Path], bool]) -> Path | None:
    """A path that must exist in the way that is said; None where the variable is not set."""
    text = environ.get(variable)
    if not text:
        return None
    named = Path(text)
    if not exists(named):
        raise SettingInvalid(variable, text, wanted)
    return named


def seconds(environ: Mapping[str, str], variable: str, default: timedelta) -> timedelta:
    """A length of time in seconds."""
    text = environ.get(variable)
    if not text:
        return default
    try:
        value = float(text)
    except ValueError:
        raise SettingInvalid(variable, text, "takes seconds, as 30 or 0.5") from None
    if not 0 < value < 10**9:
        raise SettingInvalid(variable, text, "takes a positive number of seconds")
    return timedelta(seconds=value)


def whole(environ: Mapping[str, str], variable: str, default: int, *, least: int, most: int) -> int:
    """A whole number within bounds."""
    text = environ.get(variable)
    if not text:
        return default
    if not text.isascii() or not text.isdecimal() or not least <= int(text) <= most:
        raise SettingInvalid(variable, text, f"takes a whole number from {least} to {most}")
    return int(text)
