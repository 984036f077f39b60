"""What a configuration says that the one before it did not, in words that name no value but harmless ones."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

import msgspec

from scanpool.runtime.configuration.model import Client, Configuration, Scanner

_SHOWN = frozenset({"max_concurrent_scans", "enabled"})
"""Fields whose values are told; of others, secrets among them, only that they changed."""


def changes(before: Configuration, after: Configuration) -> tuple[str, ...]:
    """Pools, scanners, credentials and clients that came, left or changed; empty where all stayed."""
    return tuple(_changes(before, after))


def _changes(before: Configuration, after: Configuration) -> Iterator[str]:
    if before.default_pool != after.default_pool:
        yield f"default_pool: {before.default_pool or 'none'} -> {after.default_pool or 'none'}"
    yield from _of_kind("pool", before.pools, after.pools, but={"scanners"})
    yield from _of_kind("scanner", _scanners(before), _scanners(after))
    yield from _of_kind(
        "credential", {each.id: each for each in before.credentials}, {each.id: each for each in after.credentials}
    )
    yield from _of_kind("client", _clients(before), _clients(after))
    if before.protected != after.protected:
        yield "protected changed"


def _of_kind(
    kind: str, before: Mapping[str, msgspec.Struct], after: Mapping[str, msgspec.Struct], *, but: Collection[str] = ()
) -> Iterator[str]:
    yield from (f"{kind} {name} removed" for name in before if name not in after)
    yield from (f"{kind} {name} added" for name in after if name not in before)
    for name in before:
        if name in after:
            fields = _changed_fields(before[name], after[name])
            yield from (f"{kind} {name}: {change}" for field, change in fields if field not in but)


def _changed_fields(before: msgspec.Struct, after: msgspec.Struct) -> Iterator[tuple[str, str]]:
    for field in dict.fromkeys((*before.__struct_fields__, *after.__struct_fields__)):
        old, new = getattr(before, field, None), getattr(after, field, None)
        if old != new:
            yield field, f"{field} {_value(old)} -> {_value(new)}" if field in _SHOWN else f"{field} changed"


def _value(value: object) -> str:
    return msgspec.json.encode(value).decode()


def _clients(configuration: Configuration) -> dict[str, Client]:
    """By subject and pools: a subject may have an entry for each pool."""
    return {f"{each.subject} ({', '.join(each.pools)})": each for each in configuration.clients}


def _scanners(configuration: Configuration) -> dict[str, Scanner]:
    return {
        f"{name}.{scanner.instance_id}": scanner
        for name, pool in configuration.pools.items()
        for scanner in pool.scanners
    }
