"""Emptying a scanner or a pool: what still holds a place there, and waiting until nothing does."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from scanpool.cli.frame.exits import Failure
from scanpool.client import UnknownScan
from scanpool.client.lookup import Lookup
from scanpool.coordination.control import in_force, read_control
from scanpool.runtime.errors import BrokerUnavailable
from scanpool.runtime.jetstream import JetStream
from scanpool_schemas import decoding, subjects
from scanpool_schemas.keys import Hold, Load
from scanpool_schemas.scan import Queued
from scanpool_schemas.status import ScanStatus, Status

LOOK_EVERY_S = 1.0
LOOKS_EMPTY = 2
"""How often in a row nothing must be there: a dispatcher that chose it just before may still place a scan on it."""
LOST_S = 60.0
"""How long NATS may not answer."""
_QUEUED: tuple[Status, ...] = ("queued",)


@dataclass(frozen=True, slots=True)
class Part:
    """What is to be emptied: a scanner, or with None all of the pool."""

    pool: str
    scanner: str | None = None

    def __str__(self) -> str:
        return self.pool if self.scanner is None else f"{self.pool}.{self.scanner}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Left:
    """A scan that holds a place."""

    id: str
    scanner_instance: str
    state: str
    """As of its status; empty where the scan is not found."""
    percent: int | None
    paused: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Drain:
    """How it stands: the document that `--json` prints."""

    pool: str
    scanner_instance: str | None
    """None where all of the pool is drained."""
    held: Hold
    """Of a scanner its cordon, of a pool its pause."""
    drained: bool
    left: tuple[Left, ...]
    waiting: tuple[str, ...]
    """Ids of scans that stay queued meanwhile: those that name the scanner, or all of the pool."""


async def hold_of(jetstream: JetStream, part: Part) -> Hold | None:
    """The cordon or the pause that keeps scans away now; None where there is none."""
    control = in_force(await read_control(jetstream, part.pool), datetime.now(UTC))
    return control.paused if part.scanner is None else control.cordoned.get(part.scanner)


async def left_on(jetstream: JetStream, part: Part) -> tuple[Left, ...]:
    """The scans that hold a place there."""
    lookup = Lookup(jetstream)
    found = await _holders(jetstream, part)
    return tuple([await _left(lookup, part.pool, scanner, scan_id) for scanner, scan_id in found])


async def standing(jetstream: JetStream, part: Part, held: Hold) -> Drain:
    """How it stands now."""
    left = await left_on(jetstream, part)
    return Drain(
        pool=part.pool,
        scanner_instance=str(part) if part.scanner else None,
        held=held,
        drained=not left,
        left=left,
        waiting=await waiting_for(jetstream, part),
    )


async def waiting_for(jetstream: JetStream, part: Part) -> tuple[str, ...]:
    """The queued scans that are not placed while it is held back."""
    scans = await Lookup(jetstream).newest(part.pool, _QUEUED, None)
    queued = (scan for scan in scans if isinstance(scan, Queued))
    return tuple(scan.id for scan in queued if part.scanner is None or scan.request.scanner == part.scanner)


async def emptied(jetstream: JetStream, part: Part, show: Callable[[tuple[Left, ...]], None]) -> Hold:
    """Wait until no scan holds a place there, and answer what keeps others away.

    Raises:
        Failure: it is not held back any more.
        BrokerUnavailable: NATS did not answer for a minute.
    """
    empty, clock = 0, asyncio.get_running_loop().time
    answered = clock()
    while True:
        try:
            hold, left = await hold_of(jetstream, part), await left_on(jetstream, part)
        except BrokerUnavailable:
            if clock() - answered > LOST_S:
                raise
        else:
            answered = clock()
            if hold is None:
                raise _let_go(part, left)
            show(left)
            empty = 0 if left else empty + 1
            if empty == LOOKS_EMPTY:
                return hold
        await asyncio.sleep(LOOK_EVERY_S)


async def _holders(jetstream: JetStream, part: Part) -> list[tuple[str, str]]:
    """Scanner and scan, of scanners too that left the configuration."""
    stream, sequence = subjects.pool_stream(part.pool), 1
    wanted = subjects.key(part.pool, subjects.load_key(part.scanner or "*"))
    found: list[tuple[str, str]] = []
    while stored := await jetstream.next_from(stream, sequence, wanted):
        sequence = stored.sequence + 1
        if stored.body:  # else the marker of a deletion
            scanner = stored.subject.rpartition(".")[2]
            found += [(scanner, holder) for holder in decoding.decode(stored.body, Load).holders]
    return found


async def _left(lookup: Lookup, pool: str, scanner: str, scan_id: str) -> Left:
    status: ScanStatus | None
    try:
        status = await lookup.status_of(scan_id, pool)
    except UnknownScan:
        status = None  # the janitor gives such a place back
    progress = status.progress if status else None
    return Left(
        id=scan_id,
        scanner_instance=f"{pool}.{scanner}",
        state=status.state if status else "",
        percent=progress.percent if progress else None,
        paused=status is not None and status.paused,
    )


def _let_go(part: Part, left: tuple[Left, ...]) -> Failure:
    how = "paused" if part.scanner is None else "cordoned"
    count = f"{len(left)} scans hold a place there" if left else "no scan holds a place there"
    message = f"{part} is not {how} any more: its time was over, or somebody ended it; {count}"
    return Failure("not_held_back", message)
