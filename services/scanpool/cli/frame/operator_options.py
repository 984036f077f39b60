"""The options and arguments that the commands of operators share: what is meant, why, by whom, for how long."""

from __future__ import annotations

import getpass
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

from scanpool.cli.frame.exits import ExitCode, Failure
from scanpool.cli.frame.option_values import limited_duration, reason

if TYPE_CHECKING:
    from scanpool_schemas.keys import Hold


@dataclass(frozen=True, slots=True)
class Instance:
    """A scanner of a pool."""

    pool: str
    scanner: str

    def __str__(self) -> str:
        return f"{self.pool}.{self.scanner}"


def instance(text: str) -> Instance:
    """Read `POOL.SCANNER`.

    Raises:
        typer.BadParameter: it is not of this form.
    """
    pool, dot, scanner = text.partition(".")
    if not pool or not dot or not scanner:
        raise typer.BadParameter(f"{text!r} is not of the form POOL.SCANNER; `scanpool scanners` lists them")
    return Instance(pool, scanner)


def person(by: str | None) -> str:
    """Who does it: the one that is named, else whoever is logged in.

    Raises:
        Failure: nobody is named, and the system has no name for the user.
    """
    if by is not None and (name := " ".join(by.split())):
        return name
    try:
        return getpass.getuser()
    except (KeyError, ImportError, OSError) as error:
        message = "the system has no name for you; say who you are with --by NAME"
        raise Failure("nameless", message, exit_code=ExitCode.USAGE) from error


def hold(by: str | None, why: str, length: timedelta | None, now: datetime) -> Hold:
    """What a person holds back from now on.

    Raises: as `person`.
    """
    from scanpool_schemas.keys import Hold

    return Hold(by=person(by), reason=why, since=now, until=now + length if length else None)


ScannerName: TypeAlias = Annotated[
    Instance, typer.Argument(parser=instance, metavar="POOL.SCANNER", help="As `scanpool scanners` names it.")
]
PoolName: TypeAlias = Annotated[str, typer.Argument(metavar="POOL", help="As `scanpool pools` names it.")]
Reason: TypeAlias = Annotated[
    str, typer.Option("--reason", parser=reason, metavar="TEXT", help="Why, for others to see.")
]
By: TypeAlias = Annotated[str | None, typer.Option("--by", metavar="NAME", help="Who does it; else your login name.")]
For: TypeAlias = Annotated[
    timedelta | None,
    typer.Option(
        "--for",
        parser=limited_duration,
        metavar="DURATION",
        help="Ends by itself after this time, as 30m or 2h; else when you end it.",
    ),
]
