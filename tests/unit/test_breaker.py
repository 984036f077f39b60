"""When a scanner's breaker opens, who may probe, and when it closes."""

from __future__ import annotations

from datetime import timedelta

import pytest

from scanpool.coordination.breaker import (
    call_failed,
    call_succeeded,
    event_of,
    lets_through,
    may_probe,
    probe_asked,
    probe_failed,
    probe_succeeded,
    probing,
    reset,
    said,
    tripped,
)
from scanpool.runtime.settings import BreakerSettings
from scanpool_schemas.keys import Breaker
from tests.support.builders import MINUTE, NOW

RULES = BreakerSettings(failures=3, recovery=MINUTE, successes=2, probe_lease=MINUTE / 2)


def after_failures(count: int) -> Breaker:
    breaker = Breaker()
    for _ in range(count):
        breaker = call_failed(breaker, "create", "no answer", NOW, RULES)
    return breaker


def test_it_opens_at_the_failure_that_is_one_too_many_and_says_why_and_until_when() -> None:
    assert lets_through(after_failures(2))
    breaker = after_failures(3)
    assert not lets_through(breaker)
    assert (breaker.state, breaker.until, breaker.reason, breaker.opened) == ("open", NOW + MINUTE, "no answer", 1)
    assert said(breaker) == "its breaker is open until 2026-03-04 05:07:07 UTC (no answer)"


def test_failures_count_only_in_a_row() -> None:
    breaker = call_failed(call_succeeded(after_failures(2), "create"), "create", "again", NOW, RULES)
    assert (breaker.state, breaker.failures) == ("closed", 1)


def test_an_answer_to_another_kind_of_call_does_not_hide_that_one_kind_fails() -> None:
    breaker = call_succeeded(after_failures(2), "list scans")
    assert call_failed(breaker, "create", "again", NOW, RULES).state == "open"


def test_calls_that_were_under_way_when_it_opened_neither_close_it_nor_keep_it_open_longer() -> None:
    breaker = after_failures(3)
    assert call_succeeded(breaker, "create") == breaker
    assert call_failed(breaker, "create", "late", NOW + timedelta(seconds=30), RULES) == breaker


def test_nobody_probes_before_its_time_is_over() -> None:
    breaker = after_failures(3)
    assert not may_probe(breaker, NOW + MINUTE - timedelta(seconds=1))
    assert may_probe(breaker, NOW + MINUTE)


def test_one_process_probes_and_another_only_when_that_one_is_lost() -> None:
    breaker = probing(after_failures(3), "a", NOW + MINUTE, RULES)
    assert breaker.state == "half-open"
    assert not may_probe(breaker, NOW + MINUTE)
    assert may_probe(breaker, NOW + MINUTE + RULES.probe_lease)
    taken = probing(breaker, "b", NOW + 2 * MINUTE, RULES)
    assert probe_succeeded(taken, "a", NOW, RULES) == taken
    assert probe_failed(taken, "a", "late", NOW, RULES) == taken


def test_enough_probes_in_a_row_close_it() -> None:
    once = probe_succeeded(probing(after_failures(3), "a", NOW, RULES), "a", NOW, RULES)
    assert (once.state, once.successes) == ("half-open", 1)
    assert may_probe(once, NOW)
    twice = probe_succeeded(probing(once, "b", NOW, RULES), "b", NOW, RULES)
    assert (twice.state, twice.failures, twice.opened) == ("closed", 0, 1)


def test_a_probe_that_fails_opens_it_for_the_whole_time_again() -> None:
    later = NOW + 2 * MINUTE
    breaker = probe_failed(probing(after_failures(3), "a", NOW, RULES), "a", "still down", later, RULES)
    assert (breaker.state, breaker.until, breaker.reason, breaker.opened) == ("open", later + MINUTE, "still down", 2)


def test_a_person_opens_it_until_a_time_or_until_they_close_it() -> None:
    forever = tripped(Breaker(), "alice", "upgrade", None, NOW)
    assert not may_probe(forever, NOW + timedelta(days=365))
    assert said(forever) == "its breaker is open by alice (upgrade)"
    assert may_probe(tripped(Breaker(), "alice", "upgrade", NOW + MINUTE, NOW), NOW + MINUTE)
    assert reset(forever, "bob", NOW) == Breaker(since=NOW, by="bob", opened=1)
    assert reset(after_failures(2), "bob", NOW) == Breaker()


def test_a_person_may_have_it_probed_now() -> None:
    assert may_probe(probe_asked(tripped(Breaker(), "alice", "", None, NOW), NOW), NOW)
    assert probe_asked(Breaker(), NOW) == Breaker()


@pytest.mark.parametrize(
    ("before", "after", "event"),
    [
        (Breaker(), after_failures(2), None),
        (after_failures(2), after_failures(3), "breaker-opened"),
        (after_failures(3), probing(after_failures(3), "a", NOW, RULES), "breaker-half-open"),
        (
            tripped(Breaker(), "a", "", None, NOW),
            reset(tripped(Breaker(), "a", "", None, NOW), "bob", NOW),
            "breaker-closed",
        ),
    ],
)
def test_a_change_of_state_is_an_event_and_nothing_else_is(before: Breaker, after: Breaker, event: str | None) -> None:
    assert event_of(before, after) == event
