"""`scanpool run`, `up`, `demo` and `emulator`: commands that go on until they are told to stop."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from scanpool.cli.configuration import configuration_path
from scanpool.cli.exits import ExitCode, Failure
from scanpool.cli.extras import need
from scanpool.cli.failures import client_failures, code_of, configuration_failures
from scanpool.cli.invocation import Invocation, command
from scanpool.cli.option_values import one_of

if TYPE_CHECKING:
    from scanpool.cli.assembly import ServiceName
    from scanpool.cli.host import Runner
    from scanpool.cli.output import Output
    from scanpool.cli.up import Running
    from scanpool.emulator.options import Options
    from scanpool.emulator.server import Emulator
    from scanpool.runtime.configuration import LiveConfiguration
    from scanpool.runtime.settings import Settings

PANEL = "Running"
ALL = "all"
SERVICES: tuple[ServiceName, ...] = ("admission", "dispatcher", "poller", "validator", "janitor")

Pools = Annotated[
    str | None,
    typer.Option("--pools", metavar="A,B", help="Serve these pools alone; SCANPOOL_POOLS. Without it all."),
]
HttpHost = Annotated[
    str | None,
    typer.Option("--http-host", metavar="HOST", help="Where health and metrics are served; SCANPOOL_HTTP_HOST."),
]
HttpPort = Annotated[
    int | None,
    typer.Option(
        "--http-port",
        min=0,
        max=65535,
        metavar="PORT",
        help="The port of health and metrics; SCANPOOL_HTTP_PORT. Without it, or 0, a free one, which is logged.",
    ),
]

commands = typer.Typer()


@command(
    commands,
    "run",
    panel=PANEL,
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
            metavar="SERVICE...",
            parser=partial(one_of, known=(*SERVICES, ALL)),
            help=f"One or more of {', '.join(SERVICES)}; or {ALL}.",
        ),
    ],
    *,
    pools: Pools = None,
    http_host: HttpHost = None,
    http_port: HttpPort = None,
) -> ExitCode:
    """Run services until SIGTERM or Ctrl-C; SIGHUP reads the configuration again."""
    need("server", "run")
    from scanpool.cli.assembly import NEED_CONFIGURATION
    from scanpool.cli.host import Runner

    chosen = [service for service in SERVICES if service in services or ALL in services]
    settings = _told_settings(call, pools, http_host, http_port)
    live = None if NEED_CONFIGURATION.isdisjoint(chosen) else _live_configuration(call, settings)
    call.configure_logs("info")
    runner = Runner(chosen, settings, live)

    def ready() -> None:
        if call.as_json:
            call.out.document({"services": chosen, "pools": runner.pools, "http_url": _http_url(settings, runner)})

    with _process_failures():
        asyncio.run(_run(runner, ready))
    return ExitCode.DONE


@command(
    commands,
    "up",
    panel=PANEL,
    examples=(
        "scanpool up  # everything in one process, with a NATS of its own",
        "scanpool up --config scanners.yaml --store /var/lib/scanpool",
        "scanpool up --nats nats://nats1:4222  # with your NATS",
    ),
)
def up(
    call: Invocation,
    *,
    store: Annotated[
        Path | None,
        typer.Option("--store", metavar="DIR", help="Where the own NATS keeps its streams; a folder of the user's."),
    ] = None,
    port: Annotated[
        int | None,
        typer.Option("--port", min=1, max=65535, help="Of the own NATS; without it 4222 or the next one that is free."),
    ] = None,
    pools: Pools = None,
    http_host: HttpHost = None,
    http_port: HttpPort = None,
) -> ExitCode:
    """Run everything in one process: NATS, unless --nats names one, and every service, for your scanners."""
    need("server", "up")
    from scanpool.cli.up import UpOptions, default_store, up

    settings = _told_settings(call, pools, http_host, http_port)
    options = UpOptions(
        configuration=configuration_path(call),
        settings=settings,
        external_nats=bool(call.nats or call.environ.get("SCANPOOL_NATS_URL")),
        store=store or default_store(call.environ),
        port=port,
    )
    call.configure_logs("info")
    with _process_failures():
        asyncio.run(up(options, call.environ, lambda running: _tell_running(running, call.out)))
    return ExitCode.DONE


@command(
    commands,
    "demo",
    panel=PANEL,
    examples=(
        "scanpool demo  # watch scans flow through two pools of emulated scanners",
        "scanpool demo --keep  # and look around afterwards",
        "scanpool demo --json | jq .ok",
    ),
)
def demo(
    call: Invocation,
    *,
    keep: Annotated[bool, typer.Option("--keep", help="Leave everything running until Ctrl-C.")] = False,
) -> ExitCode:
    """Show the whole pipeline on emulated scanners: every scan's end is known, and must be as expected."""
    need("embedded", "demo")
    from scanpool.cli.demo.run import demo

    with _process_failures():
        return ExitCode(asyncio.run(demo(as_json=call.as_json, keep=keep)))


