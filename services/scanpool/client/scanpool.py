"""The library's one class."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import anyio.to_thread
import msgspec
import zstandard
from nats.aio.msg import Msg

from scanpool.client.errors import IdConflict, NoResult, UnknownScan, WaitTimeout
from scanpool.client.events import ALL_KINDS, Event, Kind, Subscription
from scanpool.client.lookup import Lookup
from scanpool.client.pools import Pools, PoolStatus, ScannerStatus
from scanpool.runtime.connection import DEFAULT_URL, NatsAddress, connect
from scanpool.runtime.errors import SubjectFull
from scanpool.runtime.jetstream import JetStream, Write
from scanpool.runtime.objects import ObjectMissing, Objects
from scanpool.runtime.tracing import trace_headers
from scanpool_schemas import subjects
from scanpool_schemas.names import derived_scan_id, new_scan_id
from scanpool_schemas.request import (
    CancelRequest,
    RequestInvalid,
    ScanRequest,
    check_address,
    decode_scan_request,
    differences,
    digest,
)
from scanpool_schemas.result import Result
from scanpool_schemas.status import ScanStatus, Status
from scanpool_schemas.targets import InvalidTarget, parse, read_scope

LOOK_AGAIN_S = 2.0
"""How often a waiting call reads the scan, should a live event have been missed."""
LOOK_SOON_S = 0.05
"""When to read it again after a live event, which is heard when it is sent and may not be stored yet."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Submitted:
    """A scan that was asked for."""

    id: str
    pool: str
    duplicate: bool
    """The same request was made before, and this is its scan."""


