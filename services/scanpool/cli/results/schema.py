"""`scanpool results schema`: the tables of a file of findings."""

from __future__ import annotations

import typer

from scanpool.cli.frame.exits import ExitCode
from scanpool.cli.frame.invocation import Invocation, command

commands = typer.Typer()


@command(
    commands,
    "schema",
    examples=(
        "scanpool results schema  # tables, with what each column means",
        "scanpool results schema --json | jq .version",
    ),
)
def schema(call: Invocation) -> ExitCode:
    """Print the SQL schema of the file that holds a scan's findings, and its version."""
    from scanpool.report.findings.schema import APPLICATION_ID, TABLES, VERSION

    if call.as_json:
        call.out.document({"version": VERSION, "application_id": APPLICATION_ID, "sql": TABLES.strip()})
    else:
        call.out.text(f"-- Version {VERSION} (user_version), application_id {APPLICATION_ID:#x}.\n{TABLES.rstrip()}")
    return ExitCode.DONE
