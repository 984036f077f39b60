"""What the policy of a caller says, before anything is asked of admission, which judges again.

Lists of targets are judged in threads: meanwhile other callers are answered.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from anyio import to_thread

from scanpool.bridge.answering.refusals import Refusal, RefusalCode
from scanpool.client.lookup import Lookup
from scanpool.coordination import client_policy
from scanpool.coordination.client_counts import ClientCounts
from scanpool.coordination.client_policy import Decision, Denied
from scanpool.coordination.client_targets import Addresses, TargetVerdict
from scanpool.runtime.jetstream import JetStream
from scanpool.runtime.resolving import Resolver, resolved
from scanpool_schemas.keys import PoolRules
from scanpool_schemas.request import ScanRequest
from scanpool_schemas.targets import InvalidTarget, Targets

_CODES: dict[str, RefusalCode] = {
    "client_target_denied": "target_denied",
    "target_not_allowed": "target_denied",
    "target_excluded": "target_denied",
    "impossible_target": "invalid_target",
    "invalid_target": "invalid_target",
    "hostname_unresolved": "invalid_target",
    "nothing_to_scan": "invalid_target",
    "client_unknown": "policy_denied",
    "client_settings_denied": "policy_denied",
    "client_intensity_denied": "policy_denied",
    "client_credential_denied": "policy_denied",
    "credential_not_allowed": "policy_denied",
    "client_too_many_hosts": "limit",
    "client_too_many_scans": "limit",
    "client_too_fast": "limit",
    "request_too_large": "limit",
}
_HINTS: dict[RefusalCode, str] = {
    "target_denied": "leave these targets out; check_targets says which may be scanned",
    "invalid_target": "correct the target that the message names, and call again",
    "policy_denied": "list_credentials and check_targets show what your policy allows",
    "limit": "ask for less at once, or later",
    "invalid_argument": "correct what the message names; list_pools and list_scanners show what there is",
}
_RETRY_AFTER_S = {"client_too_many_scans": 60, "client_too_fast": 300}


@dataclass(frozen=True, kw_only=True, slots=True)
class Ruled:
    """A pool and its rules."""

    pool: str
    rules: PoolRules


@dataclass(frozen=True, kw_only=True, slots=True)
class Judgement:
    """What the policy says of a request."""

    decision: Decision
    targets: Targets
    """As they would be scanned, hostnames at the addresses that they have now."""


class Policy:
    """Judges what callers ask for."""

    def __init__(self, jetstream: JetStream, resolve: Resolver) -> None:
        self._lookup = Lookup(jetstream)
        self._counts = ClientCounts(jetstream)
        self._resolve = resolve

    async def pools(self) -> tuple[Ruled, ...]:
        """Every pool that has rules."""
        ruled = [(name, await self._lookup.rules(name)) for name in await self._lookup.pools()]
        return tuple(Ruled(pool=name, rules=rules) for name, rules in ruled if rules is not None)

    async def ruled(self, pool: str | None) -> Ruled:
        """The pool of this name; without one the only pool, or the default one.

        Raises:
            UnknownPool: there is none.
            Refusal: nobody serves it yet.
        """
        name = await self._lookup.chosen_pool(pool)
        rules = await self._lookup.rules(name)
        if rules is None:
            message = f"pool {name} is not served yet: no dispatcher has written its rules"
            raise Refusal("backend_unavailable", message, hint="try again later", retryable=True, retry_after_s=30)
        return Ruled(pool=name, rules=rules)

    async def judged(self, request: ScanRequest, where: Ruled, now: datetime) -> Judgement:
        """What is said of the request, whose `client` is set.

        Raises:
            InvalidTarget: a target is malformed.
        """
        subject = request.client or ""
        first = await to_thread.run_sync(client_policy.at_first_sight, request, where.rules)
        if first is not None:
            return Judgement(decision=first, targets=Targets())
        addresses = await self._addresses(request.targets, where.rules)
        asked = await to_thread.run_sync(client_policy.asked, request, addresses)
        if asked.targets.is_empty:
            raise InvalidTarget("there is nothing to scan", "name at least one target")
        counts = await self._counts.of(where.pool, subject, now)
        decision = await to_thread.run_sync(client_policy.decide, asked, where.rules, counts, now)
        return Judgement(decision=decision, targets=asked.targets)

    async def verdicts(
        self, subject: str, targets: Sequence[str], where: Ruled, now: datetime
    ) -> tuple[TargetVerdict, ...]:
        """What is said of each target by itself."""
        addresses = await self._addresses(targets, where.rules)
        return await to_thread.run_sync(client_policy.judge_targets, subject, targets, where.rules, addresses, now)

    async def _addresses(self, targets: Sequence[str], rules: PoolRules) -> Addresses:
        wanted = await to_thread.run_sync(client_policy.to_resolve, targets, rules)
        return await resolved(wanted, self._resolve)


def denied(denial: Denied) -> Refusal:
    """What the caller is told of a denial."""
    return refused(denial.code, denial.sentence, hint=denial.hint, retryable=denial.retryable)


def refused(code: str, message: str, *, hint: str = "", retryable: bool = False, task_id: str | None = None) -> Refusal:
    """A refusal by a code of the error catalogue, in the bridge's own codes."""
    ours = _CODES.get(code, "invalid_argument")
    return Refusal(
        ours,
        f"{message} ({code})",
        hint=hint or _HINTS[ours],
        retryable=retryable,
        retry_after_s=_RETRY_AFTER_S.get(code),
        task_id=task_id,
    )
