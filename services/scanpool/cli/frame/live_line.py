"""How something goes, on stderr: one line that changes on a terminal, elsewhere a line a step."""

from __future__ import annotations

import sys
from types import TracebackType
from typing import Self

from rich.live import Live
from rich.text import Text

from scanpool.cli.frame.output import Output, console_of


class LiveLine:
    """The line, while it is entered."""

    def __init__(self, out: Output) -> None:
        console = console_of(sys.stderr)
        self._out = out
        self._live = Live(
            console=console, auto_refresh=False, transient=True, redirect_stdout=False, redirect_stderr=False
        )
        self._is_terminal = console.is_terminal
        self._told: object = None

    def __enter__(self) -> Self:
        if self._is_terminal:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._is_terminal:
            self._live.stop()

    def __call__(self, line: Text, step: object) -> None:
        """It is like this now; where there is no terminal that is told when the step is another one."""
        if self._is_terminal:
            self._live.update(line, refresh=True)
        elif step != self._told:
            self._told = step
            self._out.say(line.plain.rstrip())
