"""`scanpool scan`: asks for a scan and, with `--wait`, follows it to its end."""

from __future__ import annotations

import math
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from scanpool.cli.frame import option_values as values
from scanpool.cli.frame import scan_options as options
from scanpool.cli.frame.exits import ExitCode, exit_of
from scanpool.cli.frame.failures import file_failures
from scanpool.cli.frame.invocation import Invocation, command
from scanpool.cli.frame.output import Output

if TYPE_CHECKING:
    from scanpool.client import ScanPool, Submitted
    from scanpool_schemas.status import ScanStatus

ADMISSION_S = 10.0
"""How long to wait for admission's answer, so that a refusal is told at once."""
NAME_LENGTH = 200

commands = typer.Typer()


@dataclass(frozen=True, kw_only=True, slots=True)
class Order:
    """What the command line asks for."""

    targets: Sequence[str]
    pool: str | None
    id: str | None
    fields: Mapping[str, Any]
    wait: bool
    timeout: timedelta | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """What came of it: the document that `--json` prints."""

    id: str
    pool: str
    duplicate: bool
    """The same request was made before, and this is its scan."""
    scan: ScanStatus | None
    """None where nobody has admitted it yet."""


@command(
    commands,
    "scan",
    panel="Scans",
    examples=(
        "scanpool scan 10.0.0.0/28 --name weekly  # ask for a scan and print its id",
        "scanpool scan 10.0.0.0/28 --credential linux-audit --require-auth 90% --wait --timeout 2h"
        "  # wait for it; exit code 4 where fewer than 90 % of the hosts could be logged in to",
        "scanpool scan --targets-file targets.txt --exclude 10.0.0.5 --pool dmz --priority high"
        "  # targets of a file, one a line",
        "scanpool scan www.corp.example --type authenticated_privileged --credential linux-sudo"
        "  # with escalated privileges",
        "scanpool scan 10.0.0.0/28 --owner ops --idempotency-key nightly-2026-11-24 --json"
        "  # asked for again, it is the same scan",
    ),
)
def scan(
    call: Invocation,
    targets: options.Targets = None,
    *,
    targets_file: options.TargetsFile = None,
    wait: options.Wait = False,
    timeout: options.Timeout = None,
    name: options.Name = None,
    description: options.Description = "",
    pool: options.Pool = None,
    scan_type: options.Type = None,
    credential: options.Credential = None,
    exclude: options.Exclude = None,
    scanner: options.Scanner = None,
    priority: options.Priority = "normal",
    template: options.Template = None,
    policy: options.Policy = None,
    intensity: options.Intensity = None,
    setting: options.Setting = None,
    folder: options.Folder = None,
    label: options.Label = None,
    owner: options.Owner = None,
    idempotency_key: options.IdempotencyKey = None,
    id: options.Id = None,
    max_duration: options.MaxDuration = None,
    max_wait: options.MaxWait = None,
    require_auth: options.RequireAuth = None,
) -> ExitCode:
    """Ask for a scan; print its id, or with --wait how it ended."""
    values.check_timeout(timeout, "--wait", given=wait)
    wanted = _wanted_targets(targets or (), targets_file)
    fields = {
        "name": name or default_name(wanted),
        "description": description,
        **_login(scan_type, credential),
        "exclude": exclude or [],
        "scanner": scanner,
        "priority": priority,
        "template": template,
        "policy": policy,
        "intensity": intensity,
        "settings": values.pairs(setting or (), "--setting"),
        "folder": folder,
        "labels": values.pairs(label or (), "--label"),
        "owner": owner,
        "idempotency_key": idempotency_key,
        **_limits(max_duration, max_wait, require_auth),
    }
    return _ask(call, Order(targets=wanted, pool=pool, id=id, fields=fields, wait=wait, timeout=timeout))


def default_name(targets: Sequence[str]) -> str:
    """The first target and the number of others: the same targets make the same name, as a request must."""
    others = f" and {len(targets) - 1} more" if len(targets) > 1 else ""
    return targets[0][: NAME_LENGTH - len(others)] + others


def _login(scan_type: str | None, credential: str | None) -> dict[str, str | None]:
    """The fields of how to log in: with a credential, where no type is said."""
    return {
        "scan_type": scan_type or ("authenticated" if credential else "untrusted"),
        "credential_ref": credential,
    }


