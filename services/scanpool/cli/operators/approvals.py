"""`scanpool approve` and `reject`: scans that wait for a person's approval."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

from scanpool.cli.frame.exits import ExitCode
from scanpool.cli.frame.invocation import Invocation, command
from scanpool.cli.frame.operator_options import By, Reason, person
from scanpool.cli.frame.scan_options import OfPool

if TYPE_CHECKING:
    from scanpool.coordination.approvals import Act, Outcome
    from scanpool.runtime.jetstream import JetStream

PANEL = "Scans"

Ids: TypeAlias = Annotated[
    list[str], typer.Argument(metavar="ID...", help="Ids of scans that `scanpool list` shows as pending.")
]

commands = typer.Typer()


@command(
    commands,
    "approve",
    panel=PANEL,
    examples=(
        "scanpool approve 01JD8Z4G2Q8E5W7RZ0T3B6N9KC  # it goes into its queue; `scanpool status` says why it waits",
        "scanpool approve 01JD8Z4G2Q8E5W7RZ0T3B6N9KC --reason CHG-4711 --by alice --json",
    ),
)
def approve(
    call: Invocation,
    ids: Ids,
    *,
    reason: Annotated[
        str, typer.Option("--reason", metavar="TEXT", help="Why; it stands in the scan's timeline.")
    ] = "",
    by: By = None,
    pool: OfPool = None,
) -> ExitCode:
    """Let scans go on that wait for approval. Exit code 1 where one did not wait for it, or no longer."""
    return _settled(call, "approve", ids, pool=pool, by=person(by), reason=reason)


@command(
    commands,
    "reject",
    panel=PANEL,
    examples=(
        "scanpool reject 01JD8Z4G2Q8E5W7RZ0T3B6N9KC --reason 'not during the sale'  # it ends as approval_denied",
        "scanpool reject 01JD8Z4G2Q8E5W7RZ0T3B6N9KC --reason 'too wide' --by alice --json",
    ),
)
def reject(call: Invocation, ids: Ids, *, reason: Reason, by: By = None, pool: OfPool = None) -> ExitCode:
    """End scans that wait for approval. Exit code 1 where one did not wait for it, or no longer."""
    return _settled(call, "reject", ids, pool=pool, by=person(by), reason=reason)


def _settled(call: Invocation, act: Act, ids: Sequence[str], *, pool: str | None, by: str, reason: str) -> ExitCode:
    from scanpool.cli.frame.connecting import with_jetstream
    from scanpool.cli.views.approvals import outcomes_view

    outcomes = with_jetstream(call, lambda jetstream: _done(jetstream, act, ids, pool=pool, by=by, reason=reason))
    good = sum(each.is_good for each in outcomes)
    verb = "approved" if act == "approve" else "rejected"
    call.out.answer({verb: good, "of": len(outcomes), "scans": outcomes}, lambda: outcomes_view(outcomes))
    call.out.say(f"{verb} {good} of {len(outcomes)}")
    return ExitCode.DONE if good == len(outcomes) else ExitCode.ERROR


async def _done(
    jetstream: JetStream, act: Act, ids: Sequence[str], *, pool: str | None, by: str, reason: str
) -> list[Outcome]:
    import secrets

    from scanpool.cli.operators.known import check_pool
    from scanpool.coordination.approvals import Approvals
    from scanpool.coordination.dead_letters import Operator
    from scanpool.coordination.ledger import Ledger

    if pool is not None:
        await check_pool(jetstream, pool)
    operator = Operator(by=by, now=lambda: datetime.now(UTC), nonce=lambda: secrets.token_hex(8))
    approvals = Approvals(jetstream, Ledger(jetstream, source="scanpool/cli"), operator)
    return await approvals.settle(act, ids, pool=pool, reason=reason)
