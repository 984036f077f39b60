"""The project's pages as data: their links, their headings, and the `scanpool` commands that they name."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]

_FENCE = re.compile(
    r"^(?P<indent> *)```(?P<language>\w*)[^\n]*\n(?P<body>.*?)^(?P=indent)```$", re.MULTILINE | re.DOTALL
)
_LINK = re.compile(r"(?<!`)\]\((?P<target>[^)\s]+)\)")
_HEADING = re.compile(r"^#{1,6} (?P<text>.+)$", re.MULTILINE)
_INLINE = re.compile(r"`(?P<words>scanpool [^`]+)`")
_SHELLS = frozenset({"console", "sh", "bash", "ini"})
_ENDS = frozenset({"|", "||", "&", "&&", ";", ")", "<", ">", ">>"})
_BEFORE = frozenset({"exec", "sudo", "env", "time", "nohup"})


@dataclass(frozen=True, kw_only=True, slots=True)
class Page:
    """A page of the project."""

    path: Path
    text: str

    def __str__(self) -> str:
        return str(self.path.relative_to(ROOT))

    @property
    def prose(self) -> str:
        """The page without its blocks of code."""
        return _FENCE.sub("", self.text)

    @property
    def links(self) -> list[str]:
        """Where its links and pictures point that stay within the project."""
        found = (match["target"] for match in _LINK.finditer(self.prose))
        return [target for target in found if not re.match(r"[a-z]+:", target)]

    @property
    def anchors(self) -> set[str]:
        """Its headings as GitHub names them in links."""
        return {_anchor(match["text"]) for match in _HEADING.finditer(self.prose)}

    @property
    def commands(self) -> list[list[str]]:
        """The words after `scanpool` wherever the page names a command, in its code and in its text."""
        lines = [match["words"] for match in _INLINE.finditer(self.prose)]
        for fence in _FENCE.finditer(self.text):
            if fence["language"] in _SHELLS:
                lines += _typed(fence["language"], fence["body"])
        return [words for line in lines for words in _calls(line)]


def pages() -> list[Page]:
    """Every page of the project."""
    found = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("tests/**/*.md")])
    return [Page(path=path, text=path.read_text(encoding="utf-8")) for path in found]


def _anchor(heading: str) -> str:
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def _typed(language: str, body: str) -> Iterator[str]:
    """The lines that a person or the system types; of a console those after a prompt."""
    for line in re.sub(r"\\\n\s*", " ", body).splitlines():
        line = line.strip()
        if language == "ini":
            yield line.partition("ExecStart=")[2]
        elif language != "console":
            yield line
        elif line.startswith("$ "):
            yield line.removeprefix("$ ")


def _calls(line: str) -> Iterator[list[str]]:
    """The calls of `scanpool` in a line of a shell."""
    words = _words(line)
    for place, word in enumerate(words):
        before = words[place - 1] if place else ";"
        begins = before in _ENDS | _BEFORE | {"(", "$"} or re.match(r"\w+=", before)
        if word.rpartition("/")[2] == "scanpool" and ("/" in word or begins):
            rest = words[place + 1 :]
            end = next((at for at, each in enumerate(rest) if each in _ENDS), len(rest))
            yield rest[:end]


def _words(line: str) -> list[str]:
    lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    return list(lexer)
