"""What a pool's stream holds of each scan, read once and kept in step: only what is new since is read again.

A scan is its last event, so the last entry seen of it is all there is to know; what stands before that is spent. A
census is a copy, and a moment or (where other janitors delete) up to an hour behind: whoever acts on an entry holds it
against the scan's last event, by a condition or by a read.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from scanpool.coordination.ledger import held_of
from scanpool.janitor.decide import Entry, overdue_from
from scanpool.runtime.jetstream import ApiRefused, JetStream, Stored
from scanpool.runtime.jetstream_answers import NO_STREAM, stream_missing
from scanpool.runtime.sweep import sweep
from scanpool_schemas import subjects
from scanpool_schemas.scan import AnyScan, state_of
from scanpool_schemas.wire import UnreadableEvent

KEPT = timedelta(hours=1)
"""After this all is read anew, so that nothing that went unnoticed stays so."""


class Census:
    """The scans of one pool."""

    def __init__(self, pool: str, max_duration: timedelta, begun_at: datetime) -> None:
        self.pool = pool
        self.begun_at = begun_at
        self.created = ""
        """When the stream was made, as the server says it: another stream of the name has other scans."""
        self.last_sequence = 0
        self.unreadable: set[str] = set()
        """Ids of scans with an event that this version cannot read: what they name is not known."""
        self._max_duration = max_duration
        self._entries: dict[str, Entry] = {}

    @property
    def entries(self) -> Iterable[Entry]:
        """Of every scan one, in no order."""
        return self._entries.values()

    def get(self, scan_id: str) -> Entry | None:
        """The scan's entry."""
        return self._entries.get(scan_id)

    def saw(self, stored: Stored) -> None:
        """Take an event in; they come in the order of their sequences.

        Raises:
            UnreadableEvent: it cannot be read.
        """
        self.last_sequence = stored.sequence
        scan_id = stored.subject.rsplit(".", 1)[1]
        try:
            held = held_of(stored)
        except UnreadableEvent:
            self.unreadable.add(scan_id)
            self._entries.pop(scan_id, None)
            raise
        self.unreadable.discard(scan_id)
        self._entries[scan_id] = self._after(self._entries.get(scan_id), held.scan, stored)

    def purged(self, scan_id: str) -> None:
        """Nothing older than its last event is left of it."""
        entry = self._entries.get(scan_id)
        if entry is not None:
            self._entries[scan_id] = replace(entry, spent=(), spent_bytes=0)

    def forget(self, scan_id: str) -> None:
        """It is no more, or is not what was seen."""
        self._entries.pop(scan_id, None)

    def is_of(self, created: str, last_sequence: int, now: datetime) -> bool:
        """Whether it may go on: the stream is the same, has not gone back, and an hour has not passed."""
        return created == self.created and last_sequence >= self.last_sequence and now - self.begun_at < KEPT

    def _after(self, before: Entry | None, scan: AnyScan, stored: Stored) -> Entry:
        state = state_of(scan)
        export, findings = getattr(scan, "export", None), getattr(scan, "findings", None)
        older = () if before is None else tuple(each for each in (*before.spent, before.state) if each != state)
        return Entry(
            scan_id=stored.subject.rsplit(".", 1)[1],
            state=state,
            sequence=stored.sequence,
            at=scan.at,
            scanner=getattr(scan, "scanner", None),
            export=export.object if export is not None else None,
            findings=findings.object if findings is not None else None,
            overdue_from=overdue_from(scan, self._max_duration),
            size_bytes=len(stored.body),
            spent=tuple(dict.fromkeys(older)),
            spent_bytes=before.spent_bytes + before.size_bytes if before is not None else 0,
        )


class Censuses:
    """The censuses of all pools that one janitor has read."""

    def __init__(self, max_duration: timedelta) -> None:
        self._max_duration = max_duration
        self._kept: dict[str, Census] = {}

    async def of(self, jetstream: JetStream, pool: str, now: datetime) -> tuple[Census, list[str]]:
        """The pool's census as of now, and a sentence for each event that is new and cannot be read.

        Raises:
            TopologyMissing: there is no such pool.
            BrokerUnavailable: not all of it could be read; the next time goes on from there.
        """
        created, last_sequence = await _standing(jetstream, pool)
        census = self._kept.get(pool)
        if census is None or not census.is_of(created, last_sequence, now):
            census = Census(pool, self._max_duration, now)
            census.created = created
            self._kept[pool] = census
        return census, await _read_on(jetstream, census)


async def _read_on(jetstream: JetStream, census: Census) -> list[str]:
    problems = []
    stream, events = subjects.pool_stream(census.pool), subjects.events_of(census.pool, "*")
    async for stored in sweep(jetstream, stream, events, census.last_sequence + 1):
        try:
            census.saw(stored)
        except UnreadableEvent as error:
            problems.append(f"{stored.subject}: {error}")
    return problems


async def _standing(jetstream: JetStream, pool: str) -> tuple[str, int]:
    """When the pool's stream was made, and its last sequence."""
    stream = subjects.pool_stream(pool)
    try:
        info = await jetstream.api(f"STREAM.INFO.{stream}", None, dict[str, Any])
    except ApiRefused as refusal:
        if refusal.code == NO_STREAM:
            raise stream_missing(stream) from refusal
        raise
    return str(info["created"]), int(info["state"]["last_seq"])
