"""Where a queued scan stands, and how long it will wait."""

from __future__ import annotations

from datetime import timedelta

import msgspec
import pytest

from scanpool.bridge.following.estimate import Places, estimated, on_scanner_s, position
from scanpool_schemas.request import Priority
from scanpool_schemas.scan import TimelineEntry
from scanpool_schemas.status import ScanStatus, describe_request
from tests.support.builders import NOW, a_request


def waiting(name: str, priority: Priority = "normal", minutes: int = 0) -> ScanStatus:
    status = describe_request("lab", name, a_request(priority=priority), NOW + timedelta(minutes=minutes))
    return msgspec.structs.replace(status, state=f"queued-{priority}")


def test_a_scan_alone_is_next() -> None:
    assert position(waiting("a"), [waiting("a")]) == 1


def test_within_a_lane_who_came_first_is_first() -> None:
    queue = [waiting(name, minutes=minutes) for name, minutes in (("a", 0), ("b", 1), ("c", 2))]
    assert [position(scan, queue) for scan in queue] == [1, 2, 3]


def test_a_low_scan_is_not_behind_every_high_one() -> None:
    low = waiting("low", "low")
    flood = [waiting(f"high-{each}", "high", minutes=-each) for each in range(1000)]
    assert position(low, [low, *flood]) == 7


def test_a_high_scan_is_hardly_behind_a_flood_of_low_ones() -> None:
    high = waiting("high", "high")
    flood = [waiting(f"low-{each}", "low", minutes=-each) for each in range(1000)]
    assert position(high, [high, *flood]) <= 2


def test_where_a_place_is_free_there_is_no_wait() -> None:
    found = estimated(2, Places(capacity=4, free=2), [600.0] * 30)
    assert (found.wait_s, found.confidence) == (0, "high")


def test_the_wait_is_the_turns_of_the_places_times_what_scans_took() -> None:
    found = estimated(8, Places(capacity=4, free=0), [600.0] * 30)
    assert (found.wait_s, found.confidence) == (1200, "high")


@pytest.mark.parametrize(
    ("durations", "confidence"),
    [([], "none"), ([60.0], "low"), ([60.0, 600.0, 90.0, 1200.0, 30.0], "medium"), ([60.0, 6000.0] * 20, "medium")],
)
def test_few_scans_or_very_different_ones_make_it_less_sure(durations: list[float], confidence: str) -> None:
    found = estimated(3, Places(capacity=1, free=0), durations)
    assert found.confidence == confidence
    assert (found.wait_s is None) == (confidence == "none")


def test_a_pool_whose_scanners_take_nothing_has_no_estimate() -> None:
    found = estimated(1, Places(capacity=0, free=0), [600.0] * 30)
    assert (found.wait_s, found.confidence) == (None, "none")


def test_a_scan_held_its_place_from_its_claim_until_it_was_over_on_the_scanner() -> None:
    entries = (("launching", 0), ("running", 1), ("exporting", 31), ("completed", 40))
    timeline = tuple(
        msgspec.convert({"state": state, "at": NOW + timedelta(seconds=seconds), "by": "poller"}, TimelineEntry)
        for state, seconds in entries
    )
    assert on_scanner_s(msgspec.structs.replace(waiting("a"), timeline=timeline)) == 31.0
    assert on_scanner_s(waiting("a")) is None
