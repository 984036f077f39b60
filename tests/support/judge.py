"""Watches every commit and every launch of a small world, and says which law of the protocol was broken."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from scanpool.coordination.ledger import held_of
from scanpool.coordination.state_table import LEGAL
from scanpool.janitor.decide import disagreements
from scanpool.runtime.jetstream import Stored
from scanpool.scanners.naming import our_name
from scanpool_schemas import subjects
from scanpool_schemas.keys import Load
from scanpool_schemas.scan import (
    AnyScan,
    Completed,
    Dead,
    End,
    Failed,
    Launching,
    Queued,
    Running,
    StopCause,
    Stopping,
    state_of,
)
from tests.support.fake_scanner import OnScanner
from tests.support.replica import LAUNCH, POOL
from tests.support.small_world import STREAM, SmallWorld

ACTED_ON = frozenset(subjects.ACTED_ON)
LAUNCH_BOUND = LAUNCH.takeover_after
ENDS: Mapping[StopCause, End] = {"cancel": "cancelled", "timeout": "timeout", "operator": "failed"}


class Judge:
    """A small world, every event that was ever committed in it, and what was wrong in the moment it happened."""

    def __init__(self, scanners: Sequence[str]) -> None:
        self.broken: list[str] = []
        self.history: dict[str, list[Stored]] = {}
        self.world = SmallWorld(scanners, on_store=self._stored, on_launch=self._launched, on_ack=self._acknowledged)
        self.world.set_up()

    def last(self, scan_id: str) -> Stored | None:
        """The scan's last event."""
        return self.history[scan_id][-1] if scan_id in self.history else None

    def waiting(self, scan_id: str) -> Stored | None:
        """The scan's last event, if a stage acts on it."""
        last = self.last(scan_id)
        return last if last is not None and state_of(scan_of(last)) in ACTED_ON else None

    def spent_too(self) -> list[Stored]:
        """Every event that a stage ever acted on."""
        return [each for events in self.history.values() for each in events if state_of(scan_of(each)) in ACTED_ON]

    def live(self) -> list[Stored]:
        """The last events of scans that are not over."""
        last = [events[-1] for events in self.history.values()]
        return [each for each in last if not isinstance(scan_of(each), Completed | Failed | Dead)]

    def dead(self) -> list[Stored]:
        """The last events of scans that were given up."""
        last = [events[-1] for events in self.history.values()]
        return [each for each in last if isinstance(scan_of(each), Dead)]

    def active(self) -> list[tuple[str, OnScanner]]:
        """What runs on which scanner."""
        return [(name, scan) for name, scanner in self.world.scanners.items() for scan in scanner.active()]

    def on_scanners(self) -> list[OnScanner]:
        """What scanners have."""
        return [scan for scanner in self.world.scanners.values() for scan in scanner.known.values() if scan.exists]

    def _stored(self, batch: Sequence[Stored]) -> None:
        for stored in batch:
            parts = subjects.parse_scan_subject(stored.subject)
            if parts is not None and parts.kind in subjects.STATES:
                events = self.history.setdefault(parts.scan_id, [])
                self._follows(scan_of(events[-1]) if events else None, scan_of(stored))
                events.append(stored)
        self._check_places()

    def _follows(self, before: AnyScan | None, after: AnyScan) -> None:
        if state_of(after) not in LEGAL[state_of(before) if before else None]:
            self._say(f"{after.id}: {state_of(before) if before else None} -> {state_of(after)}")
        if before is None:
            return
        if after.run < before.run or after.attempt < before.attempt:
            self._say(f"{after.id}: run or attempt became less in {state_of(after)}")
        if isinstance(before, Launching) and before.intent and isinstance(after, Launching | Running | Stopping):
            if _number(after) != before.intent.scanner_scan_id:
                self._say(f"{after.id}: its intent changed")
            if after.scanner != before.scanner:
                self._say(f"{after.id}: it left its scanner")

        for guard, holds in _guards(before, after).items():
            if not holds:
                self._say(f"{after.id}: {state_of(before)} -> {state_of(after)}, though {guard}")
        if isinstance(before, Stopping) and isinstance(after, Failed) and not _ends_as_stopped(before, after):
            self._say(f"{after.id}: stopped as {before.stop.code}, ended as {after.end} {after.error.code}")

    def _acknowledged(self, message: Stored) -> None:
        """A cancel is done with once the scan is to stop or over; what became of a dead one is a person's matter."""
        parts = subjects.parse_scan_subject(message.subject)
        assert parts is not None
        scans = [scan_of(each) for each in self.history.get(parts.scan_id, [])]
        if parts.kind != "cancel" or not scans or any(isinstance(each, Dead) for each in scans):
            return
        if not isinstance(scans[-1], Stopping | Completed | Failed):
            self._say(f"{parts.scan_id}: its cancel is answered, and it goes on {state_of(scans[-1])}")

    def _check_places(self) -> None:
        loads = self.loads()
        scans = [scan_of(events[-1]) for events in self.history.values()]
        for each in disagreements(loads, scans):
            self._say(f"{each.scan_id} on {each.scanner}: {each.what}")
        for name, load in loads.items():
            if len(load.holders) > load.capacity:
                self._say(f"{name}: {load.holders} hold {load.capacity} places")
        holding = {(s.scanner, s.id) for s in scans if isinstance(s, Launching | Running | Stopping)}
        for name, scan in self.active():
            if (name, _ours(scan)) not in holding:
                self._say(f"{scan.name} runs on {name} without a place")

    def loads(self) -> dict[str, Load]:
        """The scanners' places, and who holds them."""
        found = self.world.broker.messages(STREAM, subjects.key(POOL, subjects.load_key("*")))
        return {each.subject.rsplit(".", 1)[1]: msgspec.json.decode(each.body, type=Load) for each in found}

    def _launched(self, name: str, scan: OnScanner) -> None:
        events = map(scan_of, self.history[_ours(scan)])
        intents = {(e.scanner, e.intent.scanner_scan_id) for e in events if isinstance(e, Launching) and e.intent}
        if (name, scan.id) not in intents:
            self._say(f"{scan.name} was launched as {scan.id} on {name}; intended: {intents}")
        same = [each for scanner in self.world.scanners.values() for each in scanner.bearing(str(our_name(scan.name)))]
        if sum(each.launched for each in same) > 1:
            self._say(f"{scan.name} was launched more than once")
        self._check_places()

    def _say(self, what: str) -> None:
        self.broken.append(what)


