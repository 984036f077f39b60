"""Scan targets: read, normalised, deduplicated and judged, but never expanded."""

from scanpool_schemas.targets.addresses import AddressSet
from scanpool_schemas.targets.collection import Targets, parse, pin, subtract
from scanpool_schemas.targets.rules import Cause, Excluded, Refusal, TargetRules, outside, read_rules, refusals
from scanpool_schemas.targets.scope import Scope, read_scope
from scanpool_schemas.targets.special import SpecialPart, SpecialUse, special_use
from scanpool_schemas.targets.target import (
    RULE_LIMITS,
    InvalidTarget,
    Target,
    TargetKind,
    TargetLimits,
)

__all__ = [
    "RULE_LIMITS",
    "AddressSet",
    "Cause",
    "Excluded",
    "InvalidTarget",
    "Refusal",
    "Scope",
    "SpecialPart",
    "SpecialUse",
    "Target",
    "TargetKind",
    "TargetLimits",
    "TargetRules",
    "Targets",
    "outside",
    "parse",
    "pin",
    "read_rules",
    "read_scope",
    "refusals",
    "special_use",
    "subtract",
]
