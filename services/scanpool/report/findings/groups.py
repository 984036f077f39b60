"""Findings counted by plugin, host, CVE or family, the worst first."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

import msgspec

from scanpool.report.findings.choosing import Plan, chosen, plan_of
from scanpool.report.findings.conditions import Condition, both, of_hosts, of_plugins
from scanpool.report.findings.counts import WORST_FIRST, severity_counts
from scanpool.report.findings.errors import UnknownField
from scanpool.report.findings.filters import ALL, Filters
from scanpool.report.findings.host_plugins import plugins_on
from scanpool.report.findings.query import PAGE_SIZE, check_page
from scanpool.report.findings.selection import Marked, Selection
from scanpool.report.findings.store import Store
from scanpool_schemas.names import nearest
from scanpool_schemas.result import SeverityCounts

By = Literal["plugin", "host", "cve", "family"]
GROUPINGS: tuple[By, ...] = get_args(By)

_FITS = {"critical": "IS 4", "high": "IS 3", "medium": "IS 2", "low": "IS 1", "info": "IS 0", "unrated": "IS NULL"}
_KEYS: dict[By, str] = {
    "plugin": "COALESCE(p.plugin_id, -p.id)",
    "host": "n.host",
    "cve": "cve",
    "family": "family",
}
_ORDER = f"{', '.join(f'{name} DESC' for name in WORST_FIRST)}, score IS NULL, score DESC, key"
_COUNTED = f"SELECT key, plugin, {', '.join(WORST_FIRST)}, score FROM temp."  # noqa: S608  # names of ours
_PLUGIN = "SELECT plugin_id, name, family FROM plugins WHERE id = ?"
_HOST = "SELECT name, address, fqdn, os, verdict FROM hosts WHERE id = ?"

_RANKS_AT_ONCE = 16_384


class Group(msgspec.Struct, frozen=True, kw_only=True):
    """Findings that have something in common."""

    key: dict[str, Any]
    """What they have in common, by field: of a plugin its plugin_id, plugin_name and plugin_family; of a host its
    host, host_ip, host_fqdn, operating_system and the login's verdict; of a CVE cve; of a family plugin_family."""
    findings: int
    severity: SeverityCounts
    cvss_score: float | None
    """The highest one; null of hosts."""


class GroupPage(msgspec.Struct, frozen=True, kw_only=True):
    """Some of the groups."""

    by: By
    groups: tuple[Group, ...]
    """The one with the most critical findings first, then the most high ones and so on, then by score, or of hosts by
    address."""
    filters: Filters
    total: int
    """All groups."""
    findings: int
    """All that the filters leave; with CVEs they count once, however many they have."""
    page: int
    page_size: int
    total_pages: int
    has_next: bool
    next_page: int | None


@dataclass(frozen=True, slots=True)
class _Source:
    """What is counted: tables with plugins as p, a condition, and how many findings each row stands for."""

    tables: str
    condition: Condition
    count: str
    plugin: str = "MIN(p.id)"
    """One of the group's plugins."""


