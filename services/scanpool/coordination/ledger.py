"""Reads scans and commits their transitions: the one place where a pool's scans are written."""

from __future__ import annotations

import asyncio
import contextlib
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import msgspec
import structlog

from scanpool.coordination.places import PlaceChange, changed
from scanpool.coordination.state_table import check_legal
from scanpool.coordination.telling import log_commit, message_of, tell_time_spent
from scanpool.coordination.transitions import Change
from scanpool.runtime.errors import BrokerUnavailable, PublishUnknown, SequenceMoved
from scanpool.runtime.jetstream import JetStream, Stored, Write
from scanpool.runtime.keys import read_key
from scanpool.runtime.message_spans import publishing_for
from scanpool.runtime.tracing import note, traceparent_of
from scanpool_schemas import decoding, subjects
from scanpool_schemas.keys import LastAdmitted, Load
from scanpool_schemas.scan import AnyScan, StateName, state_of
from scanpool_schemas.wire import decode_scan, event_type

_TRIES = 20
"""Of one commit whose place moves under it while the scan itself stays as it was read."""
CLIENT_KEY_KEPT = timedelta(hours=1)
"""How long a client's key is kept: longer than any reader is behind, or any commit under way."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class Held:
    """A scan as it was read: its last event and that event's sequence."""

    scan: AnyScan
    sequence: int
    traceparent: str = ""
    """Of its last event: the span that committed it."""

    @property
    def state(self) -> StateName:
        return state_of(self.scan)


@dataclass(frozen=True, kw_only=True, slots=True)
class KeyAt:
    """A scanner's load with the revision that it was read at; revision 0 is no key yet."""

    load: Load
    revision: int


