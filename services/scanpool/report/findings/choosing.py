"""How the ranks that a filter leaves are come by: the cheapest way that is exact."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Literal

from scanpool.report.findings.conditions import (
    Condition,
    any_of,
    both,
    contains,
    of_checks,
    of_hosts,
    of_plugins,
    on_hosts,
)
from scanpool.report.findings.counts import WORST_FIRST
from scanpool.report.findings.filters import ComplianceFilters, Filters
from scanpool.report.findings.host_plugins import nth_on
from scanpool.report.findings.searching.search import Search, found
from scanpool.report.findings.selection import Counted, Listed, Looked, Marked, Selection
from scanpool.report.findings.spans import Run, Spans
from scanpool.report.findings.store import Store

AnyFilters = Filters | ComplianceFilters

MOST_LISTED = 16_384
"""Rows of the chosen hosts, or with a text, that are listed rather than looked for."""
_AT_ONCE = 1_024


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What of a filter is decided where."""

    table: Literal["findings", "compliance"]
    spans: Spans
    """Ranks that plugins, or checks, leave."""
    hosts: tuple[Run, ...] | None
    """Ids of hosts; None where every host fits."""
    ports: tuple[int, ...] = ()
    searches: tuple[Search, ...] = ()

    @property
    def by_plugin_and_host(self) -> bool:
        """Whether a finding's plugin and host alone decide if it fits."""
        return self.table == "findings" and not self.ports and not self.searches

    @property
    def rows(self) -> Condition:
        """On a row of the table, what plugins or checks do not decide; without searches, which SQL cannot read."""
        return both((on_hosts(self.hosts), any_of("port", self.ports)))


def chosen(store: Store, filters: AnyFilters) -> Selection:
    """The ranks that the filters leave; the store remembers the latest ones."""
    return store.remembered(filters, lambda: _chosen(store, filters), lambda selection: selection.weight())


def plan_of(store: Store, filters: AnyFilters) -> Plan:
    """What is decided by plugins or checks is decided here."""
    hosts = _hosts(store, filters.host) if filters.host else None
    if isinstance(filters, ComplianceFilters):
        return Plan(table="compliance", spans=_spans_of_checks(store, filters), hosts=hosts)
    spans = _spans_of_plugins(store, filters)
    return Plan(
        table="findings", spans=spans, hosts=hosts, ports=filters.port, searches=tuple(_searches(store, filters))
    )


def _searches(store: Store, filters: Filters) -> Iterator[Search]:
    yield from map(Search, filters.output)
    for text in filters.text:
        named = contains("name", [text])
        statement = f"SELECT first_rank, last_rank FROM plugins{named.where} ORDER BY first_rank"  # noqa: S608  # ours
        yield Search(text, Spans(store.rows(statement, named.parameters)))


def _chosen(store: Store, filters: AnyFilters) -> Selection:
    plan = plan_of(store, filters)
    if not len(plan.spans) or plan.hosts == ():
        return Counted(Spans(()))
    if plan.searches:
        return _searched(store, filters, plan)
    if not plan.rows.text:
        return Counted(plan.spans)
    if _few(store, plan, filters):
        return Listed(_rows_of_hosts(store, plan, plan.spans))
    return Looked(
        partial(_rows, store, plan),
        _total(store, filters, plan),
        most_listed=MOST_LISTED,
        nth=_nth_of(store, plan),
    )


def _searched(store: Store, filters: AnyFilters, plan: Plan) -> Selection:
    marked = found(store, plan.spans, plan.searches)
    if not plan.rows.text:
        return marked
    if _few(store, plan, filters):
        return Listed(_rows_of_hosts(store, plan, marked))
    if marked.total() <= MOST_LISTED:
        return Listed(_rows_among(store, plan, marked))
    return Looked(lambda after: (rank for rank in _rows(store, plan, after) if rank in marked), most_listed=MOST_LISTED)


def _spans_of_plugins(store: Store, filters: Filters) -> Spans:
    wanted = of_plugins(filters)
    if not wanted.text:
        return _everything(store.counts.findings)
    statement = f"SELECT first_rank, last_rank FROM plugins{wanted.where} ORDER BY first_rank"  # noqa: S608  # ours
    return Spans(store.rows(statement, wanted.parameters))


def _spans_of_checks(store: Store, filters: ComplianceFilters) -> Spans:
    wanted = of_checks(filters)
    if not wanted.text:
        return _everything(store.counts.compliance)
    tables = "results r JOIN checks c ON c.id = r.check_"
    statement = f"SELECT r.first_rank, r.last_rank FROM {tables}{wanted.where} ORDER BY r.first_rank"  # noqa: S608
    return Spans(store.rows(statement, wanted.parameters))


