"""Deliveries that NATS has forgotten, found by what its consumers say, and told again.

A live scan moves since its last event is delivered, again and again, until it is acked; and whoever acks it has
committed a newer event of the scan before, or has found one. A nats-server that is killed can come up believing that
an event was acked that nobody acked. Nothing would wake that scan again. It can be proven:

- The consumers are asked first, the scans' last events are read after. An event that is the last one now was the last
  one when the consumer was asked, so nobody had acked it by then. One that waits (`nak` with a delay) is not acked.
- Such an event at or below the consumer's ack floor is lost: up to the floor everything counts as acked. A floor only
  grows, so one that an old leader tells is lower, and proves less.
- Of events above the floor that were delivered, each must be among those that the consumer waits for. Where there are
  more of them than it waits for, some are lost, and it does not say which: all of them are told again. What it waits
  for besides (an event that is spent) only makes this seem less.

An entry of the census can be behind, so each suspect is read once more from the stream's leader before it counts. A
read from a leader that was deposed a moment ago can still deceive. Then an event is told again that was not lost, which
does no harm at any time: a commit is conditional, this one changes nothing but the sequence, and whoever had the older
event in hand finds the newer one and goes on with that. A reading or an export under way is then done once more. A
launch would have to be left until its lease is over, so it is told again only then.

A nats-server that is killed can also bring back events that are gone, where a newer one of the same subject had taken
their place before that was purged. Of a scan that was deleted after its retention an old event is then the last one,
and nobody acks it. Such a scan must not begin anew. What is older than the shortest retention is left to people.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import msgspec
import structlog

from scanpool.coordination.ledger import Held
from scanpool.coordination.transitions import Mark
from scanpool.janitor import decide
from scanpool.janitor.census import Census
from scanpool.janitor.decide import Entry, Lost
from scanpool.janitor.hands import Hands
from scanpool.janitor.parts import JanitorParts
from scanpool.janitor.report import LostDelivery, Round, Unread
from scanpool.janitor.together import for_each
from scanpool.runtime.jetstream import ApiRefused
from scanpool.runtime.jetstream_answers import NO_CONSUMER, NO_STREAM
from scanpool_schemas import subjects
from scanpool_schemas.scan import StateName
from scanpool_schemas.wire import UnreadableEvent

log = structlog.get_logger(__name__)


class _Sequence(msgspec.Struct):
    stream_seq: int


class _Info(msgspec.Struct):
    delivered: _Sequence
    ack_floor: _Sequence
    num_ack_pending: int


Said = Mapping[StateName, decide.Deliveries]
"""What the consumers of a pool say, by state."""


class Deliveries:
    """Finds lost deliveries and tells them again."""

    def __init__(self, parts: JanitorParts) -> None:
        self._parts = parts

    async def asked(self, pools: Iterable[str], done: Round) -> dict[str, Said]:
        """What the consumers of the pools say now; to be asked before the scans are read.

        Raises:
            BrokerUnavailable: not all answered.
        """
        return {pool: await self._asked(pool, done) for pool in pools}

    async def tell_again(self, census: Census, said: Said, done: Round, hands: Hands) -> None:
        """Commit the same state anew for each scan whose delivery is lost.

        Raises:
            BrokerError: what was not done then is done by the next round.
        """
        held = await self._confirmed(census.pool, decide.lost(census.entries, said), done)
        lost = decide.lost((entry for entry, _ in held.values()), said)
        await for_each(lost, lambda one: self._tell(held[one.entry.scan_id][1], one, done, hands))

    async def _asked(self, pool: str, done: Round) -> Said:
        answers = await for_each(subjects.ACTED_ON, lambda state: self._info(pool, state, done))
        return {state: said for state, said in zip(subjects.ACTED_ON, answers, strict=True) if said is not None}

    async def _info(self, pool: str, state: StateName, done: Round) -> decide.Deliveries | None:
        try:
            info = await self._parts.jetstream.api(f"CONSUMER.INFO.{subjects.pool_stream(pool)}.{state}", None, _Info)
        except ApiRefused as refusal:
            if refusal.code == NO_CONSUMER:
                done.not_read.append(Unread(pool=pool, what=f"consumer {state}: {refusal}"))
            elif refusal.code != NO_STREAM:  # the census says that
                raise
            return None
        return decide.Deliveries(
            floor=info.ack_floor.stream_seq, delivered=info.delivered.stream_seq, unacked=info.num_ack_pending
        )

    async def _confirmed(self, pool: str, suspects: Sequence[Lost], done: Round) -> dict[str, tuple[Entry, Held]]:
        """Of the suspects, by their ids, those whose last event is still the one that was seen."""
        entries = [suspect.entry for suspect in suspects]
        now = await for_each(entries, lambda entry: self._read(pool, entry, done))
        return {
            entry.scan_id: (entry, held)
            for entry, held in zip(entries, now, strict=True)
            if held is not None and held.sequence == entry.sequence
        }

    async def _read(self, pool: str, entry: Entry, done: Round) -> Held | None:
        try:
            return await self._parts.ledger.read(pool, entry.scan_id)
        except UnreadableEvent as error:
            done.not_read.append(Unread(pool=pool, what=f"the last event of scan {entry.scan_id}: {error}"))
            return None

    async def _tell(self, held: Held, lost: Lost, done: Round, hands: Hands) -> None:
        clock, scan = self._parts.clockwork, held.scan
        told = LostDelivery(pool=scan.pool, id=scan.id, state=held.state, sequence=held.sequence, why=lost.why)
        mark = Mark(at=clock.now(), by="janitor", nonce=clock.nonce())
        if decide.may_be_remains(scan, self._parts.retention, mark.at):
            done.not_told_again.append(told)
            log.error("a delivery was lost, too old to be told again", **_said(told))
            return
        change = decide.told_again(scan, lost.why, self._parts.takeover_after, mark)
        if change is None or not await hands.commit(held, change):
            return
        done.told_again.append(told)
        if not done.dry_run:
            log.warning("a delivery was lost, told again", **_said(told))


def _said(told: LostDelivery) -> dict[str, object]:
    return {"scan_id": told.id, "pool": told.pool, "state": told.state, "why": told.why}
