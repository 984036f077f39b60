"""Pages of findings and of compliance results, in an order that never changes, with totals that are true."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Protocol

import msgspec

from scanpool.report.findings.choosing import AnyFilters, chosen
from scanpool.report.findings.cursor import cursor as cursor_text
from scanpool.report.findings.cursor import key, read_cursor
from scanpool.report.findings.errors import BadPage
from scanpool.report.findings.filters import ALL, ALL_RESULTS, ComplianceFilters, Filters
from scanpool.report.findings.profiles import Fields, compliance_fields, finding_fields
from scanpool.report.findings.records import ComplianceRecords, FindingRecords
from scanpool.report.findings.selection import Selection
from scanpool.report.findings.store import Store

PAGE_SIZE = 40
LARGEST_PAGE = 1000
BATCH = 256
"""Findings that are in memory together while all are read."""
_HIGHEST_PAGE = 10**12


class Page(msgspec.Struct, frozen=True, kw_only=True):
    """Some of what the filters leave."""

    rows: tuple[dict[str, Any], ...]
    """In page order, each with the chosen fields."""
    fields: tuple[str, ...]
    profile: str | None
    filters: AnyFilters
    total: int
    """All that the filters leave."""
    page: int | None
    """From 1; null where a cursor was followed."""
    page_size: int
    total_pages: int
    has_next: bool
    next_page: int | None
    next_cursor: str | None
    """The page after this one; good for this file and these filters, in any process."""


class _Records(Protocol):
    def of(self, ranks: Sequence[int]) -> Iterator[dict[str, Any]]: ...


def findings(
    store: Store,
    filters: Filters = ALL,
    fields: str | Sequence[str] = "summary",
    *,
    page: int = 1,
    page_size: int = PAGE_SIZE,
    cursor: str | None = None,
) -> Page:
    """A page of findings: by its number, or the one after a cursor.

    `fields` is a profile (minimal, summary, brief, full) or names of fields.

    Raises:
        BadQuery: there is no such field or page, or the cursor is not of this file and these filters.
        NotAFindingsFile: the file is damaged.
    """
    shown = finding_fields(fields)
    return _page(store, filters, shown, FindingRecords(store, shown), page, page_size, cursor)


def compliance(
    store: Store,
    filters: ComplianceFilters = ALL_RESULTS,
    fields: str | Sequence[str] = "summary",
    *,
    page: int = 1,
    page_size: int = PAGE_SIZE,
    cursor: str | None = None,
) -> Page:
    """A page of compliance results: by its number, or the one after a cursor.

    Raises:
        BadQuery: there is no such field or page, or the cursor is not of this file and these filters.
        NotAFindingsFile: the file is damaged.
    """
    shown = compliance_fields(fields)
    return _page(store, filters, shown, ComplianceRecords(store, shown), page, page_size, cursor)


def every_finding(
    store: Store, filters: Filters = ALL, fields: str | Sequence[str] = "summary"
) -> Iterator[dict[str, Any]]:
    """All findings that the filters leave, read as they are asked for: memory does not grow with them.

    Raises:
        UnknownField: there is no such field.
        NotAFindingsFile: the file is damaged.
    """
    return _every(chosen(store, filters), FindingRecords(store, finding_fields(fields)))


def every_result(
    store: Store, filters: ComplianceFilters = ALL_RESULTS, fields: str | Sequence[str] = "summary"
) -> Iterator[dict[str, Any]]:
    """All compliance results that the filters leave, read as they are asked for.

    Raises:
        UnknownField: there is no such field.
        NotAFindingsFile: the file is damaged.
    """
    return _every(chosen(store, filters), ComplianceRecords(store, compliance_fields(fields)))


def finding(store: Store, rank: int, fields: str | Sequence[str] = "full") -> dict[str, Any] | None:
    """The finding of this rank; None where there is none.

    Raises:
        UnknownField: there is no such field.
    """
    known = 1 <= rank <= store.counts.findings
    return next(FindingRecords(store, finding_fields(fields)).of([rank] if known else []), None)


def total(store: Store, filters: AnyFilters) -> int:
    """How many findings, or compliance results, the filters leave."""
    return chosen(store, filters).total()


def shortened(store: Store, page: Page, count: int) -> Page:
    """The page with its first `count` findings alone, and the cursor that goes on after them; it has field `rank`."""
    if count >= len(page.rows):
        return page
    file, condition = _keys(store, page.filters)
    end = read_cursor(page.next_cursor, file, condition).seen if page.next_cursor is not None else page.total
    seen = end - len(page.rows) + count
    after = cursor_text(file, condition, rank=page.rows[count - 1]["rank"], seen=seen, total=page.total)
    rows = page.rows[:count]
    return msgspec.structs.replace(page, rows=rows, has_next=True, next_page=None, next_cursor=after)


def check_page(page: int, page_size: int) -> None:
    """Check that there can be such a page.

    Raises:
        BadPage: there can not.
    """
    if not 1 <= page <= _HIGHEST_PAGE:
        raise BadPage(f"page {page} cannot be: pages are counted from 1")
    if not 1 <= page_size <= LARGEST_PAGE:
        raise BadPage(f"page size {page_size} cannot be: it is 1 to {LARGEST_PAGE}")


def _page(
    store: Store,
    filters: AnyFilters,
    fields: Fields,
    records: _Records,
    page: int,
    page_size: int,
    cursor: str | None,
) -> Page:
    check_page(page, page_size)
    selection = chosen(store, filters)
    file, condition = _keys(store, filters)
    if cursor is None:
        before, count = (page - 1) * page_size, selection.total()
        ranks = selection.at(before, page_size)
    else:
        place = read_cursor(cursor, file, condition)
        before, count = place.seen, place.total
        ranks = selection.after(place.rank, page_size)
    seen = before + len(ranks)
    more = bool(ranks) and seen < count
    return Page(
        rows=tuple(records.of(ranks)),
        fields=fields.names,
        profile=fields.profile,
        filters=filters,
        total=count,
        page=page if cursor is None else None,
        page_size=page_size,
        total_pages=-(-count // page_size),
        has_next=more,
        next_page=page + 1 if more and cursor is None else None,
        next_cursor=cursor_text(file, condition, rank=ranks[-1], seen=seen, total=count) if more else None,
    )


def _keys(store: Store, filters: AnyFilters) -> tuple[bytes, bytes]:
    file = key(store.digest.encode(), msgspec.json.encode(store.about.get("scan")))
    return file, key(type(filters).__name__.encode(), msgspec.json.encode(filters))


def _every(selection: Selection, records: _Records) -> Iterator[dict[str, Any]]:
    rank = 0
    while ranks := selection.after(rank, BATCH):
        yield from records.of(ranks)
        rank = ranks[-1]
