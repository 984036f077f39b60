"""`scanpool stats`: what there is to do in a pool, and what keeps it from being done."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from scanpool.cli.frame.exits import ExitCode
from scanpool.cli.frame.invocation import Invocation, command

if TYPE_CHECKING:
    from scanpool.client.stats import PoolStats
    from scanpool.runtime.jetstream import JetStream

PANEL = "Operation"

commands = typer.Typer()


@command(
    commands,
    "stats",
    panel=PANEL,
    examples=(
        "scanpool stats  # of the only pool or the default one",
        "scanpool stats --pool dmz",
        "scanpool stats --all-pools --json | jq '.[] | {pool, queued, oldest_waiting_s}'",
    ),
)
def stats(
    call: Invocation,
    *,
    pool: Annotated[
        str | None, typer.Option("--pool", help="Of this pool; else of the only pool or the default one.")
    ] = None,
    all_pools: Annotated[bool, typer.Option("--all-pools", help="Of every pool.")] = False,
) -> ExitCode:
    """Show what waits, what is under way, what was given up, and how the scanners are."""
    from scanpool.cli.frame.connecting import with_jetstream
    from scanpool.cli.views.stats import stats_view

    if all_pools and pool is not None:
        raise typer.BadParameter(f"names a pool beside --all-pools: {pool!r}", param_hint="--pool")
    found = with_jetstream(call, lambda jetstream: _read(jetstream, pool, all_pools, datetime.now(UTC)))
    call.out.answer(found, lambda: stats_view(found))
    return ExitCode.DONE


async def _read(jetstream: JetStream, pool: str | None, all_pools: bool, now: datetime) -> list[PoolStats]:
    from scanpool.client.lookup import Lookup
    from scanpool.client.stats import pool_stats

    lookup = Lookup(jetstream)
    pools = await lookup.pools() if all_pools else (await lookup.chosen_pool(pool),)
    return [await pool_stats(jetstream, each, now) for each in pools]