def scan_of(stored: Stored) -> AnyScan:
    """The scan as the event says it."""
    return held_of(stored).scan


def _guards(before: AnyScan, after: AnyScan) -> dict[str, bool]:
    """What the protocol's table demands of a transition beside its two states, and whether it is so."""
    match before, after:
        case Launching(), Launching() if after.attempt > before.attempt or after.intent == before.intent:
            return {"the lease before it is not over for certain": after.at >= before.lease.until + LAUNCH_BOUND}
        case (Queued(), Queued()) | (Running(), Running()) | (Stopping(), Stopping()):
            return {"it says something else": _as_told_by(before, after) == before}
        case Launching(), Queued() | Dead():
            return {"it may have been launched": before.intent is None}
        case Launching(), Running():
            return {"nothing was intended": before.intent is not None}
        case Stopping(), Failed() if before.stop.was == "launching" and before.intent and before.lease:
            return {"its launch may be on its way": after.at >= before.lease.until + LAUNCH_BOUND}
        case _:
            return {}


def _as_told_by(before: AnyScan, after: AnyScan) -> AnyScan:
    """The later event with what of the earlier one every commit replaces."""
    return msgspec.structs.replace(after, at=before.at, nonce=before.nonce, timeline=before.timeline)


def _ends_as_stopped(before: Stopping, after: Failed) -> bool:
    return (after.end, after.error.code) == (ENDS[before.stop.cause], before.stop.code)


def _number(scan: Launching | Running | Stopping) -> int | None:
    if isinstance(scan, Launching):
        return scan.intent.scanner_scan_id if scan.intent else None
    return scan.scanner_scan_id


def _ours(scan: OnScanner) -> str:
    name = our_name(scan.name)
    assert name is not None
    return name.scan_id
