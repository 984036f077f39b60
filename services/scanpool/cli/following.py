"""Following a scan to its end, and showing on stderr how it goes."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import Self

from rich.live import Live

from scanpool.cli.output import Output, console_of
from scanpool.cli.views.scans import progress_line
from scanpool.client import ScanPool, UnknownScan
from scanpool.runtime.errors import BrokerUnavailable
from scanpool_schemas.status import ScanStatus

LOOK_EVERY_S = 1.0
TOLD_PERCENT = 10
"""Where there is no terminal, progress is told in steps of this size."""


async def follow(
    client: ScanPool,
    scan_id: str,
    *,
    pool: str | None,
    timeout: timedelta | None,
    show: Callable[[ScanStatus], None],
) -> ScanStatus:
    """Show the scan as it goes, until it is over.

    Raises:
        WaitTimeout: it is not over in time.
        UnknownScan, AmbiguousScan: none or several pools have it.
    """
    seconds = None if timeout is None else timeout.total_seconds()
    ended = asyncio.create_task(client.wait(scan_id, pool=pool, timeout=seconds), name=f"wait for {scan_id}")
    try:
        while not ended.done():
            with contextlib.suppress(UnknownScan, BrokerUnavailable):  # for a while; the wait says whether for good
                show(await client.status(scan_id, pool=pool))
            await asyncio.wait({ended}, timeout=LOOK_EVERY_S)
    except BaseException:
        ended.cancel()
        await asyncio.wait({ended})  # it lets go of its subscription while there is a connection
        raise
    scan = await ended
    show(scan)
    return scan


class ProgressLine:
    """How a scan goes, on stderr: one line that changes on a terminal, elsewhere a line a step."""

    def __init__(self, out: Output) -> None:
        console = console_of(sys.stderr)
        self._out = out
        self._live = Live(
            console=console, auto_refresh=False, transient=True, redirect_stdout=False, redirect_stderr=False
        )
        self._is_terminal = console.is_terminal
        self._told: tuple[str, int, bool] | None = None

    def __enter__(self) -> Self:
        if self._is_terminal:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._is_terminal:
            self._live.stop()

    def __call__(self, scan: ScanStatus) -> None:
        """The scan is like this now."""
        line = progress_line(scan, datetime.now(UTC))
        if self._is_terminal:
            self._live.update(line, refresh=True)
            return
        step = (scan.state, scan.progress.percent // TOLD_PERCENT if scan.progress else 0, scan.paused)
        if step != self._told:
            self._told = step
            self._out.say(line.plain.rstrip())
