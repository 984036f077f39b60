"""What the janitor ends, expires, calls an orphan, and calls a disagreement."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanpool.janitor.decide import (
    AFTER_SCANNERS,
    Disagreement,
    Entry,
    Named,
    disagreements,
    has_spent,
    is_due,
    is_expired,
    orphans,
    overdue,
    overdue_from,
)
from scanpool.runtime.objects import StoredObject
from scanpool.runtime.settings import RetentionSettings
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
