"""What the caller may scan, and with what."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from statistics import median
from typing import Annotated, Literal

from pydantic import Field

from scanpool.bridge.answering.models.policy import (
    CheckedTarget,
    CheckedTargets,
    CredentialInfo,
    CredentialList,
    OwnPolicy,
    PoolPolicy,
)
from scanpool.bridge.answering.toolkit import ToolDefinition
from scanpool.bridge.answering.untrusted import clean_line
from scanpool.bridge.asking.policy import Policy, Ruled
from scanpool.bridge.asking.targets import TargetList
from scanpool.bridge.caller import Caller, Scope, current_caller
from scanpool.bridge.parts import Parts
from scanpool.coordination.client_policy import Allowed, Confirm, Decision, Denied, rule_for
from scanpool.coordination.client_targets import TargetVerdict
from scanpool_schemas.keys import ClientRule, CredentialRule
from scanpool_schemas.request import ScanRequest

CREDENTIALS: Scope = "cred:list"
_ASK = "check_targets says whether given targets may be scanned"
_NO_POLICY = "you may scan nothing; those who run scanpool give you a policy under `clients` in its configuration"
_NEXT = {
    "allowed": "run_untrusted_scan or run_authenticated_scan",
    "denied": "leave out the targets that are denied, or ask those who run scanpool for another policy",
    "needs_confirmation": "run_untrusted_scan or run_authenticated_scan; a person is asked before it starts",
}


def tools(parts: Parts) -> tuple[ToolDefinition, ...]:
    """The tools of this topic."""
    policy = Policy(parts.jetstream, parts.resolve)

    async def check_targets(
        targets: Annotated[TargetList, Field(min_length=1, max_length=100)], scanner_pool: str | None = None
    ) -> CheckedTargets:
        """Whether you may scan these targets, each by itself and all together; a dry run that changes nothing."""
        where, now, subject = await policy.ruled(scanner_pool), parts.now(), current_caller().subject
        verdicts = await policy.verdicts(subject, targets, where, now)
        decision = await _together(policy, targets, where, now) if all(each.allowed for each in verdicts) else None
        return _checked(where, verdicts, decision, await parts.estimator.durations(where.pool, now))

    async def list_credentials() -> CredentialList:
        """The credentials that you may name in run_authenticated_scan. Their values are never told."""
        found = _credentials(current_caller(), await policy.pools())
        return CredentialList(credentials=found, total=len(found))

    return (
        ToolDefinition(call=check_targets, title="Check targets", scope="scan:read"),
        ToolDefinition(call=list_credentials, title="Credentials", scope=CREDENTIALS),
    )


def nameable(caller: Caller, where: Ruled) -> list[CredentialRule]:
    """The pool's credentials that the caller may name, as far as it may know of them."""
    rule = rule_for(caller.subject, where.rules)
    if rule is None or not caller.may(CREDENTIALS):
        return []
    return [each for each in where.rules.credentials if each.id in rule.credentials]


async def own_policy(parts: Parts, caller: Caller) -> OwnPolicy:
    """What the caller may ask of each pool."""
    ruled = await Policy(parts.jetstream, parts.resolve).pools()
    found = [(where.pool, rule_for(caller.subject, where.rules)) for where in ruled]
    pools = [_pool_policy(pool, rule, caller) for pool, rule in found if rule is not None]
    return OwnPolicy(pools=pools, next=_ASK if pools else _NO_POLICY)


def _pool_policy(pool: str, rule: ClientRule, caller: Caller) -> PoolPolicy:
    return PoolPolicy(
        scanner_pool=pool,
        networks=list(rule.networks),
        exclude=list(rule.exclude),
        credentials=list(rule.credentials) if caller.may(CREDENTIALS) else [],
        intensity=rule.intensity,
        max_hosts=rule.max_hosts,
        confirm_above_hosts=rule.confirm_above_hosts,
        confirm_intrusive=rule.confirm_intrusive,
        max_concurrent=rule.max_concurrent,
        scans_per_hour=rule.scans_per_hour,
    )


async def _together(policy: Policy, targets: Sequence[str], where: Ruled, now: datetime) -> Decision:
    subject = current_caller().subject
    request = ScanRequest(targets=tuple(targets), name="check", owner=subject, client=subject, intensity="safe")
    return (await policy.judged(request, where, now)).decision


def _checked(
    where: Ruled, verdicts: Sequence[TargetVerdict], decision: Decision | None, durations_s: Sequence[float]
) -> CheckedTargets:
    """`decision` is None where a target is denied by itself."""
    word, reason = _word(decision)
    return CheckedTargets(
        scanner_pool=where.pool,
        decision=word,
        reason=reason,
        targets=[_target(each) for each in verdicts],
        addresses=sum(each.addresses for each in verdicts),
        estimated_duration_s=round(median(durations_s)) if durations_s else None,
        next=_NEXT[word],
    )


def _word(decision: Decision | None) -> tuple[Literal["allowed", "denied", "needs_confirmation"], str | None]:
    match decision:
        case Allowed():
            return "allowed", None
        case Confirm(why):
            return "needs_confirmation", why
        case Denied() as denial:
            return "denied", f"{denial.sentence} ({denial.code})"
        case None:
            return "denied", "not every target is allowed"


def _target(verdict: TargetVerdict) -> CheckedTarget:
    return CheckedTarget(
        target=clean_line(verdict.target),
        allowed=verdict.allowed,
        rule=verdict.rule,
        addresses=verdict.addresses,
        reason=None if verdict.allowed else f"{verdict.reason} ({verdict.code})",
    )


def _credentials(caller: Caller, pools: Iterable[Ruled]) -> list[CredentialInfo]:
    """Each credential once, with the pools in which the caller may name it."""
    found: dict[str, CredentialInfo] = {}
    for where in pools:
        for each in nameable(caller, where):
            known = found.setdefault(each.id, _credential(each))
            known.scanner_pools.append(where.pool)
    return [found[name] for name in sorted(found)]


def _credential(rule: CredentialRule) -> CredentialInfo:
    return CredentialInfo(
        id=rule.id, kind=rule.kind, label=rule.label or None, scanner_pools=[], allowed_targets=list(rule.targets)
    )
