"""What a client of the bridge may do, decided from the rules of a pool: deny by default.

The bridge asks before it submits, so that a client is told at once; admission asks again, and its answer counts.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypeAlias

from scanpool.coordination.client_targets import (
    TARGET_DENIED,
    Addresses,
    TargetVerdict,
    denials,
    judge_target,
    pinned,
    protected_names,
    read_reach,
)
from scanpool_schemas.keys import ClientRule, PoolRules
from scanpool_schemas.request import ScanRequest
from scanpool_schemas.targets import RULE_LIMITS, InvalidTarget, TargetLimits, Targets, parse, read_scope, subtract

CLIENT_LIMITS = TargetLimits(max_intervals=8192)
"""On a client's list of targets. Judging each unbroken run of addresses costs time that other callers wait for."""
_SHOWN = 3


@dataclass(frozen=True, kw_only=True, slots=True)
class Counts:
    """How much of the pool the client has now, the scan in question left out."""

    live: int
    """Its scans that are not over yet."""
    last_hour: int
    """Its scans that were submitted within the last hour and admitted."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """What a client asks for, its targets read."""

    request: ScanRequest
    """`client` is set."""
    targets: Targets
    """As they would be scanned: hostnames pinned to what they resolved to, what the request excludes taken off."""
    looked_up: tuple[str, ...]
    """The hostnames that were looked up, and not pinned by the client: for these a pattern speaks."""
    resolved: Addresses
    """What the hostnames of `to_resolve` resolved to."""


def asked(request: ScanRequest, resolved: Addresses) -> Asked:
    """The request with its targets read.

    Raises:
        InvalidTarget: they are malformed, or a name resolved to what is no address.
    """
    exclude = read_scope(request.exclude)
    named = subtract(parse(request.targets, CLIENT_LIMITS), exclude)
    scanned = subtract(pinned(named, resolved), exclude)
    return Asked(request=request, targets=scanned, looked_up=named.hostnames, resolved=resolved)


@dataclass(frozen=True, slots=True)
class Allowed:
    """The client may."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Denied:
    """The client may not."""

    code: str
    """Of the error catalogue."""
    sentence: str
    hint: str
    """What to do about it."""
    retryable: bool = False
    """Whether the same request may pass later."""


@dataclass(frozen=True, slots=True)
class Confirm:
    """The client may once a person confirms it, through the bridge or with `scanpool approve`."""

    why: str


Decision: TypeAlias = Allowed | Denied | Confirm


def rule_for(subject: str, rules: PoolRules) -> ClientRule | None:
    """The client's rule in the pool: of several that match, the exact one, else the first."""
    matching = [each for each in rules.clients if _speaks_of(each.subject, subject)]
    return next((each for each in matching if each.subject == subject), matching[0] if matching else None)


def to_resolve(targets: Iterable[str], rules: PoolRules) -> tuple[str, ...]:
    """Hostnames whose addresses have to be known before a client's targets can be judged; malformed ones have none.

    Raises:
        InvalidTarget: the pool's rules cannot be read.
    """
    wanted = (name for each in targets for name in _readable(each).hostnames)
    return tuple(dict.fromkeys((*wanted, *protected_names(rules))))


def at_first_sight(request: ScanRequest, rules: PoolRules) -> Denied | None:
    """What of the request, as it was submitted, needs neither addresses nor counts to be denied."""
    found = _as_given(request) or _standing(request, rules)
    return found if isinstance(found, Denied) else _names(request, found)


def _standing(request: ScanRequest, rules: PoolRules) -> ClientRule | Denied:
    """The client's rule, unless it forbids the request whatever its targets are."""
    subject = request.client or ""
    rule = rule_for(subject, rules)
    if rule is None:
        sentence = f"client {subject!r} has no policy in this pool, and without one it may nothing"
        hint = "ask those who run scanpool to add it to `clients`"
        return Denied(code="client_unknown", sentence=sentence, hint=hint)
    return _settings(request) or _intensity(request, rule) or _credential(request, rule) or rule


def decide(asked: Asked, rules: PoolRules, counts: Counts, now: datetime) -> Decision:
    """Whether the client may have the scan; `confirmed` in the request plays no part.

    Raises:
        InvalidTarget: the pool's rules cannot be read.
    """
    rule = _standing(asked.request, rules)
    if isinstance(rule, Denied):
        return rule
    denied = _targets(asked, rule, rules, now) or _hosts(asked.targets, rule) or _how_much(rule, counts)
    return denied or _confirmation(asked.request, asked.targets, rule)


def standing_denial(request: ScanRequest, rules: PoolRules, now: datetime) -> Denied | None:
    """What is against a request that was admitted, its targets pinned then, by the rules as they are now.

    Raises:
        InvalidTarget: the pool's rules cannot be read.
    """
    targets = parse(request.targets, RULE_LIMITS)
    names = tuple(item.hostname for item in targets.items if item.hostname is not None)
    admitted = Asked(request=request, targets=targets, looked_up=names, resolved={})
    decision = decide(admitted, rules, Counts(live=0, last_hour=0), now)
    return decision if isinstance(decision, Denied) else None


