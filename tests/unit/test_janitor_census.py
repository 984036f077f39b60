"""What a census knows of a pool's scans after it saw their events."""

from __future__ import annotations

from datetime import timedelta

import msgspec
import pytest

from scanpool.janitor.census import KEPT, Census
from scanpool.runtime.jetstream import Stored
from scanpool_schemas import subjects
from scanpool_schemas.scan import AnyScan, state_of
from scanpool_schemas.wire import UnreadableEvent
from tests.support.builders import (
    NOW,
    a_completed_scan,
    a_dead_scan,
    a_launching_scan,
    a_queued_scan,
    a_running_scan,
    a_validating_scan,
)


def an_event(scan: AnyScan, sequence: int) -> Stored:
    subject = subjects.event("lab", state_of(scan), scan.id)
    return Stored(subject=subject, sequence=sequence, body=msgspec.json.encode(scan), headers={}, time=NOW)


def a_census(*scans: AnyScan) -> Census:
    """Saw one event of each, in this order."""
    census = Census("lab", timedelta(days=1), NOW)
    for sequence, scan in enumerate(scans, start=1):
        census.saw(an_event(scan, sequence))
    return census


def test_a_scan_is_as_its_last_event_has_it_and_what_came_before_is_spent() -> None:
    census = a_census(a_queued_scan(), a_launching_scan(), a_launching_scan(), a_running_scan(), a_completed_scan())
    (entry,) = census.entries
    assert (entry.state, entry.sequence, entry.export) == ("completed", 5, "s1.1.abc")
    assert entry.spent == ("queued-normal", "launching", "running")


def test_a_state_that_it_came_back_to_is_not_spent() -> None:
    (entry,) = a_census(a_validating_scan(), a_dead_scan(), a_validating_scan()).entries
    assert (entry.state, entry.spent) == ("validating", ("dead",))


def test_what_was_purged_is_spent_no_more_and_who_is_forgotten_is_gone() -> None:
    census = a_census(a_queued_scan(), a_completed_scan(), a_queued_scan(id="s2"))
    census.purged("s1")
    census.forget("s2")
    (entry,) = census.entries
    assert (entry.scan_id, entry.spent, entry.spent_bytes) == ("s1", (), 0)


def test_a_scan_with_an_event_that_cannot_be_read_is_unknown_until_one_can() -> None:
    census = a_census(a_queued_scan())
    damaged = Stored(subject="scan.lab.running.s1", sequence=2, body=b"{", headers={}, time=NOW)
    with pytest.raises(UnreadableEvent):
        census.saw(damaged)
    assert (list(census.entries), census.unreadable) == ([], {"s1"})
    census.saw(an_event(a_completed_scan(), 3))
    assert (len(list(census.entries)), census.unreadable) == (1, set())


def test_a_census_goes_on_only_with_the_stream_that_it_is_of_and_for_an_hour() -> None:
    census = a_census(a_queued_scan(), a_completed_scan())
    census.created = "2026-03-01"
    assert census.is_of("2026-03-01", 2, NOW + KEPT - timedelta(seconds=1))
    assert not census.is_of("2026-03-02", 2, NOW), "another stream of the name"
    assert not census.is_of("2026-03-01", 1, NOW), "one that was put back to an earlier day"
    assert not census.is_of("2026-03-01", 2, NOW + KEPT)
