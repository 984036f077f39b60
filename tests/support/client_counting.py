"""Admissions of what clients of the bridge ask for, each a process of its own, and clients counted in memory."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime
from itertools import count
from typing import cast

import msgspec
from nats.aio.client import Client

from scanpool.admission.clients import Counting
from scanpool.admission.service import Admission, AdmissionParts
from scanpool.coordination.client_counts import LIVE, Counted
from scanpool.coordination.client_policy import Counts
from scanpool.coordination.ledger import Ledger
from scanpool.coordination.stage import Clockwork
from scanpool.runtime.backoff import Backoff
from scanpool.runtime.delivery import Delivery
from scanpool.runtime.errors import PublishUnknown
from scanpool.runtime.jetstream import JetStream
from scanpool.runtime.keys import read_key
from scanpool.runtime.outcomes import Done
from scanpool.runtime.resolving import Resolver
from scanpool_schemas import subjects
from scanpool_schemas.keys import LastAdmitted
from scanpool_schemas.request import ScanRequest
from scanpool_schemas.scan import AnyScan
from tests.support.fake_jetstream import FakeJetStream

POOL = "lab"
_nonces = count(1)


async def nowhere(_hostname: str) -> tuple[str, ...]:
    """No name has an address."""
    return ()


def an_admission(
    jetstream: JetStream, counting: Counting, *, now: Callable[[], datetime], resolve: Resolver = nowhere
) -> Admission:
    """One that serves every pool."""
    clockwork = Clockwork(now=now, jitter=lambda: 0.5, nonce=lambda: f"n{next(_nonces)}", backoff=Backoff())
    ledger = Ledger(jetstream, source="test")
    return Admission(
        AdmissionParts(
            jetstream=jetstream, ledger=ledger, clockwork=clockwork, resolve=resolve, counting=counting, pools=()
        )
    )


async def ask(admission: Admission, jetstream: JetStream, scan_id: str, request: ScanRequest, at: datetime) -> AnyScan:
    """The scan that admission makes of the request, which is delivered until it is settled."""
    delivery = _delivery(scan_id, msgspec.json.encode(request), at)
    while not await _settled(admission, delivery):
        pass
    held = await Ledger(jetstream, source="test").read(POOL, scan_id)
    assert held is not None
    return held.scan


async def _settled(admission: Admission, delivery: Delivery) -> bool:
    try:
        outcome = await admission.requested(delivery)
        assert isinstance(outcome, Done)
        return outcome.commit is None or await outcome.commit() is not None
    except PublishUnknown:
        return False


def _delivery(scan_id: str, body: bytes, at: datetime) -> Delivery:
    return Delivery(
        client=cast(Client, None),
        reply="",
        subject=subjects.requested(POOL, scan_id),
        body=body,
        headers={},
        stream=subjects.SCAN_REQUESTS,
        consumer="admission",
        sequence=1,
        attempt=1,
        stored_at=at,
    )


class CountsInMemory:
    """Counts the scans that are not over as they were when the client's key was read: what is read may be that old."""

    def __init__(self, broker: FakeJetStream) -> None:
        self._broker = broker
        self._turn = asyncio.Lock()

    def turn(self, _pool: str, _client: str) -> asyncio.Lock:
        return self._turn

    async def counted(self, pool: str, client: str, _now: datetime) -> Counted:
        name, stream = subjects.client_key(subjects.client_token(client)), subjects.pool_stream(pool)
        key = await read_key(self._broker, pool, name, LastAdmitted)
        live = len([each for state in LIVE for each in self._broker.messages(stream, subjects.event(pool, state, "*"))])
        await self._broker.last(stream, subjects.events_of(pool, "*"))
        return Counted(counts=Counts(live=live, last_hour=0), revision=key.revision)
