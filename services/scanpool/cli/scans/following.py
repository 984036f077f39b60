"""Following a scan to its end, and showing on stderr how it goes."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import Self

from scanpool.cli.frame.live_line import LiveLine
from scanpool.cli.frame.output import Output
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
    finally:
        ended.cancel()
        await asyncio.wait({ended})  # it lets go of its subscription while there is a connection
    scan = await ended
    show(scan)
    return scan


class ProgressLine:
    """How a scan goes, on stderr."""

    def __init__(self, out: Output) -> None:
        self._line = LiveLine(out)

    def __enter__(self) -> Self:
        self._line.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._line.__exit__(kind, error, trace)

    def __call__(self, scan: ScanStatus) -> None:
        """The scan is like this now."""
        step = (scan.state, scan.progress.percent // TOLD_PERCENT if scan.progress else 0, scan.paused)
        self._line(progress_line(scan, datetime.now(UTC)), step)
