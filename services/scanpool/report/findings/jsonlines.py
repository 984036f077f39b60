"""Pages and whole scans as JSON lines: what they hold, what scan it is, the findings, where to go on."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import Any

import msgspec

from scanpool.report.findings.choosing import AnyFilters
from scanpool.report.findings.filters import Filters
from scanpool.report.findings.profiles import Fields, compliance_fields, finding_fields
from scanpool.report.findings.query import Page, every_finding, every_result, total
from scanpool.report.findings.store import Store

_encode = json.JSONEncoder(separators=(",", ":"), ensure_ascii=True, allow_nan=False).encode


def line(value: Any) -> bytes:
    """One line of ASCII: what would end a line, steer a terminal or be no Unicode text is escaped."""
    return _encode(value).encode("ascii") + b"\n"


def page_lines(store: Store, page: Page) -> Iterator[bytes]:
    """The lines of a page: schema, scan_metadata, the findings, pagination."""
    yield _schema(page.profile, page.fields, page.filters, page.total)
    yield _metadata(store)
    for row in page.rows:
        yield line(row)
    names = ("page", "page_size", "total_pages", "has_next", "next_page", "next_cursor")
    yield line({"type": "pagination", "total": page.total, **{name: getattr(page, name) for name in names}})


def all_lines(store: Store, filters: AnyFilters, fields: str | Sequence[str] = "summary") -> Iterator[bytes]:
    """The lines of all that the filters leave, as one page; read as they are asked for.

    Raises:
        UnknownField: there is no such field.
        NotAFindingsFile: the file is damaged.
    """
    if isinstance(filters, Filters):
        return _all(store, filters, finding_fields(fields), every_finding(store, filters, fields))
    return _all(store, filters, compliance_fields(fields), every_result(store, filters, fields))


def _all(store: Store, filters: AnyFilters, fields: Fields, rows: Iterable[dict[str, Any]]) -> Iterator[bytes]:
    count = total(store, filters)
    end = {"type": "pagination", "total": count, "page": 1, "page_size": count, "total_pages": min(count, 1)}
    beginning = (_schema(fields.profile, fields.names, filters, count), _metadata(store))
    ending = (line({**end, "has_next": False, "next_page": None, "next_cursor": None}),)
    return chain(beginning, map(line, rows), ending)


def _schema(profile: str | None, fields: Sequence[str], filters: AnyFilters, count: int) -> bytes:
    return line(
        {
            "type": "schema",
            "kind": "findings" if isinstance(filters, Filters) else "compliance",
            "profile": profile or "custom",
            "fields": fields,
            "filters_applied": msgspec.to_builtins(filters),
            "total": count,
        }
    )


def _metadata(store: Store) -> bytes:
    about = {**store.about, "digest": store.digest, "counts": msgspec.to_builtins(store.counts)}
    return line({"type": "scan_metadata", **about})
