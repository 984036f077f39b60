"""Laws of the waits between tries."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from scanpool.runtime.backoff import Backoff

SHORTEST = timedelta(milliseconds=100)

durations = st.timedeltas(min_value=timedelta(milliseconds=1), max_value=timedelta(days=11_000))
policies = st.builds(Backoff, first=durations, cap=durations)
attempts = st.integers(min_value=1, max_value=10_000)
shares = st.floats(min_value=0, max_value=1)


@given(policies, attempts)
def test_the_ceiling_is_never_above_the_cap(policy: Backoff, attempt: int) -> None:
    assert policy.ceiling(attempt) <= policy.cap


@given(policies, attempts)
def test_the_ceiling_never_falls_from_one_attempt_to_the_next(policy: Backoff, attempt: int) -> None:
    assert policy.ceiling(attempt) <= policy.ceiling(attempt + 1)


@given(policies, attempts)
def test_the_ceiling_doubles_until_the_cap(policy: Backoff, attempt: int) -> None:
    now, after = policy.ceiling(attempt), policy.ceiling(attempt + 1)
    assert after == policy.cap or after == 2 * now or attempt > 30


@given(policies)
def test_the_first_ceiling_is_the_first_wait_or_the_cap(policy: Backoff) -> None:
    assert policy.ceiling(1) == min(policy.first, policy.cap)


@given(policies, attempts, shares)
def test_a_delay_is_between_a_tenth_of_a_second_and_the_ceiling(policy: Backoff, attempt: int, share: float) -> None:
    assert SHORTEST <= policy.delay(attempt, share) <= max(SHORTEST, policy.ceiling(attempt))


@given(policies, attempts, shares, shares)
def test_a_larger_share_never_waits_less(policy: Backoff, attempt: int, one: float, other: float) -> None:
    smaller, larger = sorted((one, other))
    assert policy.delay(attempt, smaller) <= policy.delay(attempt, larger)
