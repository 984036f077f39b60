"""Which targets a client of the bridge may have scanned in a pool: one judgement a target, with the rule that made it.

A target passes where the pool lets it be scanned, the client's networks hold it, and neither the client's exclusions
nor what is protected speak of any part of it. A hostname is judged by its name and by every address that it resolved
to.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypeAlias

from scanpool_schemas.keys import ClientRule, Exclusion, PoolRules
from scanpool_schemas.targets import (
    Cause,
    InvalidTarget,
    Refusal,
    Scope,
    Target,
    TargetLimits,
    TargetRules,
    Targets,
    outside,
    parse,
    read_rules,
    read_scope,
    refusals,
)

Addresses: TypeAlias = Mapping[str, Sequence[str]]
"""Hostname to the addresses that it resolved to; empty where it has none."""

REFUSAL_CODES: Mapping[Cause, str] = {
    Cause.IMPOSSIBLE: "impossible_target",
    Cause.SPECIAL_USE: "target_not_allowed",
    Cause.NOT_ALLOWED: "target_not_allowed",
    Cause.EXCLUDED: "target_excluded",
}
"""The code of a target that the pool itself refuses."""
TARGET_DENIED = "client_target_denied"
_RULES: Mapping[Cause, str] = {
    Cause.IMPOSSIBLE: "addresses of special use",
    Cause.SPECIAL_USE: "addresses of special use",
    Cause.NOT_ALLOWED: "the client's networks",
    Cause.EXCLUDED: "the client's exclude",
}
_SHOWN = 5


@dataclass(frozen=True, kw_only=True, slots=True)
class TargetVerdict:
    """What is said of one target."""

    target: str
    """In its normal form; as it was written where it has none."""
    allowed: bool
    rule: str
    """The entry that decided: of the client's networks where it is allowed."""
    addresses: int = 0
    """How many, the addresses of a hostname included; 0 where that is not known."""
    intervals: int = 0
    """Unbroken runs of them."""
    code: str | None = None
    """Of the error catalogue, where it is denied."""
    reason: str = ""
    """Why it is denied, in a sentence."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Reach:
    """The rules that targets of one client in one pool are held against, read."""

    pool: TargetRules
    client: TargetRules
    """Its networks as what is allowed, and its exclusions."""
    protected: Scope


def read_reach(rule: ClientRule, rules: PoolRules, resolved: Addresses) -> Reach:
    """Read the rules; what the names among the protected resolve to is protected as well.

    Raises:
        InvalidTarget: an entry is neither a target nor a hostname pattern.
    """
    addresses = [text for name in protected_names(rules) for text in resolved.get(name, ())]
    return Reach(
        pool=read_rules(rules.allow, rules.exclude),
        client=_client_rules(rule),
        protected=read_scope([*rules.protected, *map(_without_zone, addresses)], field="protected"),
    )


def _client_rules(rule: ClientRule) -> TargetRules:
    excluded = [Exclusion(target=text) for text in rule.exclude]
    return read_rules(rule.networks, excluded, whose="the client's policy", field="networks")


def protected_names(rules: PoolRules) -> tuple[str, ...]:
    """Hostnames among what is protected, whose addresses have to be known to protect them.

    Raises:
        InvalidTarget: an entry is neither a target nor a hostname pattern.
    """
    patterns = read_scope(rules.protected, field="protected").patterns
    return tuple(pattern for pattern in patterns if "*" not in pattern)


def pinned(targets: Targets, resolved: Addresses) -> Targets:
    """The targets at the addresses that their names resolved to; a name without an address stays as it is.

    Raises:
        InvalidTarget: a name resolved to what is no address.
    """
    return targets.pinned({name: addresses for name, addresses in resolved.items() if addresses})


def denials(targets: Targets, reach: Reach, now: datetime, looked_up: Collection[str]) -> Iterator[TargetVerdict]:
    """A verdict for each reason against a target; none where the client may have all of them scanned.

    `looked_up` are the hostnames that the caller itself pinned to the addresses that they have.
    """
    yield from (_unknown(name) for name in targets.hostnames)
    yield from (_protected(item, reach.protected) for item in targets.items if reach.protected.touches(item))
    for refusal in refusals(targets, reach.pool, now, resolved=looked_up):
        yield _denied(refusal.target, "the pool", refusal.reason, REFUSAL_CODES[refusal.cause])
    yield from map(_by_client, refusals(targets, reach.client, now, resolved=looked_up))
    if reach.client.allow.is_empty:
        yield from map(_no_networks, targets.items)


def judge_target(
    expression: str, reach: Reach, now: datetime, resolved: Addresses, limits: TargetLimits
) -> TargetVerdict:
    """What would be said of one target if the client asked for it; `limits` is what is left for it."""
    try:
        targets = parse([expression], limits)
        scanned = pinned(targets, resolved)
    except InvalidTarget as error:
        return _denied(expression, "the forms of a target", str(error), "invalid_target")
    text = targets.items[0].text
    looked_up = targets.hostnames
    against = next(denials(scanned, reach, now, looked_up), None)
    verdict = TargetVerdict(
        target=text,
        allowed=against is None,
        rule=against.rule if against else _allowing(scanned, reach.client, looked_up),
        addresses=scanned.addresses.size,
        intervals=scanned.addresses.interval_count,
    )
    return verdict if against is None else replace(verdict, code=against.code, reason=against.reason)


def _allowing(targets: Targets, client: TargetRules, looked_up: Collection[str]) -> str:
    """The first entry that allows all of it alone; where it takes several, that."""
    for text in client.allow_texts:
        if not outside(targets, read_scope([text]), resolved=looked_up):
            return text
    return "several networks together"


def _denied(target: str, rule: str, reason: str, code: str = TARGET_DENIED) -> TargetVerdict:
    return TargetVerdict(target=target, allowed=False, rule=rule, code=code, reason=reason)


def _unknown(name: str) -> TargetVerdict:
    reason = f"no address is known for {name}, and a client's targets are judged by their addresses"
    return _denied(name, "hostnames by their addresses", reason, "hostname_unresolved")


def _protected(item: Target, protected: Scope) -> TargetVerdict:
    within = item.addresses.intersection(protected.addresses).texts
    where = f" ({', '.join(within[:_SHOWN])})" if within and within != (item.text,) else ""
    reason = f"{item.text} is or contains what no client of the bridge may scan{where}"
    return _denied(item.text, "protected", reason)


def _by_client(refusal: Refusal) -> TargetVerdict:
    return _denied(refusal.target, _RULES[refusal.cause], refusal.reason)


def _no_networks(item: Target) -> TargetVerdict:
    return _denied(item.text, "the client's networks", f"{item.text} is denied: the client's policy has no networks")


def _without_zone(address: str) -> str:
    """Resolvers name the interface of a link-local address after it (`fe80::1%eth0`)."""
    return address.partition("%")[0]
