"""`scanpool drain`: keeps scans away from a scanner or a pool, and waits until none is left on it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

from scanpool.cli.frame.exits import ExitCode
from scanpool.cli.frame.invocation import Invocation, command
from scanpool.cli.frame.operator_options import By, For, hold, instance
from scanpool.cli.frame.option_values import check_timeout, duration, reason

if TYPE_CHECKING:
    from scanpool.cli.frame.output import Output
    from scanpool.cli.operators.drained import Part
    from scanpool.runtime.jetstream import JetStream
    from scanpool_schemas.keys import Hold

PANEL = "Operation"

commands = typer.Typer()

What: TypeAlias = Annotated[
    str, typer.Argument(metavar="POOL | POOL.SCANNER", help="As `scanpool pools` or `scanpool scanners` names it.")
]
Why: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--reason", parser=reason, metavar="TEXT", help="Why, for others to see; needed unless it is held back already."
    ),
]
Timeout: TypeAlias = Annotated[
    timedelta | None,
    typer.Option(
        "--timeout", parser=duration, metavar="DURATION", help="Wait no longer than that; it stays held back."
    ),
]
NoWait: TypeAlias = Annotated[bool, typer.Option("--no-wait", help="Only begin; say what is left on it.")]


@dataclass(frozen=True, kw_only=True, slots=True)
class _Asked:
    """Why, by whom and for how long it is held back; without a reason as it is already."""

    reason: str | None
    by: str | None
    length: timedelta | None


@command(
    commands,
    "drain",
    panel=PANEL,
    examples=(
        "scanpool drain dmz.nessus1 --reason 'plugin update' --timeout 2h"
        "  # cordon it, wait until no scan is left on it; exit code 5 where some are after two hours",
        "scanpool drain dmz --reason 'NATS upgrade' --for 4h  # pause the pool, wait until all its scanners are empty",
        "scanpool drain dmz.nessus1 --reason 'new disk' --no-wait --json  # what is left on it",
        "scanpool drain dmz.nessus1  # cordoned already: wait on",
    ),
)
def drain(
    call: Invocation,
    what: What,
    *,
    reason: Why = None,
    length: For = None,
    by: By = None,
    timeout: Timeout = None,
    no_wait: NoWait = False,
) -> ExitCode:
    """Cordon a scanner, or pause a pool, and wait until no scan holds a place there; scans on it run to their end."""
    from scanpool.cli.frame.connecting import with_jetstream

    check_timeout(timeout, "wait: it does not stand beside --no-wait, or the wait", given=not no_wait)
    part, asked = _part(what), _Asked(reason=reason, by=by, length=length)

    async def drained(jetstream: JetStream) -> ExitCode:
        held = await _held_back(jetstream, part, asked)
        if no_wait:
            return await _answered(jetstream, part, held, call.out, ExitCode.DONE)
        return await _waited(jetstream, part, held, timeout, call.out)

    return with_jetstream(call, drained)


def _part(what: str) -> Part:
    from scanpool.cli.operators.drained import Part

    if "." not in what:
        return Part(what)
    meant = instance(what)
    return Part(meant.pool, meant.scanner)


async def _held_back(jetstream: JetStream, part: Part, asked: _Asked) -> Hold:
    """Keep scans away; what holds them back already stays as it is, where nothing else is asked for."""
    from scanpool.cli.frame.operator_options import Instance
    from scanpool.cli.operators.drained import hold_of
    from scanpool.cli.operators.known import check_pool, check_scanner
    from scanpool.coordination import control

    await check_pool(jetstream, part.pool)
    if part.scanner is not None:
        await check_scanner(jetstream, Instance(part.pool, part.scanner))
    before = await hold_of(jetstream, part)
    if before is not None and asked == _Asked(reason=None, by=asked.by, length=None):
        return before
    if asked.reason is None:
        raise typer.BadParameter("say why, in a sentence; others will see it", param_hint="--reason")
    held = hold(asked.by, asked.reason, asked.length, datetime.now(UTC))
    if part.scanner is None:
        await control.pause(jetstream, part.pool, held)
    else:
        await control.cordon(jetstream, part.pool, part.scanner, held)
    return held


async def _waited(jetstream: JetStream, part: Part, held: Hold, timeout: timedelta | None, out: Output) -> ExitCode:
    from scanpool.cli.frame.live_line import LiveLine
    from scanpool.cli.operators.drained import emptied
    from scanpool.cli.views.draining import begun, draining_line, ending_of

    out.say(begun(part, held))
    try:
        with LiveLine(out) as line:
            async with asyncio.timeout(timeout.total_seconds() if timeout is not None else None):
                held = await emptied(jetstream, part, lambda left: line(draining_line(str(part), left), left))
    except TimeoutError:
        out.say(f"the wait is over; {part} stays held back")
        return await _answered(jetstream, part, held, out, ExitCode.STILL_RUNNING)
    except asyncio.CancelledError:
        out.say(f"the wait is interrupted; {part} stays held back, end it with: {ending_of(part)}")
        raise
    return await _answered(jetstream, part, held, out, ExitCode.DONE)


async def _answered(jetstream: JetStream, part: Part, held: Hold, out: Output, code: ExitCode) -> ExitCode:
    from scanpool.cli.operators.drained import standing
    from scanpool.cli.views.draining import drain_view

    drain = await standing(jetstream, part, held)
    out.answer(drain, lambda: drain_view(part, drain))
    return code
