"""`scanpool cordon`, `uncordon`, `pause` and `resume`: what is held back by hand."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import typer

from scanpool.cli.frame.exits import ExitCode
from scanpool.cli.frame.invocation import Invocation, command
from scanpool.cli.frame.operator_options import By, For, PoolName, Reason, ScannerName, hold, person

if TYPE_CHECKING:
    from scanpool.runtime.jetstream import JetStream
    from scanpool_schemas.keys import Hold

PANEL = "Operation"

commands = typer.Typer()


@command(
    commands,
    "cordon",
    panel=PANEL,
    examples=(
        "scanpool cordon dmz.nessus1 --reason 'plugin update'  # until it is uncordoned",
        "scanpool cordon dmz.nessus1 --reason 'new disk' --for 2h",
    ),
)
def cordon(call: Invocation, scanner: ScannerName, *, reason: Reason, length: For = None, by: By = None) -> ExitCode:
    """Give a scanner no more scans; those on it go on."""
    from scanpool.cli.frame.connecting import with_jetstream
    from scanpool.cli.operators.known import check_scanner
    from scanpool.cli.views.holding import cordoned_line
    from scanpool.coordination import control

    held = hold(by, reason, length, datetime.now(UTC))

    async def cordoned(jetstream: JetStream) -> None:
        await check_scanner(jetstream, scanner)
        await control.cordon(jetstream, scanner.pool, scanner.scanner, held)

    with_jetstream(call, cordoned)
    call.out.answer({"scanner_instance": str(scanner), "cordoned": held}, lambda: cordoned_line(str(scanner), held))
    return ExitCode.DONE


@command(
    commands,
    "uncordon",
    panel=PANEL,
    examples=("scanpool uncordon dmz.nessus1", "scanpool uncordon dmz.nessus1 --by ops --json"),
)
def uncordon(call: Invocation, scanner: ScannerName, *, by: By = None) -> ExitCode:
    """Give a cordoned scanner scans again."""
    from scanpool.cli.frame.connecting import with_jetstream
    from scanpool.cli.operators.known import check_pool, check_scanner
    from scanpool.cli.views.holding import uncordoned_line
    from scanpool.coordination import control

    who, now = person(by), datetime.now(UTC)

    async def uncordoned(jetstream: JetStream) -> Hold | None:
        await check_pool(jetstream, scanner.pool)
        held = (await control.read_control(jetstream, scanner.pool)).cordoned
        await check_scanner(jetstream, scanner, further=[*held])
        return await control.uncordon(jetstream, scanner.pool, scanner.scanner, by=who, now=now)

    ended = with_jetstream(call, uncordoned)
    call.out.answer(
        {"scanner_instance": str(scanner), "cordoned": None, "ended": ended},
        lambda: uncordoned_line(str(scanner), ended),
    )
    return ExitCode.DONE


@command(
    commands,
    "pause",
    panel=PANEL,
    examples=(
        "scanpool pause dmz --reason 'firewall change'  # until it is resumed",
        "scanpool pause dmz --reason 'firewall change' --for 1h",
    ),
)
def pause(call: Invocation, name: PoolName, *, reason: Reason, length: For = None, by: By = None) -> ExitCode:
    """Place no more scans of a pool; those that run go on, and new ones wait."""
    from scanpool.cli.frame.connecting import with_jetstream
    from scanpool.cli.operators.known import check_pool
    from scanpool.cli.views.holding import paused_line
    from scanpool.coordination import control

    held = hold(by, reason, length, datetime.now(UTC))

    async def paused(jetstream: JetStream) -> None:
        await check_pool(jetstream, name)
        await control.pause(jetstream, name, held)

    with_jetstream(call, paused)
    call.out.answer({"pool": name, "paused": held}, lambda: paused_line(name, held))
    return ExitCode.DONE


@command(commands, "resume", panel=PANEL, examples=("scanpool resume dmz", "scanpool resume dmz --by ops --json"))
def resume(call: Invocation, name: PoolName, *, by: By = None) -> ExitCode:
    """Place the scans of a paused pool again."""
    from scanpool.cli.frame.connecting import with_jetstream
    from scanpool.cli.operators.known import check_pool
    from scanpool.cli.views.holding import resumed_line
    from scanpool.coordination import control

    who, now = person(by), datetime.now(UTC)

    async def resumed(jetstream: JetStream) -> Hold | None:
        await check_pool(jetstream, name)
        return await control.resume(jetstream, name, by=who, now=now)

    ended = with_jetstream(call, resumed)
    call.out.answer({"pool": name, "paused": None, "ended": ended}, lambda: resumed_line(name, ended))
    return ExitCode.DONE
