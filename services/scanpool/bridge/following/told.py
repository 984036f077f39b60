"""What a caller is told of a pool's scanners beside its scan: addresses and names, as far as its scopes go."""

from __future__ import annotations

from msgspec.structs import replace

from scanpool.bridge.caller import Caller
from scanpool_schemas.codes import CATALOGUE
from scanpool_schemas.keys import PoolRules
from scanpool_schemas.status import ScanStatus

_NAMES_SCANNERS = "unknown_scanner"
"""Whose message says which scanners there are instead."""


def addresses(caller: Caller, pool: str, rules: PoolRules) -> dict[str, str]:
    """Where the pool's scanners answer, by instance: told to operators, and to all where the pool exposes it."""
    known = ((each.name, (caller.may("ops") and each.address) or each.url) for each in rules.scanners)
    return {f"{pool}.{name}": url for name, url in known if url}


def without_names(caller: Caller, scan: ScanStatus) -> ScanStatus:
    """The scan without names of scanners that it has nothing to do with, for whoever may not read its pool."""
    if caller.may("pool:read") or scan.error is None or scan.error.code != _NAMES_SCANNERS:
        return scan
    meaning, message = CATALOGUE[_NAMES_SCANNERS].meaning, scan.error.message
    timeline = tuple(replace(each, why=meaning) if each.why == message else each for each in scan.timeline)
    return replace(scan, error=replace(scan.error, message=meaning), timeline=timeline)
