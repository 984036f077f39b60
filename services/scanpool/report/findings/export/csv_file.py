"""Findings as CSV by RFC 4180: a header, then one record a finding; UTF-8 without a byte order mark, lines end in CRLF.

Spreadsheets take a text that begins with `=`, `+`, `-` or `@` for a formula, and what stands in a report was written
by strangers: such a text gets an apostrophe in front, also where blanks or control characters come first.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from scanpool.report.findings.choosing import AnyFilters
from scanpool.report.findings.filters import Filters
from scanpool.report.findings.jsonlines import line
from scanpool.report.findings.profiles import compliance_fields, finding_fields
from scanpool.report.findings.query import every_finding, every_result
from scanpool.report.findings.store import Store

_FORMULA = re.compile(r"[\s\x00-\x20\x7f-\xa0\u200b-\u200f\u2060\ufeff]*[=+\-@\uff1d\uff0b\uff0d\uff20]")
"""Spreadsheets skip what comes first here; some fold the full-width forms."""


def lines(store: Store, filters: AnyFilters, fields: str | Sequence[str] = "full") -> Iterator[bytes]:
    """The header, then a record for each finding, or compliance result, that the filters leave.

    Raises:
        UnknownField: there is no such field.
        NotAFindingsFile: the file is damaged.
    """
    if isinstance(filters, Filters):
        return _records(finding_fields(fields).names, every_finding(store, filters, fields))
    return _records(compliance_fields(fields).names, every_result(store, filters, fields))


def safe(text: str) -> str:
    """The text with an apostrophe in front, where a spreadsheet would take it for a formula."""
    return f"'{text}" if _FORMULA.match(text) else text


def _records(names: Sequence[str], rows: Iterable[dict[str, Any]]) -> Iterator[bytes]:
    yield _record(names)
    for row in rows:
        yield _record([_cell(value) for value in row.values()])


def _record(cells: Sequence[str]) -> bytes:
    written = io.StringIO(newline="")
    csv.writer(written).writerow(cells)
    return written.getvalue().encode("utf-8", "backslashreplace")


def _cell(value: Any) -> str:
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case int() | float():
            return str(value)
        case str():
            return safe(value)
        case [*texts] if all(isinstance(each, str) for each in texts):
            return safe("\n".join(texts))
        case _:
            return line(value).decode().rstrip("\n")
