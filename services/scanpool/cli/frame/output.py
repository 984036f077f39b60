"""What commands print: the answer on stdout, as JSON or for people, and everything else on stderr."""

from __future__ import annotations

import codecs
import os
import sys
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, TextIO

from scanpool.cli.frame.exits import Failure, ReaderGone
from scanpool.cli.frame.untrusted import clean_lines, safe_json

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

UNBOUNDED_COLUMNS = 10_000
"""The width of what is no terminal: a file or a pipe gets every line whole."""


class Output:
    """Prints the answers and messages of one command."""

    def __init__(self, *, as_json: bool) -> None:
        self.as_json = as_json

    def answer(self, document: object, show: Callable[[], RenderableType]) -> None:
        """Print the answer, in the form that was asked for."""
        if self.as_json:
            self.document(document)
        else:
            self.show(show())

    def document(self, document: object) -> None:
        """Print a JSON document on one line of stdout."""
        import msgspec

        _write(sys.stdout, safe_json(msgspec.json.encode(document).decode()).encode() + b"\n")

    def show(self, part: RenderableType) -> None:
        """Print for people on stdout."""
        console = console_of(sys.stdout)
        with console.capture() as captured:
            console.print(part)
        lines = (line.rstrip() for line in captured.get().rstrip("\n").split("\n"))
        self.text("\n".join(lines))

    def text(self, text: str) -> None:
        """Print text on stdout as it is: for what is known to be harmless."""
        _write(sys.stdout, _encoded(sys.stdout, text + "\n"))

    def pieces(self, pieces: Iterable[bytes]) -> None:
        """Print what programs read on stdout, byte for byte; on a terminal without what it would obey."""
        decoder = codecs.getincrementaldecoder("utf-8")("replace") if sys.stdout.isatty() else None
        for piece in pieces:
            _write(sys.stdout, piece if decoder is None else clean_lines(decoder.decode(piece)).encode())

    def say(self, message: str) -> None:
        """Tell a person something on stderr."""
        _write(sys.stderr, _encoded(sys.stderr, clean_lines(message) + "\n"))

    def fail(self, failure: Failure) -> None:
        """Tell what went wrong: on stderr for people, and with `--json` as a document on stdout too."""
        problems = [str(problem) for problem in failure.problems]
        for message in problems or [failure.message]:
            self.say(f"error: {message}")
        if self.as_json:
            error: dict[str, object] = {"code": failure.code, "message": failure.message}
            if problems:
                error["problems"] = failure.problems
            self.document({"error": error})


def console_of(stream: TextIO) -> Console:
    """A console that takes nothing for markup and breaks lines only on a terminal."""
    from rich.console import Console

    console = Console(file=stream, markup=False, emoji=False, highlight=False)
    if not console.is_terminal:
        console.width = UNBOUNDED_COLUMNS
    return console


def let_go_of_stdout() -> None:
    """Keep the interpreter from complaining, at its end, of output that nobody reads."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _encoded(stream: TextIO, text: str) -> bytes:
    return text.encode(stream.encoding or "utf-8", "backslashreplace")


def _write(stream: TextIO, content: bytes) -> None:
    try:
        stream.flush()
        stream.buffer.write(content)
        stream.buffer.flush()
    except BrokenPipeError as error:
        raise ReaderGone from error
