"""`scanpool emulator`: an emulated Nessus, alone."""

from __future__ import annotations

import asyncio
import os
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from scanpool.cli.frame.exits import ExitCode, Failure
from scanpool.cli.frame.extras import need
from scanpool.cli.frame.failures import code_of
from scanpool.cli.frame.invocation import Invocation, command
from scanpool.cli.frame.process_options import PANEL

if TYPE_CHECKING:
    from scanpool.cli.frame.output import Output
    from scanpool.emulator.options import Options
    from scanpool.emulator.server import Emulator

commands = typer.Typer()


@command(
    commands,
    "emulator",
    panel=PANEL,
    examples=(
        "scanpool emulator --port 8834 --time-scale 20  # scans take 3 seconds in place of 60",
        "scanpool emulator --port 8834 --tls --profile nessus-professional",
        "scanpool emulator --port 8834 --profile tenable-vm  # Tenable Vulnerability Management",
        "scanpool emulator --port 8834 --hosts hosts.yaml --findings 300",
    ),
)
def emulator(
    call: Invocation,
    *,
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="Where it listens; 0 takes a free one.")] = 8834,
    host: Annotated[str, typer.Option("--host", help="The address it listens on.")] = "127.0.0.1",
    tls: Annotated[bool, typer.Option("--tls", help="Serve HTTPS, with a certificate made at the start.")] = False,
    profile: Annotated[
        Literal["nessus-manager", "nessus-professional", "nessus-essentials", "tenable-vm"],
        typer.Option("--profile", help="The edition; a Manager and Tenable's cloud let their API launch scans."),
    ] = "nessus-manager",
    hosts: Annotated[
        Path | None,
        typer.Option("--hosts", metavar="FILE", help="The simulated hosts; without it those that are built in."),
    ] = None,
    time_scale: Annotated[
        float, typer.Option("--time-scale", min=0.001, help="How many times faster than real scans go by.")
    ] = 1.0,
    findings: Annotated[
        int | None, typer.Option("--findings", min=0, help="Report items of each host; without it the host's own.")
    ] = None,
) -> ExitCode:
    """Serve the API of an emulated Nessus until SIGTERM or Ctrl-C: for demonstrations and tests."""
    need("embedded", "emulator")
    from scanpool.emulator.options import HostsFileError, Options, load_hosts

    try:
        chosen: dict[str, Any] = {"hosts": load_hosts(hosts)} if hosts else {}
    except HostsFileError as error:
        raise Failure(code_of(error), str(error), exit_code=ExitCode.USAGE) from error
    options = Options(profile=profile, time_scale=time_scale, findings=findings, **chosen)
    call.configure_logs("warning")
    asyncio.run(_serve(options, host, port, tls, call.out))
    return ExitCode.DONE


async def _serve(options: Options, host: str, port: int, tls: bool, out: Output) -> None:
    from scanpool.emulator.server import Emulator
    from scanpool.runtime.process import signals

    stopping = asyncio.Event()
    async with AsyncExitStack() as stack:
        stack.enter_context(signals(stopping))
        try:
            running = await stack.enter_async_context(Emulator(options, port=port, tls=tls, host=host))
        except OSError as error:
            why = os.strerror(error.errno) if error.errno else error
            message = f"cannot listen on {host}:{port}: {why}; choose another with --port"
            raise Failure("port_taken", message) from error
        _tell(running, options, out)
        await stopping.wait()


def _tell(running: Emulator, options: Options, out: Output) -> None:
    from scanpool.cli.views.elements import facts

    told = {
        "url": running.url,
        "profile": options.profile,
        "access_key": running.access_key,
        "secret_key": running.secret_key,
        "username": options.username,
        "password": options.password,
        "fingerprint": running.fingerprint,
        "ca_pem": running.ca_pem,
    }
    shown = [(name.replace("_", " "), value or "") for name, value in told.items() if name != "ca_pem"]
    out.answer(told, lambda: facts(shown))
