"""Waiting for what becomes of a scan."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack

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
LOST_S = 60.0
"""How long a wait goes on while NATS does not answer."""

log = structlog.get_logger(__name__)


class Waiter:
    """Waits for scans of one connection."""

    def __init__(self, jetstream: JetStream, lookup: Lookup) -> None:
        self._jetstream = jetstream
        self._lookup = lookup

    async def until(
        self, scan_id: str, pool: str, timeout: float | None, enough: Callable[[ScanStatus], bool]
    ) -> ScanStatus:
        """Wait until the scan is as wanted; a NATS that restarts meanwhile is waited for.

        Raises:
            WaitTimeout: it is not so within `timeout` seconds.
            UnknownScan: it was neither admitted nor does its request wait any more.
            BrokerUnavailable: NATS did not answer for a minute.
        """
        sign = asyncio.Event()

        async def changed(_message: Msg) -> None:
            sign.set()

        async with AsyncExitStack() as stack:
            subscription = await self._jetstream.client.subscribe(subjects.events_of(pool, scan_id), cb=changed)
            stack.push_async_callback(subscription.unsubscribe)
            try:
                async with asyncio.timeout(timeout):
                    return await self._seen(scan_id, pool, sign, enough)
            except TimeoutError:
                raise WaitTimeout(f"scan {scan_id!r} is not there yet after {timeout} s; it goes on") from None

    async def _seen(
        self, scan_id: str, pool: str, sign: asyncio.Event, enough: Callable[[ScanStatus], bool]
    ) -> ScanStatus:
        clock = asyncio.get_running_loop().time
        patience, answered_at = LOOK_AGAIN_S, clock()
        while True:
            sign.clear()
            try:
                status = await self._look(scan_id, pool)
                answered_at = clock()
            except BrokerUnavailable as error:
                if self._jetstream.client.is_closed or clock() - answered_at > LOST_S:
                    raise
                log.info("NATS does not answer; the wait goes on", scan_id=scan_id, error=str(error))
                status = None
            if status is not None and enough(status):
                return status
            heard = await _sign_within(sign, patience)
            patience = LOOK_SOON_S if heard else min(LOOK_AGAIN_S, 2 * patience)

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


async def _sign_within(sign: asyncio.Event, seconds: float) -> bool:
    try:
        async with asyncio.timeout(seconds):
            return await sign.wait()
    except TimeoutError:
        return False
