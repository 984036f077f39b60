"""`scanpool init` and `scanpool config`: the file `scanners.yaml`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from scanpool.cli.frame.exits import ExitCode, Failure
from scanpool.cli.frame.failures import configuration_failures, file_failures
from scanpool.cli.frame.invocation import Invocation, command, group

if TYPE_CHECKING:
    from scanpool.runtime.configuration import Configuration

PANEL = "Setting up"

commands = typer.Typer()
config = group(commands, "config", panel=PANEL, help="Check or show the configuration.")


@command(
    commands,
    "init",
    panel=PANEL,
    examples=("scanpool init  # writes ./scanners.yaml", "scanpool init /etc/scanpool/scanners.yaml"),
)
def init(
    call: Invocation,
    path: Annotated[Path, typer.Argument(metavar="PATH", help="The file to write.")] = Path("scanners.yaml"),
    *,
    force: Annotated[bool, typer.Option("--force", help="Overwrite a file that is there.")] = False,
) -> ExitCode:
    """Write a commented configuration file to start from."""
    from scanpool.runtime.configuration import TEMPLATE

    try:
        with file_failures(path), path.open("w" if force else "x", encoding="utf-8") as file:
            file.write(TEMPLATE)
    except Failure as failure:
        if isinstance(failure.__cause__, FileExistsError):
            raise _exists(path) from failure
        raise
    call.out.say("name your scanners in it, then run: scanpool config check")
    if call.as_json:
        call.out.document({"path": str(path.absolute())})
    else:
        call.out.text(str(path))
    return ExitCode.DONE


@command(
    config,
    "check",
    examples=(
        "scanpool config check  # everything that is wrong, with its line and remedy; exit code 2",
        "scanpool config check --config /etc/scanpool/scanners.yaml --json",
    ),
)
def check(call: Invocation) -> ExitCode:
    """Say everything that is wrong with the configuration, secrets that cannot be read among it."""
    from scanpool.runtime.configuration import check

    path = configuration_path(call)
    problems = check(path, call.environ)
    is_good = all(problem.is_warning for problem in problems)
    for problem in problems:
        call.out.say(f"{'warning' if problem.is_warning else 'error'}: {problem}")
    if call.as_json:
        call.out.document({"file": str(path), "ok": is_good, "problems": problems})
    elif is_good:
        call.out.text(f"{path}: good")
    return ExitCode.DONE if is_good else ExitCode.USAGE


@command(
    config,
    "show",
    examples=("scanpool config show  # with its defaults, without secrets", "scanpool config show --json | jq .pools"),
)
def show(call: Invocation) -> ExitCode:
    """Print the configuration with its defaults; of secrets it shows where they are kept, or ***."""
    import yaml

    from scanpool.runtime.configuration import shown

    document = shown(loaded_configuration(call)[1])
    if call.as_json:
        call.out.document(document)
    else:
        call.out.text(yaml.safe_dump(document, sort_keys=False, allow_unicode=True).rstrip("\n"))
    return ExitCode.DONE


def configuration_path(call: Invocation) -> Path:
    """The configuration file.

    Raises:
        Failure: there is none.
    """
    from scanpool.runtime.configuration import find

    with configuration_failures():
        return find(call.config, call.environ, Path.cwd())


def loaded_configuration(call: Invocation) -> tuple[Path, Configuration]:
    """The configuration file and what it says.

    Raises:
        Failure: there is none, or it is bad.
    """
    from scanpool.runtime.configuration import load

    path = configuration_path(call)
    with configuration_failures():
        return path, load(path, call.environ)


def _exists(path: Path) -> Failure:
    if path.is_dir():
        message = f"{path} is a folder; name a file in it"
    else:
        message = f"{path} is there already; name another file, or overwrite it with --force"
    return Failure("file_exists", message, exit_code=ExitCode.USAGE)
