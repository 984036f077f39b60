"""A process that ends cleanly: signals become an event, and the event is what everything waits for."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import structlog

log = structlog.get_logger(__name__)


@contextmanager
def signals(stopping: asyncio.Event, reload: Callable[[], None] = lambda: None) -> Iterator[None]:
    """While entered, SIGTERM and SIGINT set `stopping`, and SIGHUP calls `reload`."""
    loop = asyncio.get_running_loop()

    def stop(number: signal.Signals) -> None:
        log.info("stopping", signal=number.name)
        stopping.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop, number)
    loop.add_signal_handler(signal.SIGHUP, reload)
    try:
        yield
    finally:
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            loop.remove_signal_handler(number)


async def every(seconds: float, stopping: asyncio.Event, kick: asyncio.Event | None = None) -> bool:
    """Wait for the interval, the stop or the kick; answers whether to go on."""
    waits = [asyncio.ensure_future(stopping.wait())]
    if kick is not None:
        waits.append(asyncio.ensure_future(kick.wait()))
    try:
        await asyncio.wait(waits, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for wait in waits:
            wait.cancel()
    return not stopping.is_set()
