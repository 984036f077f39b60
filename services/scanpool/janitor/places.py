"""The invariant between places and events, looked at and put right.

A scan holds a place on scanner S, as key `load.S` says, if and only if its last event is launching, running or
stopping and names S. Every commit that changes one side changes the other in the same atomic batch: a claim, and each
way out of the three states, writes `load.S` even where the list of holders comes out as it was. So whatever touches
this pair of scan and scanner moves the revision of `load.S`, and that is what makes a look and a repair safe while
dispatchers, pollers and other janitors run:

- A look reads the key, then the scan's last event, then the key again. With the revision unmoved the event stood
  beside that very key, so that what is seen is one moment and not two. Else it is looked at anew another time.
- A repair is one atomic batch on two conditions: the key is at the revision that was looked at, and the scan's last
  event is the one that was looked at (key `repair` is written on that condition, and says for people what was done).
  A claim, an end or another repair that comes first moves one of them, and nothing is stored. A repair that comes
  first moves the revision of `load.S`, and a claim or end under way decides again with the key as it is then.
- The second condition makes the repair safe against a read from a leader that was deposed: an event that is older
  than the scan's last one fits no condition.

A repair never writes an event. It gives back what no event speaks of, and gives what an event speaks of, even where
that takes more places than the scanner has: the scan is on the scanner, and until it is over no other is placed.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import msgspec
import structlog

from scanpool.coordination.ledger import Ledger, held_of
from scanpool.janitor import decide
from scanpool.janitor.decide import NOT_HELD, NOT_SPOKEN_OF, Disagreement, What
from scanpool.janitor.report import Place
from scanpool.runtime.errors import PublishUnknown, SequenceMoved
from scanpool.runtime.jetstream import JetStream, Write
from scanpool_schemas import subjects
from scanpool_schemas.events import ScannerEvent
from scanpool_schemas.keys import Load, Repair
from scanpool_schemas.names import is_valid_scan_id
from scanpool_schemas.scan import AnyScan, StateName, state_of

log = structlog.get_logger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class Seen:
    """A disagreement as it stood in one moment, and what a repair is conditional on."""

    pool: str
    found: Disagreement
    load: Load
    load_revision: int
    event_sequence: int
    state: StateName | None

    @property
    def place(self) -> Place:
        """As it is told."""
        found = self.found
        return Place(pool=self.pool, scanner=found.scanner, scan_id=found.scan_id, what=found.what, state=self.state)


class Places:
    """Looks at suspects and repairs them."""

    def __init__(self, jetstream: JetStream, ledger: Ledger) -> None:
        self._jetstream = jetstream
        self._ledger = ledger

    async def look(self, pool: str, suspect: Disagreement) -> Seen | None:
        """The disagreement as it stands now; None where both sides agree, or one of them just moved.

        Raises:
            UnreadableEvent: it is not known what the scan's last event says.
            BrokerUnavailable, KeyUnreadable: it could not be looked at.
        """
        before = await self._ledger.load(pool, suspect.scanner)
        event = await self._ledger.last_event(pool, suspect.scan_id) if is_valid_scan_id(suspect.scan_id) else None
        scan = held_of(event).scan if event is not None else None
        after = await self._ledger.load(pool, suspect.scanner)
        found = _disagreement(before.load, scan, suspect)
        if before.revision != after.revision or found is None:
            return None
        return Seen(
            pool=pool,
            found=found,
            load=before.load,
            load_revision=before.revision,
            event_sequence=event.sequence if event is not None else 0,
            state=state_of(scan) if scan is not None else None,
        )

    async def repair(self, seen: Seen, now: datetime) -> bool:
        """Make the place agree with the event, if neither moved since it was looked at; False where one did.

        Raises:
            BrokerUnavailable: it was not done.
        """
        try:
            await self._jetstream.publish_together([_on_the_event(seen, now), _on_the_key(seen)])
        except (SequenceMoved, PublishUnknown) as error:
            log.info("not repaired, it is looked at again", **_said(seen), reason=str(error))
            return False
        log.warning("repaired a place", **_said(seen))
        await self.tell(seen, "place-repaired", now)
        return True

    async def tell(self, seen: Seen, event: str, now: datetime) -> None:
        """Publish it as something that befell the scanner.

        Raises:
            BrokerError: it was not told, or it is not known.
        """
        told = ScannerEvent(pool=seen.pool, scanner=seen.found.scanner, event=event, reason=_sentence(seen), at=now)
        subject = subjects.scanner_event(seen.pool, seen.found.scanner, event)
        await self._jetstream.publish(Write(subject=subject, body=msgspec.json.encode(told)))


def _sentence(seen: Seen) -> str:
    """What does not agree."""
    state = f"whose last event is {seen.state}" if seen.state else "of which there is no event"
    return f"{seen.found.what}: scan {seen.found.scan_id}, {state}"


def repaired(seen: Seen) -> Load:
    """The scanner's load as the scan's event has it."""
    others = tuple(holder for holder in seen.load.holders if holder != seen.found.scan_id)
    holders = (*others, seen.found.scan_id) if seen.found.what == NOT_HELD else others
    return msgspec.structs.replace(seen.load, holders=holders)


def _disagreement(load: Load, scan: AnyScan | None, suspect: Disagreement) -> Disagreement | None:
    held, spoken_of = suspect.scan_id in load.holders, decide.speaks_of(scan, suspect.scanner)
    if held == spoken_of:
        return None
    what: What = NOT_SPOKEN_OF if held else NOT_HELD
    return Disagreement(scanner=suspect.scanner, scan_id=suspect.scan_id, what=what)


def _on_the_event(seen: Seen, now: datetime) -> Write:
    may_have_events = is_valid_scan_id(seen.found.scan_id)  # a key that was written by hand may hold anything
    done = Repair(
        scanner=seen.found.scanner,
        scan_id=seen.found.scan_id,
        did="given" if seen.found.what == NOT_HELD else "given back",
        event_sequence=seen.event_sequence,
        at=now,
    )
    return Write(
        subject=subjects.key(seen.pool, subjects.REPAIR_KEY),
        body=msgspec.json.encode(done),
        expected_sequence=seen.event_sequence if may_have_events else None,
        expected_over=subjects.events_of(seen.pool, seen.found.scan_id) if may_have_events else None,
    )


def _on_the_key(seen: Seen) -> Write:
    return Write(
        subject=subjects.key(seen.pool, subjects.load_key(seen.found.scanner)),
        body=msgspec.json.encode(repaired(seen)),
        expected_sequence=seen.load_revision,
    )


def _said(seen: Seen) -> dict[str, object]:
    return {
        "pool": seen.pool,
        "scanner": seen.found.scanner,
        "scan_id": seen.found.scan_id,
        "what": seen.found.what,
        "state": seen.state,
    }
