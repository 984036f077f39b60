"""How a scan is."""

from __future__ import annotations

from scanpool.bridge.caller import current_caller
from scanpool.bridge.models.status import Status
from scanpool.bridge.parts import Parts
from scanpool.bridge.toolkit import ToolDefinition


def tools(parts: Parts) -> tuple[ToolDefinition, ...]:
    """The tools of this topic."""

    async def get_scan_status(task_id: str) -> Status:
        """How a scan is now."""
        found = await parts.scans.status(current_caller(), task_id)
        return Status(task_id=found.id, status=found.status, scanner_pool=found.pool)

    return (ToolDefinition(call=get_scan_status, title="Scan status", scope="scan:read"),)
