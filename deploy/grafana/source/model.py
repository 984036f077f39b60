"""What a dashboard is made of, and the forms that its queries take."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal


@dataclass(frozen=True, kw_only=True, slots=True)
class Query:
    """What a panel asks Prometheus for, and how its series are called."""

    expr: str
    legend: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Panel:
    """A panel; where it stands follows from the ones before it."""

    title: str
    says: str
    queries: tuple[Query, ...]
    kind: Literal["timeseries", "stat"] = "timeseries"
    unit: str = "short"
    width: int = 8
    bad_from: float | None = None
    """A number shown red from here on."""
    words: tuple[tuple[int, str, str], ...] = ()
    """Value, word and colour."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Variable:
    """A choice at the head of a dashboard."""

    name: str
    metric: str
    label: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Dashboard:
    """A dashboard; its file is named after its uid."""

    uid: str
    title: str
    says: str
    panels: tuple[Panel, ...]
    variables: tuple[Variable, ...] = ()


def most(metric: str, *by: str) -> str:
    """Of what every process tells alike."""
    return f"max by ({', '.join(by)}) ({metric})"


def rates(metric: str, *by: str) -> str:
    """Of what each process counts, a second."""
    return f"sum by ({', '.join(by)}) (rate({metric}[$__rate_interval]))"


def quantile(share: float, metric: str, *by: str) -> str:
    """The value that this share of them stays under."""
    return f"histogram_quantile({share}, {rates(f'{metric}_bucket', 'le', *by)})"


def stat(title: str, says: str, expr: str, **fields: Any) -> Panel:
    """One number."""
    return Panel(title=title, says=says, kind="stat", width=4, queries=(Query(expr=expr),), **fields)


def graph(title: str, says: str, *queries: tuple[str, str], **fields: Any) -> Panel:
    """Lines over time; each query with the name of its series."""
    return Panel(title=title, says=says, queries=tuple(Query(expr=e, legend=name) for e, name in queries), **fields)
