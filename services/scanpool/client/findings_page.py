"""A page of a file of findings, read in a thread."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import anyio.to_thread

from scanpool.report.findings.filter_syntax import parse
from scanpool.report.findings.query import Page, findings
from scanpool.report.findings.store import Store


async def read_page(
    file: Path, filters: Sequence[str], fields: str | Sequence[str], *, page: int, page_size: int, cursor: str | None
) -> Page:
    """The findings that the filters let through, as many as a page holds, worst first.

    Raises:
        BadQuery: there is no such filter, field or page.
        NotAFindingsFile, OtherVersion: the file is damaged, or newer than this library.
    """
    wanted = partial(_read, file, filters, fields, page=page, page_size=page_size, cursor=cursor)
    return await anyio.to_thread.run_sync(wanted)


def _read(
    file: Path, filters: Sequence[str], fields: str | Sequence[str], *, page: int, page_size: int, cursor: str | None
) -> Page:
    wanted = parse(filters)
    with Store(file) as store:
        return findings(store, wanted, fields, page=page, page_size=page_size, cursor=cursor)