def _limits(duration: timedelta | None, wait: timedelta | None, require_auth: float | None) -> dict[str, float | None]:
    """The fields past which a scan ends without its result."""
    return {"max_duration_s": _seconds(duration), "max_wait_s": _seconds(wait), "require_auth": require_auth}


def _ask(call: Invocation, order: Order) -> ExitCode:
    from scanpool.cli.frame.connecting import with_client

    return with_client(call, lambda client: _asked(client, order, call.out))


async def _asked(client: ScanPool, order: Order, out: Output) -> ExitCode:
    submitted = await client.submit(order.targets, pool=order.pool, id=order.id, **order.fields)
    before = " (it was asked for before)" if submitted.duplicate else ""
    if not order.wait:
        return await _admitted(client, submitted, order, out, before)
    out.say(f"scan {submitted.id} in pool {submitted.pool}{before}; Ctrl-C ends the wait, not the scan")
    return await _followed(client, submitted, order, out)


async def _admitted(client: ScanPool, submitted: Submitted, order: Order, out: Output, before: str) -> ExitCode:
    from scanpool.client import WaitTimeout

    try:
        status = await client.admitted(submitted, timeout=ADMISSION_S)
    except WaitTimeout:
        out.say(f"nobody has admitted it yet; it waits in pool {submitted.pool}{before}")
        _answer(submitted, None, out)
        return ExitCode.DONE
    _answer(submitted, status, out)
    if status.awaiting is not None:
        out.say(f"waits for approval, since {status.awaiting}{before}; see `scanpool approve {status.id}`")
    elif status.is_over and status.error is not None:
        out.say(f"{status.status}: {status.error.code}: {status.error.message}{before}")
    else:
        out.say(f"{status.status} in pool {status.pool}{before}; follow it with: scanpool status {status.id} --watch")
    return exit_of(status, auth_required=_auth_required(order)) if status.is_over else ExitCode.DONE


async def _followed(client: ScanPool, submitted: Submitted, order: Order, out: Output) -> ExitCode:
    from scanpool.cli.scans.following import ProgressLine, follow
    from scanpool.client import WaitTimeout

    try:
        with ProgressLine(out) as show:
            ended = await follow(client, submitted.id, pool=submitted.pool, timeout=order.timeout, show=show)
    except WaitTimeout:
        out.say(f"the wait is over, the scan goes on; follow it with: scanpool status {submitted.id} --watch")
        _answer(submitted, await _now(client, submitted), out)
        return ExitCode.STILL_RUNNING
    _answer(submitted, ended, out, whole=True)
    return exit_of(ended, auth_required=_auth_required(order))


async def _now(client: ScanPool, submitted: Submitted) -> ScanStatus | None:
    from scanpool.client import UnknownScan

    try:
        return await client.status(submitted.id, pool=submitted.pool)
    except UnknownScan:
        return None  # not admitted yet


def _answer(submitted: Submitted, status: ScanStatus | None, out: Output, *, whole: bool = False) -> None:
    """On stdout: the id, which a script may take up, or the whole scan."""
    if out.as_json:
        out.document(Asked(id=submitted.id, pool=submitted.pool, duplicate=submitted.duplicate, scan=status))
    elif whole and status is not None:
        from scanpool.cli.views.scans import scan_view

        out.show(scan_view(status))
    else:
        out.text(submitted.id)


def _auth_required(order: Order) -> bool:
    return order.fields["require_auth"] is not None


def _seconds(length: timedelta | None) -> int | None:
    return None if length is None else math.ceil(length.total_seconds())


def _wanted_targets(named: Sequence[str], file: str | None) -> list[str]:
    wanted = [*named, *(_of_file(file) if file is not None else ())]
    if not wanted and file is not None:
        raise typer.BadParameter(f"{_named(file)} names no target", param_hint="--targets-file")
    if not wanted:
        raise typer.BadParameter("name at least one, or a file of them with --targets-file", param_hint="TARGETS")
    return wanted


def _of_file(name: str) -> list[str]:
    with file_failures(_named(name)):
        text = sys.stdin.read() if name == "-" else Path(name).read_text(encoding="utf-8")
    return values.listed_targets(text)


def _named(file: str) -> str:
    return "stdin" if file == "-" else file
