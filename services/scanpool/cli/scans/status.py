"""`scanpool status`, `list` and `cancel`: scans that were asked for."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Annotated, get_args

import typer

from scanpool.cli.frame.exits import ExitCode, Failure, exit_of
from scanpool.cli.frame.invocation import Invocation, command
from scanpool.cli.frame.operator_options import By, person
from scanpool.cli.frame.option_values import check_timeout, one_of
from scanpool.cli.frame.scan_options import OfPool, ScanId, Timeout
from scanpool_schemas.status import Status

if TYPE_CHECKING:
    from scanpool.cli.frame.output import Output
    from scanpool.client import ScanPool
    from scanpool_schemas.status import ScanStatus

PANEL = "Scans"
DEFAULT_LIMIT = 50

commands = typer.Typer()


@command(
    commands,
    "status",
    panel=PANEL,
    examples=(
        "scanpool status 01JD8Z4G2Q8E5W7RZ0T3B6N9KC  # all that is known of a scan",
        "scanpool status 01JD8Z4G2Q8E5W7RZ0T3B6N9KC --watch  # until it is over; exit code as of scan --wait",
        "scanpool status 01JD8Z4G2Q8E5W7RZ0T3B6N9KC --watch --json  # a JSON line whenever it has changed",
    ),
)
def status(
    call: Invocation,
    id: ScanId,
    *,
    watch: Annotated[bool, typer.Option("--watch", help="Follow it until it is over.")] = False,
    timeout: Timeout = None,
    pool: OfPool = None,
) -> ExitCode:
    """Show a scan as it is now, or with --watch until it is over."""
    from scanpool.cli.frame.connecting import with_client

    check_timeout(timeout, "--watch", given=watch)
    if watch:
        return with_client(call, lambda client: _watched(client, id, pool, timeout, call.out))
    _show(with_client(call, lambda client: client.status(id, pool=pool)), call.out)
    return ExitCode.DONE


@command(
    commands,
    "list",
    panel=PANEL,
    examples=(
        "scanpool list  # the newest scans of all pools",
        "scanpool list --pool dmz --status running --status queued",
        "scanpool list --status failed --limit 500 --json",
    ),
)
def list_scans(
    call: Invocation,
    *,
    status: Annotated[
        list[str] | None,
        typer.Option(
            "--status",
            parser=partial(one_of, known=get_args(Status)),
            metavar="STATUS",
            help=f"Only these: {', '.join(get_args(Status))}; may be repeated.",
        ),
    ] = None,
    pool: Annotated[str | None, typer.Option("--pool", help="Only of this pool.")] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, help="At most this many.")] = DEFAULT_LIMIT,
) -> ExitCode:
    """List scans, the newest first."""
    from scanpool.cli.frame.connecting import with_client
    from scanpool.cli.views.scans import scans_view

    chosen = [each for each in get_args(Status) if each in (status or ())]
    found = with_client(call, lambda client: client.list(pool=pool, status=chosen, limit=limit + 1))
    scans = found[:limit]
    call.out.answer(scans, lambda: scans_view(scans))
    if len(found) > limit:
        call.out.say(f"the newest {limit}; there are more, --limit shows them")
    return ExitCode.DONE


@command(
    commands,
    "cancel",
    panel=PANEL,
    examples=(
        "scanpool cancel 01JD8Z4G2Q8E5W7RZ0T3B6N9KC --reason 'maintenance window is over'",
        "scanpool cancel 01JD8Z4G2Q8E5W7RZ0T3B6N9KC --wait  # until the scanner has stopped it",
    ),
)
def cancel(
    call: Invocation,
    id: ScanId,
    *,
    reason: Annotated[str, typer.Option("--reason", help="Why; it stands in the scan's timeline.")] = "",
    by: By = None,
    wait: Annotated[bool, typer.Option("--wait", help="Wait until it is over.")] = False,
    timeout: Timeout = None,
    pool: OfPool = None,
) -> ExitCode:
    """Ask that a scan be cancelled; on its scanner it is stopped there."""
    from scanpool.cli.frame.connecting import with_client

    check_timeout(timeout, "--wait", given=wait)
    who = person(by)

    async def cancelled(client: ScanPool) -> ExitCode:
        scan = await client.status(id, pool=pool)
        if scan.is_over:
            raise Failure("scan_is_over", f"scan {id!r} is over already: it is {scan.status}")
        await client.cancel(id, pool=scan.pool, by=who, reason=reason)
        if wait:
            return await _until_cancelled(client, scan, timeout, call.out)
        call.out.say(f"scan {id} is to be cancelled; see it through with: scanpool status {id} --watch")
        if call.as_json:
            call.out.document(await client.status(id, pool=scan.pool))
        return ExitCode.DONE

    return with_client(call, cancelled)


async def _until_cancelled(client: ScanPool, scan: ScanStatus, timeout: timedelta | None, out: Output) -> ExitCode:
    from scanpool.cli.scans.following import ProgressLine, follow
    from scanpool.client import WaitTimeout

    try:
        with ProgressLine(out) as show:
            ended = await follow(client, scan.id, pool=scan.pool, timeout=timeout, show=show)
    except WaitTimeout:
        out.say(f"scan {scan.id} is not over yet; it will be cancelled once its scanner answers")
        _show(await client.status(scan.id, pool=scan.pool), out)
        return ExitCode.STILL_RUNNING
    _show(ended, out)
    if ended.status != "cancelled":
        out.say(f"scan {scan.id} was over before it could be cancelled: it is {ended.status}")
        return ExitCode.ERROR
    return ExitCode.DONE


async def _watched(client: ScanPool, id: str, pool: str | None, timeout: timedelta | None, out: Output) -> ExitCode:
    from scanpool.cli.scans.following import ProgressLine, follow
    from scanpool.client import WaitTimeout

    try:
        if out.as_json:
            ended = await follow(client, id, pool=pool, timeout=timeout, show=_ChangesAsJson(out))
        else:
            with ProgressLine(out) as show:
                ended = await follow(client, id, pool=pool, timeout=timeout, show=show)
            _show(ended, out)
    except WaitTimeout:
        out.say(f"the wait is over, scan {id} goes on")
        return ExitCode.STILL_RUNNING
    return exit_of(ended, auth_required=False)


class _ChangesAsJson:
    """Prints a line whenever the scan differs from what was printed last."""

    def __init__(self, out: Output) -> None:
        self._out = out
        self._last: ScanStatus | None = None

    def __call__(self, scan: ScanStatus) -> None:
        if scan != self._last:
            self._last = scan
            self._out.document(scan)


def _show(scan: ScanStatus, out: Output) -> None:
    from scanpool.cli.views.scans import scan_view

    out.answer(scan, lambda: scan_view(scan))
