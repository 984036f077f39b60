"""`scanpool doctor`: what is wrong, where, and what to do about it."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from scanpool.cli.doctor.catalogue import NAMES
from scanpool.cli.frame.exits import ExitCode, Failure
from scanpool.cli.frame.extras import need
from scanpool.cli.frame.invocation import Invocation, command
from scanpool.cli.frame.option_values import limited_duration, one_of

if TYPE_CHECKING:
    from scanpool.cli.doctor.check import Check
    from scanpool.cli.doctor.examine import Told
    from scanpool.cli.frame.output import Output
    from scanpool.runtime.settings import Settings

PANEL = "Operation"
WITHIN = timedelta(seconds=10)

commands = typer.Typer()


@command(
    commands,
    "doctor",
    panel=PANEL,
    examples=(
        "scanpool doctor --config /etc/scanpool/scanners.yaml",
        "scanpool doctor --only scanners --only nats --timeout 30s",
        "scanpool doctor --pool dmz --json | jq -r '.checks[] | select(.status != \"ok\") | .message, .remedy'",
        "scanpool doctor --repair  # makes places agree with the events of scans, where they do not",
    ),
)
def doctor(
    call: Invocation,
    *,
    pool: Annotated[str | None, typer.Option("--pool", help="Only of this pool, and of NATS.")] = None,
    only: Annotated[
        list[str] | None,
        typer.Option(
            "--only",
            metavar="CHECK",
            parser=partial(one_of, known=NAMES),
            help=f"Only this section or check, as often as you like: {', '.join(NAMES)}.",
        ),
    ] = None,
    timeout: Annotated[
        timedelta | None,
        typer.Option(
            "--timeout", metavar="DURATION", parser=limited_duration, help="How long each part may take; else 10s."
        ),
    ] = None,
    repair: Annotated[
        bool,
        typer.Option("--repair", help="Make places agree with the events of scans, as `janitor --once --repair` does."),
    ] = False,
) -> ExitCode:
    """Look at NATS, the services, pools and scanners; say what is wrong and what to do about it.

    Exit code 0 where nothing is wrong or there are only warnings, 1 where there is a problem, 2 where the command line
    is wrong. Without a configuration file only NATS is looked at; without NATS, scanners are looked at all the same.
    """
    need("server", "doctor")
    from scanpool.cli.views.doctor import doctor_view

    settings = call.settings()
    call.configure_logs("error")
    checks = _checks(call, settings, pool, frozenset(only or ()), timeout or WITHIN, repair=repair)
    is_ok = all(each.status != "problem" for each in checks)
    document = {"ok": is_ok, "checks": [each.document() for each in checks]}
    call.out.answer(document, lambda: doctor_view(checks))
    return ExitCode.DONE if is_ok else ExitCode.ERROR


def _checks(
    call: Invocation,
    settings: Settings,
    pool: str | None,
    only: frozenset[str],
    timeout: timedelta,
    *,
    repair: bool,
) -> list[Check]:
    from scanpool.cli.doctor.run import PoolUnknown, Wish, run

    wish = Wish(
        settings=settings,
        config=call.config,
        environ=call.environ,
        cwd=Path.cwd(),
        pool=pool,
        only=only,
        within_s=timeout.total_seconds(),
        repair=repair,
    )
    try:
        with _progress(call.out) as told:
            return asyncio.run(run(wish, lambda: datetime.now(UTC), told))
    except PoolUnknown as error:
        raise Failure("unknown_pool", str(error), exit_code=ExitCode.USAGE) from error


@contextmanager
def _progress(out: Output) -> Iterator[Told]:
    """One line on a terminal; elsewhere nothing is told until all is done."""
    if not sys.stderr.isatty():
        yield lambda _done, _all, _what: None
        return
    from scanpool.cli.frame.live_line import LiveLine
    from scanpool.cli.frame.untrusted import shown

    with LiveLine(out) as line:
        yield lambda done, every, what: line(shown(f"{done} of {every}: {what}", "dim"), done)
