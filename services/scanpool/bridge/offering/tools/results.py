"""What a scan found: pages, groups, single findings."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from scanpool.bridge.answering.models.results import (
    FindingDetail,
    FindingFilters,
    FindingsPage,
    FindingsSummary,
    Grouping,
    MinSeverity,
    Profile,
)
from scanpool.bridge.answering.refusals import Refusal
from scanpool.bridge.answering.toolkit import ToolDefinition
from scanpool.bridge.caller import current_caller
from scanpool.bridge.parts import Parts
from scanpool.bridge.reading.details import finding_detail
from scanpool.bridge.reading.pages import DEFAULT_LIMIT, Asked, findings_page, report_uri
from scanpool.bridge.reading.summaries import findings_summary

Limit = Annotated[int, Field(ge=1, le=100)]
ALL_AT_ONCE = "an answer holds one page: next_cursor goes on; report_uri is the resource with all findings"


def tools(parts: Parts) -> tuple[ToolDefinition, ...]:
    """The tools of this topic."""
    return _pages(parts), _groups(parts), _single(parts)


def _pages(parts: Parts) -> ToolDefinition:
    async def get_scan_results(
        task_id: str,
        page: Annotated[int | None, Field(ge=0)] = None,
        page_size: Limit | None = None,
        schema_profile: Profile = "brief",
        custom_fields: Annotated[list[str] | None, Field(description="instead of the profile")] = None,
        filters: FindingFilters | None = None,
        cursor: str | None = None,
        limit: Limit | None = None,
        include_output: bool = False,
        format: Literal["pages", "jsonl"] = "pages",
    ) -> FindingsPage:
        """Findings of a scan that is over, the worst first. Go on with next_cursor and the same filters."""
        if cursor is not None and page is not None:
            raise Refusal("invalid_argument", "page and cursor exclude each other", hint="go on with cursor alone")
        asked = Asked(
            filters=filters or FindingFilters(),
            profile=schema_profile,
            custom_fields=tuple(custom_fields or ()),
            include_output=include_output,
            limit=limit or page_size or DEFAULT_LIMIT,
            page=page or 1,
            cursor=cursor,
            as_lines=format == "jsonl",
        )
        found = await findings_page(parts, current_caller(), task_id, asked)
        if page != 0:
            return found
        return found.model_copy(update={"report_uri": report_uri(found.task_id), "note": ALL_AT_ONCE})

    return ToolDefinition(call=get_scan_results, title="Scan results", scope="scan:read")


def _groups(parts: Parts) -> ToolDefinition:
    async def summarize_findings(
        task_id: str,
        group_by: Grouping = "plugin",
        limit: Annotated[int, Field(ge=1, le=50)] = 20,
        min_severity: MinSeverity | None = None,
    ) -> FindingsSummary:
        """Findings of a scan in groups with host counts, the worst first, and what changed since the scan before."""
        return await findings_summary(
            parts, current_caller(), task_id, group_by=group_by, limit=limit, min_severity=min_severity
        )

    return ToolDefinition(call=summarize_findings, title="Findings in groups", scope="scan:read")


def _single(parts: Parts) -> ToolDefinition:
    async def get_finding(
        task_id: str, finding_id: Annotated[int, Field(ge=1)], offset: Annotated[int, Field(ge=0)] = 0
    ) -> FindingDetail:
        """One finding with remediation and references; read on in a long plugin_output with offset=next_offset."""
        return await finding_detail(parts, current_caller(), task_id, finding_id, offset)

    return ToolDefinition(call=get_finding, title="One finding", scope="scan:read")