def groups(
    store: Store,
    by: By,
    filters: Filters = ALL,
    *,
    page: int = 1,
    page_size: int = PAGE_SIZE,
) -> GroupPage:
    """A page of groups.

    Raises:
        BadQuery: there is no such grouping or page.
        NotAFindingsFile: the file is damaged.
    """
    check_grouping(by)
    check_page(page, page_size)
    counted = store.table((by, filters), lambda name: _count(store, name, by, filters))
    total = store.value(f"SELECT COUNT(*) FROM temp.{counted}")  # noqa: S608  # names of ours
    start = (page - 1) * page_size
    places = (start, min(start + page_size, total))
    shown = store.rows(f"{_COUNTED}{counted} WHERE rowid > ? AND rowid <= ? ORDER BY rowid", places)
    more = start + page_size < total
    return GroupPage(
        by=by,
        groups=tuple(_group(store, by, row) for row in list(shown)),
        filters=filters,
        total=total,
        findings=chosen(store, filters).total(),
        page=page,
        page_size=page_size,
        total_pages=-(-total // page_size),
        has_next=more,
        next_page=page + 1 if more else None,
    )


def host_count(store: Store, filters: Filters) -> int:
    """On how many hosts there are findings that plugins' filters leave; those on hosts, ports and texts do not count.

    Raises:
        NotAFindingsFile: the file is damaged.
    """
    wanted = of_plugins(filters)
    # A plugin's findings are neighbours: only they are read.
    tables = "plugins p CROSS JOIN findings f ON f.rank BETWEEN p.first_rank AND p.last_rank"
    statement = f"SELECT COUNT(DISTINCT f.host) FROM {tables}{wanted.where}"  # noqa: S608  # names of ours
    return int(store.value(statement, wanted.parameters))


def check_grouping(by: str) -> None:
    """Check that there is such a grouping.

    Raises:
        UnknownField: there is none; says which there are.
    """
    if by not in GROUPINGS:
        close = nearest(by, GROUPINGS)
        meant = f"; did you mean {close!r}?" if close else "."
        raise UnknownField(f"there is no grouping by {by!r}{meant} There are: {', '.join(GROUPINGS)}")


def _count(store: Store, name: str, by: By, filters: Filters) -> None:
    """Fill the temporary table of this name with the groups, in order."""
    if by == "host" and filters == Filters(host=filters.host, severity=filters.severity):
        _count_hosts(store, name, filters)
        return
    source = _source(store, name, by, filters)
    score = "NULL" if by == "host" else "MAX(p.score)"
    sums = ", ".join(f"SUM({source.count} * (p.severity {_FITS[each]})) AS {each}" for each in WORST_FIRST)
    store.change(
        f"CREATE TEMP TABLE {name} AS SELECT {_KEYS[by]} AS key, {source.plugin} AS plugin, {sums}, "  # noqa: S608
        f"{score} AS score FROM {source.tables}{source.condition.where} GROUP BY 1 ORDER BY {_ORDER}",
        source.condition.parameters,
    )
    store.change(f"DROP TABLE IF EXISTS temp.{name}_rows")


def _count_hosts(store: Store, name: str, filters: Filters) -> None:
    """By the counts that hosts have."""
    counts = [each if not filters.severity or each in filters.severity else "0" for each in WORST_FIRST]
    columns = ", ".join(f"{count} AS {each}" for count, each in zip(counts, WORST_FIRST, strict=True))
    named = of_hosts(filters.host) if filters.host else Condition()
    found = both((named, Condition(f"({' + '.join(counts)}) > 0")))
    store.change(
        f"CREATE TEMP TABLE {name} AS SELECT id AS key, NULL AS plugin, {columns}, NULL AS score FROM hosts"  # noqa: S608
        f"{found.where} ORDER BY {_ORDER}",
        found.parameters,
    )


def _source(store: Store, name: str, by: By, filters: Filters) -> _Source:
    if by == "cve" and filters == ALL:
        return _Source("cves p", Condition(), "p.findings", "p.plugin")
    plan = plan_of(store, filters)
    rows, table = plan.rows, "findings"
    found = chosen(store, filters) if plan.searches else None
    if found is not None and (by == "host" or not isinstance(found, Marked)):
        table, rows = f"{name}_rows", Condition()
        _list_rows(store, table, found)
    if by == "host":
        return _Source(f"{table} n JOIN plugins p ON p.id = n.plugin", both((of_plugins(filters), rows)), "1")
    cves = " JOIN (SELECT cve, plugin FROM cves) c ON c.plugin = p.id" if by == "cve" else ""
    if not plan.searches and not rows.text:
        return _Source(f"plugins p{cves}", of_plugins(filters), "(p.last_rank - p.first_rank + 1)")
    listed = _counted_plugins(store, plan, found)
    if listed is not None:
        table = f"{name}_rows"
        _list_plugins(store, table, listed)
        return _Source(f"{_joined(store, table, len(listed))}{cves}", of_plugins(filters), "n.rows")
    counted = f"(SELECT plugin, COUNT(*) AS rows FROM {table}{rows.where} GROUP BY plugin)"  # noqa: S608  # ours
    wanted = of_plugins(filters)
    condition = Condition(wanted.text, (*rows.parameters, *wanted.parameters))
    return _Source(f"{counted} n JOIN plugins p ON p.id = n.plugin{cves}", condition, "n.rows")


def _counted_plugins(store: Store, plan: Plan, found: Selection | None) -> Mapping[int, int] | None:
    """How many findings plugins have, by plugin, where it is known without reading findings."""
    if isinstance(found, Marked):
        spans = store.rows("SELECT id, first_rank, last_rank FROM plugins")
        return {plugin: count for plugin, *span in spans if (count := found.within(*span))}
    if plan.hosts is not None and plan.by_plugin_and_host:
        return plugins_on(store, plan.hosts)
    return None


def _joined(store: Store, table: str, listed: int) -> str:
    """Plugins with a table that lists some: gone through in order where it lists many, else found one by one."""
    many = listed > store.counts.plugins // 8
    order = ("plugins p", f"{table} n") if many else (f"{table} n", "plugins p")
    return f"{' CROSS JOIN '.join(order)} ON n.plugin = p.id"


def _list_plugins(store: Store, table: str, counted: Mapping[int, int]) -> None:
    """Fill a temporary table with plugins and how many findings they have."""
    store.change(f"CREATE TEMP TABLE {table} (plugin INTEGER PRIMARY KEY, rows INTEGER)")
    statement = f"INSERT INTO temp.{table} SELECT key, value FROM json_each(?)"  # noqa: S608  # names of ours
    store.change(statement, (msgspec.json.encode(counted).decode(),))


def _list_rows(store: Store, table: str, found: Selection) -> None:
    """Fill a temporary table with plugin and host of the findings whose outputs were looked at."""
    store.change(f"CREATE TEMP TABLE {table} (plugin INTEGER, host INTEGER)")
    joined = "json_each(?) CROSS JOIN findings ON rank = value"
    rank = 0
    while ranks := found.after(rank, _RANKS_AT_ONCE):
        listed = msgspec.json.encode(ranks).decode()
        store.change(f"INSERT INTO temp.{table} SELECT plugin, host FROM {joined}", (listed,))  # noqa: S608  # ours
        rank = ranks[-1]


def _group(store: Store, by: By, row: tuple[Any, ...]) -> Group:
    key, plugin, *counts, score = row
    return Group(
        key=_key(store, by, key, plugin),
        findings=sum(counts),
        severity=severity_counts(counts),
        cvss_score=score,
    )


def _key(store: Store, by: By, key: Any, plugin: int | None) -> dict[str, Any]:
    match by:
        case "plugin":
            names: tuple[str, ...] = ("plugin_id", "plugin_name", "plugin_family")
            return dict(zip(names, next(store.rows(_PLUGIN, (plugin,))), strict=True))
        case "host":
            names = ("host", "host_ip", "host_fqdn", "operating_system", "verdict")
            return dict(zip(names, next(store.rows(_HOST, (key,))), strict=True))
        case "cve":
            return {"cve": key}
        case "family":
            return {"plugin_family": key}
