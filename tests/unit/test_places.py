"""Places: taken up to the capacity, given back once, and never by an event that did not hold one."""

from __future__ import annotations

from datetime import timedelta

import pytest

from scanpool.coordination.places import GiveBack, Take, changed, free, utilisation
from scanpool_schemas.keys import Load
from tests.support.builders import NOW

FULL = Load(capacity=2, holders=("x", "y"), last_used=NOW)
LATER = NOW + timedelta(minutes=1)


def test_a_place_is_taken_while_there_is_one_and_says_when() -> None:
    after = changed(Load(capacity=2, holders=("x",)), Take(scanner="a", at=LATER), "s1")
    assert after == Load(capacity=2, holders=("x", "s1"), last_used=LATER)


def test_no_place_is_taken_beyond_the_capacity() -> None:
    assert changed(FULL, Take(scanner="a", at=LATER), "s1") is None


def test_a_place_that_is_held_already_is_not_taken_twice_even_on_a_full_scanner() -> None:
    assert changed(FULL, Take(scanner="a", at=LATER), "x") == FULL


def test_a_place_is_given_back_by_its_holder_alone() -> None:
    assert changed(FULL, GiveBack(scanner="a"), "x") == Load(capacity=2, holders=("y",), last_used=NOW)
    assert changed(FULL, GiveBack(scanner="a"), "s1") == FULL


@pytest.mark.parametrize(
    ("capacity", "holders", "places", "share"),
    [(2, (), 2, 0.0), (2, ("x",), 1, 0.5), (2, ("x", "y"), 0, 1.0), (1, ("x", "y"), 0, 2.0), (0, (), 0, 1.0)],
)
def test_a_lowered_capacity_leaves_no_place_free_and_takes_none_away(
    capacity: int, holders: tuple[str, ...], places: int, share: float
) -> None:
    load = Load(capacity=capacity, holders=holders)
    assert (free(load), utilisation(load)) == (places, share)
