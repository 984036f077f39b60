"""Waiting for what becomes of a scan."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TypeVar

import structlog
from nats.aio.msg import Msg

from scanpool.client.errors import UnknownScan, WaitTimeout
from scanpool.client.lookup import Lookup
from scanpool.runtime.errors import BrokerUnavailable
from scanpool.runtime.jetstream import JetStream
from scanpool_schemas import subjects
from scanpool_schemas.status import ScanStatus

LOOK_AGAIN_S = 2.0
"""How often a waiting call reads the scan, should a live event have been missed."""
LOOK_SOON_S = 0.05
"""When to read it again after a live event, which is heard when it is sent and may not be stored yet."""
LOOK_AFTER_LOSS_S = 0.5
"""When to read it again after NATS did not answer."""
LOST_S = 60.0
"""How long a wait goes on while NATS does not answer."""

_T = TypeVar("_T")

log = structlog.get_logger(__name__)


class Waiter:
    """Waits for scans of one connection."""

    def __init__(self, jetstream: JetStream, lookup: Lookup) -> None:
        self._jetstream = jetstream
        self._lookup = lookup

    async def admitted(self, scan_id: str, pool: str, timeout: float | None) -> ScanStatus:
        """Wait until admission has answered.

        Raises: as `over`.
        """
        async with _within(timeout, scan_id):
            return await self._until(scan_id, pool, lambda _status: True)

    async def over(self, scan_id: str, pool: str | None, timeout: float | None) -> ScanStatus:
        """Wait until the scan is over; a NATS that restarts meanwhile is waited for.

        Raises:
            WaitTimeout: it is not within `timeout` seconds.
            UnknownScan: it was neither admitted nor does its request wait any more.
            BrokerUnavailable: NATS did not answer for a minute.
        """
        async with _within(timeout, scan_id):
            chosen = await self._patiently(scan_id, lambda: self._lookup.pool_of(scan_id, pool))
            return await self._until(scan_id, chosen, lambda status: status.is_over)

    async def _until(self, scan_id: str, pool: str, enough: Callable[[ScanStatus], bool]) -> ScanStatus:
        sign = asyncio.Event()

        async def changed(_message: Msg) -> None:
            sign.set()

        async def heard_from_now_on() -> None:
            await stack.enter_async_context(self._jetstream.hearing(subjects.events_of(pool, scan_id), changed))

        async with AsyncExitStack() as stack:
            await self._patiently(scan_id, heard_from_now_on)
            return await self._seen(scan_id, pool, sign, enough)

    async def _seen(
        self, scan_id: str, pool: str, sign: asyncio.Event, enough: Callable[[ScanStatus], bool]
    ) -> ScanStatus:
        patience = LOOK_AGAIN_S
        while True:
            sign.clear()
            status = await self._patiently(scan_id, lambda: self._look(scan_id, pool))
            if status is not None and enough(status):
                return status
            heard = await _sign_within(sign, patience)
            patience = LOOK_SOON_S if heard else min(LOOK_AGAIN_S, 2 * patience)

    async def _patiently(self, scan_id: str, look: Callable[[], Awaitable[_T]]) -> _T:
        """Look until NATS answers."""
        clock = asyncio.get_running_loop().time
        began = clock()
        while True:
            try:
                return await look()
            except BrokerUnavailable as error:
                if self._jetstream.client.is_closed or clock() - began > LOST_S:
                    raise
                log.info("NATS does not answer; the wait goes on", scan_id=scan_id, error=str(error))
            await asyncio.sleep(LOOK_AFTER_LOSS_S)

    async def _look(self, scan_id: str, pool: str) -> ScanStatus | None:
        """The scan; None while its request waits for admission."""
        try:
            return await self._status(scan_id, pool)
        except UnknownScan:
            if await self._jetstream.last(subjects.SCAN_REQUESTS, subjects.requested(pool, scan_id)) is not None:
                return None
        try:
            return await self._status(scan_id, pool)  # it may just have been admitted
        except UnknownScan as error:
            where = f"{subjects.SCAN_DLQ}, subject dlq.{pool}.*.{scan_id}.*"
            raise UnknownScan(f"{error}; a request that was not admitted is kept in stream {where}") from None

    async def _status(self, scan_id: str, pool: str) -> ScanStatus:
        return await self._lookup.status(await self._lookup.scan(scan_id, pool))


@asynccontextmanager
async def _within(timeout: float | None, scan_id: str) -> AsyncIterator[None]:
    try:
        async with asyncio.timeout(timeout):
            yield
    except TimeoutError:
        raise WaitTimeout(f"scan {scan_id!r} is not there yet after {timeout} s; it goes on") from None


async def _sign_within(sign: asyncio.Event, seconds: float) -> bool:
    try:
        async with asyncio.timeout(seconds):
            return await sign.wait()
    except TimeoutError:
        return False
