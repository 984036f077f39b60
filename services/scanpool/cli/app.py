"""The whole command line: every command, in the order in which help lists them."""

from __future__ import annotations

from typing import Annotated

import typer

from scanpool.cli import everything
from scanpool.cli.doctor import command as doctor
from scanpool.cli.frame.exits import MEANINGS, ExitCode
from scanpool.cli.frame.invocation import Invocation, with_shared_options
from scanpool.cli.frame.output import Output
from scanpool.cli.frame.program import Program, words_of
from scanpool.cli.operators import approvals, breakers, dead_letters, draining, holding, janitor, pools, stats
from scanpool.cli.results import diff, validate
from scanpool.cli.results import show as results
from scanpool.cli.running import bridge, emulator, run
from scanpool.cli.scans import events, scan, status
from scanpool.cli.scans import orders as scan_orders
from scanpool.cli.setup import configuration, schema, topology


def _print_version(context: typer.Context, wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        out, own = Output(as_json="--json" in words_of(context)), version("scanpool")
        if out.as_json:
            out.document({"version": own})
        else:
            out.text(f"scanpool {own}")
        raise typer.Exit(ExitCode.DONE)


def _scanpool(
    _call: Invocation,
    *,
    pool: Annotated[  # noqa: ARG001 (kept in the invocation)
        str | None, typer.Option("--pool", help="The pool, for commands that take one with --pool.")
    ] = None,
    _version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> ExitCode:
    """Vulnerability scans on pools of scanners, as an event-driven pipeline over NATS JetStream.

    To see it work: scanpool demo. To use it: scanpool init, then scanpool up.
    """
    return ExitCode.DONE


app = typer.Typer(
    cls=Program,
    callback=with_shared_options(_scanpool),
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="\n".join(["Exit codes:", "", *(f"{code:4d}  {meaning}" for code, meaning in MEANINGS.items())]),
)
for _area in (
    everything,
    run,
    bridge,
    emulator,
    scan,
    status,
    scan_orders,
    approvals,
    results,
    diff,
    events,
    pools,
    stats,
    breakers,
    holding,
    draining,
    dead_letters,
    janitor,
    doctor,
    validate,
    configuration,
    topology,
    schema,
):
    app.add_typer(_area.commands)