class Ledger:
    """The scans and places of all pools, read from their leaders and written by conditional commits."""

    def __init__(
        self,
        jetstream: JetStream,
        *,
        source: str,
        committed: Callable[[AnyScan | None, AnyScan], None] = lambda _before, _after: None,
    ) -> None:
        """`source` names the process in events; `committed` is told the scan before and after each commit of ours."""
        self._jetstream = jetstream
        self._source = source
        self._committed = committed
        self._turns: defaultdict[tuple[str, str], asyncio.Lock] = defaultdict(asyncio.Lock)
        """Commits that change one scanner's places are made one after the other: at once, all but one would fail."""

    async def read(self, pool: str, scan_id: str) -> Held | None:
        """The scan as it is now; None where there is no such scan.

        Raises:
            UnreadableEvent: its last event is not one that this version knows.
            BrokerUnavailable, TopologyMissing: it could not be read.
        """
        stored = await self.last_event(pool, scan_id)
        return held_of(stored) if stored else None

    async def last_event(self, pool: str, scan_id: str) -> Stored | None:
        """The scan's last event, undecoded."""
        return await self._jetstream.last(subjects.pool_stream(pool), subjects.events_of(pool, scan_id))

    async def load(self, pool: str, scanner: str) -> KeyAt:
        """The scanner's load; without places where its key does not exist."""
        key = await read_key(self._jetstream, pool, subjects.load_key(scanner), Load)
        return KeyAt(load=key.value or Load(capacity=0), revision=key.revision)

    async def commit(self, before: Held | None, change: Change) -> Held | None:
        """Make the change if the scan is still as it was read; None if it is not, if no place is free, or if a scan
        of its client was admitted since the client's scans were counted.

        An unknown outcome is settled by reading: our nonce in the last event means that it was ours.

        Raises:
            IllegalTransition: the protocol has no such change.
            BrokerUnavailable: NATS does not answer; whether it was stored shows in the next delivery.
        """
        check_legal(before.scan if before else None, change.scan)
        async with self._turn(change):
            return await self._committed_from(before, change)

    def _turn(self, change: Change) -> contextlib.AbstractAsyncContextManager[None]:
        if change.place is None:
            return contextlib.nullcontext()
        return self._turns[change.scan.pool, change.place.scanner]

    async def _committed_from(self, before: Held | None, change: Change) -> Held | None:
        scan = change.scan
        event = self._event(scan, before.sequence if before else 0)
        message = message_of(scan, event, self._jetstream.server)
        with publishing_for(scan.trace_id, before.traceparent if before else "", message) as traced:
            sequence = await self._stored(change, replace(event, headers={**event.headers, **traced}))
            if sequence is None:
                note({"scanpool.conflict": True})
                return None
        return self._won(before, change, Held(scan=scan, sequence=sequence, traceparent=traceparent_of(traced)))

    async def _stored(self, change: Change, event: Write) -> int | None:
        """The sequence of the event, stored with its key; None where the scan or its key is not as it was."""
        for _ in range(_TRIES):
            writes = await self._writes(change, event)
            if writes is None:
                return None
            try:
                return await self._publish(writes)
            except (SequenceMoved, PublishUnknown) as error:
                log.debug("commit unsettled", error=str(error))
            now = await self.last_event(change.scan.pool, change.scan.id)
            if now is not None and _nonce(now) == change.scan.nonce:
                return now.sequence
            if (now.sequence if now else 0) != event.expected_sequence or change.counted_at is not None:
                return None
        raise BrokerUnavailable(f"scan {change.scan.id}: {_TRIES} commits in a row found the place moved")

    async def _publish(self, writes: list[Write]) -> int:
        if len(writes) == 1:
            return await self._jetstream.publish(writes[0])
        return await self._jetstream.publish_together(writes)

    async def _writes(self, change: Change, event: Write) -> list[Write] | None:
        if change.counted_at is not None:
            return [_client_key(change.scan, change.counted_at), event]
        if change.place is None:
            return [event]
        place = await self._place(change.scan, change.place)
        return None if place is None else [place, event]

    async def _place(self, scan: AnyScan, change: PlaceChange) -> Write | None:
        at = await self.load(scan.pool, change.scanner)
        after = changed(at.load, change, scan.id)
        if after is None:
            return None
        return Write(
            subject=subjects.key(scan.pool, subjects.load_key(change.scanner)),
            body=msgspec.json.encode(after),
            expected_sequence=at.revision,
        )

    def _event(self, scan: AnyScan, expected: int) -> Write:
        state = state_of(scan)
        return Write(
            subject=subjects.event(scan.pool, state, scan.id),
            body=msgspec.json.encode(scan),
            headers={
                "ce-specversion": "1.0",
                "ce-id": f"{scan.id}.{scan.nonce}",
                "ce-type": event_type(state),
                "ce-source": self._source,
                "ce-time": scan.at.isoformat(),
            },
            expected_sequence=expected,
            expected_over=subjects.events_of(scan.pool, scan.id),
        )

    def _won(self, before: Held | None, change: Change, after: Held) -> Held:
        was = before.scan if before else None
        self._committed(was, change.scan)
        log_commit(was, change.scan)
        if before is not None:
            tell_time_spent(before.scan, change.scan, before.traceparent)
        return after


class UnknownSubject(ValueError):
    """The message is no event of a scan."""


def held_of(stored: Stored) -> Held:
    """Decode a scan's event.

    Raises:
        UnreadableEvent: it is not what its subject says.
        UnknownSubject: the subject is not a scan's.
    """
    parts = subjects.parse_scan_subject(stored.subject)
    if parts is None:
        raise UnknownSubject(stored.subject)
    scan = decode_scan(parts.kind, stored.body, stored.headers.get("ce-type"))
    return Held(scan=scan, sequence=stored.sequence, traceparent=traceparent_of(stored.headers))


def _client_key(scan: AnyScan, revision: int) -> Write:
    client = scan.request.client or ""
    admitted = LastAdmitted(client=client, scan_id=scan.id, at=scan.at)
    return Write(
        subject=subjects.key(scan.pool, subjects.client_key(subjects.client_token(client))),
        body=msgspec.json.encode(admitted),
        headers={"Nats-TTL": f"{CLIENT_KEY_KEPT // timedelta(seconds=1)}s"},
        expected_sequence=revision,
    )


def _nonce(stored: Stored) -> str | None:
    document: Any = decoding.document(stored.body)
    return document.get("nonce") if isinstance(document, dict) else None
