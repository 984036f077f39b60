"""Pages of findings, cut so that each answer stays within its size."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial

from scanpool.bridge.answering.models.results import Finding, FindingFilters, FindingsPage, Profile, Standing
from scanpool.bridge.caller import Caller
from scanpool.bridge.parts import Parts
from scanpool.bridge.reading import lines
from scanpool.bridge.reading.filtering import as_filters
from scanpool.bridge.reading.opening import opened
from scanpool.bridge.reading.rows import ENVELOPE_BYTES, RESULT_BYTES, shown, size, within
from scanpool.bridge.reading.standing import standing
from scanpool.report.findings.profiles import finding_fields
from scanpool.report.findings.query import Page, findings, shortened
from scanpool.report.findings.store import Store

ROWS_BYTES = RESULT_BYTES - ENVELOPE_BYTES
DEFAULT_LIMIT = 40
_ALWAYS = ("rank", "host_ip", "port")
_PRINTED = frozenset({"plugin_output", "attachments"})
_CUT = "cut to the size of an answer; next_cursor goes on after the last finding"


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """Which findings, and what of them."""

    filters: FindingFilters = field(default_factory=FindingFilters)
    profile: Profile = "brief"
    custom_fields: Sequence[str] = ()
    """Instead of the profile."""
    include_output: bool = False
    limit: int = DEFAULT_LIMIT
    page: int = 1
    cursor: str | None = None
    """Instead of the page."""
    as_lines: bool = False
    """As JSON lines."""


async def findings_page(parts: Parts, caller: Caller, task_id: str, asked: Asked) -> FindingsPage:
    """A page of the findings of the caller's scan.

    Raises:
        Refusal: there is no such scan of the caller's, it has no findings (yet), or there is no such page.
    """
    scan = await opened(parts, caller, task_id)
    return await scan.read(partial(_read, asked=asked, stands=standing(scan.status)))


def report_uri(task_id: str) -> str:
    """The resource with all findings of the scan."""
    return f"scan://{task_id}/report.jsonl"


def _read(store: Store, asked: Asked, stands: Standing) -> FindingsPage:
    chosen = _fields(asked)
    fields = tuple(dict.fromkeys((*_ALWAYS, *chosen)))
    page = findings(
        store, as_filters(asked.filters), fields, page=asked.page, page_size=asked.limit, cursor=asked.cursor
    )
    return _as_lines(store, page, chosen, stands) if asked.as_lines else _as_page(store, page, stands)


def _as_page(store: Store, page: Page, stands: Standing) -> FindingsPage:
    rows = within(page.rows, shown, ROWS_BYTES)
    cut = shortened(store, page, len(rows))
    return _made(stands, cut, whole=cut is page, findings=[Finding(**row) for row in rows])


def _as_lines(store: Store, page: Page, chosen: Sequence[str], stands: Standing) -> FindingsPage:
    beginning = lines.beginning(stands, page, chosen)
    rows = within(page.rows, partial(lines.of_fields, chosen), ROWS_BYTES - size(beginning))
    cut = shortened(store, page, len(rows))
    document = "\n".join((*beginning, *rows, lines.pagination(cut)))
    return _made(stands, cut, whole=cut is page, untrusted={"jsonl": document})


def _made(stands: Standing, page: Page, *, whole: bool, **content: object) -> FindingsPage:
    return FindingsPage.model_validate(
        {
            **dict(stands),
            "total": page.total,
            "returned": len(page.rows),
            "next_cursor": page.next_cursor,
            "next_page": page.next_page,
            "note": None if whole else _CUT,
            **content,
        }
    )


def _fields(asked: Asked) -> Sequence[str]:
    """The names of the chosen fields; what was printed only where it is asked for.

    Raises:
        UnknownField: there is none of this name.
    """
    if asked.custom_fields:
        names = finding_fields(asked.custom_fields).names
    else:
        names = tuple(each for each in finding_fields(asked.profile).names if each not in _PRINTED)
    return tuple(dict.fromkeys((*names, "plugin_output"))) if asked.include_output else names
