"""The findings of a scan in groups, the hosts that have the worst, and what changed since the scan before."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

import msgspec

from scanpool.bridge.answering.models.results import (
    Delta,
    FindingGroup,
    FindingsSummary,
    Grouping,
    MinSeverity,
    Standing,
)
from scanpool.bridge.answering.refusals import Refusal
from scanpool.bridge.caller import Caller
from scanpool.bridge.parts import Parts
from scanpool.bridge.reading.comparisons import comparability, fates
from scanpool.bridge.reading.filtering import at_least
from scanpool.bridge.reading.opening import Opened, opened
from scanpool.bridge.reading.rows import ENVELOPE_BYTES, RESULT_BYTES, RowCaps, cleaned, within
from scanpool.bridge.reading.standing import standing
from scanpool.bridge.reading.strict import is_address, is_cve, is_number, one_of
from scanpool.report.findings.filters import Filters
from scanpool.report.findings.groups import Group, groups, host_count
from scanpool.report.findings.store import Store
from scanpool_schemas.result import LoginVerdict, SeverityCounts
from scanpool_schemas.status import ScanStatus

TOP_HOSTS = 5
SCANS_LOOKED_AT = 100
"""Of its owner's scans of the pool before it, the newest, to find the one that it is compared with."""
_STRICT = {
    "plugin_id": is_number,
    "host_ip": is_address,
    "cve": is_cve,
    "verdict": one_of(*(verdict.value for verdict in LoginVerdict)),
}
_CALLED = {"verdict": "login"}


@dataclass(frozen=True, slots=True)
class _Counted:
    group: Group
    hosts: int | None = None
    """On how many hosts its findings are."""


async def findings_summary(
    parts: Parts,
    caller: Caller,
    task_id: str,
    *,
    group_by: Grouping = "plugin",
    limit: int = 20,
    min_severity: MinSeverity | None = None,
) -> FindingsSummary:
    """The findings of the caller's scan in groups.

    Raises:
        Refusal: there is no such scan of the caller's, or it has no findings (yet).
    """
    scan = await opened(parts, caller, task_id)
    wanted = Filters(severity=at_least(min_severity))
    asked = partial(_read, group_by=group_by, limit=limit, wanted=wanted, stands=standing(scan.status))
    summary = await scan.read(asked)
    return summary.model_copy(update={"delta": await _delta(parts, caller, scan, min_severity)})


def _read(store: Store, *, group_by: Grouping, limit: int, wanted: Filters, stands: Standing) -> FindingsSummary:
    found = groups(store, group_by, wanted, page_size=limit)
    hosts = None if group_by == "host" else groups(store, "host", wanted, page_size=TOP_HOSTS).groups
    top = None if hosts is None else within([_Counted(each) for each in hosts], _group, ENVELOPE_BYTES)
    counted = [_Counted(each, _hosts(store, each, wanted)) for each in found.groups]
    shown = within(counted, _group, RESULT_BYTES - 3 * ENVELOPE_BYTES)
    return FindingsSummary(
        **dict(stands),
        hosts_scanned=store.counts.hosts,
        findings=found.findings,
        severity=_counts(store.counts.severity, wanted),
        groups=[FindingGroup(**each) for each in shown],
        groups_total=found.total,
        top_hosts=None if top is None else [FindingGroup(**each) for each in top],
    )


def _hosts(store: Store, group: Group, wanted: Filters) -> int | None:
    """On how many hosts the group's findings are; None where the group is a host, or a plugin without a number."""
    match group.key:
        case {"plugin_id": int(plugin)}:
            narrowed = msgspec.structs.replace(wanted, plugin_id=(plugin,))
        case {"cve": str(cve)} if is_cve(cve):
            narrowed = msgspec.structs.replace(wanted, cve=(cve,))
        case {"plugin_family": str(family), **others} if family and not others:
            narrowed = msgspec.structs.replace(wanted, family=(family,))
        case _:
            return None
    return host_count(store, narrowed)


def _group(counted: _Counted, caps: RowCaps) -> dict[str, Any]:
    group = counted.group
    strict = {name: value for name, value in group.key.items() if name in _STRICT and _STRICT[name](value)}
    rest = {name: value for name, value in group.key.items() if name not in strict and value not in (None, "")}
    if rest.get("host") == strict.get("host_ip"):
        rest.pop("host", None)
    return {
        **{_CALLED.get(name, name): value for name, value in strict.items()},
        "findings": group.findings,
        "hosts": counted.hosts,
        "severity": _counts(group.severity),
        "cvss_score": group.cvss_score,
        "untrusted": {name: cleaned(name, value, caps) for name, value in rest.items()},
    }


def _counts(counted: SeverityCounts, wanted: Filters = Filters()) -> dict[str, int]:  # noqa: B008  # frozen
    """What there is of each severity that is asked for; without those of which there is none."""
    found: dict[str, int] = msgspec.to_builtins(counted)
    return {name: count for name, count in found.items() if count and (not wanted.severity or name in wanted.severity)}


async def _delta(parts: Parts, caller: Caller, scan: Opened, min_severity: MinSeverity | None) -> Delta | None:
    """Against the scan before, where there is one whose findings can still be had."""
    before = await _before(parts, scan.status)
    if before is None:
        return None
    try:
        base = await opened(parts, caller, before.id)
    except Refusal:
        return None
    return Delta(
        base_task_id=before.id,
        submitted_at=before.submitted_at,
        counts=await fates(base, scan, min_severity),
        warnings=comparability(base.status, scan.status),
    )


async def _before(parts: Parts, scan: ScanStatus) -> ScanStatus | None:
    """The owner's newest completed scan of the same targets that was asked for before this one."""
    earlier = await parts.owned.scans(scan.owner or "", scan.pool, before=scan.submitted_at, most=SCANS_LOOKED_AT)
    alike = (
        each
        for each in earlier
        if each.status == "completed" and each.findings is not None and set(each.targets) == set(scan.targets)
    )
    return next(alike, None)
