"""Requests of clients of the bridge: held against their policy once more, and counted."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from datetime import datetime
from typing import Any, Protocol

from scanpool.admission import decide
from scanpool.admission.decide import Admitted, Refused
from scanpool.coordination import client_policy
from scanpool.coordination.client_counts import Counted
from scanpool.coordination.client_policy import Asked, Counts, Denied
from scanpool.coordination.client_targets import protected_names
from scanpool.coordination.ledger import Held, Ledger
from scanpool.coordination.stage import Clockwork
from scanpool.coordination.transitions import Change, Mark, Submission
from scanpool.runtime.errors import BrokerUnavailable
from scanpool.runtime.outcomes import Done
from scanpool.runtime.resolving import Resolver, resolved
from scanpool_schemas.keys import PoolRules
from scanpool_schemas.targets import InvalidTarget

_NONE = Counts(live=0, last_hour=0)
_TRIES = 20
"""Of one scan while others of its client are admitted elsewhere: each of them brings the client nearer to its limit."""


class Counting(Protocol):
    """What counts the scans of clients."""

    def turn(self, pool: str, client: str) -> AbstractAsyncContextManager[Any]: ...

    async def counted(self, pool: str, client: str, now: datetime) -> Counted: ...


class Clients:
    """Answers what the pool itself would take."""

    def __init__(self, ledger: Ledger, clockwork: Clockwork, resolve: Resolver, counting: Counting) -> None:
        self._ledger = ledger
        self._clockwork = clockwork
        self._resolve = resolve
        self._counting = counting

    async def answer(self, submission: Submission, admitted: Admitted, rules: PoolRules) -> Done:
        """Queued, pending, or refused.

        Raises:
            Refused: the client may not, however few scans it has.
        """
        try:
            protected = await resolved(protected_names(rules), self._resolve)
            asked = Asked(
                request=admitted.request,
                targets=admitted.targets,
                looked_up=tuple(admitted.resolved),
                resolved={**admitted.resolved, **protected},
            )
            decision = client_policy.decide(asked, rules, _NONE, self._clockwork.now())
        except InvalidTarget as error:
            message = f"what the pool's rules say of clients cannot be read: {error}"
            raise Refused("client_target_denied", message) from error
        if isinstance(decision, Denied):
            raise decide.denied(decision)
        return Done(commit=lambda: self._counted(submission, asked, rules))

    async def _counted(self, submission: Submission, asked: Asked, rules: PoolRules) -> Held | None:
        """The commit, on condition that no scan of the client was admitted since its scans were counted.

        Raises:
            BrokerUnavailable: others are admitted all the time.
        """
        async with self._counting.turn(submission.pool, asked.request.client or ""):
            for _ in range(_TRIES):
                held = await self._ledger.commit(None, await self._decided(submission, asked, rules))
                if held is not None or await self._ledger.last_event(submission.pool, submission.id) is not None:
                    return held
        raise BrokerUnavailable(f"scan {submission.id}: {_TRIES} counts in a row were overtaken by other admissions")

    async def _decided(self, submission: Submission, asked: Asked, rules: PoolRules) -> Change:
        now = self._clockwork.now()
        counted = await self._counting.counted(submission.pool, asked.request.client or "", now)
        mark = Mark(at=now, by="admission", nonce=self._clockwork.nonce())
        decision = client_policy.decide(asked, rules, counted.counts, now)
        return decide.of_client(decision, submission, mark, counted.revision)
