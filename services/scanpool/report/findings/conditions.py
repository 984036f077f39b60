"""Typed filters made into SQL: on the tables of plugins, checks and hosts, and on rows. No I/O."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from scanpool.report.findings.addresses import address_key, key_of
from scanpool.report.findings.counts import SEVERITIES
from scanpool.report.findings.filters import ComplianceFilters, Filters, folded, network
from scanpool.report.findings.spans import Run
from scanpool.report.host import known_name

_SCORES = {"cvss": "score", "cvss2": "cvss2", "cvss3": "cvss3", "cvss4": "cvss4", "vpr": "vpr", "epss": "epss"}


@dataclass(frozen=True, slots=True)
class Condition:
    """SQL that is true or false of a row, with what its marks stand for; without text it is always true."""

    text: str = ""
    parameters: tuple[Any, ...] = ()

    @property
    def where(self) -> str:
        return f" WHERE {self.text}" if self.text else ""

    @property
    def further(self) -> str:
        return f" AND {self.text}" if self.text else ""


def both(conditions: Iterable[Condition]) -> Condition:
    """All of them."""
    held = [each for each in conditions if each.text]
    return Condition(" AND ".join(each.text for each in held), tuple(p for each in held for p in each.parameters))


def any_of(column: str, values: Sequence[Any], collation: str = "") -> Condition:
    """The column holds one of the values; always true where there are none."""
    if not values:
        return Condition()
    return Condition(f"{column}{collation} IN ({', '.join('?' * len(values))})", tuple(values))


def contains(column: str, texts: Iterable[str]) -> Condition:
    """All the texts stand in the column; letters A to Z in either case."""
    return both(Condition(f"instr(lower({column}), ?)", (folded(text),)) for text in texts)


def of_plugins(filters: Filters) -> Condition:
    """On a row of `plugins`."""
    return both(
        (
            _severity(filters.severity),
            any_of("plugin_id", filters.plugin_id),
            any_of("family", filters.family, " COLLATE NOCASE"),
            _cve(filters.cve),
            *(Condition(f"{_SCORES[each.of]} {each.operator} ?", (each.value,)) for each in filters.scores),
            _on_port(filters.port),
            _flag("exploit", filters.exploit_available),
            _flag("known_exploited", filters.known_exploited),
            contains("name", filters.name),
        )
    )


def of_checks(filters: ComplianceFilters) -> Condition:
    """On a row of `results` (r) with its check (c)."""
    return both(
        (
            any_of("r.result", [each.upper() for each in filters.result]),
            any_of("c.plugin_id", filters.plugin_id),
            any_of("c.check_id", filters.check_id),
            contains("c.name", filters.name),
        )
    )


def of_hosts(named: Iterable[str]) -> Condition:
    """On a row of `hosts`: one of these names, addresses or networks; false where there are none."""
    either = [each for name in named for each in _host(name)]
    text = " OR ".join(each.text for each in either) or "0"
    return Condition(f"({text})", tuple(parameter for each in either for parameter in each.parameters))


def on_hosts(runs: Sequence[Run] | None) -> Condition:
    """On a row that has a host: it is in one of these runs of ids. None is every host."""
    if runs is None:
        return Condition()
    single = any_of("host", [first for first, last in runs if first == last])
    ranges = [Condition("host BETWEEN ? AND ?", run) for run in runs if run[0] != run[1]]
    either = [each for each in (single, *ranges) if each.text]
    text = " OR ".join(each.text for each in either) or "0"
    return Condition(f"({text})", tuple(parameter for each in either for parameter in each.parameters))


def _host(name: str) -> tuple[Condition, ...]:
    within = network(name)
    if within is not None:
        keys = (key_of(within.network_address), key_of(within.broadcast_address))
        return (Condition("address_key BETWEEN ? AND ?", keys),)
    key, names = address_key(name), dict.fromkeys((name, known_name(name)))
    exact = tuple(Condition(f"{column} = ?", (each,)) for each in names for column in ("name", "address"))
    return exact if key is None else (*exact, Condition("address_key = ?", (key,)))


def _severity(names: Sequence[str]) -> Condition:
    numbers = any_of("severity", [SEVERITIES.index(name) for name in names if name != "unrated"])
    if "unrated" not in names:
        return numbers
    text = f"(severity IS NULL OR {numbers.text})" if numbers.text else "severity IS NULL"
    return Condition(text, numbers.parameters)


def _cve(cves: Sequence[str]) -> Condition:
    found = any_of("cve", [each.upper() for each in cves])
    text = f"id IN (SELECT plugin FROM cves{found.where})"  # noqa: S608  # names of ours
    return Condition(text, found.parameters) if cves else Condition()


def _on_port(ports: Sequence[int]) -> Condition:
    """Has findings on one of the ports; others too."""
    text = f"id IN (SELECT plugin FROM ports{any_of('port', ports).where})"  # noqa: S608  # names of ours
    return Condition(text, tuple(ports)) if ports else Condition()


def _flag(column: str, wanted: bool | None) -> Condition:
    return Condition() if wanted is None else Condition(f"{column} = ?", (int(wanted),))
