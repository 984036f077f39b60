"""`scanpool validate`: reads reports and says whether their credentials worked; needs no NATS."""

from __future__ import annotations

import sys
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from scanpool.cli.frame import scan_options
from scanpool.cli.frame.exits import ExitCode, Failure
from scanpool.cli.frame.failures import file_failures
from scanpool.cli.frame.invocation import Invocation, command

if TYPE_CHECKING:
    from scanpool.cli.results.validated import Validated
    from scanpool.report.scan_verdict import Asked
    from scanpool_schemas.result import Credentials

commands = typer.Typer()


@command(
    commands,
    "validate",
    panel="Scans",
    examples=(
        "scanpool validate weekly.nessus --credentials yes  # exit code 0 where valid, 3 where not",
        "scanpool validate *.nessus --credentials yes --require-auth 80%  # a table; exit code 4 where it is not met",
        "scanpool validate weekly.nessus --credentials yes --privileged --json | jq .verdict",
        "zcat weekly.nessus.gz | scanpool validate - --credentials no",
    ),
)
def validate(
    call: Invocation,
    files: Annotated[list[str], typer.Argument(metavar="FILE...", help="Reports (.nessus); - reads stdin.")],
    *,
    credentials: Annotated[
        Literal["yes", "no", "unknown"], typer.Option("--credentials", help="Whether the scan was given credentials.")
    ] = "unknown",
    privileged: Annotated[bool, typer.Option("--privileged", help="The scan asked for escalated privileges.")] = False,
    require_auth: scan_options.RequireAuth = None,
) -> ExitCode:
    """Say whether reports are whole and whether their credentials worked, with the evidence.

    Of one report every host is shown, of several a line each; with --json there is a document for each, one a line.
    """
    from scanpool.cli.results.validated import exit_of
    from scanpool.report.scan_verdict import Asked

    if privileged and credentials == "no":
        raise typer.BadParameter("needs credentials, and --credentials says no", param_hint="--privileged")
    asked = Asked(credentials=_meant(credentials), privileged=privileged)
    found = []
    for file in files:
        found.append(_validated(call, file, asked))
        if call.as_json:
            call.out.document(found[-1])
    if not call.as_json:
        _show(call, found)
    return exit_of(found, require_auth)


def _validated(call: Invocation, file: str, asked: Asked) -> Validated:
    from scanpool.cli.results.validated import unusable, validated
    from scanpool.report.reader import pieces_of
    from scanpool.report.validate import validate

    try:
        with file_failures("stdin" if file == "-" else file), ExitStack() as stack:
            stream = sys.stdin.buffer if file == "-" else stack.enter_context(Path(file).open("rb"))
            return validated(file, validate(pieces_of(stream), asked))
    except Failure as failure:
        call.out.say(f"error: {failure.message}")
        return unusable(file, failure.code, failure.message)


def _meant(credentials: str) -> Credentials:
    from scanpool_schemas.result import Credentials

    return {"yes": Credentials.SUPPLIED, "no": Credentials.NOT_SUPPLIED, "unknown": Credentials.UNKNOWN}[credentials]


def _show(call: Invocation, found: list[Validated]) -> None:
    from scanpool.cli.views.validated import one_view, several_view

    if len(found) > 1:
        call.out.show(several_view(found))
    elif found[0].result is not None:
        call.out.show(one_view(found[0].result))