class ScanPool:
    """Scans on pools of scanners, over one connection to NATS."""

    def __init__(self, jetstream: JetStream) -> None:
        self._jetstream = jetstream
        self._lookup = Lookup(jetstream)
        self._pools = Pools(jetstream, self._lookup)

    @classmethod
    async def connect(
        cls, url: str = DEFAULT_URL, *, credentials: Path | None = None, name: str = "scanpool client"
    ) -> Self:
        """Connect to NATS; `url` may name several servers, separated by commas.

        Raises:
            BrokerUnavailable: nobody answers there.
            ServerUnsuitable: the server is too old or has no JetStream.
        """
        return cls(JetStream(await connect(NatsAddress(url=url, credentials=credentials), name=name)))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connection; what was sent is flushed first."""
        client = self._jetstream.client
        if client.is_connected:
            await client.drain()
        elif not client.is_closed:
            await client.close()

    async def submit(
        self,
        targets: Sequence[str],
        *,
        name: str,
        pool: str | None = None,
        id: str | None = None,
        **fields: Any,
    ) -> Submitted:
        """Ask for a scan; `fields` are the other fields of a `ScanRequest`.

        With an `idempotency_key` (and `owner`) the same call made again answers with the same scan.

        Raises:
            RequestInvalid: names the field and what is wrong with it.
            UnknownPool: there is no such pool.
            IdConflict: the id or the key was used for a different request.
        """
        document = {"targets": list(targets), "name": name, **fields}
        request = decode_scan_request(msgspec.json.encode(document))
        return await self.submit_request(request, pool=pool, id=id)

    async def submit_request(
        self, request: ScanRequest, *, pool: str | None = None, id: str | None = None
    ) -> Submitted:
        """As `submit`, with a request that is made already."""
        _check_targets(request)
        chosen = await self._lookup.chosen_pool(pool)
        scan_id = id or _id_for(request)
        check_address(chosen, scan_id)
        known = await self._known(chosen, scan_id, request)
        if known is None:
            known = await self._publish(chosen, scan_id, request)
        return known

    async def status(self, id: str, *, pool: str | None = None) -> ScanStatus:
        """The scan as it is now.

        Raises:
            UnknownScan, AmbiguousScan: none or several pools have it.
        """
        return await self._lookup.status(await self._lookup.scan(id, pool))

    async def admitted(self, submitted: Submitted, *, timeout: float = 10.0) -> ScanStatus:
        """Wait until admission has answered: the scan is queued, or refused and failed.

        Raises:
            WaitTimeout: nobody answered in time (seconds); the request waits.
        """
        return await self._until(submitted.id, submitted.pool, timeout, lambda _status: True)

    async def wait(self, id: str, *, pool: str | None = None, timeout: float | None = None) -> ScanStatus:
        """Wait until the scan is over: completed, failed, timeout or cancelled.

        Raises:
            WaitTimeout: it is not over within `timeout` seconds; it goes on.
            UnknownScan, AmbiguousScan: none or several pools have it.
        """
        chosen = await self._lookup.pool_of(id, pool)
        return await self._until(id, chosen, timeout, lambda status: status.is_over)

    async def cancel(self, id: str, *, pool: str | None = None, by: str = "", reason: str = "") -> None:
        """Ask that the scan be cancelled; `wait` tells when it is.

        Raises:
            UnknownScan, AmbiguousScan: none or several pools have it.
        """
        scan = await self._lookup.scan(id, pool)
        body = msgspec.json.encode(CancelRequest(by=by, reason=reason))
        try:
            await self._jetstream.publish(
                Write(subject=subjects.cancel(scan.pool, id), body=body, headers=trace_headers(scan.trace_id))
            )
        except SubjectFull:
            return  # asked already

    async def list(
        self, *, pool: str | None = None, status: Collection[Status] = (), limit: int | None = None
    ) -> list[ScanStatus]:
        """Scans of the pool, or of all pools, the newest first."""
        pools = (await self._lookup.chosen_pool(pool),) if pool else await self._lookup.pools()
        found = [await self._lookup.status(scan) for name in pools for scan in await self._lookup.all_scans(name)]
        chosen = [each for each in found if not status or each.status in status]
        return sorted(chosen, key=lambda each: each.submitted_at, reverse=True)[:limit]

    async def results(self, id: str, *, pool: str | None = None) -> Result:
        """What the scan's report said.

        Raises:
            NoResult: the scan is not over, or ended without a report.
        """
        status = await self.status(id, pool=pool)
        if status.result is None:
            ended = "ended without a report" if status.is_over else f"is {status.status}"
            raise NoResult(f"scan {id!r} has no result: it {ended}")
        return status.result

    async def download_report(self, id: str, destination: Path, *, pool: str | None = None) -> None:
        """Write the raw report to the file, byte for byte as the scanner gave it.

        Raises:
            NoResult: the scan has no report, or it was deleted after its retention.
        """
        status = await self.status(id, pool=pool)
        if status.export is None:
            raise NoResult(f"scan {id!r} has no report")
        packed = destination.with_name(destination.name + ".zst.part")
        try:
            await Objects(self._jetstream, subjects.EXPORTS_BUCKET).get(status.export.object, packed)
            await anyio.to_thread.run_sync(_unpack, packed, destination)
        except ObjectMissing as error:
            raise NoResult(f"the report of scan {id!r} is gone: {error}") from error
        finally:
            packed.unlink(missing_ok=True)

    def events(
        self, *, pools: Sequence[str] = (), kinds: Sequence[Kind] = ALL_KINDS, durable: str | None = None
    ) -> AsyncIterator[Event]:
        """Events as they come, of the given pools or of all.

        Live by default: from now on. With `durable` the server remembers under this name what was read, and
        completed and failed events are delivered again until the next one is asked for; progress is always live.
        """
        return Subscription(self._jetstream, pools, kinds, durable)()

    async def pools(self) -> tuple[PoolStatus, ...]:
        """All pools."""
        return tuple([await self._pools.pool(name) for name in await self._lookup.pools()])

    async def scanners(self, *, pool: str | None = None) -> tuple[ScannerStatus, ...]:
        """The scanners of the pool, or of all pools."""
        names = (await self._lookup.chosen_pool(pool),) if pool else await self._lookup.pools()
        return tuple([scanner for name in names for scanner in await self._pools.scanners(name)])

    async def _known(self, pool: str, scan_id: str, request: ScanRequest) -> Submitted | None:
        try:
            scan = await self._lookup.scan(scan_id, pool)
        except UnknownScan:
            return None
        if scan.request_digest != digest(request):
            raise _conflict(scan_id, scan.request, request)
        return Submitted(id=scan_id, pool=pool, duplicate=True)

    async def _publish(self, pool: str, scan_id: str, request: ScanRequest) -> Submitted:
        subject = subjects.requested(pool, scan_id)
        write = Write(subject=subject, body=msgspec.json.encode(request), headers=trace_headers())
        try:
            await self._jetstream.publish(write)
        except SubjectFull:
            waiting = await self._jetstream.last(subjects.SCAN_REQUESTS, subject)
            if waiting is not None and waiting.body != write.body:
                raise _conflict(scan_id, decode_scan_request(waiting.body), request) from None
            return Submitted(id=scan_id, pool=pool, duplicate=True)
        return Submitted(id=scan_id, pool=pool, duplicate=False)

    async def _until(
        self, scan_id: str, pool: str, timeout: float | None, enough: Callable[[ScanStatus], bool]
    ) -> ScanStatus:
        sign = asyncio.Event()

        async def changed(_message: Msg) -> None:
            sign.set()

        async with AsyncExitStack() as stack:
            subscription = await self._jetstream.client.subscribe(subjects.events_of(pool, scan_id), cb=changed)
            stack.push_async_callback(subscription.unsubscribe)
            try:
                async with asyncio.timeout(timeout):
                    patience = LOOK_AGAIN_S
                    while True:
                        sign.clear()
                        status = await self._status_or_none(scan_id, pool)
                        if status is not None and enough(status):
                            return status
                        heard = await _sign_within(sign, patience)
                        patience = LOOK_SOON_S if heard else min(LOOK_AGAIN_S, 2 * patience)
            except TimeoutError:
                raise WaitTimeout(f"scan {scan_id!r} is not there yet after {timeout} s; it goes on") from None

    async def _status_or_none(self, scan_id: str, pool: str) -> ScanStatus | None:
        try:
            return await self.status(scan_id, pool=pool)
        except UnknownScan:
            return None


def _id_for(request: ScanRequest) -> str:
    if request.idempotency_key is not None:
        return derived_scan_id(request.owner or "", request.idempotency_key)
    return new_scan_id(datetime.now(UTC), secrets.token_bytes(10))


def _check_targets(request: ScanRequest) -> None:
    try:
        parse(request.targets)
        read_scope(request.exclude)
    except InvalidTarget as error:
        raise RequestInvalid("", str(error)) from error


def _conflict(scan_id: str, earlier: ScanRequest, now: ScanRequest) -> IdConflict:
    fields = ", ".join(differences(earlier, now)) or "the form of its targets"
    return IdConflict(f"scan {scan_id!r} was asked for before and differs in: {fields}")


async def _sign_within(sign: asyncio.Event, seconds: float) -> bool:
    try:
        async with asyncio.timeout(seconds):
            return await sign.wait()
    except TimeoutError:
        return False


def _unpack(packed: Path, destination: Path) -> None:
    with packed.open("rb") as source, destination.open("wb") as target:
        zstandard.ZstdDecompressor().copy_stream(source, target)
