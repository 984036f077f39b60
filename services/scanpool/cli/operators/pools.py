"""`scanpool scanners` and `scanpool pools`: where scans run."""

from __future__ import annotations

from typing import Annotated

import typer

from scanpool.cli.frame.exits import ExitCode
from scanpool.cli.frame.invocation import Invocation, command

PANEL = "Scans"

commands = typer.Typer()


@command(
    commands,
    "scanners",
    panel=PANEL,
    examples=(
        "scanpool scanners  # all of them: ready or why not, scans on them, licence to launch",
        "scanpool scanners --pool dmz --json",
    ),
)
def scanners(
    call: Invocation,
    *,
    pool: Annotated[str | None, typer.Option("--pool", help="Only of this pool.")] = None,
) -> ExitCode:
    """List the scanners, whether they are ready, and how many scans they carry."""
    from scanpool.cli.frame.connecting import with_client
    from scanpool.cli.views.pools import scanners_view

    found = with_client(call, lambda client: client.scanners(pool=pool))
    call.out.answer(found, lambda: scanners_view(found))
    return ExitCode.DONE


@command(
    commands,
    "pools",
    panel=PANEL,
    examples=(
        "scanpool pools  # scanners, scans, credentials and allowed targets of each",
        "scanpool pools --json | jq '.[] | {pool, waiting}'",
    ),
)
def pools(call: Invocation) -> ExitCode:
    """List the pools, with what they carry and what may be scanned on them."""
    from scanpool.cli.frame.connecting import with_client
    from scanpool.cli.views.pools import pools_view

    found = with_client(call, lambda client: client.pools())
    call.out.answer(found, lambda: pools_view(found))
    return ExitCode.DONE
