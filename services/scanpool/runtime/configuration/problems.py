"""What is wrong with a configuration file: where, what, and what to do about it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

_PLAIN_KEY = re.compile(r"[A-Za-z0-9_-]+")
_LAST_STEP = re.compile(r"(\[[0-9]+\]|\.?[^.\[]*)\Z")


@dataclass(frozen=True, slots=True)
class Finding:
    """A problem before the file and the line are known."""

    path: str
    """As `pools.internal.scanners[0].url`; empty for the file as a whole."""
    message: str
    remedy: str
    is_warning: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One thing that is wrong, or that a person should know of."""

    file: str
    line: int | None = None
    path: str
    message: str
    remedy: str
    is_warning: bool = False

    def __str__(self) -> str:
        where = self.file if self.line is None else f"{self.file}:{self.line}"
        place = f"{where}: {self.path}" if self.path else where
        return f"{place}: {self.message}; {self.remedy}"


class ConfigurationError(Exception):
    """The configuration cannot be used; carries every problem that was found in it."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(map(str, self.problems)))


def child(path: str, key: str) -> str:
    """The path of a mapping's value."""
    step = key if _PLAIN_KEY.fullmatch(key) else ascii(key)
    return f"{path}.{step}" if path else step


def item(path: str, index: int) -> str:
    """The path of a list's item."""
    return f"{path}[{index}]"


def parent(path: str) -> str:
    """The path of what holds this value; empty for the file as a whole."""
    return _LAST_STEP.sub("", path)
