"""`scanpool validate`: reads a report and says whether its credentials worked; needs no NATS."""

from __future__ import annotations

import sys
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from scanpool.cli.exits import ExitCode
from scanpool.cli.failures import file_failures
from scanpool.cli.invocation import Invocation, command

if TYPE_CHECKING:
    from rich.console import RenderableType

    from scanpool_schemas.result import Credentials, Result

commands = typer.Typer()


@command(
    commands,
    "validate",
    panel="Scans",
    examples=(
        "scanpool validate weekly.nessus --credentials yes  # exit code 0 where valid, 3 where not",
        "scanpool validate weekly.nessus --credentials yes --privileged --json | jq .authentication_status",
        "zcat weekly.nessus.gz | scanpool validate - --credentials no",
    ),
)
def validate(
    call: Invocation,
    file: Annotated[str, typer.Argument(metavar="FILE", help="A report (.nessus); - reads stdin.")],
    *,
    credentials: Annotated[
        Literal["yes", "no", "unknown"], typer.Option("--credentials", help="Whether the scan was given credentials.")
    ] = "unknown",
    privileged: Annotated[bool, typer.Option("--privileged", help="The scan asked for escalated privileges.")] = False,
) -> ExitCode:
    """Say whether a report is whole and whether its credentials worked, host by host, with the evidence."""
    if privileged and credentials == "no":
        raise typer.BadParameter("needs credentials, and --credentials says no", param_hint="--privileged")
    result = _judged(file, credentials, privileged=privileged)
    call.out.answer(result, lambda: _view(result))
    return ExitCode.DONE if result.valid else ExitCode.ENDED_BADLY


def _judged(file: str, credentials: str, *, privileged: bool) -> Result:
    from scanpool.report.reader import pieces_of
    from scanpool.report.scan_verdict import Asked
    from scanpool.report.validate import validate

    asked = Asked(credentials=_meant(credentials), privileged=privileged)
    with file_failures("stdin" if file == "-" else file), ExitStack() as stack:
        stream = sys.stdin.buffer if file == "-" else stack.enter_context(Path(file).open("rb"))
        return validate(pieces_of(stream), asked)


def _meant(credentials: str) -> Credentials:
    from scanpool_schemas.result import Credentials

    return {"yes": Credentials.SUPPLIED, "no": Credentials.NOT_SUPPLIED, "unknown": Credentials.UNKNOWN}[credentials]


def _view(result: Result) -> RenderableType:
    from rich.console import Group

    from scanpool.cli.untrusted import shown
    from scanpool.cli.views.results import result_view
    from scanpool.report.errors import ReportError

    view = result_view(result, all_hosts=True)
    if result.error is None:
        return view
    remedies = {kind.code: kind.remedy for kind in ReportError.__subclasses__()}
    return Group(view, shown(remedies[result.error.code]))
