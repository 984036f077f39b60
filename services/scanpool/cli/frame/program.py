"""The outermost command: turns what commands answer and raise into lines and the exit code."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

import typer
from typer.core import TyperGroup

from scanpool.cli.frame.exits import ExitCode, Failure, ReaderGone
from scanpool.cli.frame.output import Output, let_go_of_stdout

_WORDS = "scanpool.words"


class Program(TyperGroup):
    """`scanpool` itself."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Keep the words: what is answered before all options are read must know how."""
        ctx.meta[_WORDS] = tuple(args)
        return super().parse_args(ctx, args)

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,  # noqa: ARG002 (the name is typer's)
        windows_expand_args: bool = True,
        **extra: Any,
    ) -> Any:
        """Run a command line and end the process with its exit code."""
        words = sys.argv[1:] if args is None else list(args)
        try:
            code = super().main(words, prog_name, complete_var, False, windows_expand_args, **extra)
        except (Failure, typer.TyperException, typer.Abort, ReaderGone) as error:
            code = _told(error, Output(as_json="--json" in words))
        except SystemExit:  # what prints the help ends so where nobody reads it
            code = _told(ReaderGone(), Output(as_json=False))
        sys.exit(int(code or ExitCode.DONE))


def words_of(context: typer.Context) -> tuple[str, ...]:
    """The command line that was given."""
    words: tuple[str, ...] = context.meta[_WORDS]
    return words


def _told(error: Exception, out: Output) -> ExitCode:
    """Tell a person what ended the command; answers the exit code."""
    try:
        match error:
            case Failure():
                out.fail(error)
                return error.exit_code
            case typer.TyperException():
                return _misuse(error, out)
            case ReaderGone():
                let_go_of_stdout()
                return ExitCode.READER_GONE
            case _:
                return ExitCode.INTERRUPTED
    except ReaderGone:
        let_go_of_stdout()
        return ExitCode.READER_GONE


def _misuse(error: typer.TyperException, out: Output) -> ExitCode:
    """A command line that cannot be understood; one that only names a group has printed that group's help."""
    if message := " ".join(error.format_message().split()).replace("Value error, ", "", 1):
        context = getattr(error, "ctx", None)
        remedy = f"; `{context.command_path} --help` says what there is" if context else ""
        out.fail(Failure("usage", f"{message.rstrip('.')}{remedy}", exit_code=ExitCode.USAGE))
    return ExitCode.USAGE
