"""Who listens to a scan hears when it changes: `subscriptions/listen` on `scan://<task_id>/status`, its owner alone.

Each replica hears NATS itself, so that it does not matter which of them moved the scan, or which one is listened at.
"""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from typing import Any

from mcp.server.context import CallNext, HandlerResult, ServerRequestContext
from mcp.server.subscriptions import InMemorySubscriptionBus, ResourceUpdated
from mcp.shared.exceptions import MCPError
from mcp.types import INVALID_PARAMS

from scanpool.bridge.answering.refusals import Refusal
from scanpool.bridge.caller import current_caller
from scanpool.bridge.parts import Parts
from scanpool_schemas.status import ScanStatus

LISTEN = "subscriptions/listen"
MODERN = frozenset({"2026-07-28"})
MOST = 50
"""Scans that one subscription may name."""
MOST_STREAMS = 20
"""Subscriptions that one subject may have open at once, of this process."""
STEP_PERCENT = 5
"""Progress is told in steps of this size."""
_STATUS = re.compile(r"scan://([A-Za-z0-9_-]{1,64})/status")


def status_uri(task_id: str) -> str:
    """The address of a scan's status."""
    return f"scan://{task_id}/status"


class Listening:
    """Middleware: a subscription names the caller's own scans, and they are watched while it lasts."""

    def __init__(self, parts: Parts, bus: InMemorySubscriptionBus) -> None:
        self._parts = parts
        self._bus = bus
        self._streams: Counter[str] = Counter()
        """Open subscriptions by subject."""
        self._told: dict[str, tuple[int, asyncio.Task[None]]] = {}
        """By scan: how many listen to it, and who tells them."""

    async def __call__(self, ctx: ServerRequestContext[Any, Any], call_next: CallNext) -> HandlerResult:
        """Watch what is listened to.

        Raises:
            MCPError: it is nothing that the caller may listen to.
        """
        if ctx.method != LISTEN or ctx.protocol_version not in MODERN:
            return await call_next(ctx)
        async with AsyncExitStack() as stack:
            stack.enter_context(self._counted(current_caller().subject))
            for task_id in await self._checked(_uris(ctx.params)):
                await stack.enter_async_context(self._telling(task_id))
            return await call_next(ctx)

    @contextmanager
    def _counted(self, subject: str) -> Iterator[None]:
        if self._streams[subject] >= MOST_STREAMS:
            raise MCPError(code=INVALID_PARAMS, message=f"you have {MOST_STREAMS} subscriptions open; end one first")
        self._streams[subject] += 1
        try:
            yield
        finally:
            self._streams[subject] -= 1
            if not self._streams[subject]:
                del self._streams[subject]

    async def _checked(self, uris: Sequence[str]) -> list[str]:
        if len(uris) > MOST:
            raise MCPError(code=INVALID_PARAMS, message=f"one subscription names at most {MOST} resources")
        return [await self._own(uri) for uri in uris]

    async def _own(self, uri: str) -> str:
        """The scan of the address; one of somebody else looks as one that never was."""
        named = _STATUS.fullmatch(uri)
        try:
            if named is None or not current_caller().may("scan:read"):
                raise _nothing(uri)
            return (await self._parts.scans.status(current_caller(), named[1])).id
        except Refusal as refusal:
            raise _nothing(uri) from refusal

    @asynccontextmanager
    async def _telling(self, task_id: str) -> AsyncIterator[None]:
        listeners, task = self._told.get(task_id) or (0, asyncio.create_task(self._tell(task_id)))
        self._told[task_id] = (listeners + 1, task)
        try:
            yield
        finally:
            listeners, task = self._told.pop(task_id)
            if listeners > 1:
                self._told[task_id] = (listeners - 1, task)
            else:
                task.cancel()

    async def _tell(self, task_id: str) -> None:
        async with self._parts.watcher.watching(task_id) as watch:
            told: object = None
            while True:
                change = watch.change()
                if watch.found is not None and (now := [shown(each) for each in watch.found]) != told:
                    if told is not None:
                        await self._bus.publish(ResourceUpdated(uri=status_uri(task_id)))
                    told = now
                await change.wait()


def shown(scan: ScanStatus) -> tuple[object, ...]:
    """What has to differ for a listener to be told."""
    percent = scan.progress.percent if scan.progress else None
    step = None if percent is None else int(percent) // STEP_PERCENT
    return scan.state, scan.scanner_instance, scan.cancelling, scan.paused, scan.run, step


def _uris(params: Mapping[str, Any] | None) -> list[str]:
    notifications = (params or {}).get("notifications")
    uris = notifications.get("resourceSubscriptions") if isinstance(notifications, dict) else None
    return [uri for uri in uris if isinstance(uri, str)] if isinstance(uris, list) else []


def _nothing(uri: str) -> MCPError:
    return MCPError(code=INVALID_PARAMS, message="there is no such resource to listen to", data={"uri": uri})
