"""`scanpool bridge`: scans for LLM agents, over the Model Context Protocol; and tokens for them."""

from __future__ import annotations

import asyncio
import contextlib
import json
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

import typer

from scanpool.bridge.caller import SCOPES
from scanpool.cli.frame import process_options as options
from scanpool.cli.frame.exits import ExitCode, Failure, ReaderGone
from scanpool.cli.frame.extras import need
from scanpool.cli.frame.invocation import Invocation, WithDefault, command, group
from scanpool.cli.frame.option_values import limited_duration, one_of
from scanpool.cli.running.bridge_options import BridgeConfig, bridge_failures, bridge_settings

if TYPE_CHECKING:
    from scanpool.bridge.configuration.settings import BridgeSettings
    from scanpool.bridge.serving.running import Served
    from scanpool.runtime.settings import Settings

LONGEST_SUBJECT = 256


class Serving(WithDefault):
    """Serves, where no other command of it is named."""

    DEFAULT = "serve"

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Serve without any words as well."""
        return super().parse_args(ctx, args or [self.DEFAULT])


commands = typer.Typer()
_HELP = """Serve agents over the Model Context Protocol, and make tokens for them.

`scanpool bridge` is short for `scanpool bridge serve`, whose options it takes.
"""
bridge = group(commands, "bridge", panel=options.PANEL, help=_HELP, cls=Serving)


@command(
    bridge,
    Serving.DEFAULT,
    examples=(
        "scanpool bridge  # on 127.0.0.1:8765, for agents on this machine",
        "scanpool bridge --stdio  # what an agent's host starts",
        "scanpool bridge --host 0.0.0.0 --bridge-config /etc/scanpool/bridge.yaml  # for others, who sign in",
        "scanpool bridge --json | jq -r .url",
    ),
)
def serve(
    call: Invocation,
    *,
    stdio: Annotated[
        bool, typer.Option("--stdio", help="Speak over standard input and output, until the input ends.")
    ] = False,
    host: Annotated[
        str | None,
        typer.Option("--host", metavar="HOST", help="Where it listens; without it 127.0.0.1. Beyond it all sign in."),
    ] = None,
    port: Annotated[
        int | None, typer.Option("--port", min=0, max=65535, help="Its port; without it 8765; 0 takes a free one.")
    ] = None,
    bridge_config: BridgeConfig = None,
    http_host: options.HttpHost = None,
    http_port: options.HttpPort = None,
) -> ExitCode:
    """Serve agents until SIGTERM or Ctrl-C, over streamable HTTP or standard input and output."""
    if stdio:
        _check_nothing_of_http(call, host, port)
    need("bridge", "bridge")
    settings = options.told_settings(call, pools=None, http_host=http_host, http_port=http_port)
    call.configure_logs("info")
    bridge = bridge_settings(call, bridge_config, host=host, port=port)
    with bridge_failures():
        asyncio.run(_served(call, bridge, settings, stdio=stdio))
    return ExitCode.DONE


def _check_nothing_of_http(call: Invocation, host: str | None, port: int | None) -> None:
    for given, option in ((host is not None, "--host"), (port is not None, "--port"), (call.as_json, "--json")):
        if given:
            raise typer.BadParameter("is of HTTP, and --stdio speaks over standard input and output", param_hint=option)


async def _served(call: Invocation, bridge: BridgeSettings, settings: Settings, *, stdio: bool) -> None:
    from scanpool.bridge.serving.exposure import open_door
    from scanpool.bridge.serving.running import serve_http, serve_stdio
    from scanpool.runtime.process import signals

    def ready(served: Served) -> None:
        if call.as_json:
            with contextlib.suppress(ReaderGone):  # agents go on without a reader
                call.out.document(served)

    stopping = asyncio.Event()
    with signals(stopping):
        if stdio:
            await serve_stdio(bridge, settings, stopping=stopping)
        else:
            with contextlib.closing(open_door(bridge)) as door:
                await serve_http(bridge, settings, door, stopping=stopping, on_ready=ready)


@command(
    bridge,
    "token",
    examples=(
        "scanpool bridge token --subject triage-agent --scope scan:read --scope scan:run --expires 90d",
        "scanpool bridge token --subject triage-agent --scope scan:read --json | jq -r .token",
    ),
)
def token(
    call: Invocation,
    *,
    subject: Annotated[
        str, typer.Option("--subject", metavar="NAME", help="Who calls with it; names the policy in scanners.yaml.")
    ],
    scope: Annotated[
        list[str],
        typer.Option(
            "--scope",
            metavar="SCOPE",
            parser=partial(one_of, known=SCOPES),
            help=f"What it is good for; may be given several times. Of {', '.join(SCOPES)}.",
        ),
    ],
    expires: Annotated[
        timedelta | None,
        typer.Option(
            "--expires", parser=limited_duration, metavar="DURATION", help="After it it is refused, as 90d; else never."
        ),
    ] = None,
) -> ExitCode:
    """Make a bearer token, and the entry for `tokens:` of bridge.yaml, which holds its hash alone."""
    from scanpool.bridge.gate.identity.minting import new_token, token_hash

    _check_subject(subject)
    made = new_token()
    entry: dict[str, object] = {"subject": subject, "sha256": token_hash(made), "scopes": list(dict.fromkeys(scope))}
    if expires is not None:
        until = (datetime.now(UTC) + expires).replace(microsecond=0)
        entry["expires"] = until.isoformat().replace("+00:00", "Z")
    call.out.say("the token is shown this once: hand it to the client, and put the entry into bridge.yaml")
    if call.as_json:
        call.out.document({"token": made, "entry": entry})
    else:
        call.out.text(f"{made}\n\ntokens:\n{_yaml(entry)}")
    return ExitCode.DONE


def _check_subject(subject: str) -> None:
    if not subject.strip() or len(subject) > LONGEST_SUBJECT or not subject.isprintable():
        message = f"--subject: takes 1 to {LONGEST_SUBJECT} characters that can be printed"
        raise Failure("invalid_name", message, exit_code=ExitCode.USAGE)


def _yaml(entry: dict[str, object]) -> str:
    """An item of the list, a line a key, in the JSON that YAML takes too."""
    lines = [f"{key}: {value if key == 'expires' else json.dumps(value)}" for key, value in entry.items()]
    return "  - " + "\n    ".join(lines)
