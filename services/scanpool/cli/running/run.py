"""`scanpool run`: services in a process of their own."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from scanpool.cli.frame import process_options as options
from scanpool.cli.frame.exits import ExitCode, ReaderGone
from scanpool.cli.frame.extras import need
from scanpool.cli.frame.failures import configuration_failures
from scanpool.cli.frame.invocation import Invocation, command
from scanpool.cli.frame.option_values import one_of
from scanpool.cli.setup.configuration import configuration_path

if TYPE_CHECKING:
    from scanpool.cli.running.assembly import ServiceName
    from scanpool.cli.running.host import Runner
    from scanpool.runtime.configuration import LiveConfiguration
    from scanpool.runtime.settings import Settings

ALL = "all"
SERVICES: tuple[ServiceName, ...] = ("admission", "dispatcher", "poller", "validator", "janitor")

commands = typer.Typer()


@command(
    commands,
    "run",
    panel=options.PANEL,
    examples=(
        "scanpool run all --config /etc/scanpool/scanners.yaml --nats nats://nats1:4222",
        "scanpool run dispatcher poller --pools dmz  # what talks to scanners, next to the scanners",
        "scanpool run validator --http-host 0.0.0.0 --http-port 9100",
    ),
)
def run(
    call: Invocation,
    services: Annotated[
        list[str],
        typer.Argument(
            metavar="SERVICE",
            parser=partial(one_of, known=(*SERVICES, ALL)),
            help=f"One or more of {', '.join(SERVICES)}; or {ALL}.",
        ),
    ],
    *,
    pools: options.Pools = None,
    http_host: options.HttpHost = None,
    http_port: options.HttpPort = None,
) -> ExitCode:
    """Run services until SIGTERM or Ctrl-C; the configuration is read again when it changes, and on SIGHUP."""
    need("server", "run")
    from scanpool.cli.running.assembly import NEED_CONFIGURATION
    from scanpool.cli.running.host import Runner

    chosen = [service for service in SERVICES if service in services or ALL in services]
    settings = options.told_settings(call, pools=pools, http_host=http_host, http_port=http_port)
    call.configure_logs("info")
    live = None if NEED_CONFIGURATION.isdisjoint(chosen) else _live_configuration(call, settings)
    runner = Runner(chosen, settings, live)

    def ready() -> None:
        if call.as_json:
            with contextlib.suppress(ReaderGone):  # services go on without a reader
                call.out.document({"services": chosen, "pools": runner.pools, "http_url": _http_url(settings, runner)})

    with options.process_failures():
        asyncio.run(_run(runner, ready))
    return ExitCode.DONE


async def _run(runner: Runner, ready: Callable[[], None]) -> None:
    from scanpool.runtime.process import signals

    with signals(runner.stopping, runner.reload):
        await runner.run(ready)


def _live_configuration(call: Invocation, settings: Settings) -> LiveConfiguration:
    from scanpool.cli.running.starting import starting_configuration

    path = configuration_path(call)
    with configuration_failures():
        return starting_configuration(path, call.environ, settings.pools)


def _http_url(settings: Settings, runner: Runner) -> str:
    host = f"[{settings.http_host}]" if ":" in settings.http_host else settings.http_host
    return f"http://{host}:{runner.http_port}"
