"""Laws that hold for a scan whatever happens: the real handlers, any order, delays, losses, kills, stale reads.

What is held against every commit and every launch stands in `judge`: legal transitions, places that agree with events,
no limit exceeded, nothing that runs without a place, only the intended scan launched, and once. Here stands what can
happen, and that every scan comes to an end once everything works again.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
import structlog
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from scanpool.coordination.approvals import Act
from scanpool.scanners.scanner import Activity
from tests.support.builders import a_request
from tests.support.coming_to_rest import PAST_ANY_LEASE, comes_to_rest
from tests.support.fake_jetstream import Trouble
from tests.support.fake_scanner import Cut
from tests.support.interleaving import Actor
from tests.support.judge import Judge
from tests.support.small_world import CLIENT

REQUESTS = {
    "s1": a_request(priority="high"),
    "s2": a_request(scanner="a"),
    "s3": a_request(max_wait_s=3600, max_duration_s=3600),
    "s4": a_request(client=CLIENT, intensity="intrusive", max_wait_s=3600),
}
GIVEN_UP_AFTER = 30
"""Deliveries; more than any scan takes whose reports are broken."""
A_LAUNCH = 22
"""Calls from the queue to running, their answers and the ack counted too."""
LONGEST = 30
"""More calls than any handler makes."""

Fault = Trouble | Cut | str
FAULTS: list[Fault] = [*Trouble, *Cut, "stale read", "down", "licence", "reports"]
"""What goes wrong next, once; the last three until they are drawn again."""

scan_ids = st.sampled_from(sorted(REQUESTS))
scanner_names = st.sampled_from(["a", "b"])
ends = st.sampled_from([Activity.COMPLETED, Activity.COMPLETED, Activity.ABORTED, Activity.CANCELED])
calls = st.integers(0, LONGEST)
acts: st.SearchStrategy[Act] = st.sampled_from(["approve", "reject"])


class Everything(RuleBasedStateMachine):
    """Four scans, one of which needs approval, and two scanners with one place each; a rule is what can happen."""

    def __init__(self) -> None:
        super().__init__()
        self.judge = Judge(["a", "b"])
        self.world = self.judge.world

    @initialize(asked=st.lists(scan_ids, min_size=1, unique=True))
    def scans_are_asked_for(self, asked: list[str]) -> None:
        for scan_id in asked:
            self.world.ask_for(scan_id, REQUESTS[scan_id])
            self.world.finish()

    @rule(scan_id=scan_ids)
    def a_scan_is_asked_for(self, scan_id: str) -> None:
        self.world.ask_for(scan_id, REQUESTS[scan_id])

    @rule(scan_id=scan_ids, calls=calls)
    def a_scan_is_cancelled(self, scan_id: str, calls: int) -> None:
        self.world.run.go_on(self.world.cancel(scan_id), calls)

    @rule(passed=st.sampled_from([1, 25, 61, 95, 95, 95, 4000, 90_000]))
    def time_passes(self, passed: int) -> None:
        self.world.passed += timedelta(seconds=passed)

    @rule(scan_id=scan_ids, calls=calls)
    def an_event_is_delivered_and_its_handler_gets_so_far(self, scan_id: str, calls: int) -> None:
        if event := self.judge.waiting(scan_id):
            self.world.run.go_on(self.world.deliver(event), calls)

    @precondition(lambda self: self.judge.spent_too())
    @rule(data=st.data())
    def an_event_is_delivered_that_may_be_stale(self, data: st.DataObject) -> None:
        self.world.deliver(data.draw(st.sampled_from(self.judge.spent_too())))

    @rule(chore=st.sampled_from(["janitor", "tell again", "clean-up", "readiness"]), scan_id=scan_ids)
    def housekeeping_is_done(self, chore: str, scan_id: str) -> None:
        last = self.judge.last(scan_id)
        if chore == "clean-up":
            self.world.clean_scanners()
        elif chore == "janitor" and last is not None:
            self.world.look_after(last)
        elif chore == "tell again" and last is not None:
            self.world.tell_again(last)
        elif not self.world.broker.troubles:
            self.world.look_at_scanners()

    @precondition(lambda self: self.judge.dead())
    @rule(data=st.data(), calls=calls)
    def a_person_retries_a_dead_scan(self, data: st.DataObject, calls: int) -> None:
        self.world.run.go_on(self.world.retry(data.draw(st.sampled_from(self.judge.dead()))), calls)

    @rule(act=acts, scan_id=scan_ids, calls=calls)
    def a_person_approves_or_rejects_a_scan(self, act: Act, scan_id: str, calls: int) -> None:
        self.world.run.go_on(self.world.settle_approval(act, scan_id), calls)

    @precondition(lambda self: self.world.run.actors)
    @rule(data=st.data(), calls=calls)
    def somebody_goes_on(self, data: st.DataObject, calls: int) -> None:
        self.world.run.go_on(_somebody(self.world.run.actors, data), calls)

    @precondition(lambda self: self.world.run.actors)
    @rule(data=st.data())
    def somebody_is_killed(self, data: st.DataObject) -> None:
        self.world.run.kill(_somebody(self.world.run.actors, data))

    @rule(fault=st.sampled_from(FAULTS), name=scanner_names)
    def something_goes_wrong_or_works_again(self, fault: Fault, name: str) -> None:
        world, scanner = self.world, self.world.scanners[name]
        match fault:
            case Trouble():
                world.broker.troubles.append(fault)
            case Cut():
                scanner.cuts.append(fault)
            case "stale read":
                world.broker.stale_reads += 1
            case "down":
                scanner.down = not scanner.down
            case "licence":
                scanner.licensed = not scanner.licensed
            case _:
                world.reports_broken = not world.reports_broken

    @precondition(lambda self: self.judge.active())
    @rule(data=st.data(), end=ends)
    def a_scan_ends_on_its_scanner(self, data: st.DataObject, end: Activity) -> None:
        name, scan = data.draw(st.sampled_from(self.judge.active()))
        self.world.scanners[name].settle(scan, end)

    @precondition(lambda self: self.judge.on_scanners())
    @rule(data=st.data())
    def a_scanner_forgets_a_scan(self, data: st.DataObject) -> None:
        data.draw(st.sampled_from(self.judge.on_scanners())).exists = False

    @invariant()
    def no_law_is_broken(self) -> None:
        assert not self.judge.broken, self.judge.broken[0]

    def teardown(self) -> None:
        """Whatever happened: once everything works again, every scan comes to an end."""
        _ends_well(self.judge)


class OneScan(RuleBasedStateMachine):
    """One scan, and all that may cut into what becomes of it: what is rare above is likely here."""

    def __init__(self) -> None:
        super().__init__()
        self.judge = Judge(["a"])
        self.world = self.judge.world
        self.world.ask_for("s1", a_request())
        self.world.finish()

    @precondition(lambda self: self.judge.waiting("s1"))
    @rule(calls=st.one_of(st.just(LONGEST), st.integers(0, A_LAUNCH)))
    def its_event_is_delivered(self, calls: int) -> None:
        event = self.judge.waiting("s1")
        assert event is not None
        self.world.run.go_on(self.world.deliver(event), calls)

    @precondition(lambda self: self.world.run.actors)
    @rule(data=st.data(), calls=st.one_of(st.integers(1, 3), st.just(LONGEST)))
    def somebody_goes_on(self, data: st.DataObject, calls: int) -> None:
        self.world.run.go_on(_somebody(self.world.run.actors, data), calls)

    @rule(passed=st.sampled_from([15, 61, 95]))
    def time_passes(self, passed: int) -> None:
        self.world.passed += timedelta(seconds=passed)

    @rule(calls=calls)
    def its_delivery_is_taken_for_lost(self, calls: int) -> None:
        if event := self.judge.last("s1"):
            self.world.run.go_on(self.world.tell_again(event), calls)

    @rule()
    def it_is_cancelled(self) -> None:
        self.world.run.finish(self.world.cancel("s1"))

    @precondition(lambda self: self.judge.active())
    @rule(end=ends)
    def it_ends_on_its_scanner(self, end: Activity) -> None:
        for name, scan in self.judge.active():
            self.world.scanners[name].settle(scan, end)

    @rule(fault=st.sampled_from([*Cut, *Trouble]))
    def a_call_will_go_wrong(self, fault: Cut | Trouble) -> None:
        if isinstance(fault, Cut):
            self.world.scanners["a"].cuts.append(fault)
        else:
            self.world.broker.troubles.append(fault)

    @invariant()
    def no_law_is_broken(self) -> None:
        assert not self.judge.broken, self.judge.broken[0]

    def teardown(self) -> None:
        _ends_well(self.judge)


class OneLaunch(OneScan):
    """Its launch is under way."""

    @initialize(calls=st.integers(0, A_LAUNCH))
    def a_launch_is_under_way(self, calls: int) -> None:
        event = self.judge.waiting("s1")
        assert event is not None
        self.world.run.go_on(self.world.deliver(event), calls)


class OneRetry(OneScan):
    """It was given up, and is retried while those who worked on the run before may still go on."""

    @initialize(steps=st.lists(st.integers(0, A_LAUNCH), max_size=4))
    def it_is_given_up(self, steps: list[int]) -> None:
        self.world.reports_broken = True
        for calls in (*steps, *[LONGEST] * GIVEN_UP_AFTER):
            if (event := self.judge.waiting("s1")) is None:
                break
            self.world.run.go_on(self.world.deliver(event), calls)
            self.world.passed += PAST_ANY_LEASE
            self.it_ends_on_its_scanner(Activity.COMPLETED)
        self.world.reports_broken = False
        assert self.judge.dead()

    @precondition(lambda self: self.judge.dead())
    @rule(calls=st.one_of(st.just(LONGEST), st.integers(0, 3)))
    def it_is_retried(self, calls: int) -> None:
        (event,) = self.judge.dead()
        self.world.run.go_on(self.world.retry(event), calls)

    @rule(data=st.data(), calls=calls)
    def an_event_of_any_run_is_delivered(self, data: st.DataObject, calls: int) -> None:
        event = data.draw(st.sampled_from(self.judge.spent_too()))
        self.world.run.go_on(self.world.deliver(event), calls)

    @rule(calls=calls)
    def its_scanner_is_cleaned(self, calls: int) -> None:
        self.world.clean_scanners()
        self.world.run.go_on(self.world.run.actors[-1], calls)


def _somebody(actors: list[Actor], data: st.DataObject) -> Actor:
    return actors[data.draw(st.integers(0, len(actors) - 1))]


def _ends_well(judge: Judge) -> None:
    try:
        judge.world.finish()
        comes_to_rest(judge)
    finally:
        judge.world.run.close()


@pytest.fixture(autouse=True, scope="module")
def _quiet() -> Iterator[None]:
    """Thousands of histories are not to be told in the log."""
    before = structlog.get_config()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger("critical"))
    yield
    structlog.configure(**before)


_SLOW = [HealthCheck.too_slow, HealthCheck.filter_too_much]

TestEverything = Everything.TestCase
TestEverything.settings = settings(max_examples=60, stateful_step_count=50, deadline=None, suppress_health_check=_SLOW)
TestOneLaunch = OneLaunch.TestCase
TestOneLaunch.settings = settings(max_examples=50, stateful_step_count=20, deadline=None, suppress_health_check=_SLOW)
TestOneRetry = OneRetry.TestCase
TestOneRetry.settings = settings(max_examples=100, stateful_step_count=20, deadline=None, suppress_health_check=_SLOW)
