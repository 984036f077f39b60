"""Scans that wait for a person's approval: let go on, or ended."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, TypeAlias

import msgspec

from scanpool.coordination import transitions
from scanpool.coordination.client_policy import Denied, standing_denial
from scanpool.coordination.client_targets import TARGET_DENIED
from scanpool.coordination.dead_letters import Operator
from scanpool.coordination.ledger import Held, Ledger
from scanpool.coordination.registry import read_rules
from scanpool.coordination.transitions import Change, Mark
from scanpool.runtime.errors import BrokerError, TopologyMissing
from scanpool.runtime.jetstream import JetStream
from scanpool.runtime.topology.apply import pools_in_nats
from scanpool_schemas.names import is_valid_scan_id
from scanpool_schemas.scan import AnyScan, Completed, Dead, Failed, Pending, ScanError, state_of
from scanpool_schemas.targets import InvalidTarget
from scanpool_schemas.wire import UnreadableEvent

Act: TypeAlias = Literal["approve", "reject"]
What: TypeAlias = Literal[
    "approved", "rejected", "already_approved", "already_rejected", "already_over", "not_waiting", "unknown", "not_done"
]
_DONE: dict[Act, What] = {"approve": "approved", "reject": "rejected"}
_TRIES = 5
"""Of one commit that others come before: a scan that waits for approval changes only a few times."""


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a scan that was to be approved or rejected."""

    id: str
    pool: str
    """Empty where no pool has it."""
    outcome: What
    message: str

    @property
    def is_good(self) -> bool:
        """What was asked for was done."""
        return self.outcome in _DONE.values()


class Approvals:
    """Approves and rejects scans, in the name of one operator."""

    def __init__(self, jetstream: JetStream, ledger: Ledger, operator: Operator) -> None:
        self._jetstream = jetstream
        self._ledger = ledger
        self._operator = operator

    async def settle(self, act: Act, ids: Iterable[str], *, pool: str | None, reason: str) -> list[Outcome]:
        """Approve or reject each scan once, in the order given; `reason` goes into its timeline."""
        return [await self._settled(act, each, pool, reason) for each in dict.fromkeys(ids)]

    async def _settled(self, act: Act, scan_id: str, pool: str | None, reason: str) -> Outcome:
        try:
            found = await self._found(scan_id, pool)
            if len(found) != 1:
                return _not_one(scan_id, pool, found)
            return await self._committed(act, found[0], reason)
        except (BrokerError, UnreadableEvent) as error:
            return Outcome(id=scan_id, pool=pool or "", outcome="not_done", message=str(error))

    async def _committed(self, act: Act, held: Held, reason: str) -> Outcome:
        for _ in range(_TRIES):
            if not isinstance(held.scan, Pending):
                return not_waiting(held.scan)
            if act == "approve" and (denial := await self._denied(held.scan)) is not None:
                sentence = f"its client's policy does not allow it any more: {denial.sentence}; reject it, or mend that"
                return _outcome(held.scan, "not_done", sentence)
            change = settled(act, held.scan, self._operator.by, reason, self._operator.mark())
            after = await self._ledger.commit(held, change)
            if after is not None:
                return _outcome(after.scan, _DONE[act], f"is {state_of(after.scan)}")
            held = await self._ledger.read(held.scan.pool, held.scan.id) or held
        return _outcome(held.scan, "not_done", "others changed it again and again; say it once more")

    async def _denied(self, scan: Pending) -> Denied | None:
        """What the client's policy says against the scan now; how many it has is no matter, since this one counts."""
        rules = await read_rules(self._jetstream, scan.pool) if scan.request.client is not None else None
        if rules is None:
            return None
        try:
            return standing_denial(scan.request, rules, self._operator.now())
        except InvalidTarget as error:
            return Denied(code=TARGET_DENIED, sentence=str(error), hint="")

    async def _found(self, scan_id: str, pool: str | None) -> list[Held]:
        if not is_valid_scan_id(scan_id):
            return []
        pools = (pool,) if pool is not None else await pools_in_nats(self._jetstream)
        held = [await self._held(each, scan_id) for each in pools]
        return [each for each in held if each is not None]

    async def _held(self, pool: str, scan_id: str) -> Held | None:
        try:
            return await self._ledger.read(pool, scan_id)
        except TopologyMissing:
            return None


def settled(act: Act, scan: Pending, by: str, reason: str, mark: Mark) -> Change:
    """What approving or rejecting commits."""
    who = f"{_DONE[act]} by {by}" if by else _DONE[act]
    why = f"{who}: {reason}" if reason else who
    if act == "approve":
        return transitions.approved(scan, why, mark)
    return transitions.failed(scan, ScanError(code="approval_denied", message=why), mark)


def not_waiting(scan: AnyScan) -> Outcome:
    """What is said of a scan that waits for no approval, or no longer."""
    match scan:
        case Failed(error=error) if error.code == "approval_denied":
            return _outcome(scan, "already_rejected", f"already over: {error.message}")
        case Completed() | Failed() | Dead():
            return _outcome(scan, "already_over", f"already over: it is {state_of(scan)}")
        case _ if any(entry.state == "pending" for entry in scan.timeline):
            return _outcome(scan, "already_approved", f"already approved: it is {state_of(scan)}")
        case _:
            return _outcome(scan, "not_waiting", f"waits for no approval: it is {state_of(scan)}")


def _not_one(scan_id: str, pool: str | None, found: list[Held]) -> Outcome:
    if found:
        pools = ", ".join(sorted(each.scan.pool for each in found))
        message = f"is in several pools ({pools}); name the pool with --pool"
        return Outcome(id=scan_id, pool="", outcome="not_done", message=message)
    where = f"pool {pool!r}" if pool else "any pool"
    return Outcome(id=scan_id, pool=pool or "", outcome="unknown", message=f"there is no such scan in {where}")


def _outcome(scan: AnyScan, what: What, message: str) -> Outcome:
    return Outcome(id=scan.id, pool=scan.pool, outcome=what, message=message)
