"""A breaker against a model that knows only what was called and when."""

from __future__ import annotations

from datetime import datetime, timedelta

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from scanpool.coordination import breaker as transitions
from scanpool.runtime.settings import BreakerSettings
from scanpool_schemas.keys import Breaker
from tests.support.builders import NOW

RULES = BreakerSettings(failures=3, recovery=timedelta(seconds=30), successes=2, probe_lease=timedelta(seconds=10))
PROCESSES = st.sampled_from(["a", "b", "c"])


class ABreaker(RuleBasedStateMachine):
    """Processes call, probe and look in any order while time goes on and people step in."""

    def __init__(self) -> None:
        super().__init__()
        self.breaker = Breaker()
        self.now: datetime = NOW
        self.in_a_row = 0
        self.opened_until: datetime | None = None
        self.probes: dict[str, datetime] = {}
        """Who holds a probe, and until when; the model's own view."""

    def become(self, after: Breaker) -> None:
        before, self.breaker = self.breaker, after
        if after.state == "open" and before != after:
            self.opened_until = after.until
            self.probes.clear()
        if after.state == "closed":
            self.probes.clear()

    @rule(seconds=st.integers(1, 40))
    def time_goes_on(self, seconds: int) -> None:
        self.now += timedelta(seconds=seconds)

    @rule()
    def a_call_fails(self) -> None:
        was_closed = self.breaker.state == "closed"
        self.become(transitions.call_failed(self.breaker, "create", "no answer", self.now, RULES))
        if was_closed:
            self.in_a_row += 1
            assert (self.breaker.state == "open") == (self.in_a_row >= RULES.failures)
        if self.breaker.state == "open":
            self.in_a_row = 0

    @rule()
    def a_call_succeeds(self) -> None:
        state = self.breaker.state
        self.become(transitions.call_succeeded(self.breaker, "create"))
        assert self.breaker.state == state, "a call for a scan never closes it"
        if state == "closed":
            self.in_a_row = 0

    @rule(by=PROCESSES)
    def somebody_wants_to_probe(self, by: str) -> None:
        if not transitions.may_probe(self.breaker, self.now):
            return
        assert self.breaker.state != "closed"
        if self.breaker.state == "open":
            assert self.opened_until is not None
            assert self.now >= self.opened_until
        assert all(until <= self.now for until in self.probes.values()), "one probe at a time"
        self.become(transitions.probing(self.breaker, by, self.now, RULES))
        self.probes = {by: self.now + RULES.probe_lease}

    @rule(by=PROCESSES, well=st.booleans())
    def a_probe_ends(self, by: str, well: bool) -> None:
        holds = by in self.probes and self.breaker.state == "half-open"
        before = self.breaker
        if well:
            self.become(transitions.probe_succeeded(before, by, self.now, RULES))
        else:
            self.become(transitions.probe_failed(before, by, "down", self.now, RULES))
        assert (self.breaker != before) == holds, "only the holder of the probe decides"
        if holds:
            assert self.breaker.state == ("open" if not well else self.breaker.state)
            self.probes.pop(by, None)

    @rule(seconds=st.none() | st.integers(1, 60))
    def a_person_trips_it(self, seconds: int | None) -> None:
        until = self.now + timedelta(seconds=seconds) if seconds else None
        self.become(transitions.tripped(self.breaker, "alice", "work on it", until, self.now))
        self.in_a_row = 0

    @rule()
    def a_person_resets_it(self) -> None:
        self.become(transitions.reset(self.breaker, "bob", self.now))
        self.in_a_row = 0
        assert transitions.lets_through(self.breaker)

    @precondition(lambda self: self.breaker.state == "open")
    @rule()
    def a_person_wants_it_probed(self) -> None:
        self.become(transitions.probe_asked(self.breaker, self.now))
        self.opened_until = self.now

    @invariant()
    def nothing_passes_but_while_it_is_closed(self) -> None:
        assert transitions.lets_through(self.breaker) == (self.breaker.state == "closed")
        assert self.breaker.failures < RULES.failures or self.breaker.state != "closed"
        assert self.breaker.probe is None or self.breaker.state == "half-open"


TestABreaker = ABreaker.TestCase
