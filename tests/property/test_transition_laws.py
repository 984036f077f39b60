"""The table of states against a model that knows no more than the protocol's text, and against what handlers commit."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import timedelta
from itertools import pairwise

import pytest
import structlog
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from scanpool.coordination import snapshots
from scanpool.coordination import transitions as t
from scanpool.coordination.ledger import Held, Ledger
from scanpool.coordination.places import GiveBack, PlaceChange, Take, changed, free
from scanpool.coordination.state_table import LEGAL, IllegalTransition, check_legal
from scanpool.coordination.transitions import Change, Mark
from scanpool_schemas import subjects
from scanpool_schemas.keys import Load
from scanpool_schemas.scan import (
    AnyScan,
    Completed,
    Dead,
    Exporting,
    Failed,
    Intent,
    Launching,
    Lease,
    Queued,
    Running,
    Validating,
    state_of,
)
from tests.support.builders import NOW, a_result, a_stop, a_submission, an_error, an_export, every_state
from tests.support.coming_to_rest import comes_to_rest
from tests.support.fake_jetstream import FakeJetStream
from tests.support.judge import scan_of
from tests.support.protocol_scenes import EVERY, SCAN, Scene

NOBODY_COMMITS = {("queued", "dead")}
"""What waits in a queue has no tries that could be used up."""


def _row(state: str | None) -> str | None:
    """The state as the table has it: the lanes are one."""
    return "queued" if state is not None and state.startswith("queued") else state


ROWS = {(_row(before), _row(after)) for before, states in LEGAL.items() for after in states}


def _committed(scene: Scene) -> set[tuple[str | None, str | None]]:
    judge = scene.judge()
    try:
        judge.world.run.finish(scene.begin(judge))
        comes_to_rest(judge)
        states = [None, *(state_of(scan_of(each)) for each in judge.history[SCAN])]
        return {(_row(before), _row(after)) for before, after in pairwise(states)}
    finally:
        judge.world.run.close()


def test_the_handlers_commit_every_row_of_the_table_and_none_besides() -> None:
    seen = set().union(*(_committed(scene) for scene in EVERY))
    assert seen == ROWS - NOBODY_COMMITS


@pytest.mark.parametrize("before", [None, *every_state()], ids=lambda each: state_of(each) if each else "none")
def test_the_ledger_refuses_what_is_not_in_the_table_and_stores_nothing(before: AnyScan | None) -> None:
    broker = FakeJetStream(["lab"])
    held = Held(scan=before, sequence=0) if before is not None else None
    for after in every_state():
        if state_of(after) not in LEGAL[state_of(before) if before else None]:
            with pytest.raises(IllegalTransition):
                asyncio.run(Ledger(broker, source="test").commit(held, Change(scan=after)))
    assert broker.messages(subjects.pool_stream("lab")) == []


class AScan(RuleBasedStateMachine):
    """One scan, any transition that its state allows, one after the other; beside it what it must come to."""

    def __init__(self) -> None:
        super().__init__()
        self.now = NOW
        self.nonces = 0
        self.load = Load(capacity=1)
        change = t.admitted(a_submission(id="s1"), self.mark())
        self.scan: AnyScan = change.scan
        self.state = "queued"
        self.run, self.attempt = 1, 0
        self.intent: int | None = None
        self.stop_code: str | None = None

    def mark(self) -> Mark:
        self.nonces += 1
        return Mark(at=self.now, by="dispatcher", nonce=f"n{self.nonces}")

    def becomes(self, state: str, change: Change, place: type[PlaceChange] | None = None) -> None:
        check_legal(self.scan, change.scan)
        assert (type(change.place) if change.place else None) == place
        if change.place is not None:
            after = changed(self.load, change.place, "s1")
            assert after is not None
            self.load = after
        self.scan, self.state = change.scan, state

    @rule(seconds=st.integers(1, 200))
    def time_passes(self, seconds: int) -> None:
        self.now += timedelta(seconds=seconds)

    @precondition(lambda self: isinstance(self.scan, t.ActedOn))
    @rule()
    def tell_again(self) -> None:
        assert isinstance(self.scan, t.ActedOn)
        self.becomes(self.state, t.told_again(self.scan, "lost", self.mark()))

    @precondition(lambda self: isinstance(self.scan, Queued))
    @rule()
    def claim(self) -> None:
        assert isinstance(self.scan, Queued)
        self.attempt += 1
        self.becomes("launching", t.claimed(self.scan, "a", Lease(by="x", until=self.now), self.mark()), Take)

    @precondition(lambda self: isinstance(self.scan, Launching))
    @rule()
    def take_over(self) -> None:
        assert isinstance(self.scan, Launching)
        self.attempt += 1
        self.becomes("launching", t.taken_over(self.scan, Lease(by="y", until=self.now), self.mark()))

    @precondition(lambda self: isinstance(self.scan, Launching) and self.intent is None)
    @rule(number=st.integers(1, 99))
    def intend(self, number: int) -> None:
        assert isinstance(self.scan, Launching)
        self.intent = number
        self.becomes("launching", t.intended(self.scan, number, self.mark()))

    @precondition(lambda self: isinstance(self.scan, Launching) and self.intent is None)
    @rule(gives_up=st.booleans())
    def goes_back_or_is_given_up(self, gives_up: bool) -> None:
        assert isinstance(self.scan, Launching)
        if gives_up:
            self.becomes("dead", t.dead(self.scan, an_error(), self.mark()), GiveBack)
        else:
            self.becomes("queued", t.back_in_queue(self.scan, "down", self.now, self.mark()), GiveBack)

    @precondition(lambda self: isinstance(self.scan, Launching) and self.intent is not None)
    @rule()
    def run_it(self) -> None:
        assert isinstance(self.scan, Launching)
        assert self.intent is not None
        intent = Intent(attempt=self.attempt, scanner_scan_id=self.intent, at=self.now)
        self.becomes("running", t.runs(self.scan, intent, self.mark()))

    @precondition(lambda self: isinstance(self.scan, Running))
    @rule()
    def complete_on_the_scanner(self) -> None:
        assert isinstance(self.scan, Running)
        self.becomes("exporting", t.scanned(self.scan, self.mark()), GiveBack)

    @precondition(lambda self: isinstance(self.scan, Exporting))
    @rule()
    def export(self) -> None:
        assert isinstance(self.scan, Exporting)
        self.becomes("validating", t.exported(self.scan, an_export(), self.mark()))

    @precondition(lambda self: isinstance(self.scan, Exporting | Validating))
    @rule(gives_up=st.booleans())
    def a_try_fails(self, gives_up: bool) -> None:
        assert isinstance(self.scan, Exporting | Validating)
        if gives_up:
            self.becomes("dead", t.dead(self.scan, an_error(), self.mark()))
        else:
            self.becomes(self.state, t.tried(self.scan, "cut", self.now, self.mark()))

    @precondition(lambda self: isinstance(self.scan, Validating))
    @rule()
    def read(self) -> None:
        assert isinstance(self.scan, Validating)
        self.becomes("completed", t.completed(self.scan, a_result(), self.mark()))

    @precondition(lambda self: isinstance(self.scan, Launching | Running))
    @rule()
    def stop(self) -> None:
        assert isinstance(self.scan, Launching | Running)
        stop = a_stop("running" if isinstance(self.scan, Running) else "launching", code=f"stop-{self.nonces}")
        self.stop_code = stop.code
        self.becomes("stopping", t.stopping(self.scan, stop, self.mark()))

    @precondition(lambda self: not isinstance(self.scan, Completed | Failed | Dead))
    @rule()
    def end(self) -> None:
        held = self.state in {"launching", "running", "stopping"}
        code = self.stop_code or "scan_aborted"
        self.becomes("failed", t.failed(self.scan, an_error(code), self.mark()), GiveBack if held else None)

    @precondition(lambda self: isinstance(self.scan, Dead))
    @rule()
    def retry(self) -> None:
        assert isinstance(self.scan, Dead)
        came_from = self.scan.dead.state
        self.run += 1
        back_to = came_from if came_from in {"exporting", "validating"} else "queued"
        self.becomes(back_to, t.retried(self.scan, "by me", self.mark()))
        if back_to == "queued":
            self.intent = None

    @invariant()
    def it_is_what_the_model_says(self) -> None:
        scan = self.scan
        assert _row(state_of(scan)) == self.state
        assert (scan.run, scan.attempt) == (self.run, self.attempt)
        assert snapshots.holds_place(scan) == (self.load.holders == ("s1",)) == (free(self.load) == 0)
        assert snapshots.known_scanner_scan(scan) == self.intent
        assert scan.nonce == f"n{self.nonces}"
        assert scan.stage_attempts == {} or self.state != "running"

    @invariant()
    def what_is_over_is_never_left(self) -> None:
        if isinstance(self.scan, Completed | Failed):
            for after in every_state():
                with pytest.raises(IllegalTransition):
                    check_legal(self.scan, after)


class Places(RuleBasedStateMachine):
    """The places of a scanner against a set of who holds one."""

    def __init__(self) -> None:
        super().__init__()
        self.load = Load(capacity=2)
        self.holders: set[str] = set()

    @rule(scan_id=st.sampled_from("abcd"))
    def take(self, scan_id: str) -> None:
        after = changed(self.load, Take(scanner="a", at=NOW), scan_id)
        assert (after is None) == (scan_id not in self.holders and len(self.holders) >= self.load.capacity)
        if after is not None:
            self.load = after
            self.holders.add(scan_id)

    @rule(scan_id=st.sampled_from("abcd"))
    def give_back(self, scan_id: str) -> None:
        after = changed(self.load, GiveBack(scanner="a"), scan_id)
        assert after is not None
        self.load = after
        self.holders.discard(scan_id)

    @rule(capacity=st.integers(0, 4))
    def the_configuration_changes(self, capacity: int) -> None:
        self.load = Load(capacity=capacity, holders=self.load.holders, last_used=self.load.last_used)

    @invariant()
    def who_holds_a_place_holds_one(self) -> None:
        assert sorted(self.load.holders) == sorted(self.holders)
        assert free(self.load) == max(0, self.load.capacity - len(self.holders))


@pytest.fixture(autouse=True, scope="module")
def _quiet() -> Iterator[None]:
    """What handlers do is not to be told in the log."""
    before = structlog.get_config()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger("critical"))
    yield
    structlog.configure(**before)


TestAScan = AScan.TestCase
TestAScan.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
TestPlaces = Places.TestCase
TestPlaces.settings = settings(max_examples=50, stateful_step_count=20, deadline=None)
