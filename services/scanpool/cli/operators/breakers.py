"""`scanpool breakers` and `scanpool breaker`: which scanners are left alone because they fail, and by hand."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from scanpool.cli.frame.exits import ExitCode
from scanpool.cli.frame.invocation import Invocation, command, group
from scanpool.cli.frame.operator_options import By, For, Instance, Reason, ScannerName, person

if TYPE_CHECKING:
    from scanpool.client.breakers import BreakerStatus
    from scanpool.runtime.jetstream import JetStream
    from scanpool_schemas.keys import Breaker

PANEL = "Operation"

commands = typer.Typer()


@command(
    commands,
    "breakers",
    panel=PANEL,
    examples=(
        "scanpool breakers  # of all scanners",
        "scanpool breakers --pool dmz --json | jq '.[] | select(.state != \"closed\")'",
    ),
)
def breakers(
    call: Invocation,
    *,
    pool: Annotated[str | None, typer.Option("--pool", help="Only of this pool.")] = None,
) -> ExitCode:
    """List the breakers: a scanner whose breaker is not closed is given no scan."""
    from scanpool.cli.frame.connecting import with_jetstream
    from scanpool.cli.operators.known import pools_meant
    from scanpool.cli.views.breakers import breakers_view
    from scanpool.client.breakers import read_breakers

    async def read(jetstream: JetStream) -> list[BreakerStatus]:
        pools = await pools_meant(jetstream, pool)
        return [each for name in pools for each in await read_breakers(jetstream, name)]

    found = with_jetstream(call, read)
    call.out.answer(found, lambda: breakers_view(found))
    return ExitCode.DONE


breaker = group(commands, "breaker", panel=PANEL, help="Open, close or try a scanner's breaker by hand.")


@command(
    breaker,
    "trip",
    examples=(
        "scanpool breaker trip dmz.nessus1 --reason 'wrong results'  # until it is reset",
        "scanpool breaker trip dmz.nessus1 --reason 'overloaded' --for 30m  # then it is probed",
    ),
)
def trip(call: Invocation, scanner: ScannerName, *, reason: Reason, length: For = None, by: By = None) -> ExitCode:
    """Open a breaker: the scanner gets no scans, and those on it are not followed until it closes."""
    from scanpool.coordination.breaker import tripped

    who, now = person(by), datetime.now(UTC)
    until = now + length if length else None
    return _changed(call, scanner, lambda each: tripped(each, who, reason, until, now), now)


@command(
    breaker,
    "reset",
    examples=("scanpool breaker reset dmz.nessus1", "scanpool breaker reset dmz.nessus1 --by ops --json"),
)
def reset(call: Invocation, scanner: ScannerName, *, by: By = None) -> ExitCode:
    """Close a breaker: the scanner is called again, and its failures are counted anew."""
    from scanpool.coordination import breaker as transitions

    who, now = person(by), datetime.now(UTC)
    return _changed(call, scanner, lambda each: transitions.reset(each, who, now), now)


@command(
    breaker,
    "probe",
    examples=(
        "scanpool breaker probe dmz.nessus1  # it closes once the scanner answers",
        "scanpool breaker probe dmz.nessus1 --json",
    ),
)
def probe(call: Invocation, scanner: ScannerName) -> ExitCode:
    """Ask that the scanner of an open breaker be tried now, not when the breaker's time is over."""
    from scanpool.coordination.breaker import probe_asked

    now = datetime.now(UTC)
    return _changed(call, scanner, lambda each: probe_asked(each, now), now)


def _changed(call: Invocation, scanner: Instance, step: Callable[[Breaker], Breaker], now: datetime) -> ExitCode:
    from scanpool.cli.frame.connecting import with_jetstream
    from scanpool.cli.operators.known import check_scanner
    from scanpool.cli.views.breakers import breaker_line
    from scanpool.client.breakers import breaker_status
    from scanpool.coordination.breakers import change_breaker

    async def changed(jetstream: JetStream) -> BreakerStatus:
        await check_scanner(jetstream, scanner)
        after = await change_breaker(jetstream, scanner.pool, scanner.scanner, step, now)
        return breaker_status(scanner.pool, scanner.scanner, after)

    after = with_jetstream(call, changed, log_level="error")
    call.out.answer(after, lambda: breaker_line(after, now))
    return ExitCode.DONE
