"""The scans that a caller may see: its own, or all with scope `scan:read:all`. Any other looks as if it were none."""

from __future__ import annotations

from collections.abc import Iterable

from scanpool.bridge.answering.refusals import unknown_task
from scanpool.bridge.caller import Caller
from scanpool.client import AmbiguousScan, ScanPool, UnknownScan
from scanpool_schemas.status import ScanStatus


class Scans:
    """Reads scans for callers."""

    def __init__(self, scanpool: ScanPool) -> None:
        self._scanpool = scanpool

    async def status(self, caller: Caller, task_id: str) -> ScanStatus:
        """The scan as it is now.

        Raises:
            Refusal: `unknown_task`, for a scan of somebody else too.
        """
        return visible(caller, task_id, await self.named(task_id))

    async def named(self, task_id: str) -> tuple[ScanStatus, ...]:
        """The scans of this id whoever owns them, of which several pools may have one; not for any caller's eyes."""
        try:
            return (await self._scanpool.status(task_id),)
        except UnknownScan:
            return ()
        except AmbiguousScan:
            return tuple(await self._in_every_pool(task_id))

    async def _in_every_pool(self, task_id: str) -> list[ScanStatus]:
        found = []
        for pool in await self._scanpool.pools():
            try:
                found.append(await self._scanpool.status(task_id, pool=pool.pool))
            except UnknownScan:
                continue
        return found


def visible(caller: Caller, task_id: str, found: Iterable[ScanStatus]) -> ScanStatus:
    """The one that the caller may know of.

    Raises:
        Refusal: `unknown_task`, for a scan of somebody else too.
    """
    for status in found:
        if may_see(caller, status):
            return status
    raise unknown_task(task_id)


def owner_for(caller: Caller) -> str | None:
    """Whose scans the caller may know of; None is everybody's."""
    return None if caller.may("scan:read:all") else caller.subject


def may_see(caller: Caller, status: ScanStatus) -> bool:
    """Whether the caller may know of the scan."""
    return status.owner == caller.subject or caller.may("scan:read:all")
