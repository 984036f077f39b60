"""Which plugins found how much on some hosts, from the lists that the file keeps with each host."""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Mapping

from scanpool.report.findings.conditions import on_hosts
from scanpool.report.findings.errors import NotAFindingsFile
from scanpool.report.findings.packing import unpacked_numbers
from scanpool.report.findings.spans import Run
from scanpool.report.findings.store import Store

_OF_PLUGIN = """findings NOT INDEXED WHERE rank BETWEEN
(SELECT first_rank FROM plugins WHERE id = ?) AND (SELECT last_rank FROM plugins WHERE id = ?)"""


def plugins_on(store: Store, hosts: tuple[Run, ...]) -> Mapping[int, int]:
    """By plugin, ascending, which is in page order: how many findings it has on hosts of these runs of ids.

    Raises:
        NotAFindingsFile: the file is damaged.
    """
    return store.remembered((plugins_on, hosts), lambda: _counted(store, hosts), len)


def nth_on(store: Store, hosts: tuple[Run, ...], after: int, count: int) -> int | None:
    """Of the findings on these hosts, after that rank the first, the second and so on; None where none is left."""
    left = count + _up_to(store, hosts, after)
    for plugin, found in plugins_on(store, hosts).items():
        if left <= found:
            return _rank(store, hosts, plugin, left)
        left -= found
    return None


def _counted(store: Store, hosts: tuple[Run, ...]) -> dict[int, int]:
    counted: Counter[int] = Counter()
    wanted = on_hosts(hosts)
    for (plugins,) in store.rows(f"SELECT plugins FROM host_plugins{wanted.where}", wanted.parameters):  # noqa: S608
        counted.update(_listed(store, plugins))
    return dict(sorted(counted.items()))


def _listed(store: Store, data: bytes) -> array[int]:
    try:
        return unpacked_numbers("I", data)
    except ValueError as error:
        raise NotAFindingsFile(f"{store.path}: damaged: {error}") from error


def _up_to(store: Store, hosts: tuple[Run, ...], rank: int) -> int:
    """How many findings on the hosts have that rank or a lower one."""
    if not rank:
        return 0
    last = store.value("SELECT plugin FROM findings WHERE rank = ?", (rank,))
    before = sum(found for plugin, found in plugins_on(store, hosts).items() if plugin < last)
    wanted = on_hosts(hosts)
    statement = f"SELECT COUNT(*) FROM {_OF_PLUGIN} AND rank <= ?{wanted.further}"  # noqa: S608  # names of ours
    return before + int(store.value(statement, (last, last, rank, *wanted.parameters)))


def _rank(store: Store, hosts: tuple[Run, ...], plugin: int, place: int) -> int | None:
    """Of a plugin's findings on the hosts the first, the second and so on."""
    wanted = on_hosts(hosts)
    statement = f"SELECT rank FROM {_OF_PLUGIN}{wanted.further} ORDER BY rank LIMIT 1 OFFSET ?"  # noqa: S608  # ours
    found: int | None = store.value(statement, (plugin, plugin, *wanted.parameters, place - 1))
    return found
