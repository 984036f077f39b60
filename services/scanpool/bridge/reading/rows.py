"""Findings as they are answered: what has a strict form outside, all other text below `untrusted`. No I/O."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

from scanpool.bridge.answering.untrusted import SHORTEST_CAP, Caps, clean_line, clean_value
from scanpool.bridge.reading.strict import split

RESULT_BYTES = 32_000
"""Of the JSON of one answer."""
ENVELOPE_BYTES = 3_000
"""Of these, kept for what stands around the rows."""

LINES = frozenset(
    {
        *("host", "host_fqdn", "netbios_name", "operating_system", "plugin_name", "plugin_family", "svc_name"),
        *("protocol", "host_ip", "metasploit_name", "canvas_package", "check_name", "check_id"),
    }
)
"""Names: each on one line."""
_T = TypeVar("_T")
_Row = TypeVar("_Row")


@dataclass(frozen=True, kw_only=True, slots=True)
class RowCaps:
    """How much of a finding's texts is kept."""

    line: int = 160
    text: int = 400
    output: int = 1000
    items: int = 20
    """Of each list."""

    @property
    def smaller(self) -> RowCaps:
        """Half as much."""
        return RowCaps(line=self.line // 2, text=self.text // 2, output=self.output // 2, items=max(self.items // 2, 1))

    @property
    def is_least(self) -> bool:
        return self.text <= SHORTEST_CAP and self.items == 1


OVERVIEW = RowCaps()
DETAIL = RowCaps(line=300, text=4000, output=4096, items=60)


def shown(row: Mapping[str, Any], caps: RowCaps) -> dict[str, Any]:
    """The finding, with `finding_id` for its rank."""
    strict, rest = split(row)
    if rest.get("host") == strict.get("host_ip"):
        rest.pop("host", None)
    document = {"finding_id": strict.pop("rank"), **_bounded(strict, caps)}
    untrusted = {name: cleaned(name, value, caps) for name, value in rest.items()}
    return {**document, "untrusted": untrusted} if untrusted else document


def cleaned(name: str, value: Any, caps: RowCaps) -> Any:
    """The value of a field, made fit to stand below `untrusted`."""
    if name in LINES and isinstance(value, str):
        return clean_line(value, caps.line)
    text = caps.output if name == "plugin_output" else caps.text
    return clean_value(value, Caps(text=text, items=caps.items))


def fitting(make: Callable[[RowCaps], _T], caps: RowCaps, limit_bytes: int) -> _T:
    """What is made with the largest of the caps that keep it within the limit."""
    made = make(caps)
    while size(made) > limit_bytes and not caps.is_least:
        caps = caps.smaller
        made = make(caps)
    return made


def within(rows: Iterable[_Row], make: Callable[[_Row, RowCaps], _T], limit_bytes: int) -> list[_T]:
    """The first rows as they are made, as many as the limit takes; of some rows at least one."""
    kept: list[_T] = []
    left = limit_bytes
    for row in rows:
        made = fitting(partial(make, row), OVERVIEW, limit_bytes)
        left -= size(made) + 1
        if left < 0 and kept:
            break
        kept.append(made)
    return kept


def size(value: Any) -> int:
    """Bytes of the value as compact JSON."""
    return len(json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode())


def _bounded(strict: dict[str, Any], caps: RowCaps) -> dict[str, Any]:
    """Long lists of references cut, with how many were."""
    bounded: dict[str, Any] = {}
    for name, value in strict.items():
        if isinstance(value, list) and len(value) > caps.items:
            bounded |= {name: value[: caps.items], f"{name}_omitted": len(value) - caps.items}
        else:
            bounded[name] = value
    return bounded
