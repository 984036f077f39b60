"""Laws of repairing places: whatever races with a repair, and whatever is lost on the way, nothing gets worse."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterable, Sequence
from datetime import timedelta
from itertools import count, product
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scanpool.coordination import transitions
from scanpool.coordination.ledger import Held, Ledger, held_of
from scanpool.coordination.transitions import Change, Mark
from scanpool.janitor.decide import NOT_HELD, NOT_SPOKEN_OF, Disagreement, What, disagreements
from scanpool.janitor.places import Places
from scanpool.runtime.errors import BrokerUnavailable, PublishUnknown
from scanpool.runtime.jetstream import Stored, Write
from scanpool_schemas import subjects
from scanpool_schemas.keys import Load
from scanpool_schemas.scan import AnyScan, Intent, Launching, Queued, Running
from tests.support.builders import NOW, NUMBER, a_lease, a_submission
from tests.support.fake_jetstream import FakeJetStream, Trouble
from tests.support.interleaving import Interleaving

POOL = "lab"
STREAM = subjects.pool_stream(POOL)
CAPACITY = 2
SCANNERS = ("a", "b")
schedules = st.lists(st.integers(0, 3), max_size=60)
troubles = st.lists(st.sampled_from([None, None, *Trouble]), max_size=6)


class World:
    """Scans and places over a broker in memory; each actor stops wherever a call of its own is on its way."""

    def __init__(self) -> None:
        self.run = Interleaving()
        self.broker = FakeJetStream([POOL], pause=self.run.pause, now=lambda: NOW, on_store=self._stored)
        self.ledger = Ledger(self.broker, source="test")
        self.places = Places(self.broker, self.ledger)
        self.allowed: set[Disagreement] | None = None
        """What may be wrong from now on; None while the scene is set."""
        self._nonces = count(1)
        for scanner in SCANNERS:
            self.write_load(scanner, Load(capacity=CAPACITY))

    def now(self, work: Coroutine[Any, Any, Any]) -> None:
        self.run.finish(self.run.begin("now", work))

    def commit(self, scan_id: str, step: Callable[[AnyScan], Change]) -> Coroutine[Any, Any, Any]:
        """What a stage does: read the scan, commit what follows; a conflict is left to the next delivery."""

        async def done() -> None:
            ledger = Ledger(self.broker, source="test")  # of a process of its own
            held = await ledger.read(POOL, scan_id)
            if held is not None:
                await _patient(self._committed(ledger, held, step))

        return done()

    async def _committed(self, ledger: Ledger, held: Held, step: Callable[[AnyScan], Change]) -> None:
        try:
            change = step(held.scan)
        except AssertionError:
            return  # it is in another state by now
        await ledger.commit(held, change)

    def admit(self, scan_id: str) -> None:
        self.now(self.ledger.commit(None, transitions.admitted(a_submission(id=scan_id), self.mark())))

    def write_load(self, scanner: str, load: Load) -> None:
        subject = subjects.key(POOL, subjects.load_key(scanner))
        self.now(self.broker.publish(Write(subject=subject, body=msgspec.json.encode(load))))

    def load(self, scanner: str) -> Load:
        (stored,) = self.broker.messages(STREAM, subjects.key(POOL, subjects.load_key(scanner)))
        return msgspec.json.decode(stored.body, type=Load)

    def wrong(self) -> set[Disagreement]:
        last: dict[str, AnyScan] = {}
        for stored in self.broker.messages(STREAM, subjects.events_of(POOL, "*")):
            last[stored.subject.rsplit(".", 1)[1]] = held_of(stored).scan
        return disagreements({scanner: self.load(scanner) for scanner in SCANNERS}, last.values())

    def repair(self, suspect: Disagreement) -> Coroutine[Any, Any, Any]:
        """What a janitor does about a suspect."""

        async def done() -> None:
            seen = await self.places.look(POOL, suspect)
            if seen is not None:
                await self.places.repair(seen, NOW)

        return _patient(done())

    def mark(self) -> Mark:
        return Mark(at=NOW, by="dispatcher", nonce=f"n{next(self._nonces)}")

    def claim(self, scan: AnyScan) -> Change:
        assert isinstance(scan, Queued)
        return transitions.claimed(scan, "a", a_lease(), self.mark())

    def run_it(self, scan: AnyScan) -> Change:
        assert isinstance(scan, Launching)
        return transitions.runs(scan, Intent(attempt=1, scanner_scan_id=NUMBER, at=NOW), self.mark())

    def back(self, scan: AnyScan) -> Change:
        assert isinstance(scan, Launching)
        return transitions.back_in_queue(scan, "nothing was made", NOW + timedelta(seconds=1), self.mark())

    def end(self, scan: AnyScan) -> Change:
        assert isinstance(scan, Running)
        return transitions.scanned(scan, self.mark())

    def _stored(self, _batch: Sequence[Stored]) -> None:
        if self.allowed is not None:
            assert self.wrong() <= self.allowed, "a commit or a repair made places and events disagree"


async def _patient(work: Coroutine[Any, Any, Any]) -> None:
    """A broker that does not answer ends the handling, not the process."""
    try:
        await work
    except (BrokerUnavailable, PublishUnknown):
        return


def place_leaked_by_a_waiting_scan(world: World) -> None:
    world.admit("s1")
    world.write_load("a", Load(capacity=CAPACITY, holders=("s1",)))


def place_leaked_by_a_scan_that_is_elsewhere(world: World) -> None:
    running_without_its_place(world)
    world.write_load("a", Load(capacity=CAPACITY, holders=("s1",)))
    world.write_load("b", Load(capacity=CAPACITY, holders=("s1",)))


def place_leaked_by_nobody(world: World) -> None:
    world.admit("s1")
    world.write_load("a", Load(capacity=CAPACITY, holders=("gone", "not a scan's id")))


def running_without_its_place(world: World) -> None:
    world.admit("s1")
    world.now(world.commit("s1", world.claim))
    world.now(world.commit("s1", world.run_it))
    world.write_load("a", Load(capacity=CAPACITY))


def launching_without_its_place_on_a_full_scanner(world: World) -> None:
    world.admit("s1")
    world.now(world.commit("s1", world.claim))
    world.write_load("a", Load(capacity=1, holders=("gone",)))


SCENES = [
    place_leaked_by_a_waiting_scan,
    place_leaked_by_a_scan_that_is_elsewhere,
    place_leaked_by_nobody,
    running_without_its_place,
    launching_without_its_place_on_a_full_scanner,
]


def racing(world: World) -> Iterable[Coroutine[Any, Any, Any]]:
    """Everything that may happen to the scan and its scanner meanwhile, one after the other and side by side."""
    world.admit("s2")

    async def onwards() -> None:
        for step in (world.claim, world.back, world.claim, world.run_it, world.end):
            await world.commit("s1", step)

    async def another() -> None:
        await world.commit("s2", world.claim)
        await world.commit("s2", world.back)

    return (onwards(), another())


@pytest.mark.parametrize("scene", SCENES)
@given(schedule=schedules, trouble=troubles, stale_reads=st.integers(0, 3))
@settings(deadline=None, max_examples=40)
def test_a_repair_beside_commits_makes_nothing_worse_and_a_later_one_makes_it_right(
    scene: Callable[[World], None], schedule: list[int], trouble: list[Trouble | None], stale_reads: int
) -> None:
    world = World()
    try:
        scene(world)
        world.allowed = world.wrong()
        assert world.allowed, "the scene is about something that is wrong"
        work = [*racing(world), *(world.repair(each) for each in sorted(world.allowed, key=str) * 2)]
        for number, each in enumerate(work):
            world.run.begin(f"actor {number}", each)
        world.broker.troubles.extend(each for each in trouble if each is not None)
        world.broker.stale_reads = stale_reads
        for turn in schedule:
            if world.run.actors:
                world.run.go_on(world.run.actors[turn % len(world.run.actors)])
        for actor in list(world.run.actors):
            world.run.finish(actor)
        world.broker.troubles.clear()
        world.broker.stale_reads = 0
        for suspect in sorted(world.wrong(), key=str):
            world.now(world.repair(suspect))
        assert world.wrong() == set()
    finally:
        world.run.close()


@pytest.mark.parametrize("other", [0, 1], ids=["the same scan", "another scan"])
@pytest.mark.parametrize("scene", SCENES)
def test_whatever_is_committed_between_two_calls_of_a_repair_is_kept(
    scene: Callable[[World], None], other: int
) -> None:
    """Each point at which a repair can be overtaken, by each commit and by all of them."""
    points, places = 9, 30
    for calls_before, calls_of_other in product(range(points), range(1, places)):
        if calls_before >= points or calls_of_other >= places:
            continue  # the same again: one of the two is over by then
        world = World()
        try:
            scene(world)
            world.allowed = world.wrong()
            suspect = min(world.allowed, key=str)
            overtaking = [*racing(world)]
            overtaking.pop(1 - other).close()
            janitor = world.run.begin("janitor", world.repair(suspect))
            world.run.go_on(janitor, calls_before)
            if not janitor.waiting:
                points = calls_before
            stage = world.run.begin("stage", overtaking[0])
            world.run.go_on(stage, calls_of_other)
            if not stage.waiting:
                places = calls_of_other
            world.run.finish(janitor)
            world.run.finish(stage)
            for suspect in sorted(world.wrong(), key=str):
                world.now(world.repair(suspect))
            assert world.wrong() == set()
        finally:
            world.run.close()


@pytest.mark.parametrize("what", [NOT_SPOKEN_OF, NOT_HELD])
def test_a_repair_decided_by_an_old_event_changes_nothing(what: What) -> None:
    """A deposed leader still has the event before the last one, and the key as it is."""
    world = World()
    try:
        world.admit("s1")
        world.now(world.commit("s1", world.claim))
        if what == NOT_HELD:
            world.now(world.commit("s1", world.run_it))
            world.now(world.commit("s1", world.end))
        before = [world.load(scanner) for scanner in SCANNERS]
        world.allowed = set()

        async def stale() -> None:
            seen = await world.places.look(POOL, Disagreement(scanner="a", scan_id="s1", what=what))
            assert seen is not None, "the old event and the key do not agree"
            assert not await world.places.repair(seen, NOW)

        actor = world.run.begin("janitor", stale())
        world.broker.stale_reads = 1  # the key was read, the event is next
        world.run.finish(actor)
        assert [world.load(scanner) for scanner in SCANNERS] == before
    finally:
        world.run.close()
