"""The dispatcher's shell: reads the pool, decides, answers; launches what it placed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

from scanpool.coordination import transitions
from scanpool.coordination.breaker import lets_through
from scanpool.coordination.breakers import Breakers
from scanpool.coordination.control import holding, read_control
from scanpool.coordination.ledger import Held, Ledger
from scanpool.coordination.space import no_room
from scanpool.coordination.stage import Answer, Clockwork, Move
from scanpool.coordination.transitions import Mark
from scanpool.dispatcher.decide import Candidate, Place, Refuse, Wait, choose, said, waited_too_long
from scanpool.dispatcher.lanes import Room
from scanpool.dispatcher.launch import Launcher, Lease, Order
from scanpool.dispatcher.readiness import look, read_health, write_health
from scanpool.runtime.jetstream import JetStream
from scanpool.runtime.outcomes import Snooze
from scanpool.runtime.settings import LaunchSettings
from scanpool.scanners.errors import (
    FingerprintMismatch,
    ScanApiNotLicensed,
    ScannerError,
    ScannerUnavailable,
    SignInFailed,
)
from scanpool.scanners.naming import OurName
from scanpool.scanners.scanner import Scanner, ScanSpec
from scanpool_schemas.keys import Control, Health
from scanpool_schemas.scan import Launching, Queued, ScanError
from scanpool_schemas.scan import Lease as LeaseFact

FULL = timedelta(seconds=2)
PAUSED = timedelta(seconds=5)
NO_ROOM = timedelta(seconds=10)
SHUT = timedelta(seconds=5)
NAMED = timedelta(seconds=10)
"""How long a scan stands aside that waits for one scanner by name, so that others of its lane pass."""


class Scanners(Protocol):
    """The scanners that the configuration gives this process."""

    def names(self, pool: str) -> Sequence[tuple[str, bool]]:
        """Every scanner of the pool, and whether it is enabled."""
        ...

    def get(self, pool: str, name: str) -> Scanner | None:
        """The scanner; None where the configuration has it no more."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class DispatcherParts:
    """What the dispatcher works with."""

    jetstream: JetStream
    ledger: Ledger
    scanners: Scanners
    breakers: Breakers
    clockwork: Clockwork
    launch: LaunchSettings
    deployment: str
    replica: str
    spec: Callable[[Launching, OurName], ScanSpec]
    """Makes the order for the scanner, its credentials resolved."""


