"""Reads, retries and removes dead letters: what lies in SCAN_DLQ waits for a person."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

import msgspec

from scanpool.coordination import letters
from scanpool.coordination.ledger import Ledger
from scanpool.coordination.letters import (
    AlreadyRetried,
    CannotRetry,
    Letter,
    PublishAgain,
    Retry,
    Revive,
    Wanted,
    letter_of,
)
from scanpool.coordination.transitions import Mark
from scanpool.runtime.errors import BrokerError, BrokerUnavailable, SequenceMoved, SubjectFull, TopologyMissing
from scanpool.runtime.jetstream import JetStream, Stored
from scanpool.runtime.topology.apply import pools_in_nats
from scanpool_schemas import subjects
from scanpool_schemas.names import check_pool_name, is_valid_scan_id
from scanpool_schemas.scan import AnyScan, Dead, state_of
from scanpool_schemas.wire import UnreadableEvent

NO_POOL = "_"
"""What stands for the pool where the subject of a message named none that could be one."""
_REMOVED_AT_ONCE = 32

What = Literal["retried", "would_retry", "already_retried", "not_retried"]


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a dead letter that was to be retried."""

    id: str
    pool: str
    outcome: What
    message: str

    @property
    def is_good(self) -> bool:
        """It was retried, or would be."""
        return self.outcome in {"retried", "would_retry"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Operator:
    """Who retries, and by which clock and nonces."""

    by: str
    now: Callable[[], datetime]
    nonce: Callable[[], str]

    def mark(self) -> Mark:
        """The mark of a commit made now."""
        return Mark(at=self.now(), by="operator", nonce=self.nonce())


class DeadLetters:
    """The dead letters of all pools."""

    def __init__(self, jetstream: JetStream, ledger: Ledger, operator: Operator) -> None:
        self._jetstream = jetstream
        self._ledger = ledger
        self._operator = operator

    async def all(self, wanted: Wanted) -> list[Letter]:
        """Those that are meant and lie there now, the newest first.

        Raises:
            InvalidName: the pool is none.
            BrokerUnavailable, TopologyMissing: they could not be read.
        """
        return await read_letters(self._jetstream, wanted)

    async def stored(self, letter: Letter) -> Stored | None:
        """The letter's message; None where it was removed since."""
        return await self._jetstream.at(subjects.SCAN_DLQ, letter.sequence)

    async def retry(self, chosen: Sequence[Letter], *, dry_run: bool) -> list[Outcome]:
        """Retry them, the first given up first; once NATS does not answer the rest is left as it is."""
        outcomes: list[Outcome] = []
        waiting = sorted(chosen, key=lambda letter: (letter.at, letter.sequence))
        for place, letter in enumerate(waiting):
            try:
                outcomes.append(await self._retried(letter, dry_run=dry_run))
            except BrokerUnavailable as error:
                outcomes += [_outcome(each, "not_retried", str(error)) for each in waiting[place:]]
                break
            except (BrokerError, UnreadableEvent) as error:
                outcomes.append(_outcome(letter, "not_retried", str(error)))
        return outcomes

    async def without_letter(self, name: str, pool: str | None) -> Outcome:
        """What is to be said of an id that no dead letter has."""
        found = letters.retry_without_letter(await self._scans(name, pool))
        what: What = "already_retried" if isinstance(found, AlreadyRetried) else "not_retried"
        return Outcome(id=name, pool=pool or "", outcome=what, message=found.message)

    async def remove(self, chosen: Sequence[Letter]) -> int:
        """Remove them from SCAN_DLQ, and nothing that came there later; answers how many were there."""
        at_once = asyncio.Semaphore(_REMOVED_AT_ONCE)

        async def one(letter: Letter) -> bool:
            async with at_once:
                return await self._remove(letter)

        return sum(await asyncio.gather(*(one(letter) for letter in chosen)))

    async def _retried(self, letter: Letter, *, dry_run: bool) -> Outcome:
        match await self._decided(letter):
            case AlreadyRetried(message=message):
                if not dry_run:
                    await self._remove(letter)
                return _outcome(letter, "already_retried", message)
            case CannotRetry(message=message):
                return _outcome(letter, "not_retried", message)
            case Revive() | PublishAgain() if dry_run:
                return _outcome(letter, "would_retry", letter.message)
            case Revive() as revive:
                return await self._revived(letter, revive)
            case PublishAgain() as again:
                return await self._published(letter, again)

    async def _decided(self, letter: Letter) -> Retry:
        stored = await self.stored(letter)
        if stored is None:
            return CannotRetry(message="it is no dead letter any more: it was retried or purged meanwhile")
        match letters.content_of(stored):
            case Dead() as dead:
                now = await self._ledger.read(dead.pool, dead.id)
                return letters.retry_of_scan(dead, now, self._operator.by, self._operator.mark())
            case str(why):
                return CannotRetry(message=why)
            case message:
                return letters.retry_of_message(message)

    async def _revived(self, letter: Letter, revive: Revive) -> Outcome:
        held = await self._ledger.commit(revive.held, revive.change)
        if held is None:
            return _outcome(letter, "already_retried", "somebody else retried it just now")
        await self._remove(letter)
        return _outcome(letter, "retried", f"is {state_of(held.scan)}, run {held.scan.run}")

    async def _published(self, letter: Letter, again: PublishAgain) -> Outcome:
        try:
            await self._jetstream.publish(again.write)
        except (SequenceMoved, SubjectFull):
            return _outcome(letter, "not_retried", f"another message waits on {again.write.subject}")
        await self._remove(letter)
        return _outcome(letter, "retried", f"published again on {again.write.subject}")

    async def _remove(self, letter: Letter) -> bool:
        return await self._jetstream.purge(subjects.SCAN_DLQ, letter.subject, letter.sequence + 1) > 0

    async def _scans(self, name: str, pool: str | None) -> list[AnyScan]:
        if not is_valid_scan_id(name):
            return []
        pools = [pool] if pool else await pools_in_nats(self._jetstream)
        held = [await self._held(each, name) for each in pools]
        return [scan for scan in held if scan is not None]

    async def _held(self, pool: str, scan_id: str) -> AnyScan | None:
        try:
            held = await self._ledger.read(pool, scan_id)
        except TopologyMissing:
            return None
        return held.scan if held else None


async def read_letters(jetstream: JetStream, wanted: Wanted) -> list[Letter]:
    """The dead letters that are meant and lie there now, the newest first.

    Raises:
        InvalidName: the pool is none.
        BrokerUnavailable, TopologyMissing: they could not be read.
    """
    end = await jetstream.last(subjects.SCAN_DLQ, ">")
    found: list[Letter] = []
    for subject in _filters(wanted.pool):
        found += await _up_to(jetstream, subject, end.sequence if end else 0)
    return letters.newest_first(found, wanted)


async def _up_to(jetstream: JetStream, subject: str, end: int) -> list[Letter]:
    found: list[Letter] = []
    sequence = 1
    while sequence <= end:
        stored = await jetstream.next_from(subjects.SCAN_DLQ, sequence, subject)
        if stored is None or stored.sequence > end:
            break
        found.append(letter_of(stored))
        sequence = stored.sequence + 1
    return found


def _filters(pool: str | None) -> tuple[str, ...]:
    if pool is None:
        return (">",)
    if pool != NO_POOL:
        check_pool_name(pool)
    return (subjects.event(pool, "dead", "*"), f"dlq.{pool}.>")


def _outcome(letter: Letter, what: What, message: str) -> Outcome:
    return Outcome(id=letter.id, pool=letter.pool, outcome=what, message=message)
