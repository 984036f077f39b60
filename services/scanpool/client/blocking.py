"""The library without `async`: the same calls, each waiting for its answer.

    with ScanPool.connect("nats://127.0.0.1:4222") as scanpool:
        scan = scanpool.submit(["10.10.0.0/28"], name="weekly")
        status = scanpool.wait(scan.id)

The connection lives in a thread of its own; one `ScanPool` may be used from several threads.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

from anyio.from_thread import BlockingPortal, start_blocking_portal

from scanpool.client.events import ALL_KINDS, Event, Kind, Subscription
from scanpool.client.orders import ANSWER_S
from scanpool.client.pools import PoolStatus, ScannerStatus
from scanpool.client.scanpool import ScanPool as AsyncScanPool
from scanpool.client.stats import PoolStats
from scanpool.client.submitting import Submitted
from scanpool.report.findings.query import Page
from scanpool.runtime.connection import DEFAULT_URL
from scanpool_schemas.events import OrderAnswer
from scanpool_schemas.request import ScanRequest
from scanpool_schemas.result import Result
from scanpool_schemas.status import ScanStatus, Status

_T = TypeVar("_T")


class ScanPool:
    """Scans on pools of scanners, over one connection to NATS; every call raises what the async one raises."""

    def __init__(self, scanpool: AsyncScanPool, portal: BlockingPortal, stack: ExitStack) -> None:
        self._scanpool = scanpool
        self._portal = portal
        self._stack = stack

    @classmethod
    def connect(
        cls,
        url: str = DEFAULT_URL,
        *,
        credentials: Path | None = None,
        ca: Path | None = None,
        inbox: str = "_INBOX",
        name: str = "scanpool client",
        timeout: float = 10.0,
    ) -> Self:
        """Connect to NATS within `timeout` seconds; `url` may name several servers, separated by commas."""
        with ExitStack() as stack:
            portal = stack.enter_context(start_blocking_portal("asyncio"))
            connecting = partial(
                AsyncScanPool.connect,
                url,
                credentials=credentials,
                ca=ca,
                inbox=inbox,
                name=name,
                timeout=timeout,
            )
            scanpool = portal.call(connecting)
            stack.callback(portal.call, scanpool.close)
            return cls(scanpool, portal, stack.pop_all())

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.__exit__(kind, error, trace)

    def close(self) -> None:
        """Close the connection; what was sent is flushed first."""
        self._stack.close()

    def submit(
        self,
        targets: Sequence[str],
        *,
        name: str,
        pool: str | None = None,
        id: str | None = None,
        **fields: Any,
    ) -> Submitted:
        """Ask for a scan; `fields` are the other fields of a `ScanRequest`."""
        return self._call(partial(self._scanpool.submit, targets, name=name, pool=pool, id=id, **fields))

    def submit_request(self, request: ScanRequest, *, pool: str | None = None, id: str | None = None) -> Submitted:
        """As `submit`, with a request that is made already."""
        return self._call(partial(self._scanpool.submit_request, request, pool=pool, id=id))

    def status(self, id: str, *, pool: str | None = None) -> ScanStatus:
        """The scan as it is now."""
        return self._call(partial(self._scanpool.status, id, pool=pool))

    def admitted(self, submitted: Submitted, *, timeout: float = 10.0) -> ScanStatus:
        """Wait until admission has answered: the scan is queued, or refused and failed."""
        return self._call(partial(self._scanpool.admitted, submitted, timeout=timeout))

    def wait(self, id: str, *, pool: str | None = None, timeout: float | None = None) -> ScanStatus:
        """Wait until the scan is over: completed, failed, timeout or cancelled."""
        return self._call(partial(self._scanpool.wait, id, pool=pool, timeout=timeout))

    def cancel(self, id: str, *, pool: str | None = None, by: str = "", reason: str = "") -> None:
        """Ask that the scan be cancelled; `wait` tells when it is."""
        self._call(partial(self._scanpool.cancel, id, pool=pool, by=by, reason=reason))

    def pause(
        self, id: str, *, pool: str | None = None, by: str = "", reason: str = "", timeout: float = ANSWER_S
    ) -> OrderAnswer:
        """Have a running scan paused on its scanner, where it keeps its place."""
        return self._call(partial(self._scanpool.pause, id, pool=pool, by=by, reason=reason, timeout=timeout))

    def resume(
        self, id: str, *, pool: str | None = None, by: str = "", reason: str = "", timeout: float = ANSWER_S
    ) -> OrderAnswer:
        """Have a paused scan go on."""
        return self._call(partial(self._scanpool.resume, id, pool=pool, by=by, reason=reason, timeout=timeout))

    def list(
        self, *, pool: str | None = None, status: Collection[Status] = (), limit: int | None = None
    ) -> list[ScanStatus]:
        """Scans of the pool, or of all pools, the newest first."""
        return self._call(partial(self._scanpool.list, pool=pool, status=status, limit=limit))

    def results(self, id: str, *, pool: str | None = None) -> Result:
        """What the scan's report said."""
        return self._call(partial(self._scanpool.results, id, pool=pool))

    def download_report(self, id: str, destination: Path, *, pool: str | None = None) -> None:
        """Write the raw report to the file, byte for byte as the scanner gave it."""
        self._call(partial(self._scanpool.download_report, id, destination, pool=pool))

    def findings_file(self, id: str, *, pool: str | None = None) -> Path:
        """The file of the scan's findings; fetched once and kept on the local disk."""
        return self._call(partial(self._scanpool.findings_file, id, pool=pool))

    def findings(
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
        """A page of the scan's findings, worst first; `filters` as `severity>=high`, `host=10.0.0.0/24`."""
        asked = partial(self._scanpool.findings, id, filters, fields=fields, page=page, page_size=page_size)
        return self._call(partial(asked, cursor=cursor, pool=pool))

    @contextmanager
    def events(
        self, *, pools: Sequence[str] = (), kinds: Sequence[Kind] = ALL_KINDS, durable: str | None = None
    ) -> Iterator[Iterator[Event]]:
        """Events as they come, from when it is entered.

        with scanpool.events(kinds=["completed"]) as events:
            for event in events:
                ...
        """
        subscription = self._scanpool.events(pools=pools, kinds=kinds, durable=durable)
        with self._portal.wrap_async_context_manager(subscription) as entered:
            yield self._each(entered)

    def pools(self) -> tuple[PoolStatus, ...]:
        """All pools."""
        return self._call(self._scanpool.pools)

    def pool(self, name: str | None = None) -> PoolStatus:
        """The pool of this name; without one the only pool, or the default one."""
        return self._call(partial(self._scanpool.pool, name))

    def stats(self, *, pool: str | None = None) -> tuple[PoolStats, ...]:
        """What there is to do in the pool, or in all pools, and what keeps it from being done."""
        return self._call(partial(self._scanpool.stats, pool=pool))

    def scanners(self, *, pool: str | None = None) -> tuple[ScannerStatus, ...]:
        """The scanners of the pool, or of all pools."""
        return self._call(partial(self._scanpool.scanners, pool=pool))

    def _each(self, subscription: Subscription) -> Iterator[Event]:
        while True:
            yield self._call(subscription.__anext__)

    def _call(self, function: Callable[[], Awaitable[_T]]) -> _T:
        return self._portal.call(function)