def _everything(last: int) -> Spans:
    return Spans([(1, last)] if last else [])


def _hosts(store: Store, named: tuple[str, ...]) -> tuple[Run, ...] | None:
    """The hosts as runs of ids; they stand by address, so a network is one run."""
    wanted = of_hosts(named)
    ids = store.rows(f"SELECT id FROM hosts WHERE {wanted.text} ORDER BY id", wanted.parameters)  # noqa: S608  # ours
    found = tuple(Spans((host, host) for (host,) in ids).after(0))
    return None if found == ((1, store.counts.hosts),) else found


def _few(store: Store, plan: Plan, filters: AnyFilters) -> bool:
    """Whether the chosen hosts have few rows."""
    if plan.hosts is None:
        return False
    if plan.table == "findings":
        return _findings_of_hosts(store, WORST_FIRST, filters.host) <= MOST_LISTED
    wanted, most = on_hosts(plan.hosts), MOST_LISTED + 1
    statement = f"SELECT COUNT(*) FROM (SELECT 1 FROM compliance WHERE {wanted.text} LIMIT {most})"  # noqa: S608
    return int(store.value(statement, wanted.parameters)) < most


def _rows_of_hosts(store: Store, plan: Plan, others: Spans | Marked) -> array[int]:
    """Those on the chosen hosts that are among the others too."""
    rows = plan.rows
    index = f"{plan.table} INDEXED BY {plan.table}_by_host"
    ranks = store.rows(f"SELECT rank FROM {index}{rows.where} ORDER BY rank", rows.parameters)  # noqa: S608  # ours
    return array("q", (rank for (rank,) in ranks if rank in others))


def _rows_among(store: Store, plan: Plan, marked: Marked) -> array[int]:
    """Those that are marked and fit the plan's rows; few are marked."""
    fitting, last = array("q"), 0
    while ranks := marked.after(last, _AT_ONCE):
        rows = both((any_of("rank", ranks), plan.rows))
        statement = f"SELECT rank FROM {plan.table}{rows.where} ORDER BY rank"  # noqa: S608  # names of ours
        fitting.extend(rank for (rank,) in store.rows(statement, rows.parameters))
        last = ranks[-1]
    return fitting


def _rows(store: Store, plan: Plan, after: int) -> Iterator[int]:
    rows = plan.rows
    if not rows.text:
        for first, last in plan.spans.after(after):
            yield from range(first, last + 1)
        return
    statement = _in_rank_order(plan)
    for run in plan.spans.after(after):
        for (rank,) in store.rows(statement, (*run, *rows.parameters)):
            yield rank


def _nth_of(store: Store, plan: Plan) -> Callable[[int, int], int | None] | None:
    """How many ranks are skipped at once; None where each has to be looked at."""
    if plan.hosts is not None and plan.by_plugin_and_host and len(plan.spans) == store.counts.findings:
        return partial(nth_on, store, plan.hosts)
    return partial(_nth, store, plan) if plan.spans.runs == 1 else None


def _nth(store: Store, plan: Plan, after: int, count: int) -> int | None:
    """After that rank the first, the second and so on, of a plan with one run; SQL skips quicker than we do."""
    run = next(plan.spans.after(after), None)
    if run is None:
        return None
    statement = f"{_in_rank_order(plan)} LIMIT 1 OFFSET ?"
    found: int | None = store.value(statement, (*run, *plan.rows.parameters, count - 1))
    return found


def _in_rank_order(plan: Plan) -> str:
    return (
        f"SELECT rank FROM {plan.table} NOT INDEXED "  # noqa: S608  # names of ours
        f"WHERE rank BETWEEN ? AND ?{plan.rows.further} ORDER BY rank"
    )


def _total(store: Store, filters: AnyFilters, plan: Plan) -> int | None:
    """How many there are, where the counts of hosts or of ports say it; else None."""
    if not isinstance(filters, Filters):
        return None
    if plan.hosts is None:
        counted = both((any_of("port", plan.ports), of_plugins(filters)))
        tables = "ports o JOIN plugins p ON p.id = o.plugin"
        return int(store.value(f"SELECT SUM(findings) FROM {tables}{counted.where}", counted.parameters) or 0)  # noqa: S608
    if filters != Filters(host=filters.host, severity=filters.severity):
        return None
    names = [name for name in WORST_FIRST if not filters.severity or name in filters.severity]
    return _findings_of_hosts(store, names, filters.host)


def _findings_of_hosts(store: Store, severities: Iterable[str], named: Iterable[str]) -> int:
    wanted = of_hosts(named)
    columns = " + ".join(severities)
    return int(store.value(f"SELECT SUM({columns}) FROM hosts WHERE {wanted.text}", wanted.parameters) or 0)  # noqa: S608