@command(
    commands,
    "emulator",
    panel=PANEL,
    examples=(
        "scanpool emulator --port 8834 --time-scale 20  # scans take 3 seconds in place of 60",
        "scanpool emulator --port 8834 --tls --profile nessus-professional",
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
        Literal["nessus-manager", "nessus-professional", "nessus-essentials"],
        typer.Option("--profile", help="The edition; a Manager alone lets its API launch scans."),
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
    from scanpool.emulator.hosts import HostsFileError, load_hosts
    from scanpool.emulator.options import Options

    try:
        chosen: dict[str, Any] = {"hosts": load_hosts(hosts)} if hosts else {}
    except HostsFileError as error:
        raise Failure(code_of(error), str(error), exit_code=ExitCode.USAGE) from error
    options = Options(profile=profile, time_scale=time_scale, findings=findings, **chosen)
    call.configure_logs("warning")
    asyncio.run(_emulate(options, host, port, tls, call.out))
    return ExitCode.DONE


async def _run(runner: Runner, ready: Any) -> None:
    from scanpool.runtime.process import signals

    with signals(runner.stopping, runner.reload):
        await runner.run(ready)


async def _emulate(options: Options, host: str, port: int, tls: bool, out: Output) -> None:
    from scanpool.emulator.server import Emulator
    from scanpool.runtime.process import signals

    stopping = asyncio.Event()
    async with AsyncExitStack() as stack:
        stack.enter_context(signals(stopping))
        try:
            running = await stack.enter_async_context(Emulator(options, port=port, tls=tls, host=host))
        except OSError as error:
            message = f"cannot listen on {host}:{port}: {error.strerror or error}; choose another with --port"
            raise Failure("port_taken", message) from error
        _tell_emulator(running, options, out)
        await stopping.wait()


def _told_settings(call: Invocation, pools: str | None, http_host: str | None, http_port: int | None) -> Settings:
    from scanpool.runtime.settings import pool_names
    from scanpool_schemas.names import InvalidName

    settings = call.settings()
    try:
        chosen = settings.pools if pools is None else pool_names(pools)
    except InvalidName as error:
        raise Failure("invalid_name", f"--pools: {error}", exit_code=ExitCode.USAGE) from error
    return replace(
        settings,
        pools=chosen,
        http_host=settings.http_host if http_host is None else http_host,
        http_port=settings.http_port if http_port is None else http_port,
    )


def _live_configuration(call: Invocation, settings: Settings) -> LiveConfiguration:
    """The configuration, with every secret in reach that the process will need.

    Raises:
        Failure: it is bad, or a secret cannot be read.
    """
    from scanpool.runtime.configuration import ConfigurationError, LiveConfiguration, unavailable

    path = configuration_path(call)
    with configuration_failures():
        live = LiveConfiguration(path, call.environ)
        if problems := unavailable(live.current, path, settings.pools or None):
            raise ConfigurationError(problems)
    return live


@contextmanager
def _process_failures() -> Iterator[None]:
    """What services are expected to raise.

    Raises:
        Failure: in its place.
    """
    from scanpool.cli.host import ConnectionLost
    from scanpool.runtime.embedded_nats import EmbeddedNatsFailed
    from scanpool.runtime.http import PortTaken

    with client_failures(), configuration_failures():
        try:
            yield
        except (ConnectionLost, EmbeddedNatsFailed, PortTaken) as error:
            raise Failure(code_of(error), str(error)) from error


def _http_url(settings: Settings, runner: Runner) -> str:
    host = f"[{settings.http_host}]" if ":" in settings.http_host else settings.http_host
    return f"http://{host}:{runner.http_port}"


def _tell_running(running: Running, out: Output) -> None:
    from scanpool.cli.views.elements import facts

    out.answer(
        running,
        lambda: facts(
            [
                ("NATS", running.nats_url),
                ("pools", ", ".join(running.pools)),
                ("metrics", f"{running.http_url}/metrics"),
                ("store", str(running.store or "")),
            ]
        ),
    )


def _tell_emulator(running: Emulator, options: Options, out: Output) -> None:
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