def judge_targets(
    client: str, expressions: Sequence[str], rules: PoolRules, resolved: Addresses, now: datetime
) -> tuple[TargetVerdict, ...]:
    """What would be said of each target by itself, in the order given; for a dry run.

    `resolved` is of the names in `to_resolve`.

    Raises:
        InvalidTarget: the pool's rules cannot be read.
    """
    rule = rule_for(client, rules)
    if rule is None:
        reason = f"client {client!r} has no policy in this pool"
        return tuple(
            TargetVerdict(target=each, allowed=False, rule="no policy", code="client_unknown", reason=reason)
            for each in expressions
        )
    reach, left, verdicts = read_reach(rule, rules, resolved), CLIENT_LIMITS, list[TargetVerdict]()
    for each in expressions:
        verdict = judge_target(each, reach, now, resolved, left)
        verdicts.append(verdict)
        left = replace(left, max_intervals=left.max_intervals - verdict.intervals)
    return tuple(verdicts)


def _readable(expression: str) -> Targets:
    try:
        return parse([expression], CLIENT_LIMITS)
    except InvalidTarget:  # which is said where it is judged
        return Targets()


def _speaks_of(pattern: str, subject: str) -> bool:
    wanted = ".*".join(map(re.escape, pattern.split("*")))
    return re.fullmatch(wanted, subject, re.DOTALL) is not None


def _as_given(request: ScanRequest) -> Denied | None:
    """What the bridge itself never sends: somebody goes past it, or an older one does not know better."""
    if request.owner != request.client:
        sentence = f"a scan that client {request.client!r} asks for has to be its own"
        return Denied(code="client_settings_denied", sentence=sentence, hint="leave `owner` to the bridge")
    given = [name for name in ("template", "folder") if getattr(request, name)]
    if not given:
        return None
    sentence = f"a client of the bridge may not give {' and '.join(given)} of the scanner"
    return Denied(code="client_settings_denied", sentence=sentence, hint="leave them out: the pool has its own")


def _names(request: ScanRequest, rule: ClientRule) -> Denied | None:
    """Each name costs a look-up, and is at least one host."""
    names = sum(len(_readable(each).hostnames) for each in dict.fromkeys(request.targets))
    return _too_many_hosts(names, rule) if names > rule.max_hosts else None


def _settings(request: ScanRequest) -> Denied | None:
    """Either could carry credentials, targets or checks that the client's policy does not allow."""
    given = [name for name in ("settings", "policy") if getattr(request, name)]
    if not given:
        return None
    sentence = f"a client of the bridge may not give {' and '.join(given)} of the scanner"
    return Denied(code="client_settings_denied", sentence=sentence, hint="leave them out, and say `intensity` instead")


def _intensity(request: ScanRequest, rule: ClientRule) -> Denied | None:
    if request.intensity != "intrusive" or rule.intensity == "intrusive":
        return None
    sentence = "the client's policy allows safe scans only"
    return Denied(code="client_intensity_denied", sentence=sentence, hint="ask with intensity `safe`")


def _credential(request: ScanRequest, rule: ClientRule) -> Denied | None:
    wanted = request.credential_ref
    if wanted is None or wanted in rule.credentials:
        return None
    known = f"name one of {', '.join(rule.credentials)}" if rule.credentials else "ask for an untrusted scan"
    sentence = f"the client's policy does not allow credential {wanted!r}"
    return Denied(code="client_credential_denied", sentence=sentence, hint=known)


def _targets(asked: Asked, rule: ClientRule, rules: PoolRules, now: datetime) -> Denied | None:
    against = list(denials(asked.targets, read_reach(rule, rules, asked.resolved), now, asked.looked_up))
    if not against:
        return None
    more = f" (and {len(against) - _SHOWN} more)" if len(against) > _SHOWN else ""
    sentence = "; ".join(each.reason for each in against[:_SHOWN]) + more
    hint = "leave these targets out; `check_targets` says which may be scanned"
    return Denied(code=against[0].code or TARGET_DENIED, sentence=sentence, hint=hint)


def _hosts(targets: Targets, rule: ClientRule) -> Denied | None:
    return _too_many_hosts(targets.address_count, rule) if targets.address_count > rule.max_hosts else None


def _too_many_hosts(count: int, rule: ClientRule) -> Denied:
    sentence = f"{count:,} addresses, more than the {rule.max_hosts:,} that the client's policy allows"
    return Denied(code="client_too_many_hosts", sentence=sentence, hint="split them over several scans")


def _how_much(rule: ClientRule, counts: Counts) -> Denied | None:
    if counts.live >= rule.max_concurrent:
        sentence = f"the client has {counts.live} scans that are not over; its policy allows {rule.max_concurrent}"
        hint = "wait until one of them ends, or cancel one"
        return Denied(code="client_too_many_scans", sentence=sentence, hint=hint, retryable=True)
    if counts.last_hour >= rule.scans_per_hour:
        sentence = f"the client had {counts.last_hour} scans within the hour; its policy allows {rule.scans_per_hour}"
        return Denied(code="client_too_fast", sentence=sentence, hint="submit it again later", retryable=True)
    return None


def _confirmation(request: ScanRequest, targets: Targets, rule: ClientRule) -> Allowed | Confirm:
    reasons = []
    if request.intensity == "intrusive" and rule.confirm_intrusive:
        reasons.append("the scan is intrusive")
    if rule.confirm_above_hosts is not None and targets.address_count > rule.confirm_above_hosts:
        reasons.append(f"it is of {targets.address_count:,} addresses, more than {rule.confirm_above_hosts:,}")
    return Confirm(" and ".join(reasons)) if reasons else Allowed()
