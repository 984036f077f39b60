"""What the parts of a configuration must keep among one another.

These look at plain values, so that they speak up even while some of the file cannot be read.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from typing import Any, TypeAlias

from scanpool.runtime.configuration.problems import Finding, child, item
from scanpool.runtime.configuration.urls import normal_url, url_findings
from scanpool_schemas.names import InvalidName, check_pool_name, nearest

_EACH = "*"
Placed: TypeAlias = tuple[str, Any]
"""A value with its path."""


def cross_findings(root: Any) -> Iterator[Finding]:
    """Names of pools, ids given twice, pools that do not exist, one scanner under two names."""
    pools = root.get("pools") if isinstance(root, dict) else None
    if isinstance(pools, dict):
        yield from _pool_name_findings(pools)
        yield from _default_pool_findings(root, pools)
        for area in ("credentials", "clients"):
            yield from _unknown_pool_findings(root, area, pools)
        yield from _client_findings(root, pools)
        for name, pool in pools.items():
            ids = _select(pool, child("pools", name), ("scanners", _EACH, "instance_id"))
            yield from _repetition_findings(ids, "two scanners of the pool have this instance_id")
    yield from _repetition_findings(_select(root, "", ("credentials", _EACH, "id")), "two credentials have this id")
    yield from _shared_scanner_findings(_select(root, "", ("pools", _EACH, "scanners", _EACH)))


def _pool_name_findings(pools: Collection[str]) -> Iterator[Finding]:
    if not pools:
        yield Finding("pools", "there is no pool", "add one with at least one scanner")
    for name in pools:
        try:
            check_pool_name(name)
        except InvalidName as error:
            yield Finding(child("pools", name), str(error), "rename it")


def _default_pool_findings(root: dict[str, Any], pools: Collection[str]) -> Iterator[Finding]:
    default = root.get("default_pool")
    if isinstance(default, str) and default not in pools:
        yield _unknown_pool("default_pool", default, pools)


def _unknown_pool_findings(root: Any, area: str, pools: Collection[str]) -> Iterator[Finding]:
    for path, name in _select(root, "", (area, _EACH, "pools", _EACH)):
        if isinstance(name, str) and name not in pools:
            yield _unknown_pool(path, name, pools)


def _client_findings(root: Any, pools: Collection[str]) -> Iterator[Finding]:
    """Credentials that do not exist, and entries for one subject in one pool, of which only the first would count."""
    known = [name for _, name in _select(root, "", ("credentials", _EACH, "id")) if isinstance(name, str)]
    for path, name in _select(root, "", ("clients", _EACH, "credentials", _EACH)):
        if isinstance(name, str) and name not in known:
            close = nearest(name, known)
            remedy = f"did you mean {close!r}?" if close else f"known: {', '.join(known) or 'none'}"
            yield Finding(path, f"there is no credential {name!a}", remedy)
    entries = [(path, each) for path, each in _select(root, "", ("clients", _EACH)) if isinstance(each, dict)]
    for pool in pools:
        here = [(child(path, "subject"), each.get("subject")) for path, each in entries if _names(each, pool)]
        yield from _repetition_findings(here, f"two clients have this subject in pool {pool}")


def _names(client: dict[str, Any], pool: str) -> bool:
    return isinstance(client.get("pools"), list) and pool in client["pools"]


def _unknown_pool(path: str, name: str, pools: Collection[str]) -> Finding:
    close = nearest(name, pools)
    remedy = f"did you mean {close!r}?" if close else f"name one of: {', '.join(pools)}"
    return Finding(path, f"there is no pool {name!a}", remedy)


def _repetition_findings(placed: Iterable[Placed], message: str) -> Iterator[Finding]:
    for path, first in _repetitions(placed):
        yield Finding(path, message, f"rename one; {first} has it too")


def _shared_scanner_findings(scanners: Iterable[Placed]) -> Iterator[Finding]:
    known = ((child(path, "url"), _identity(scanner)) for path, scanner in scanners if isinstance(scanner, dict))
    for path, first in _repetitions(known):
        message = f"{first} is the same scanner, so it may run both limits at once"
        remedy = "keep one of them, or divide its places between them"
        yield Finding(path, message, remedy, is_warning=True)


def _identity(scanner: dict[str, Any]) -> str | None:
    """What scanners that are one have in common; containers of Tenable's cloud have one URL, and keys of their own."""
    url = scanner.get("url")
    if not isinstance(url, str) or not _is_sound(url):
        return None
    return f"{normal_url(url)} {scanner.get('access_key')}" if scanner.get("kind") == "tenable-vm" else normal_url(url)


def _repetitions(placed: Iterable[Placed]) -> Iterator[tuple[str, str]]:
    """The path of each repeated text, and the path where it stands first."""
    first: dict[str, str] = {}
    for path, value in placed:
        if isinstance(value, str) and first.setdefault(value, path) != path:
            yield path, first[value]


def _is_sound(url: str) -> bool:
    return all(finding.is_warning for finding in url_findings(url, ""))


def _select(value: Any, path: str, steps: tuple[str, ...]) -> Iterator[Placed]:
    """The values at the end of the steps, each with its path; `*` goes into every item."""
    if not steps:
        yield path, value
        return
    step, rest = steps[0], steps[1:]
    if isinstance(value, list) and step == _EACH:
        for index, each in enumerate(value):
            yield from _select(each, item(path, index), rest)
    elif isinstance(value, dict):
        for key in value if step == _EACH else value.keys() & {step}:
            yield from _select(value[key], child(path, key), rest)