class Dispatcher:
    """Places queued scans, launches them, takes over launches whose lease is over."""

    def __init__(self, parts: DispatcherParts) -> None:
        self._parts = parts
        self._launcher = Launcher(parts.ledger, parts.clockwork, parts.spec, self._scanner_failed)

    async def place(self, scan: Queued) -> Answer:
        """A queued scan: claim a place and launch, wait, or end it."""
        now = self._parts.clockwork.now()
        if waited_too_long(scan, now):
            why = f"waited longer than {scan.request.max_wait_s} s in the queue"
            error = ScanError(code="max_wait_exceeded", message=why, retryable=True)
            return Move(change=transitions.failed(scan, error, self._mark(), end="timeout"))
        control = await read_control(self._parts.jetstream, scan.pool)
        if paused := holding(control.paused, now):
            return Snooze(delay=PAUSED, reason=f"the pool is paused by {said(paused)}")
        if short := await no_room(self._parts.jetstream, scan.pool, now):
            return Snooze(delay=NO_ROOM, reason=short.sentence)
        match choose(scan, await self.candidates(scan.pool, control)):
            case Wait(reason=reason, named=named):
                return Snooze(delay=NAMED if named else FULL, reason=reason)
            case Refuse(error=error):
                return Move(change=transitions.failed(scan, error, self._mark()))
            case Place(scanner=scanner):
                if lacking := self._lacking(scan.pool, scanner):
                    return Snooze(delay=FULL, reason=lacking)
                lease, fact = self._lease()
                change = transitions.claimed(scan, scanner, fact, self._mark())
                return Move(change=change, then=lambda won: self._carry_out(won, lease, fresh=True))

    async def take_over(self, scan: Launching) -> Answer:
        """A launching scan: leave it to its holder, or take it over when its lease is over for certain."""
        clock = self._parts.clockwork
        over = scan.lease.until + self._parts.launch.takeover_after
        if (left := over - clock.now()) > timedelta(0):
            return Snooze(delay=left, reason="its launch is leased")
        if lacking := self._lacking(scan.pool, scan.scanner):
            return Snooze(delay=NAMED, reason=lacking)
        if shut := await self._parts.breakers.why_shut(scan.pool, scan.scanner):
            return Snooze(delay=SHUT, reason=shut)
        if scan.intent is None and scan.stage_attempts.get("launch", 0) + 1 >= clock.backoff.attempts:
            message = f"given up: {clock.backoff.attempts} launches were begun and none got a scan made"
            error = ScanError(code="launch_given_up", message=message, retryable=True)
            return Move(change=transitions.dead(scan, error, self._mark()))
        lease, fact = self._lease()
        change = transitions.taken_over(scan, fact, self._mark())
        return Move(change=change, then=lambda won: self._carry_out(won, lease, fresh=False))

    def _lacking(self, pool: str, name: str) -> str | None:
        """Why this process cannot talk to the scanner: not in its configuration, or a secret that cannot be read."""
        try:
            known = self._parts.scanners.get(pool, name) is not None
        except ScannerError as error:
            return str(error)
        return None if known else f"no configuration for {name}"

    async def candidates(self, pool: str, control: Control) -> list[Candidate]:
        """The pool's scanners as they are now."""
        names = self._parts.scanners.names(pool)
        return list(await asyncio.gather(*(self._candidate(pool, name, on, control) for name, on in names)))

    async def room(self, pool: str) -> Room:
        """How many scans could be placed now, and which hold a place."""
        control = await read_control(self._parts.jetstream, pool)
        candidates = await self.candidates(pool, control)
        holders = frozenset(holder for each in candidates for holder in each.load.holders)
        now = self._parts.clockwork.now()
        held_back = holding(control.paused, now) or await no_room(self._parts.jetstream, pool, now)
        return Room(
            free=0 if held_back else sum(each.free_places for each in candidates),
            holders=holders,
            hopeless=not any(each.can_ever_launch for each in candidates if each.enabled),
        )

    async def look_at_scanners(self, pool: str) -> None:
        """Ask each enabled scanner of the pool how it is, and write it down; an open breaker leaves it alone."""
        names = [name for name, enabled in self._parts.scanners.names(pool) if enabled]
        breakers = await asyncio.gather(*(self._parts.breakers.of(pool, name) for name in names))
        well = [name for name, breaker in zip(names, breakers, strict=True) if lets_through(breaker)]
        await asyncio.gather(*(self._look(pool, name) for name in well))

    async def _look(self, pool: str, name: str) -> Health | None:
        try:
            scanner = self._parts.scanners.get(pool, name)
        except ScannerError as error:
            return await self._scanner_failed(pool, name, error)
        if scanner is None:
            return None
        return await look(self._parts.jetstream, pool, name, scanner, self._parts.clockwork.now())

    async def probe_scanners(self, pool: str) -> None:
        """Ask the scanners whose breaker's time is over whether they are well again; one process asks each."""
        names = [name for name, enabled in self._parts.scanners.names(pool) if enabled]
        await asyncio.gather(*(self._probe(pool, name) for name in names))

    async def _probe(self, pool: str, name: str) -> None:
        breakers = self._parts.breakers
        if not await breakers.take_probe(pool, name):
            return
        health = await self._look(pool, name)
        if health is not None:
            await breakers.probe_ended(pool, name, None if health.ready else health.reason)

    async def _candidate(self, pool: str, name: str, enabled: bool, control: Control) -> Candidate:
        at, health, breaker = await asyncio.gather(
            self._parts.ledger.load(pool, name),
            read_health(self._parts.jetstream, pool, name),
            self._parts.breakers.read(pool, name),
        )
        cordon = holding(control.cordoned.get(name), self._parts.clockwork.now())
        return Candidate(name=name, enabled=enabled, load=at.load, health=health, breaker=breaker, cordon=cordon)

    async def _carry_out(self, won: Held, lease: Lease, *, fresh: bool) -> None:
        scan = won.scan
        assert isinstance(scan, Launching)
        try:
            scanner = self._parts.scanners.get(scan.pool, scan.scanner)
        except ScannerError as error:
            await self._scanner_failed(scan.pool, scan.scanner, error)
            return
        if scanner is None:
            return
        ours = OurName(deployment=self._parts.deployment, scan_id=scan.id, run=scan.run)
        await self._launcher.carry_out(Order(held=won, scan=scan, scanner=scanner, ours=ours, lease=lease, fresh=fresh))

    async def _scanner_failed(self, pool: str, name: str, error: ScannerError) -> Health:
        """A scanner that failed a launch is looked at as not ready until the next look says otherwise."""
        now = self._parts.clockwork.now()
        before = await read_health(self._parts.jetstream, pool, name)
        kept = before or Health(ready=False, checked_at=now)
        match error:
            case ScanApiNotLicensed():
                change = {"can_launch": False, "reason": error.message}
            case SignInFailed() | ScannerUnavailable() | FingerprintMismatch():
                change = {"ready": False, "reason": error.message}
            case _:
                return kept
        fields = {name: getattr(kept, name) for name in Health.__struct_fields__}
        after = Health(**(fields | change | {"checked_at": now}))
        await write_health(self._parts.jetstream, pool, name, before, after)
        return after

    def _lease(self) -> tuple[Lease, LeaseFact]:
        """A lease as its holder counts it and as others read it; made before the commit that takes it."""
        lasts, clock = self._parts.launch.lease, self._parts.clockwork
        ends = clock.monotonic() + lasts.total_seconds()
        fact = LeaseFact(by=self._parts.replica, until=clock.now() + lasts)
        return Lease(ends=ends, monotonic=clock.monotonic), fact

    def _mark(self) -> Mark:
        return Mark(at=self._parts.clockwork.now(), by="dispatcher", nonce=self._parts.clockwork.nonce())
