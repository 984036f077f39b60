"""Cancelling scans."""

from __future__ import annotations

import asyncio
from typing import Annotated

from pydantic import Field

from scanpool.bridge.answering.models.status import Status
from scanpool.bridge.answering.refusals import Refusal
from scanpool.bridge.answering.toolkit import ToolDefinition
from scanpool.bridge.caller import Caller, current_caller
from scanpool.bridge.gate.audit import current_deed
from scanpool.bridge.parts import Parts
from scanpool.runtime.process import every
from scanpool_schemas.status import ScanStatus

HEARD_S = 2.0
"""How long a call waits until the scan is being stopped."""
_LOOK_S = 0.1


def tools(parts: Parts) -> tuple[ToolDefinition, ...]:
    """The tools of this topic."""

    async def cancel_scan(task_id: str, reason: Annotated[str, Field(max_length=1000)] = "") -> Status:
        """Cancel a scan of yours. One that is on a scanner is stopped there first: its status is then running with
        cancelling, and wait_for_scan tells when it is over. A scan that is over stays as it is."""
        caller = current_caller()
        scan = await parts.scans.status(caller, task_id)
        _check_may_cancel(caller, scan)
        deed = current_deed()
        deed.task_id, deed.pool = scan.id, scan.pool
        if not _is_ending(scan):
            await parts.scanpool.cancel(scan.id, pool=scan.pool, by=caller.subject, reason=reason)
            scan = await _heard(parts, scan)
        return await parts.statuses.of(scan, caller)

    return (
        ToolDefinition(
            call=cancel_scan,
            title="Cancel a scan",
            scope="scan:cancel",
            read_only=False,
            destructive=True,
        ),
    )


def _check_may_cancel(caller: Caller, scan: ScanStatus) -> None:
    if scan.owner != caller.subject and not caller.may("ops"):
        raise Refusal(
            "scope",
            "the scan is somebody else's: you may read it, and not cancel it",
            hint="ask its owner, or those who run scanpool",
        )


async def _heard(parts: Parts, scan: ScanStatus) -> ScanStatus:
    """The scan once it is being stopped, or as it is when the time is over."""
    clock = asyncio.get_running_loop().time
    deadline = clock() + HEARD_S
    while not _is_ending(scan) and clock() < deadline and await every(_LOOK_S, parts.stopping):
        scan = await parts.scanpool.status(scan.id, pool=scan.pool)
    return scan


def _is_ending(scan: ScanStatus) -> bool:
    return scan.is_over or scan.cancelling
