"""The library's one class."""

from __future__ import annotations

import os
from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import msgspec

from scanpool.client.errors import NoResult
from scanpool.client.events import ALL_KINDS, Kind, Subscription, Wanted
from scanpool.client.findings_cache import FindingsCache, default_folder
from scanpool.client.findings_page import read_page
from scanpool.client.lookup import Lookup
from scanpool.client.orders import ANSWER_S, Orders
from scanpool.client.pools import Pools, PoolStatus, ScannerStatus
from scanpool.client.reports import download
from scanpool.client.stats import PoolStats, pool_stats
from scanpool.client.submitting import Submitted, Submitter
from scanpool.client.waiting import Waiter
from scanpool.report.findings.query import Page
from scanpool.runtime.connection import DEFAULT_URL, NatsAddress, connect
from scanpool.runtime.errors import SubjectFull
from scanpool.runtime.jetstream import JetStream, Write
from scanpool.runtime.message_spans import Message, publishing
from scanpool_schemas import subjects
from scanpool_schemas.events import OrderAnswer
from scanpool_schemas.request import CancelRequest, ScanOrder, ScanRequest, decode_scan_request
from scanpool_schemas.result import Result
from scanpool_schemas.status import ScanStatus, Status


class ScanPool:
    """Scans on pools of scanners, over one connection to NATS."""

    def __init__(self, jetstream: JetStream) -> None:
        self._jetstream = jetstream
        self._lookup = Lookup(jetstream)
        self._pools = Pools(jetstream, self._lookup, now=lambda: datetime.now(UTC))
        self._submitter = Submitter(jetstream, self._lookup)
        self._waiter = Waiter(jetstream, self._lookup)
        self._orders = Orders(jetstream, self._lookup)
        self._findings = FindingsCache(jetstream, default_folder(os.environ))

    @classmethod
    async def connect(
        cls,
        url: str = DEFAULT_URL,
        *,
        credentials: Path | None = None,
        ca: Path | None = None,
        inbox: str = "_INBOX",
        name: str = "scanpool client",
        timeout: float = 10.0,
    ) -> Self:
        """Connect to NATS within `timeout` seconds; `url` may name several servers, separated by commas.

        `ca` is a file of the certificates that the servers' own are checked against, without it the system's; `inbox`
        begins the subjects on which answers are heard, where the user's rights name some.

        Raises:
            BrokerUnavailable: nobody answers there.
            ServerUnsuitable: the server is too old or has no JetStream.
        """
        address = NatsAddress(url=url, credentials=credentials, ca=ca, inbox=inbox)
        return cls(JetStream(await connect(address, name=name, timeout_s=timeout)))

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
            PublishUnknown: the scan may have been asked for; names the id to submit it again with.
        """
        document = {"targets": list(targets), "name": name, **fields}
        request = decode_scan_request(msgspec.json.encode(document))
        return await self.submit_request(request, pool=pool, id=id)

    async def submit_request(
        self, request: ScanRequest, *, pool: str | None = None, id: str | None = None
    ) -> Submitted:
        """As `submit`, with a request that is made already."""
        return await self._submitter.submit(request, pool, id)

    async def status(self, id: str, *, pool: str | None = None) -> ScanStatus:
        """The scan as it is now.

        Raises:
            UnknownScan, AmbiguousScan: none or several pools have it.
        """
        return await self._lookup.status_of(id, pool)

    async def admitted(self, submitted: Submitted, *, timeout: float = 10.0) -> ScanStatus:
        """Wait until admission has answered: the scan is queued, or refused and failed.

        Raises:
            WaitTimeout: nobody answered in time (seconds); the request waits.
            UnknownScan: it was made a dead letter.
        """
        return await self._waiter.admitted(submitted.id, submitted.pool, timeout)

    async def wait(self, id: str, *, pool: str | None = None, timeout: float | None = None) -> ScanStatus:
        """Wait until the scan is over: completed, failed, timeout or cancelled.

        Raises:
            WaitTimeout: it is not over within `timeout` seconds; it goes on.
            UnknownScan, AmbiguousScan: none or several pools have it.
        """
        return await self._waiter.over(id, pool, timeout)

    async def cancel(self, id: str, *, pool: str | None = None, by: str = "", reason: str = "") -> None:
        """Ask that the scan be cancelled; `wait` tells when it is.

        Raises:
            UnknownScan, AmbiguousScan: none or several pools have it.
        """
        chosen = await self._lookup.pool_of(id, pool)
        subject, body = subjects.cancel(chosen, id), msgspec.json.encode(CancelRequest(by=by, reason=reason))
        message = Message(subject=subject, size_bytes=len(body), server=self._jetstream.server)
        try:
            with publishing(message) as headers:
                await self._jetstream.publish(Write(subject=subject, body=body, headers=headers))
        except SubjectFull:
            return  # asked already

    async def pause(
        self, id: str, *, pool: str | None = None, by: str = "", reason: str = "", timeout: float = ANSWER_S
    ) -> OrderAnswer:
        """Have a running scan paused on its scanner, where it keeps its place; asked twice, it is paused already.

        The answer's `progress` says since when it is paused and when it is stopped unless it is resumed before.

        Raises:
            OrderRefused: it is not paused; `code` says why, as `scan_not_started`.
            OrderUnanswered: it may be; no answer came within `timeout` seconds, or the scanner gave none.
            NoPoller: it is not, since no poller serves its pool.
            UnknownScan, AmbiguousScan: none or several pools have it.
        """
        return await self._orders.give("pause", id, ScanOrder(by=by, reason=reason), pool=pool, timeout=timeout)

    async def resume(
        self, id: str, *, pool: str | None = None, by: str = "", reason: str = "", timeout: float = ANSWER_S
    ) -> OrderAnswer:
        """Have a paused scan go on.

        Raises: as `pause`.
        """
        return await self._orders.give("resume", id, ScanOrder(by=by, reason=reason), pool=pool, timeout=timeout)

    async def list(
        self, *, pool: str | None = None, status: Collection[Status] = (), limit: int | None = None
    ) -> list[ScanStatus]:
        """Scans of the pool, or of all pools, the newest first."""
        pools = (await self._lookup.chosen_pool(pool),) if pool else await self._lookup.pools()
        found = [scan for name in pools for scan in await self._lookup.newest(name, status, limit)]
        chosen = sorted(found, key=lambda scan: scan.submitted_at, reverse=True)[:limit]
        return await self._lookup.statuses(chosen)

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
        await download(self._jetstream, status.export, destination)

    async def findings_file(self, id: str, *, pool: str | None = None) -> Path:
        """The file of the scan's findings, for `scanpool.report.findings`; fetched once and kept on the local disk.

        Raises:
            NoResult: the scan is not over, ended without a report, or its findings were deleted after its retention.
            OSError: the folder of the cache cannot be used.
        """
        status = await self.status(id, pool=pool)
        if status.findings is None:
            lacks = "a report" if status.result is None else "findings"
            ended = f"ended without {lacks}" if status.is_over else f"is {status.status}"
            raise NoResult(f"scan {id!r} has no findings: it {ended}")
        return await self._findings.file(status.findings)

    async def findings(
        self,
        id: str,
        filters: Sequence[str] = (),
        *,
        fields: str | Sequence[str] = "summary",
        page: int = 1,
        page_size: int = 40,
        cursor: str | None = None,
        pool: str | None = None,
    ) -> Page:
        """A page of the scan's findings, worst first; `filters` as `severity>=high`, `host=10.0.0.0/24`, all together.

        `fields` is a profile (minimal, summary, brief, full) or names of fields; `cursor` is that of the page before.

        Raises:
            NoResult: as `findings_file`.
            BadQuery: there is no such filter, field or page; says which there are.
        """
        file = await self.findings_file(id, pool=pool)
        return await read_page(file, filters, fields, page=page, page_size=page_size, cursor=cursor)

    def events(
        self, *, pools: Sequence[str] = (), kinds: Sequence[Kind] = ALL_KINDS, durable: str | None = None
    ) -> Subscription:
        """Events as they come, of the given pools or of all.

            async with scanpool.events(kinds=["completed"]) as events:
                async for event in events:
                    ...

        Live by default: from when it is entered, or first iterated over. With `durable` the server remembers under
        this name what was read, and completed and failed events are delivered again until the next one is asked for;
        progress is always live. Several processes that use one name share its events.

        Raises, when it is entered:
            UnknownPool: there is no such pool.
            InvalidName: `durable` may not name a subscription.
        """
        return Subscription(
            self._jetstream, self._lookup, Wanted(pools=tuple(pools), kinds=tuple(kinds), durable=durable)
        )

    async def pools(self) -> tuple[PoolStatus, ...]:
        """All pools."""
        return tuple([await self._pools.pool(name) for name in await self._lookup.pools()])

    async def stats(self, *, pool: str | None = None) -> tuple[PoolStats, ...]:
        """What there is to do in the pool, or in all pools, and what keeps it from being done."""
        names = (await self._lookup.chosen_pool(pool),) if pool else await self._lookup.pools()
        return tuple([await pool_stats(self._jetstream, name, datetime.now(UTC)) for name in names])

    async def pool(self, name: str | None = None) -> PoolStatus:
        """The pool of this name; without one the only pool, or the default one.

        Raises:
            UnknownPool: there is none.
        """
        return await self._pools.pool(await self._lookup.chosen_pool(name))

    async def scanners(self, *, pool: str | None = None) -> tuple[ScannerStatus, ...]:
        """The scanners of the pool, or of all pools."""
        names = (await self._lookup.chosen_pool(pool),) if pool else await self._lookup.pools()
        return tuple([scanner for name in names for scanner in await self._pools.scanners(name)])
