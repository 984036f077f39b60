"""The options that stand before and after a command's name, and the registration of commands."""

from __future__ import annotations

import functools
import inspect
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Concatenate, Literal, ParamSpec, TypeAlias

import typer
from typer.core import TyperGroup

from scanpool.cli.frame.exits import ExitCode, Failure
from scanpool.cli.frame.output import Output

if TYPE_CHECKING:
    from scanpool.runtime.logs import Level
    from scanpool.runtime.settings import Settings

PANEL = "Options of every command"
LOG_LEVEL_VARIABLE = "SCANPOOL_LOG_LEVEL"

Nats: TypeAlias = Annotated[
    str | None,
    typer.Option("--nats", metavar="URL", help="Where NATS is; SCANPOOL_NATS_URL.", rich_help_panel=PANEL),
]
Config: TypeAlias = Annotated[
    Path | None,
    typer.Option("--config", metavar="FILE", help="The file scanners.yaml; SCANPOOL_CONFIG.", rich_help_panel=PANEL),
]
Json: TypeAlias = Annotated[
    bool,
    typer.Option("--json", help="Print JSON on stdout, everything else on stderr.", rich_help_panel=PANEL),
]
LogLevel: TypeAlias = Annotated[
    Literal["debug", "info", "warning", "error"] | None,
    typer.Option(
        "--log-level",
        metavar="LEVEL",
        help="Log from debug, info, warning or error on; SCANPOOL_LOG_LEVEL. Else info, of clients warning.",
        rich_help_panel=PANEL,
    ),
]
Verbose: TypeAlias = Annotated[
    bool, typer.Option("--verbose", "-v", help="As --log-level debug.", rich_help_panel=PANEL)
]

P = ParamSpec("P")


@dataclass(frozen=True, kw_only=True, slots=True)
class Invocation:
    """What was said to every command alike."""

    nats: str | None = None
    config: Path | None = None
    as_json: bool = False
    log_level: Level | None = None
    pool: str | None = None
    """Of commands that take `--pool`, which may stand before their name too."""
    environ: Mapping[str, str] = field(default_factory=dict)

    @property
    def out(self) -> Output:
        """Where the command prints."""
        return Output(as_json=self.as_json)

    def said_after(
        self,
        *,
        nats: Nats = None,
        config: Config = None,
        as_json: Json = False,
        log_level: LogLevel = None,
        verbose: Verbose = False,
    ) -> Invocation:
        """With what was said after a command's name, which wins over what was said before it."""
        return replace(
            self,
            nats=nats or self.nats,
            config=config or self.config,
            as_json=as_json or self.as_json,
            log_level="debug" if verbose else log_level or self.log_level,
        )

    def settings(self) -> Settings:
        """The settings of the environment, with what the command line says.

        Raises:
            Failure: a variable or an option has no usable value.
        """
        from scanpool.runtime.connection import URL_FORM
        from scanpool.runtime.environ import SettingInvalid
        from scanpool.runtime.environ_settings import from_environ

        try:
            settings = from_environ(self.environ)
        except SettingInvalid as error:
            raise Failure("setting_invalid", str(error), exit_code=ExitCode.USAGE) from error
        if not self.nats:
            return settings
        nats = replace(settings.nats, url=self.nats)
        if not nats.is_valid:
            message = f"--nats {nats.shown}: {URL_FORM}"
            raise Failure("setting_invalid", message, exit_code=ExitCode.USAGE)
        return replace(settings, nats=nats)

    def configure_logs(self, level: Level) -> None:
        """Set up logging; `level` is the command's own, where the command line asks for none.

        Raises:
            Failure: `SCANPOOL_LOG_LEVEL` names no level.
        """
        from scanpool.runtime import logs

        logs.configure(level=self.log_level or self._level_of_environ() or level)

    def _level_of_environ(self) -> Level | None:
        match self.environ.get(LOG_LEVEL_VARIABLE, ""):
            case "debug" | "info" | "warning" | "error" as level:
                return level
            case "":
                return None
            case other:
                message = f"{LOG_LEVEL_VARIABLE}={other!r}: takes debug, info, warning or error"
                raise Failure("setting_invalid", message, exit_code=ExitCode.USAGE)


