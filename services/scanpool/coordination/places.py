"""A scanner's places: taken and given back together with the event that says so."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

import msgspec

from scanpool_schemas.keys import Load


@dataclass(frozen=True, kw_only=True, slots=True)
class Take:
    """Take a place on the scanner."""

    scanner: str
    at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class GiveBack:
    """Give the place on the scanner back."""

    scanner: str


PlaceChange: TypeAlias = Take | GiveBack


def changed(load: Load, change: PlaceChange, scan_id: str) -> Load | None:
    """The load after the change; None if there is no free place to take.

    Taking a place that is held already and giving back one that is not change nothing: the event decides.
    """
    match change:
        case Take(at=at):
            if scan_id in load.holders:
                return load
            if len(load.holders) >= load.capacity:
                return None
            return msgspec.structs.replace(load, holders=(*load.holders, scan_id), last_used=at)
        case GiveBack():
            return msgspec.structs.replace(load, holders=tuple(h for h in load.holders if h != scan_id))


def free(load: Load) -> int:
    """Places that can be taken now; 0 where a lowered capacity left more holders than places."""
    return max(0, load.capacity - len(load.holders))


def utilisation(load: Load) -> float:
    """Share of the places that is taken; 1 for a scanner without places."""
    return len(load.holders) / load.capacity if load.capacity else 1.0
