"""One finding, with all that is known of it; what was printed comes in parts."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from scanpool.bridge.answering.models.results import Finding, FindingDetail, Standing
from scanpool.bridge.answering.refusals import Refusal
from scanpool.bridge.answering.untrusted import Part, clean_line, part
from scanpool.bridge.caller import Caller
from scanpool.bridge.parts import Parts
from scanpool.bridge.reading.opening import opened
from scanpool.bridge.reading.rows import DETAIL, ENVELOPE_BYTES, RESULT_BYTES, fitting, shown, size
from scanpool.bridge.reading.standing import standing
from scanpool.report.findings.query import finding
from scanpool.report.findings.store import Store

OUTPUT_CAP = 4096
"""Characters of a part."""
OUTPUT_BYTES = 18_000
"""Of a part as JSON, where a character takes up to four bytes."""
_IDENTITY = ("rank", "plugin_id", "severity_name", "host", "host_ip", "port")
_ATTACHMENTS_SHOWN = 10


async def finding_detail(parts: Parts, caller: Caller, task_id: str, finding_id: int, offset: int = 0) -> FindingDetail:
    """The finding of the caller's scan; from an offset on, what was printed and no more than names the finding.

    Raises:
        Refusal: there is no such scan of the caller's, it has no findings (yet), or not this one.
    """
    scan = await opened(parts, caller, task_id)
    return await scan.read(partial(_read, finding_id=finding_id, offset=offset, stands=standing(scan.status)))


def _read(store: Store, finding_id: int, offset: int, stands: Standing) -> FindingDetail:
    row = finding(store, finding_id)
    if row is None:
        raise Refusal(
            "invalid_argument",
            f"finding_id: this scan has findings 1 to {store.counts.findings}",
            hint="take finding_id from get_scan_results of the same task_id",
        )
    printed = row.pop("plugin_output")
    told = {name: row[name] for name in _IDENTITY} if offset else _with_short_attachments(row)
    piece = _piece(printed or "", offset)
    document = fitting(partial(shown, told), DETAIL, RESULT_BYTES - ENVELOPE_BYTES - size(piece.text))
    if printed is None:
        return FindingDetail(**dict(stands), finding=Finding(**document))
    untrusted = {**document.pop("untrusted", {}), "plugin_output": piece.text}
    return FindingDetail(
        **dict(stands),
        finding=Finding(**document, untrusted=untrusted),
        output_offset=piece.offset,
        output_length=piece.total,
        next_offset=piece.next_offset,
    )


def _piece(printed: str, offset: int) -> Part:
    length = OUTPUT_CAP
    while size((piece := part(printed, offset, length)).text) > OUTPUT_BYTES:
        length //= 2
    return piece


def _with_short_attachments(row: Mapping[str, Any]) -> dict[str, Any]:
    """Attachments by name, type and length: their contents are for people who take the report."""
    held = [each for each in row["attachments"] if isinstance(each, dict)]
    told = [_attachment(each) for each in held[:_ATTACHMENTS_SHOWN]]
    return {**row, "attachments": told}


def _attachment(held: Mapping[str, Any]) -> dict[str, Any]:
    names = {name: clean_line(str(held.get(name, ""))) for name in ("name", "type")}
    return {**names, "content_length": len(str(held.get("content", "")))}
