"""Findings as JSON lines: what they hold, what scan it is, the findings, where to go on."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import msgspec

from scanpool.bridge.answering.models.results import Standing
from scanpool.bridge.answering.untrusted import Caps, clean_value
from scanpool.bridge.caller import Caller
from scanpool.bridge.parts import Parts
from scanpool.bridge.reading.opening import opened
from scanpool.bridge.reading.rows import DETAIL, RowCaps, cleaned, shown
from scanpool.bridge.reading.standing import standing
from scanpool.report.findings.query import Page, every_finding
from scanpool.report.findings.store import Store

REPORT_BYTES = 8 << 20
"""Of a whole report at once; of a larger one its worst findings."""
_ECHO = Caps(text=60, items=5)

_encode = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode


def beginning(stands: Standing, page: Page, fields: Sequence[str]) -> tuple[str, str]:
    """The lines schema and scan_metadata of a page."""
    schema = {
        "type": "schema",
        "kind": "findings",
        "profile": page.profile or "custom",
        "fields": list(fields),
        "filters_applied": clean_value(msgspec.to_builtins(page.filters), _ECHO),
        "total": page.total,
    }
    return _encode(schema), _metadata(stands)


def of_fields(fields: Sequence[str], row: Mapping[str, Any], caps: RowCaps) -> str:
    """The line of a finding, with exactly these fields; all of it is to stand below `untrusted`."""
    return _encode({name: cleaned(name, row[name], caps) for name in fields})


def pagination(page: Page) -> str:
    """The last line."""
    names = ("total", "page", "page_size", "total_pages", "has_next", "next_page", "next_cursor")
    return _encode({"type": "pagination", **{name: getattr(page, name) for name in names}})


async def report_lines(parts: Parts, caller: Caller, task_id: str) -> str:
    """All findings of the caller's scan, a line each as in pages, cleaned, with what was printed.

    Raises:
        Refusal: there is no such scan of the caller's, or it has no findings (yet).
    """
    scan = await opened(parts, caller, task_id)
    return await scan.read(partial(_report, stands=standing(scan.status)))


def _report(store: Store, stands: Standing) -> str:
    written = [_metadata(stands)]
    left = REPORT_BYTES
    for row in every_finding(store, fields="full"):
        line = _encode(shown(row, DETAIL))
        left -= len(line.encode())
        if left < 0:
            break
        written.append(line)
    count = len(written) - 1
    written.append(_encode({"type": "end", "total": store.counts.findings, "returned": count}))
    return "\n".join(written) + "\n"


def _metadata(stands: Standing) -> str:
    return _encode(
        {"type": "scan_metadata", **stands.model_dump(include=set(Standing.model_fields), exclude_none=True)}
    )
