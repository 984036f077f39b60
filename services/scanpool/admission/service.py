"""Admission's shell: reads the message and the pool's rules, decides, answers."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Literal

import msgspec
from structlog.contextvars import bind_contextvars

from scanpool.admission import decide
from scanpool.admission.clients import Clients, Counting
from scanpool.admission.decide import Admitted, Refused
from scanpool.coordination import transitions
from scanpool.coordination.ledger import Held, Ledger
from scanpool.coordination.registry import read_rules
from scanpool.coordination.space import no_room
from scanpool.coordination.stage import Clockwork
from scanpool.coordination.transitions import Change, Mark, Submission
from scanpool.runtime.delivery import Delivery
from scanpool.runtime.errors import TopologyMissing
from scanpool.runtime.jetstream import JetStream
from scanpool.runtime.outcomes import DeadLetter, Done, Outcome, Snooze
from scanpool.runtime.resolving import Resolver, resolved
from scanpool.runtime.tracing import current_trace_id
from scanpool_schemas import subjects
from scanpool_schemas.keys import PoolRules
from scanpool_schemas.names import is_valid_pool_name, is_valid_scan_id
from scanpool_schemas.request import (
    RequestInvalid,
    ScanRequest,
    check_address,
    decode_cancel_request,
    decode_scan_request,
    differences,
    digest,
)
from scanpool_schemas.scan import AnyScan

NOT_SERVED = Snooze(delay=timedelta(seconds=1), reason="this process does not serve the pool")
NO_RULES_YET = Snooze(delay=timedelta(seconds=2), reason="no dispatcher has written the pool's rules yet")
NO_ROOM = timedelta(seconds=10)
"""How soon a request is looked at again that waits for room in NATS."""
NOT_ADMITTED_YET = Snooze(delay=timedelta(milliseconds=500), reason="the scan is not admitted yet")


@dataclass(frozen=True, kw_only=True, slots=True)
class AdmissionParts:
    """What admission works with."""

    jetstream: JetStream
    ledger: Ledger
    clockwork: Clockwork
    resolve: Resolver
    counting: Counting
    pools: Collection[str]
    """Pools that this process serves; empty serves all."""


class Admission:
    """Answers requests and cancels."""

    def __init__(self, parts: AdmissionParts) -> None:
        self._parts = parts
        self._clients = Clients(parts.ledger, parts.clockwork, parts.resolve, parts.counting)

    async def requested(self, delivery: Delivery) -> Outcome:
        """A scan request: a queued scan, a refused one, or a dead letter."""
        subject = subjects.parse_scan_subject(delivery.subject)
        assert subject is not None  # the stream has no other subjects
        pool, scan_id = subject.pool, subject.scan_id
        if self._parts.pools and pool not in self._parts.pools:
            return NOT_SERVED
        try:
            check_address(pool, scan_id)
            request = decode_scan_request(delivery.body)
        except RequestInvalid as error:
            return _unusable(pool, scan_id, "invalid_request", str(error))
        bind_contextvars(scan_id=scan_id)
        try:
            rules = await read_rules(self._parts.jetstream, pool)
        except TopologyMissing:
            return _unusable(pool, scan_id, "unknown_pool", f"there is no pool {pool!r}")
        if rules is None:
            return NO_RULES_YET
        return await self._answer(delivery, subject, request, rules)

    async def cancel(self, delivery: Delivery) -> Outcome:
        """A request to cancel: a stop where the scan is on a scanner, else its end."""
        subject = subjects.parse_scan_subject(delivery.subject)
        assert subject is not None
        pool, scan_id = subject.pool, subject.scan_id
        if self._parts.pools and pool not in self._parts.pools:
            return NOT_SERVED
        try:
            check_address(pool, scan_id)
            request = decode_cancel_request(delivery.body)
            held = await self._parts.ledger.read(pool, scan_id)
        except RequestInvalid as error:
            return _unusable(pool, scan_id, "invalid_request", str(error))
        except TopologyMissing:
            return _unusable(pool, scan_id, "unknown_pool", f"there is no pool {pool!r}")
        bind_contextvars(scan_id=scan_id)
        if held is None:
            return await self._cancel_of_unknown(pool, scan_id)
        change = decide.cancelled(held.scan, request, self._mark("cancel"))
        return Done() if change is None else self._commit(held, change)

    async def _cancel_of_unknown(self, pool: str, scan_id: str) -> Outcome:
        request = await self._parts.jetstream.last(subjects.SCAN_REQUESTS, subjects.requested(pool, scan_id))
        if request is not None or await self._parts.ledger.last_event(pool, scan_id) is not None:
            return NOT_ADMITTED_YET
        return _unusable(pool, scan_id, "unknown_scan", f"pool {pool!r} has no scan {scan_id!r} to cancel")

    async def _answer(
        self, delivery: Delivery, subject: subjects.ScanSubject, request: ScanRequest, rules: PoolRules
    ) -> Outcome:
        existing = await self._parts.ledger.read(subject.pool, subject.scan_id)
        submitted = digest(request)
        if existing is not None and existing.scan.request_digest == submitted:
            return Done()
        if existing is not None:
            return _conflict(existing.scan, (request, await self._as_admitted(request, rules)), subject)
        if short := await no_room(self._parts.jetstream, subject.pool, self._parts.clockwork.now()):
            return Snooze(delay=NO_ROOM, reason=short.sentence)
        submission = Submission(
            id=subject.scan_id,
            pool=subject.pool,
            request=request,
            request_digest=submitted,
            submitted_at=delivery.stored_at,
            trace_id=current_trace_id(),
        )
        try:
            return await self._carried_out(submission, rules)
        except Refused as refusal:
            return self._commit(None, transitions.refused(submission, refusal.error, self._mark("admission")))

    async def _carried_out(self, submission: Submission, rules: PoolRules) -> Outcome:
        if submission.request.client is None:
            accepted = replace(submission, request=(await self._admitted(submission.request, rules)).request)
            return self._commit(None, transitions.admitted(accepted, self._mark("admission")))
        decide.check_at_first_sight(submission.request, rules)
        admitted = await self._admitted(submission.request, rules)
        return await self._clients.answer(replace(submission, request=admitted.request), admitted, rules)

    async def _admitted(self, request: ScanRequest, rules: PoolRules) -> Admitted:
        reading = decide.read_targets(request, rules)
        found = await resolved(reading.to_resolve, self._parts.resolve)
        admitted = decide.admit(request, rules, reading, found, self._parts.clockwork.now())
        size = len(msgspec.json.encode(admitted.request))
        if size > decide.MAX_ADMITTED_BYTES:
            message = f"normalised, the request takes {size} bytes; {decide.MAX_ADMITTED_BYTES} are allowed"
            raise Refused("request_too_large", f"{message}. Name fewer or larger targets, or split the scan")
        return admitted

    async def _as_admitted(self, request: ScanRequest, rules: PoolRules) -> ScanRequest:
        """The request in the form in which an admitted one is kept; as it is where it would be refused."""
        try:
            return (await self._admitted(request, rules)).request
        except Refused:
            return request

    def _commit(self, held: Held | None, change: Change) -> Done:
        return Done(commit=lambda: self._parts.ledger.commit(held, change))

    def _mark(self, by: Literal["admission", "cancel"]) -> Mark:
        return Mark(at=self._parts.clockwork.now(), by=by, nonce=self._parts.clockwork.nonce())


def _conflict(scan: AnyScan, forms: Sequence[ScanRequest], subject: subjects.ScanSubject) -> DeadLetter:
    """The id is taken by a scan that was asked for differently; the form nearest to it shows in what."""
    fields = min((differences(scan.request, form) for form in forms), key=len)
    return DeadLetter(
        reason="id_conflict",
        message=f"scan {scan.id!r} exists already and was asked for differently in: "
        + (", ".join(fields) or "the form of its targets"),
        pool=subject.pool,
        scan_id=subject.scan_id,
    )


def _unusable(pool: str, scan_id: str, reason: str, message: str) -> DeadLetter:
    """A dead letter; tokens that are no names do not become part of its subject."""
    return DeadLetter(
        reason=reason,
        message=message,
        pool=pool if is_valid_pool_name(pool) else "_",
        scan_id=scan_id if is_valid_scan_id(scan_id) else "_",
    )
