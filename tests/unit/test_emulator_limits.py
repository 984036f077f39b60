"""What the emulator counts of its 429s."""

from __future__ import annotations

from scanpool.emulator.limits import Limits


def test_a_call_before_the_wait_is_over_is_too_early_and_one_after_it_is_not() -> None:
    limits = Limits()
    assert limits.refuse(100.0, 2) == 2
    for now in (101.0, 101.9, 102.0, 103.0):
        limits.arrived(now)
    assert (limits.refused, limits.too_early) == (1, 2)


def test_a_call_that_was_on_its_way_is_not_too_early() -> None:
    limits = Limits()
    limits.refuse(100.0, 2)
    limits.arrived(100.1)
    assert limits.too_early == 0


def test_a_wait_told_again_begins_no_new_moment_of_grace() -> None:
    limits = Limits()
    limits.refuse(100.0, 2)
    limits.refuse(101.0, 2)
    limits.arrived(101.1)
    limits.arrived(102.5)
    assert limits.too_early == 2


def test_a_wait_told_as_a_date_ends_at_a_whole_second() -> None:
    limits = Limits()
    limits.refuse(100.7, 1, as_date=True)
    limits.arrived(101.2)
    assert limits.too_early == 0


def test_a_part_of_a_second_is_told_as_a_whole_one() -> None:
    assert Limits().refuse(100.0, 0.05) == 1


def test_each_window_lets_as_many_through_as_are_allowed() -> None:
    limits = Limits()
    assert [limits.within(1, 2, 1.0, now) for now in (0.0, 0.1, 0.2, 1.1, 1.2, 1.3)] == [True, True, False] * 2
