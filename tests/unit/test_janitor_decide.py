"""What the janitor ends, expires, calls an orphan, and calls a disagreement."""

from __future__ import annotations

from datetime import timedelta

import pytest

from scanpool.janitor.decide import AFTER_SCANNERS, Disagreement, disagreements, is_ended, is_expired, orphans, overdue
from scanpool.runtime.settings import RetentionSettings
from scanpool_schemas.keys import Load
from scanpool_schemas.scan import AnyScan, Failed, Launching, Running, Stopping, state_of
from tests.support.builders import (
    NOW,
    NUMBER,
    a_completed_scan,
    a_failed_scan,
    a_launching_scan,
    a_mark,
    a_queued_scan,
    a_request,
    a_running_scan,
    every_state,
)

DAY = timedelta(days=1)
SECOND = timedelta(seconds=1)
RETENTION = RetentionSettings(completed=7 * DAY, failed=30 * DAY)


def test_a_scan_that_waited_longer_than_its_request_allows_ends_as_timeout() -> None:
    scan = a_queued_scan(a_request(max_wait_s=60))
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


@pytest.mark.parametrize(("scan", "days"), [(a_completed_scan(), 7), (a_failed_scan(), 30)])
def test_an_ended_scan_expires_after_its_retention_and_the_scanners_clean_up(scan: AnyScan, days: int) -> None:
    until = NOW + days * DAY + AFTER_SCANNERS
    assert not is_expired(scan, RETENTION, until)
    assert is_expired(scan, RETENTION, until + SECOND)


def test_a_scan_that_is_not_over_never_expires() -> None:
    live = [scan for scan in every_state() if state_of(scan) not in {"completed", "failed"}]
    assert not any(is_expired(scan, RETENTION, NOW + 3650 * DAY) or is_ended(scan) for scan in live)
    assert all(is_ended(scan) for scan in (a_completed_scan(), a_failed_scan()))


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
    objects = {"named": NOW - 2 * DAY, "old": NOW - DAY - SECOND, "new": NOW - DAY}
    assert orphans(objects, ["named"], DAY, NOW) == ["old"]
