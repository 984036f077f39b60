"""What the janitor ends, expires, calls an orphan, and calls a disagreement."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanpool.janitor.decide import (
    AFTER_SCANNERS,
    Deliveries,
    Disagreement,
    Entry,
    Named,
    disagreements,
    has_spent,
    is_due,
    is_expired,
    lost,
    may_be_remains,
    orphans,
    overdue,
    overdue_from,
    told_again,
)
from scanpool.runtime.objects import StoredObject
from scanpool.runtime.settings import RetentionSettings
from scanpool_schemas import subjects
from scanpool_schemas.keys import Load
from scanpool_schemas.request import ScanRequest
from scanpool_schemas.scan import (
    STRUCT_OF,
    Failed,
    Launching,
    Pending,
    Queued,
    Running,
    StateName,
    Stopping,
    state_of,
)
from tests.support.builders import (
    NOW,
    NUMBER,
    a_launching_scan,
    a_mark,
    a_pending_scan,
    a_queued_scan,
    a_request,
    a_running_scan,
    every_state,
)

DAY = timedelta(days=1)
SECOND = timedelta(seconds=1)
RETENTION = RetentionSettings(completed=7 * DAY, failed=30 * DAY, dead=20 * DAY)
OVER = {"completed": 7, "failed": 30, "dead": 20}
LIVE = sorted(set(STRUCT_OF) - set(OVER))
LENGTHS = st.timedeltas(min_value=SECOND, max_value=3650 * DAY)


def an_entry(state: StateName, **fields: object) -> Entry:
    """A scan that came to the state now."""
    return Entry(**{"scan_id": "s1", "state": state, "sequence": 9, "at": NOW, **fields})  # type: ignore[arg-type]


@pytest.mark.parametrize("waiting", [a_queued_scan, a_pending_scan])
def test_a_scan_that_waited_longer_than_its_request_allows_ends_as_timeout(
    waiting: Callable[[ScanRequest], Queued | Pending],
) -> None:
    scan = waiting(a_request(max_wait_s=60))
    assert overdue_from(scan, DAY) == NOW + timedelta(seconds=60)
    assert overdue(scan, DAY, a_mark("janitor", NOW + timedelta(seconds=60))) is None
    change = overdue(scan, DAY, a_mark("janitor", NOW + timedelta(seconds=61)))
    assert change is not None
    assert isinstance(change.scan, Failed)
    assert (change.scan.end, change.scan.error.code, change.place) == ("timeout", "max_wait_exceeded", None)


@pytest.mark.parametrize("scan", [a_launching_scan(), a_launching_scan(intent=NUMBER), a_running_scan()])
def test_a_scan_that_is_on_its_scanner_for_too_long_is_stopped_and_keeps_its_place(scan: Launching | Running) -> None:
    assert overdue(scan, DAY, a_mark("janitor", NOW + DAY)) is None
    change = overdue(scan, DAY, a_mark("janitor", NOW + DAY + SECOND))
    assert change is not None
    assert isinstance(change.scan, Stopping)
    assert (change.scan.stop.cause, change.scan.stop.was) == ("timeout", state_of(scan))
    assert change.place is None


def test_nothing_else_is_ever_overdue() -> None:
    others = [scan for scan in every_state() if not isinstance(scan, Launching | Running)]
    mark = a_mark("janitor", NOW + 365 * DAY)
    assert [overdue(scan, DAY, mark) for scan in others] == [None] * len(others)


@given(
    limits=st.fixed_dictionaries(
        {}, optional={"max_wait_s": st.integers(1, 10**6), "max_duration_s": st.integers(60, 10**6)}
    ),
    default=LENGTHS,
    passed=LENGTHS,
)
def test_a_scan_is_due_exactly_when_it_is_overdue(
    limits: dict[str, int], default: timedelta, passed: timedelta
) -> None:
    request, now = a_request(**limits), NOW + passed
    for scan in (a_queued_scan(request), a_launching_scan(request), a_running_scan(request), *every_state()):
        entry = an_entry(state_of(scan), overdue_from=overdue_from(scan, default))
        assert is_due(entry, now) is (overdue(scan, default, a_mark("janitor", now)) is not None)


@pytest.mark.parametrize(("state", "days"), OVER.items())
def test_a_scan_that_is_over_expires_after_its_retention_and_the_scanners_clean_up(state: StateName, days: int) -> None:
    until = NOW + days * DAY + AFTER_SCANNERS
    assert not is_expired(an_entry(state), RETENTION, until)
    assert is_expired(an_entry(state), RETENTION, until + SECOND)


@given(st.sampled_from(LIVE), LENGTHS, st.builds(RetentionSettings, completed=LENGTHS, failed=LENGTHS, dead=LENGTHS))
def test_a_scan_that_is_not_over_is_never_deleted_and_loses_none_of_its_events(
    state: StateName, age: timedelta, retention: RetentionSettings
) -> None:
    entry = an_entry(state, spent=tuple(STRUCT_OF))
    assert not is_expired(entry, retention, NOW + age)
    assert not has_spent(entry)


def test_only_what_is_never_left_again_loses_its_older_events() -> None:
    older: tuple[StateName, ...] = ("queued-normal", "running")
    assert {state for state in STRUCT_OF if has_spent(an_entry(state, spent=older))} == {"completed", "failed"}
    assert not has_spent(an_entry("completed"))


def test_places_and_events_agree_for_every_state_that_holds_its_place_and_no_other() -> None:
    for scan in every_state():
        held = state_of(scan) in {"launching", "running", "stopping"}
        loads = {"a": Load(capacity=1, holders=("s1",) if held else ()), "b": Load(capacity=1)}
        assert disagreements(loads, [scan]) == set(), state_of(scan)


def test_a_place_that_no_event_speaks_of_and_an_event_without_its_place_are_told_apart() -> None:
    loads = {"a": Load(capacity=1), "b": Load(capacity=1, holders=("s1",))}
    assert disagreements(loads, [a_running_scan()]) == {
        Disagreement(scanner="b", scan_id="s1", what="a place is held that no event speaks of"),
        Disagreement(scanner="a", scan_id="s1", what="an event speaks of a place that is not held"),
    }


def test_an_export_is_an_orphan_when_no_event_names_it_and_it_is_old_enough() -> None:
    ages = {"named.1.a": 2 * DAY, "old.1.a": DAY + SECOND, "new.1.a": DAY, "unread.1.a": 2 * DAY}
    objects = [StoredObject(name=name, size_bytes=1, stored_at=NOW - age) for name, age in ages.items()]
    named = Named(objects={"named.1.a"}, unreadable={"unread"})
    assert [each.name for each in orphans(objects, named, DAY, NOW)] == ["old.1.a"]


def waiting(scan_id: str, sequence: int, state: StateName = "running") -> Entry:
    """A live scan whose last event has the sequence."""
    return an_entry(state, scan_id=scan_id, sequence=sequence)


def lost_of(entries: Iterable[Entry], **said: int) -> list[str]:
    """The scans that are lost, by what the consumer of running scans says."""
    return [each.entry.scan_id for each in lost(entries, {"running": Deliveries(**said)})]


def test_a_live_scan_whose_last_event_counts_as_acked_has_lost_its_delivery() -> None:
    scans = [waiting("below", 4), waiting("at", 7), waiting("above", 8)]
    assert lost_of(scans, floor=7, delivered=8, unacked=1) == ["below", "at"]


def test_what_is_delivered_and_not_acked_is_not_lost_and_neither_is_what_was_never_delivered() -> None:
    scans = [waiting("snoozed", 8), waiting("in hand", 9), waiting("not delivered yet", 11)]
    assert lost_of(scans, floor=7, delivered=10, unacked=2) == []


def test_where_more_scans_wait_than_the_consumer_waits_for_all_that_may_be_lost_are_told_again() -> None:
    scans = [waiting("b", 9), waiting("a", 8), waiting("c", 10), waiting("not delivered yet", 11)]
    assert lost_of(scans, floor=7, delivered=10, unacked=2) == ["a", "b", "c"]
    assert lost_of(scans, floor=7, delivered=10, unacked=3) == []


def test_spent_events_that_are_not_acked_yet_are_never_taken_for_a_loss() -> None:
    assert lost_of([waiting("a", 8)], floor=7, delivered=10, unacked=3) == []


def test_each_state_is_held_against_its_own_consumer_and_what_nobody_acts_on_against_none() -> None:
    nothing = Deliveries(floor=9, delivered=9, unacked=0)
    said: dict[StateName, Deliveries] = {"running": nothing, "exporting": nothing}
    scans = [an_entry(state, scan_id=state) for state in STRUCT_OF]
    assert {each.entry.scan_id for each in lost(scans, said)} == {"running", "exporting"}


def test_an_event_that_no_stage_takes_for_a_scans_is_left_alone() -> None:
    assert lost_of([waiting("not/an/id", 4)], floor=7, delivered=8, unacked=0) == []


@given(
    acked=st.lists(st.booleans(), max_size=20),
    delivered=st.integers(0, 25),
    forgotten=st.sets(st.integers(1, 20)),
)
def test_a_consumer_that_forgets_nothing_gives_no_false_alarm_and_one_that_does_loses_no_scan_for_good(
    acked: list[bool], delivered: int, forgotten: set[int]
) -> None:
    """Scan n has event n; who acked it had committed a newer event, so that its scan is another entry or none."""
    handed_out = range(1, min(delivered, len(acked)) + 1)
    waits_for = {n for n in handed_out if not acked[n - 1]}
    live = [waiting(str(n), n) for n in range(1, len(acked) + 1) if n not in handed_out or n in waits_for]
    assert lost(live, {"running": _said(waits_for, delivered)}) == []
    remembered = waits_for - forgotten
    found = {int(each.entry.scan_id) for each in lost(live, {"running": _said(remembered, delivered)})}
    assert waits_for & forgotten <= found <= waits_for


def _said(unacked: set[int], delivered: int) -> Deliveries:
    floor = min(unacked) - 1 if unacked else delivered
    return Deliveries(floor=floor, delivered=delivered, unacked=len(unacked))


def test_a_launch_is_told_again_only_when_nobody_can_hold_its_lease_any_more() -> None:
    scan, bound = a_launching_scan(), timedelta(seconds=32)
    over = scan.lease.until + bound
    assert told_again(scan, "", bound, a_mark("janitor", over)) is None
    assert told_again(scan, "", bound, a_mark("janitor", over + SECOND)) is not None


def test_a_scan_that_a_stage_acts_on_is_told_again_with_the_reason_and_any_other_is_not() -> None:
    mark = a_mark("janitor", NOW + DAY)
    told = {state_of(scan): told_again(scan, "as is known", DAY / 2, mark) for scan in every_state()}
    assert {state for state, change in told.items() if change is not None} == set(told) & set(subjects.ACTED_ON)
    whys = {change.scan.timeline[-1].why for change in told.values() if change is not None}
    assert whys == {"its delivery was lost: as is known"}


def test_an_event_that_is_older_than_the_shortest_retention_may_be_what_came_back_of_a_deleted_scan() -> None:
    scan, until = a_running_scan(), NOW + min(OVER.values()) * DAY + AFTER_SCANNERS
    assert not may_be_remains(scan, RETENTION, until)
    assert may_be_remains(scan, RETENTION, until + SECOND)
    assert is_expired(an_entry("completed"), RETENTION, until + SECOND), "none was deleted before"
