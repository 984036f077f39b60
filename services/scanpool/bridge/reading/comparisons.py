"""Two scans of a caller compared: what is new, fixed and changed, and why they may not be comparable."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import takewhile
from typing import Any

import anyio.to_thread

from scanpool.bridge.answering.models.results import Fates, FindingChange, MinSeverity, ScanComparison
from scanpool.bridge.caller import Caller
from scanpool.bridge.parts import Parts
from scanpool.bridge.reading.filtering import at_least
from scanpool.bridge.reading.opening import Opened, answered, opened
from scanpool.bridge.reading.rows import ENVELOPE_BYTES, RESULT_BYTES, RowCaps, cleaned, within
from scanpool.bridge.reading.standing import standing
from scanpool.bridge.reading.strict import is_address, one_of
from scanpool.report.findings.comparison import STATUSES, Change, Comparison, Counts, Summary
from scanpool.report.findings.cursor import cursor, key, read_cursor
from scanpool_schemas.status import ScanStatus

PAGE_SIZE = 50
_ROWS_BYTES = RESULT_BYTES - 3 * ENVELOPE_BYTES
_SEVERITIES = ("critical", "high", "medium", "low", "info", "unrated")
_is_severity = one_of(*_SEVERITIES)
_is_result = one_of("FAILED", "ERROR", "WARNING", "SKIPPED", "PASSED")


async def scan_comparison(
    parts: Parts,
    caller: Caller,
    base_task_id: str,
    task_id: str,
    *,
    min_severity: MinSeverity | None = None,
    cursor: str | None = None,
) -> ScanComparison:
    """What became of the findings of the base scan, the worst first; both are the caller's.

    Raises:
        Refusal: there are no such scans of the caller's, one has no findings (yet), or the cursor is none of theirs.
    """
    base, scan = await opened(parts, caller, base_task_id), await opened(parts, caller, task_id)
    place = _Place.read(base, scan, min_severity, cursor)
    return await anyio.to_thread.run_sync(partial(_compare, base, scan, min_severity, place))


async def fates(base: Opened, scan: Opened, min_severity: MinSeverity | None) -> Fates:
    """The numbers alone."""

    def count() -> Fates:
        with answered(), Comparison(base.file, scan.file) as comparison:
            return _fates(comparison.summary(), min_severity)

    return await anyio.to_thread.run_sync(count)


def comparability(base: ScanStatus, scan: ScanStatus) -> list[str]:
    """Why what seems new or fixed may be neither; in words of our own. No I/O."""
    return [sentence for differs, sentence in _differences(base, scan) if differs]


def _differences(base: ScanStatus, scan: ScanStatus) -> Iterator[tuple[bool, str]]:
    before, after = set(base.targets), set(scan.targets)
    yield (
        before != after,
        f"The targets differ: {len(before - after)} only in base, {len(after - before)} only in scan.",
    )
    yield base.scan_type != scan.scan_type, f"The scan types differ: {base.scan_type}, then {scan.scan_type}."
    logins = (base.authentication_status, scan.authentication_status)
    yield logins[0] != logins[1], f"The logins differ: {logins[0]}, then {logins[1]}."
    yield _policy(base) != _policy(scan), "The policies differ."
    yield (
        base.submitted_at > scan.submitted_at,
        "The base scan is the newer one: new and fixed are the other way round.",
    )
    for status in (base, scan):
        yield status.status != "completed", f"Scan {status.id} ended as {status.status}: findings may be missing."


def _policy(status: ScanStatus) -> str:
    return status.result.results_summary.policy_name if status.result is not None else ""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Place:
    """Where a page begins, and what its cursors are good for."""

    scans: bytes
    severity: bytes
    offset: int

    @classmethod
    def read(cls, base: Opened, scan: Opened, min_severity: MinSeverity | None, text: str | None) -> _Place:
        files = [each.status.findings.sha256.encode() for each in (base, scan) if each.status.findings is not None]
        scans, severity = key(*files), key((min_severity or "").encode())
        if text is None:
            return cls(scans=scans, severity=severity, offset=0)
        with answered():
            return cls(scans=scans, severity=severity, offset=read_cursor(text, scans, severity).seen)

    def after(self, count: int, total: int) -> str | None:
        """The cursor after so many changes; None at the end."""
        seen = self.offset + count
        return cursor(self.scans, self.severity, rank=seen, seen=seen, total=total) if seen < total else None


def _compare(base: Opened, scan: Opened, min_severity: MinSeverity | None, place: _Place) -> ScanComparison:
    with answered(), Comparison(base.file, scan.file) as comparison:
        summary = comparison.summary()
        listed = comparison.changes(limit=PAGE_SIZE, offset=place.offset)
        changes = list(takewhile(partial(_is_wanted, min_severity), listed))
    rows = within(changes, _change, _ROWS_BYTES)
    counts, compliance = _fates(summary, min_severity), _counted([] if min_severity else [summary.compliance])
    total = _changes_in(counts) + _changes_in(compliance)
    return ScanComparison(
        base=standing(base.status),
        scan=standing(scan.status),
        warnings=comparability(base.status, scan.status),
        counts=counts,
        compliance=compliance if any(compliance.values()) else None,
        hosts={"in_both": summary.hosts_in_both, "new": summary.hosts_new, "gone": summary.hosts_gone},
        total=total,
        returned=len(rows),
        next_cursor=place.after(len(rows), total),
        changes=[FindingChange(**row) for row in rows],
    )


def _fates(summary: Summary, min_severity: MinSeverity | None) -> Fates:
    wanted = at_least(min_severity)
    if not wanted:
        return _counted([summary.findings])
    return _counted([counts for name, counts in summary.by_severity.items() if name in wanted])


def _counted(counts: Sequence[Counts]) -> Fates:
    return {name: sum(getattr(each, name) for each in counts) for name in (*STATUSES, "unchanged")}


def _changes_in(counted: Fates) -> int:
    return sum(counted[status] for status in STATUSES)


def _is_wanted(min_severity: MinSeverity | None, change: Change) -> bool:
    """Changes stand by severity, the worst first, so that the wanted ones are the first."""
    wanted = at_least(min_severity)
    return not wanted or (change.kind == "finding" and (change.after or change.before) in wanted)


def _change(change: Change, caps: RowCaps) -> dict[str, Any]:
    strict = is_address(change.address)
    texts = {"plugin_name": change.name, "host": "" if strict and change.host == change.address else change.host}
    if not strict:
        texts["address"] = change.address
    states: dict[str, str] = {}
    for name, state in (("before", change.before), ("after", change.after)):
        if state is not None:
            known = _is_severity(state) or _is_result(state)
            (states if known else texts)[name] = state
    return {
        "status": change.status,
        "reason": change.reason or None,
        "kind": change.kind,
        **states,
        "plugin_id": change.plugin_id,
        "host_ip": change.address if strict else None,
        "port": change.port if change.kind == "finding" else None,
        "untrusted": {name: cleaned(name, text, caps) for name, text in texts.items() if text},
    }
