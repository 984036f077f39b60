"""`scanpool pause-scan` and `resume-scan`: one running scan on its scanner.

Commands of their own beside `pause` and `resume`, which are for pools: an id and the name of a pool look alike.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Annotated

import typer

from scanpool.cli.frame.exits import ExitCode, Failure
from scanpool.cli.frame.invocation import Invocation, command
from scanpool.cli.frame.operator_options import By, Reason, person
from scanpool.cli.frame.scan_options import OfPool, ScanId

if TYPE_CHECKING:
    from scanpool.client import ScanPool
    from scanpool_schemas.events import OrderAnswer

PANEL = "Scans"

commands = typer.Typer()


@command(
    commands,
    "pause-scan",
    panel=PANEL,
    examples=(
        "scanpool pause-scan 01JD8Z4G2Q8E5W7RZ0T3B6N9KC --reason 'the network is busy'  # it keeps its place",
        "scanpool pause-scan 01JD8Z4G2Q8E5W7RZ0T3B6N9KC --reason 'change window' --by alice --json",
    ),
)
def pause_scan(call: Invocation, id: ScanId, *, reason: Reason, by: By = None, pool: OfPool = None) -> ExitCode:
    """Pause a running scan on its scanner, where it keeps its place; `pause` holds back a pool."""
    who = person(by)
    return _given(call, lambda client: client.pause(id, pool=pool, by=who, reason=reason))


@command(
    commands,
    "resume-scan",
    panel=PANEL,
    examples=(
        "scanpool resume-scan 01JD8Z4G2Q8E5W7RZ0T3B6N9KC",
        "scanpool resume-scan 01JD8Z4G2Q8E5W7RZ0T3B6N9KC --by alice --json",
    ),
)
def resume_scan(
    call: Invocation,
    id: ScanId,
    *,
    reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why; it stands in the poller's log.")] = "",
    by: By = None,
    pool: OfPool = None,
) -> ExitCode:
    """Have a paused scan go on; `resume` is for a pool."""
    who = person(by)
    return _given(call, lambda client: client.resume(id, pool=pool, by=who, reason=reason))


def _given(call: Invocation, give: Callable[[ScanPool], Awaitable[OrderAnswer]]) -> ExitCode:
    from scanpool.cli.frame.connecting import with_client
    from scanpool.cli.views.orders import order_line
    from scanpool.client import OrderRefused

    async def given(client: ScanPool) -> OrderAnswer:
        try:
            return await give(client)
        except OrderRefused as error:
            raise Failure(error.code, str(error)) from error

    answer = with_client(call, given)
    call.out.answer(answer, lambda: order_line(answer))
    return ExitCode.DONE
