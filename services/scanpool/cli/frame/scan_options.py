"""The options of `scanpool scan`: every field of a request, and how to wait."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Literal, TypeAlias

import typer

from scanpool.cli.frame import option_values as values

REQUEST = "The request"
LIMITS = "Limits"

OPTION_OF_FIELD: Mapping[str, str] = {
    "targets": "TARGETS",
    "name": "--name",
    "description": "--description",
    "exclude": "--exclude",
    "scan_type": "--type",
    "credential_ref": "--credential",
    "scanner": "--scanner",
    "priority": "--priority",
    "template": "--template",
    "policy": "--policy",
    "intensity": "--intensity",
    "settings": "--setting",
    "folder": "--folder",
    "labels": "--label",
    "max_duration_s": "--max-duration",
    "max_wait_s": "--max-wait",
    "require_auth": "--require-auth",
    "owner": "--owner",
    "idempotency_key": "--idempotency-key",
    "pool": "--pool",
    "id": "--id",
}
"""The option that fills each field of a request but the bridge's own, and the two parts of its subject."""

Targets: TypeAlias = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="TARGETS",
        help="Addresses, networks, ranges, hostnames: 10.0.0.1, 10.0.0.0/28, 10.0.0.1-9, www.corp.example.",
    ),
]
TargetsFile: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--targets-file",
        metavar="FILE",
        help="More targets, one a line, # begins a comment; - reads stdin.",
        rich_help_panel=REQUEST,
    ),
]
Name: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--name",
        help="What people call the scan; without it the first target and the number of others.",
        rich_help_panel=REQUEST,
    ),
]
Description: TypeAlias = Annotated[str, typer.Option("--description", help="What it is for.", rich_help_panel=REQUEST)]
Pool: TypeAlias = Annotated[
    str | None,
    typer.Option("--pool", help="The pool; without it the only one or the default one.", rich_help_panel=REQUEST),
]
Type: TypeAlias = Annotated[
    Literal["untrusted", "authenticated", "authenticated_privileged"] | None,
    typer.Option(
        "--type",
        metavar="TYPE",
        help="untrusted, authenticated or authenticated_privileged; without it authenticated where --credential "
        "is given, else untrusted.",
        rich_help_panel=REQUEST,
    ),
]
Credential: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--credential",
        metavar="ID",
        help="The credential to log in with, by its id in the configuration.",
        rich_help_panel=REQUEST,
    ),
]
Exclude: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        "--exclude", metavar="TARGET", help="A target to leave out; may be repeated.", rich_help_panel=REQUEST
    ),
]
Scanner: TypeAlias = Annotated[
    str | None,
    typer.Option("--scanner", help="The one scanner of the pool that is to run it.", rich_help_panel=REQUEST),
]
Priority: TypeAlias = Annotated[
    Literal["high", "normal", "low"], typer.Option("--priority", help="The lane in the queue.", rich_help_panel=REQUEST)
]
Template: TypeAlias = Annotated[
    str | None,
    typer.Option("--template", help="The scanner's template; without it the pool's.", rich_help_panel=REQUEST),
]
Policy: TypeAlias = Annotated[
    str | None, typer.Option("--policy", help="A policy on the scanner, by its name.", rich_help_panel=REQUEST)
]
Setting: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        "--setting",
        metavar="NAME=VALUE",
        help="A setting of the template; may be repeated. Never a secret.",
        rich_help_panel=REQUEST,
    ),
]
Intensity: TypeAlias = Annotated[
    Literal["safe", "intrusive"] | None,
    typer.Option(
        "--intensity",
        metavar="INTENSITY",
        help="safe switches the scanner's safe checks on, intrusive off; without it as the template has them.",
        rich_help_panel=REQUEST,
    ),
]
Folder: TypeAlias = Annotated[
    str | None, typer.Option("--folder", help="The folder on the scanner.", rich_help_panel=REQUEST)
]
Label: TypeAlias = Annotated[
    list[str] | None,
    typer.Option("--label", metavar="NAME=VALUE", help="For your own use; may be repeated.", rich_help_panel=REQUEST),
]
Owner: TypeAlias = Annotated[
    str | None, typer.Option("--owner", help="Who the scan belongs to.", rich_help_panel=REQUEST)
]
IdempotencyKey: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--idempotency-key",
        metavar="KEY",
        help="The same owner and key is the same scan, however often it is asked for.",
        rich_help_panel=REQUEST,
    ),
]
Id: TypeAlias = Annotated[
    str | None, typer.Option("--id", help="The scan's id; without it a new one.", rich_help_panel=REQUEST)
]
MaxDuration: TypeAlias = Annotated[
    timedelta | None,
    typer.Option(
        "--max-duration",
        parser=values.duration,
        metavar="DURATION",
        help="After that long on the scanner the scan is stopped and ends as timeout; without it 24h.",
        rich_help_panel=LIMITS,
    ),
]
MaxWait: TypeAlias = Annotated[
    timedelta | None,
    typer.Option(
        "--max-wait",
        parser=values.duration,
        metavar="DURATION",
        help="After that long in the queue the scan ends as timeout.",
        rich_help_panel=LIMITS,
    ),
]
RequireAuth: TypeAlias = Annotated[
    float | None,
    typer.Option(
        "--require-auth",
        parser=values.share,
        metavar="SHARE",
        help="The share of hosts that must be authenticated, as 0.8 or 80%; below it the scan fails.",
        rich_help_panel=LIMITS,
    ),
]
Wait: TypeAlias = Annotated[bool, typer.Option("--wait", help="Wait until the scan is over.")]
Timeout: TypeAlias = Annotated[
    timedelta | None,
    typer.Option(
        "--timeout",
        parser=values.duration,
        metavar="DURATION",
        help="Stop waiting after that long, as 90s, 10m or 2h; the scan goes on.",
    ),
]
OfPool: TypeAlias = Annotated[
    str | None, typer.Option("--pool", help="The scan's pool, where several have a scan of this id.")
]
ScanId: TypeAlias = Annotated[str, typer.Argument(metavar="ID", help="The scan's id.")]
