"""When NATS is taken for too full, and when no more."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanpool.janitor.room import KEPT, Room, is_short, judged
from scanpool.runtime.settings import SpaceSettings
from tests.support.builders import NOW

GIB = 2**30
POLICY = SpaceSettings()
SECOND = timedelta(seconds=1)


def a_room(free: float, limit: float) -> Room:
    """So many GiB of so many."""
    return Room(what="the account", free_bytes=int(free * GIB), limit_bytes=int(limit * GIB))


@pytest.mark.parametrize(
    ("limit", "stops_below", "resumes_at"),
    [(100, 5, 7), (10, 1, 1.4), (1, 0.1, 0.14)],
    ids=["a share of much", "the bytes of less", "a tenth of little"],
)
def test_scans_wait_below_one_mark_until_there_is_as_much_as_another(
    limit: float, stops_below: float, resumes_at: float
) -> None:
    assert not is_short(a_room(stops_below, limit), POLICY, was=False)
    assert is_short(a_room(stops_below - 0.001, limit), POLICY, was=False)
    assert is_short(a_room(resumes_at - 0.001, limit), POLICY, was=True)
    assert not is_short(a_room(resumes_at + 0.001, limit), POLICY, was=True)


@given(free=st.integers(0, 10**12), limit=st.integers(1, 10**12), stop=st.integers(1, 90), more=st.integers(1, 5))
def test_whoever_is_short_stays_so_for_longer(free: int, limit: int, stop: int, more: int) -> None:
    policy = SpaceSettings(stop_percent=stop, resume_percent=stop + more)
    room = Room(what="", free_bytes=free, limit_bytes=limit)
    assert is_short(room, policy, was=True) or not is_short(room, policy, was=False)


def test_nothing_is_written_while_there_has_always_been_room() -> None:
    assert judged(None, [a_room(50, 100)], POLICY, NOW) is None
    assert judged(None, [], POLICY, NOW) is None


def test_a_lack_of_room_says_of_what_and_since_when_and_ends_when_nobody_measures() -> None:
    low = judged(None, [a_room(50, 100), a_room(4, 100)], POLICY, NOW)
    assert low is not None
    assert (low.low, low.since, low.why) == (True, NOW, "the account has 4.0 GiB left of 100.0 GiB")
    assert low.holds_back(NOW + KEPT - SECOND)
    assert not low.holds_back(NOW + KEPT)


def test_it_is_renewed_in_time_and_not_at_each_look() -> None:
    low = judged(None, [a_room(4, 100)], POLICY, NOW)
    assert judged(low, [a_room(3, 100)], POLICY, NOW + KEPT / 2 - SECOND) is low
    renewed = judged(low, [a_room(3, 100)], POLICY, NOW + KEPT / 2)
    assert renewed is not None
    assert (renewed.since, renewed.until, "3.0 GiB" in renewed.why) == (NOW, NOW + KEPT * 1.5, True)


def test_it_ends_by_itself_when_there_is_clearly_room() -> None:
    low = judged(None, [a_room(4, 100)], POLICY, NOW)
    still = judged(low, [a_room(6.9, 100)], POLICY, NOW + SECOND)
    assert still is not None
    assert still.low
    over = judged(still, [a_room(7.1, 100)], POLICY, NOW + 2 * SECOND)
    assert over is not None
    assert (over.low, over.since) == (False, NOW + 2 * SECOND)
    assert judged(over, [a_room(7.1, 100)], POLICY, NOW + 3 * SECOND) is over
