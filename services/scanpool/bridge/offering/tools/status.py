"""How a scan is, and the wait for its end."""

from __future__ import annotations

from typing import Annotated, Any

from mcp.server.mcpserver import Context
from pydantic import Field

from scanpool.bridge.answering.models.status import Status
from scanpool.bridge.answering.toolkit import ToolDefinition
from scanpool.bridge.caller import current_caller
from scanpool.bridge.following.status_view import Detail
from scanpool.bridge.following.waiting import ProgressTeller, until_over
from scanpool.bridge.parts import Parts

LONGEST_WAIT_S = 50
"""Below the minute after which common clients give up."""


def tools(parts: Parts) -> tuple[ToolDefinition, ...]:
    """The tools of this topic."""

    async def get_scan_status(task_id: str, detail: Detail = "concise") -> Status:
        """How a scan is now: status, progress, why it is where it is (explain), what to do next. A status of failed,
        timeout or cancelled has no results to rely on; authentication_status says whether logins worked."""
        caller = current_caller()
        return await parts.statuses.of(await parts.scans.status(caller, task_id), caller, detail=detail)

    async def wait_for_scan(
        task_id: str, ctx: Context[Any], timeout_s: Annotated[int, Field(ge=1, le=LONGEST_WAIT_S)] = 45
    ) -> Status:
        """Wait until a scan is over, at most timeout_s seconds; timed_out says that it goes on: call again. The call
        fails where the scan failed or timed out. Clients with the tasks extension get a task instead."""
        caller = current_caller()
        async with (
            parts.lasting.ending(caller.access, parts.stopping) as ending,
            parts.watcher.watching(task_id) as watch,
        ):
            waited = await until_over(
                watch,
                caller,
                timeout_s=timeout_s,
                stopping=ending,
                tell=ProgressTeller(ctx.report_progress),
            )
        return await parts.statuses.of(waited.scan, caller, timed_out=waited.timed_out)

    return (
        ToolDefinition(call=get_scan_status, title="Scan status", scope="scan:read"),
        ToolDefinition(call=wait_for_scan, title="Wait for a scan", scope="scan:read", failed=_ended_badly),
    )


def _ended_badly(status: Any) -> bool:
    return isinstance(status, Status) and status.ended_badly
