"""Findings and compliance results by their ranks, read and made into what is shown."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from typing import Any, Generic, TypeVar

from scanpool.report.findings.outputs import outputs
from scanpool.report.findings.profiles import Fields, Row
from scanpool.report.findings.store import Store

Value = TypeVar("Value")

_HOST = "SELECT id, name, address, fqdn, netbios, os FROM hosts"
_HOST_FIELDS = ("host", "host_ip", "host_fqdn", "netbios_name", "operating_system")
_PLUGIN_COLUMNS = (
    "id, plugin_id, name, family, severity, score, cvss2, cvss3, cvss4, vpr, epss, exploit, known_exploited"
)
_PLUGIN_FIELDS = (
    *("plugin_id", "plugin_name", "plugin_family", "severity", "cvss_score", "cvss_base_score", "cvss3_base_score"),
    *("cvss4_base_score", "vpr_score", "epss_score", "exploit_available", "known_exploited"),
)
_FLAGS = ("exploit_available", "known_exploited")
_CHECK = "SELECT id, plugin_id, family, name, check_id, facts FROM checks"
_CHECK_FIELDS = ("plugin_id", "plugin_family", "check_name", "check_id")
_MOST_KEPT = 1024


class _Kept(Generic[Value]):
    """What was read before, as long as it is not too much; what is needed together is read together."""

    def __init__(self, read: Callable[[Collection[int]], Iterator[tuple[int, Value]]]) -> None:
        self._read = read
        self._values: dict[int, Value] = {}

    def of(self, keys: Iterable[int]) -> dict[int, Value]:
        """By key, of these and of others."""
        missing = {*keys} - self._values.keys()
        if len(self._values) + len(missing) > _MOST_KEPT:
            self._values.clear()
            missing = {*keys}
        if missing:
            self._values.update(self._read(missing))
        return self._values


_Parts = tuple[dict[str, Any], dict[str, list[str]]]
"""Columns, and facts."""


class FindingRecords:
    """Reads findings; plugins and hosts that come again are not read again."""

    def __init__(self, store: Store, fields: Fields) -> None:
        self._store = store
        self._fields = fields
        self._plugins: _Kept[_Parts] = _Kept(self._read_plugins)
        self._hosts: _Kept[dict[str, Any]] = _Kept(lambda hosts: _read_hosts(store, hosts))
        self._services: _Kept[dict[str, Any]] = _Kept(self._read_services)

    def of(self, ranks: Sequence[int]) -> Iterator[dict[str, Any]]:
        """The findings of these ranks, which ascend, with their chosen fields."""
        rows = list(_rows(self._store, "SELECT rank, plugin, host, port, service FROM findings", ranks))
        plugins = self._plugins.of([row[1] for row in rows])
        hosts = self._hosts.of([row[2] for row in rows])
        services = self._services.of([row[4] for row in rows])
        printed = outputs(self._store, ranks) if self._fields.need("output") else iter([None] * len(ranks))
        extras = _extras(self._store, ranks) if self._fields.need("extras") else {}
        for (rank, plugin, host, port, service), output in zip(rows, printed, strict=True):
            columns, facts = plugins[plugin]
            shown = {**columns, **hosts[host], **services[service], "rank": rank, "port": port}
            yield self._fields.of(Row(columns=shown, facts=facts, output=output, extras=extras.get(rank, {})))

    def _read_plugins(self, plugins: Collection[int]) -> Iterator[tuple[int, _Parts]]:
        with_facts = self._fields.need("facts")
        select = f"SELECT {_PLUGIN_COLUMNS}, {'facts' if with_facts else 'NULL'} FROM plugins"  # noqa: S608  # ours
        for plugin, *columns, facts in _of_ids(self._store, select, plugins):
            shown = dict(zip(_PLUGIN_FIELDS, columns, strict=True))
            flags = {name: bool(shown[name]) for name in _FLAGS}
            yield plugin, ({**shown, **flags}, self._store.facts(facts) if with_facts else {})

    def _read_services(self, services: Collection[int]) -> Iterator[tuple[int, dict[str, Any]]]:
        for service, protocol, name in _of_ids(self._store, "SELECT id, protocol, name FROM services", services):
            yield service, {"protocol": protocol, "svc_name": name}


class ComplianceRecords:
    """Reads compliance results; checks and hosts that come again are not read again."""

    def __init__(self, store: Store, fields: Fields) -> None:
        self._store = store
        self._fields = fields
        self._checks: _Kept[_Parts] = _Kept(self._read_checks)
        self._hosts: _Kept[dict[str, Any]] = _Kept(lambda hosts: _read_hosts(store, hosts))

    def of(self, ranks: Sequence[int]) -> Iterator[dict[str, Any]]:
        """The results of these ranks, which ascend, with their chosen fields."""
        rows = list(_rows(self._store, "SELECT rank, check_, host, result, data FROM compliance", ranks))
        checks, hosts = self._checks.of([row[1] for row in rows]), self._hosts.of([row[2] for row in rows])
        unpack = self._fields.need("extras")
        for rank, check, host, result, data in rows:
            columns, facts = checks[check]
            shown = {**columns, **hosts[host], "rank": rank, "result": result}
            extras = self._store.facts(data) if unpack else {}
            yield self._fields.of(Row(columns=shown, facts=facts, extras=extras))

    def _read_checks(self, checks: Collection[int]) -> Iterator[tuple[int, _Parts]]:
        unpack = self._fields.need("facts")
        for check, *columns, facts in _of_ids(self._store, _CHECK, checks):
            yield check, (dict(zip(_CHECK_FIELDS, columns, strict=True)), self._store.facts(facts) if unpack else {})


def _rows(store: Store, select: str, ranks: Sequence[int]) -> Iterator[tuple[Any, ...]]:
    if not ranks:
        return iter(())
    if ranks[-1] - ranks[0] + 1 == len(ranks):
        return store.rows(f"{select} WHERE rank BETWEEN ? AND ? ORDER BY rank", (ranks[0], ranks[-1]))
    marks = ", ".join("?" * len(ranks))
    return store.rows(f"{select} WHERE rank IN ({marks}) ORDER BY rank", ranks)


def _of_ids(store: Store, select: str, ids: Collection[int]) -> Iterator[tuple[Any, ...]]:
    return store.rows(f"{select} WHERE id IN ({', '.join('?' * len(ids))})", [*ids])


def _read_hosts(store: Store, hosts: Collection[int]) -> Iterator[tuple[int, dict[str, Any]]]:
    for host, *columns in _of_ids(store, _HOST, hosts):
        yield host, dict(zip(_HOST_FIELDS, columns, strict=True))


def _extras(store: Store, ranks: Sequence[int]) -> dict[int, dict[str, list[str]]]:
    return {rank: store.facts(data) for rank, data in _rows(store, "SELECT rank, data FROM extras", ranks)}
