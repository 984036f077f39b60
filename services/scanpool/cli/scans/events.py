"""`scanpool events`: the ends of scans as they are told to subscribers, and the progress of those that run."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from scanpool.cli.frame.exits import ExitCode
from scanpool.cli.frame.invocation import Invocation, command
from scanpool.cli.frame.option_values import one_of

if TYPE_CHECKING:
    from scanpool.cli.frame.output import Output
    from scanpool.client import Event, Kind, ScanPool

KINDS: tuple[Kind, ...] = ("completed", "failed", "progress")
DEFAULT_LIMIT = 20

commands = typer.Typer()


@command(
    commands,
    "events",
    panel="Scans",
    examples=(
        "scanpool events  # the last ends of scans",
        "scanpool events --follow  # from now on, until Ctrl-C",
        "scanpool events --follow --kind completed --pool dmz --json | jq -r .scan.id",
        "scanpool events --follow --kind completed --kind failed --durable reporting"
        "  # goes on where the last run with this name stopped",
    ),
)
def events(
    call: Invocation,
    *,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Print events as they come, until Ctrl-C.")] = False,
    kind: Annotated[
        list[str] | None,
        typer.Option(
            "--kind",
            parser=partial(one_of, known=KINDS),
            metavar="KIND",
            help=f"Only these: {', '.join(KINDS)}; may be repeated. Failed is every end but completed.",
        ),
    ] = None,
    pool: Annotated[list[str] | None, typer.Option("--pool", help="Only of this pool; may be repeated.")] = None,
    durable: Annotated[
        str | None,
        typer.Option(
            "--durable", metavar="NAME", help="NATS remembers under this name what was read; all there is, at first."
        ),
    ] = None,
    limit: Annotated[
        int, typer.Option("--limit", min=1, help="Without --follow: at most this many, the newest.")
    ] = DEFAULT_LIMIT,
) -> ExitCode:
    """Print how scans end: without --follow the last ends that NATS keeps, with it events as they come."""
    from scanpool.cli.frame.connecting import with_client, with_jetstream
    from scanpool.cli.scans.kept_events import kept_events

    kinds = [each for each in KINDS if not kind or each in kind]
    if follow:
        return with_client(call, lambda client: _followed(client, call.out, pool or (), kinds, durable))
    if durable is not None:
        raise typer.BadParameter("is of --follow, which is missing", param_hint="--durable")
    if kind and "progress" in kind:
        raise typer.BadParameter("progress is not kept; see it with --follow", param_hint="--kind")
    for event in with_jetstream(call, lambda jetstream: kept_events(jetstream, kinds, pool or (), limit)):
        _tell(event, call.out)
    return ExitCode.DONE


async def _followed(
    client: ScanPool, out: Output, pools: Sequence[str], kinds: Sequence[Kind], durable: str | None
) -> ExitCode:
    async with client.events(pools=pools, kinds=kinds, durable=durable) as coming:
        out.say("events are followed from now on; Ctrl-C ends it")
        async for event in coming:
            _tell(event, out)
    return ExitCode.DONE


def _tell(event: Event, out: Output) -> None:
    from scanpool.cli.views.events import event_line

    out.answer(event, lambda: event_line(event))
