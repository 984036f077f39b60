"""`scanpool up` and `scanpool demo`: everything in one process, for real or to be seen."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from scanpool.cli.frame import process_options as options
from scanpool.cli.frame.exits import ExitCode, ReaderGone
from scanpool.cli.frame.extras import is_installed, need
from scanpool.cli.frame.invocation import Invocation, command
from scanpool.cli.running.bridge_options import BridgeConfig, bridge_settings
from scanpool.cli.setup.configuration import configuration_path

if TYPE_CHECKING:
    from scanpool.cli.frame.output import Output
    from scanpool.cli.running.own_bridge import OwnBridge
    from scanpool.cli.running.up import Running

commands = typer.Typer()


@command(
    commands,
    "demo",
    panel=options.PANEL,
    examples=(
        "scanpool demo  # watch scans flow through two pools of emulated scanners",
        "scanpool demo --keep  # and look around afterwards",
        "scanpool demo --json | jq .ok",
        "scanpool demo --chaos  # watch services and NATS be killed while scans run",
    ),
)
def demo(
    call: Invocation,
    *,
    keep: Annotated[bool, typer.Option("--keep", help="Leave everything running until Ctrl-C.")] = False,
    chaos: Annotated[
        bool,
        typer.Option("--chaos", help="Kill services and NATS while scans run; every scan must end once all the same."),
    ] = False,
    seed: Annotated[
        int | None,
        typer.Option("--seed", min=0, help="With --chaos: what is killed when; without it, another each time."),
    ] = None,
) -> ExitCode:
    """Show the whole pipeline on emulated scanners: every scan's end is known, and must be as expected."""
    need("embedded", "demo")
    if keep and chaos:
        raise typer.BadParameter("takes no --chaos beside it", param_hint="--keep")
    if seed is not None and not chaos:
        raise typer.BadParameter("is of --chaos, which is missing", param_hint="--seed")
    with options.process_failures():
        return ExitCode(asyncio.run(_played(call, keep=keep, chaos=chaos, seed=seed)))


async def _played(call: Invocation, *, keep: bool, chaos: bool, seed: int | None) -> int:
    if not chaos:
        from scanpool.cli.demo.run import demo

        return await demo(as_json=call.as_json, keep=keep)
    from scanpool.cli.demo.chaos.run import chaos as play

    return await play(as_json=call.as_json, seed=secrets.randbelow(10_000) if seed is None else seed)


@command(
    commands,
    "up",
    panel=options.PANEL,
    examples=(
        "scanpool up  # everything in one process, with a NATS of its own",
        "scanpool up --config scanners.yaml --store /var/lib/scanpool",
        "scanpool up --nats nats://nats1:4222  # with your NATS",
        "scanpool up --bridge-config bridge.yaml  # agents of this machine sign in",
    ),
)
def up(
    call: Invocation,
    *,
    store: Annotated[
        Path | None,
        typer.Option(
            "--store",
            metavar="DIR",
            help="Where its NATS keeps its streams; without it $XDG_DATA_HOME/scanpool or ~/.local/share/scanpool.",
        ),
    ] = None,
    port: Annotated[
        int | None,
        typer.Option("--port", min=1, max=65535, help="Of its NATS; without it 4222 or the next one that is free."),
    ] = None,
    bridge: Annotated[
        bool, typer.Option("--bridge/--no-bridge", help="Serve agents of this machine, where the extra is installed.")
    ] = True,
    bridge_port: Annotated[
        int | None,
        typer.Option("--bridge-port", min=1, max=65535, help="Of the bridge; without it 8765 or the next free one."),
    ] = None,
    bridge_config: BridgeConfig = None,
    pools: options.Pools = None,
    http_host: options.HttpHost = None,
    http_port: options.HttpPort = None,
) -> ExitCode:
    """Run everything in one process: NATS, unless --nats names one, and every service, for your scanners."""
    need("server", "up")
    from scanpool.cli.running.up import UpOptions, default_store, up

    call.configure_logs("info")
    told = UpOptions(
        configuration=configuration_path(call),
        settings=options.told_settings(call, pools=pools, http_host=http_host, http_port=http_port),
        external_nats=bool(call.nats or call.environ.get("SCANPOOL_NATS_URL")),
        store=store or default_store(call.environ),
        port=port,
        bridge=_own_bridge(call, bridge_port, bridge_config) if bridge else None,
    )
    door = contextlib.closing(told.bridge.door) if told.bridge else contextlib.nullcontext()
    with door, options.process_failures():
        asyncio.run(up(told, call.environ, lambda running: _tell(running, call.out)))
    return ExitCode.DONE


def _own_bridge(call: Invocation, port: int | None, file: Path | None) -> OwnBridge | None:
    """The bridge, where it is installed; it has to be where something is said of it."""
    if port is not None or file is not None:
        need("bridge", "up")
    if not is_installed("bridge"):
        return None
    from scanpool.cli.running.own_bridge import own_bridge

    settings = bridge_settings(call, file)
    with options.process_failures():
        return own_bridge(settings, port)


def _tell(running: Running, out: Output) -> None:
    from scanpool.cli.views.elements import facts
    from scanpool.runtime.connection import DEFAULT_URL

    shown = [
        ("NATS", running.nats_url),
        ("pools", ", ".join(running.pools)),
        ("metrics", f"{running.http_url}/metrics"),
        ("agents", running.bridge_url or ""),
        ("store", running.store or ""),
    ]
    with contextlib.suppress(ReaderGone):  # services go on without a reader
        out.answer(running, lambda: facts(shown))
        if running.store and running.nats_url != DEFAULT_URL:
            out.say(f"commands elsewhere find it with: export SCANPOOL_NATS_URL={running.nats_url}")
