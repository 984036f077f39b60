"""Compares a thing in NATS with its definition, and says in words what differs."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import msgspec

from scanpool.runtime.topology.streams import DAY_NS, SECOND_NS, Config

_DURATIONS = frozenset({"ack_wait", "max_age"})
_WILDCARD = re.compile(r"\{\{wildcard\([0-9]+\)\}\}")
_NONE = "none"


@dataclass(frozen=True, kw_only=True, slots=True)
class Difference:
    """One thing that is not as defined."""

    kind: Literal["stream", "consumer", "schedule"]
    name: str
    missing: bool
    fields: tuple[str, ...] = ()
    """The settings that differ, each as `name: found -> wanted`."""

    def __str__(self) -> str:
        what = "is missing" if self.missing else "differs: " + "; ".join(self.fields)
        return f"{self.kind} {self.name} {what}"

    @property
    def corrected(self) -> str:
        """What was done about it, once it is no more."""
        if self.missing:
            return f"created {self.kind} {self.name}"
        return f"corrected {self.kind} {self.name}: {'; '.join(self.fields)}"


def difference(
    kind: Literal["stream", "consumer"], name: str, found: Config | None, wanted: Config
) -> Difference | None:
    """How a stream or consumer differs from its definition; None where it does not.

    Sources may be more than wanted: other processes serve other pools, and a pool that left the configuration
    keeps its own.
    """
    if found is None:
        return Difference(kind=kind, name=name, missing=True)
    fields = tuple(
        f"{key}: {change}" for key, value in wanted.items() for change in _changes(key, found.get(key), value)
    )
    return Difference(kind=kind, name=name, missing=False, fields=fields) if fields else None


def _changes(key: str, found: Any, wanted: Any) -> Iterator[str]:
    """Nothing for what is equal, where the server leaves out what is zero or false and adds metadata of its own."""
    if key == "sources":
        yield from _source_changes(found or [], wanted)
    elif isinstance(wanted, Mapping) and isinstance(found, Mapping):
        for name, part in wanted.items():
            if found.get(name) != part:
                yield f"{name}: {_shown(name, found.get(name))} -> {_shown(name, part)}"
    elif found != wanted and (found or wanted):
        yield f"{_shown(key, found)} -> {_shown(key, wanted)}"


def _source_changes(found: Sequence[Config], wanted: Sequence[Config]) -> Iterator[str]:
    for source in wanted:
        there = [each for each in found if each["name"] == source["name"]]
        if not there:
            yield f"+ {source['name']} ({_taken(source)})"
        elif all(each.get("subject_transforms") != source["subject_transforms"] for each in there):
            yield f"{source['name']} ({'; '.join(map(_taken, there))}) -> ({_taken(source)})"


def _taken(source: Config) -> str:
    """The subjects that a stream takes from another."""
    transforms = source.get("subject_transforms") or []
    return ", ".join(map(_moved, transforms)) or source.get("filter_subject") or "all subjects"


def _moved(transform: Mapping[str, str]) -> str:
    src, dest = transform["src"], transform.get("dest") or transform["src"]
    return src if _WILDCARD.sub("*", dest) == src else f"{src} as {dest}"


def _shown(key: str, value: Any) -> str:
    match value:
        case None:
            return _NONE
        case int() if key in _DURATIONS:
            return f"{value // DAY_NS} d" if value and value % DAY_NS == 0 else f"{value / SECOND_NS:g} s"
        case [*texts]:
            return ", ".join(map(str, texts)) or _NONE
        case str():
            return repr(value)
        case _:
            return msgspec.json.encode(value).decode()
