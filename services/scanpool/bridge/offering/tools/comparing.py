"""What changed between two scans."""

from __future__ import annotations

from scanpool.bridge.answering.models.results import MinSeverity, ScanComparison
from scanpool.bridge.answering.toolkit import ToolDefinition
from scanpool.bridge.caller import current_caller
from scanpool.bridge.parts import Parts
from scanpool.bridge.reading.comparisons import scan_comparison


def tools(parts: Parts) -> tuple[ToolDefinition, ...]:
    """The tools of this topic."""

    async def compare_scans(
        base_task_id: str, task_id: str, min_severity: MinSeverity | None = None, cursor: str | None = None
    ) -> ScanComparison:
        """What is new, fixed and changed since a base scan, the worst first; warnings say why they may not compare."""
        return await scan_comparison(
            parts, current_caller(), base_task_id, task_id, min_severity=min_severity, cursor=cursor
        )

    return (ToolDefinition(call=compare_scans, title="Compare scans", scope="scan:read"),)