Command: TypeAlias = Callable[Concatenate[Invocation, P], ExitCode]


def command(
    app: typer.Typer, name: str, *, panel: str | None = None, examples: Sequence[str]
) -> Callable[[Command[P]], Command[P]]:
    """Register a command: a function of the invocation and its own options that answers the exit code.

    An example is a line of a shell; what follows `  # ` says what it does.
    """

    def register(function: Command[P]) -> Command[P]:
        app.command(name, epilog=_shown(examples), rich_help_panel=panel)(with_shared_options(function))
        return function

    return register


def group(
    app: typer.Typer, name: str, *, panel: str | None = None, help: str, cls: type[TyperGroup] | None = None
) -> typer.Typer:
    """Register a command that has commands of its own."""
    commands = typer.Typer(no_args_is_help=True, help=help, cls=cls, callback=with_shared_options(_nothing_more))
    app.add_typer(commands, name=name, rich_help_panel=panel)
    return commands


class WithDefault(TyperGroup):
    """A command with commands of its own that does something without them: what its command `show` does."""

    DEFAULT = "show"

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Put the default command's name before words that name no command."""
        word = self._first_word(args)
        says_it_all = not args or word in self.commands or word in ctx.help_option_names
        return super().parse_args(ctx, args if says_it_all else [self.DEFAULT, *args])

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """End with the examples of the default command."""
        self.epilog = self.commands[self.DEFAULT].epilog
        super().format_help(ctx, formatter)

    def _first_word(self, args: Sequence[str]) -> str | None:
        """The first word that is no option of every command, nor the value of one."""
        takes_value = {name: not getattr(each, "is_flag", False) for each in self.params for name in each.opts}
        skip = False
        for word in args:
            if skip or word in takes_value:
                skip = not skip and takes_value[word]
            elif word.partition("=")[0] not in takes_value:
                return word
        return None


def with_shared_options(function: Callable[..., ExitCode]) -> Callable[..., ExitCode]:
    """The function as typer calls it: with the options of every command beside its own."""

    @functools.wraps(function)
    def called(context: typer.Context, **values: Any) -> ExitCode:
        before = context.obj or Invocation(environ=dict(os.environ))
        said = before.said_after(**{each.name: values.pop(each.name) for each in _SHARED})
        if "pool" in values:
            values["pool"] = values["pool"] or said.pool
            said = replace(said, pool=values["pool"])
        elif said.pool is not None and context.invoked_subcommand is None:
            message = f"`{context.command_path}` takes no --pool, which stands before it"
            raise Failure("usage", message, exit_code=ExitCode.USAGE)
        context.obj = said
        return function(said, **values)

    _call, *own = inspect.signature(function, eval_str=True).parameters.values()
    context = inspect.Parameter("context", inspect.Parameter.KEYWORD_ONLY, annotation=typer.Context)
    keyword_only = [each.replace(kind=inspect.Parameter.KEYWORD_ONLY) for each in own]
    parameters = [context, *keyword_only, *_SHARED]
    called.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    called.__annotations__ = {each.name: each.annotation for each in parameters}
    return called


_SHARED = list(inspect.signature(Invocation.said_after, eval_str=True).parameters.values())[1:]


def _nothing_more(_call: Invocation) -> ExitCode:
    """Of a command that has commands of its own."""
    return ExitCode.DONE


def _shown(examples: Sequence[str]) -> str:
    """Examples for the end of a help text, which takes brackets for markup: there are none in them."""
    lines = ["Examples:"]
    for example in examples:
        line, _, meaning = example.partition("  # ")
        lines += ["", f"# {meaning}"] if meaning else [""]
        lines.append(f"  {line}")
    return "\n".join(lines)
