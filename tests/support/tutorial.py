"""The tutorial as something that can be run: its marked blocks, their commands, and the output that it shows.

A block is marked by a comment on the line before it: `run`, `run, exit N` (of its last command), `stays: TEXT`
(its last command goes on once it has printed the text) or `append: FILE`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

_BLOCK = re.compile(r"^<!-- (?P<mark>[^\n]*?) -->\n```(?P<language>\w+)\n(?P<body>.*?)^```$", re.MULTILINE | re.DOTALL)
_RULED = re.compile(r"[─…\s]*")


@dataclass(frozen=True, kw_only=True, slots=True)
class Block:
    """A marked block of the page."""

    mark: str
    """`run`, `stays` or `append`."""
    argument: str
    """The text to wait for, or the file."""
    exit_code: int
    """Of the last command."""
    body: str

    @property
    def commands(self) -> list[str]:
        """What a reader types."""
        return [line.removeprefix("$ ") for line in self.body.splitlines() if line.startswith("$ ")]

    @property
    def shown(self) -> list[str]:
        """The lines of output that any run prints as they stand: those without numbers."""
        lines = [line for line in self.body.splitlines() if not line.startswith("$ ")]
        return [squeezed(line) for line in lines if not _RULED.fullmatch(line) and not re.search(r"\d", line)]


def blocks(page: str) -> Iterator[Block]:
    """The marked blocks of the page, in order."""
    for found in _BLOCK.finditer(page):
        kind, _, argument = found["mark"].partition(":")
        word, _, code = kind.partition(", exit ")
        yield Block(mark=word, argument=argument.strip(), exit_code=int(code or 0), body=found["body"])


def squeezed(line: str) -> str:
    """The line without the blanks that align it."""
    return " ".join(line.split())
