"""How many calls a minute a subject has."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanpool.bridge.answering.refusals import Refusal
from scanpool.bridge.caller import Caller, called_by
from scanpool.bridge.configuration.settings import BridgeSettings
from scanpool.bridge.gate.limits import KEPT_BUCKETS, Limiter
from scanpool.bridge.gate.token_bucket import MINUTE_S, full, is_full, take

SETTINGS = BridgeSettings(requests_per_minute=6, submits_per_minute=2)


class Clock:
    """Seconds that pass when they are told to."""

    def __init__(self) -> None:
        self.seconds = 50.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def limiter(clock: Clock) -> Iterator[Limiter]:
    with called_by(Caller(subject="one", scopes=frozenset())):
        yield Limiter(SETTINGS, clock)


def refusal(limiter: Limiter, what: str = "request") -> Refusal | None:
    try:
        getattr(limiter, what)()
    except Refusal as refused:
        return refused
    return None


def granted(limiter: Limiter, what: str = "request") -> int:
    """How many calls are granted until one is refused."""
    return next(count for count in range(1000) if refusal(limiter, what))


def test_a_minutes_worth_is_granted_at_once_and_no_more(limiter: Limiter) -> None:
    assert granted(limiter) == 6


def test_it_comes_back_evenly(limiter: Limiter, clock: Clock) -> None:
    granted(limiter)
    clock.seconds += 30
    assert granted(limiter) == 3
    clock.seconds += 3600
    assert granted(limiter) == 6


def test_who_is_refused_is_told_when_to_call_again_and_is_granted_then(limiter: Limiter, clock: Clock) -> None:
    granted(limiter)
    refused = refusal(limiter)
    assert refused is not None
    assert (refused.code, refused.retryable, refused.retry_after_s) == ("limit", True, 10)
    clock.seconds += 9.9
    assert refusal(limiter)
    clock.seconds += 0.1
    assert refusal(limiter) is None


def test_one_subject_takes_nothing_from_another(limiter: Limiter) -> None:
    granted(limiter)
    with called_by(Caller(subject="two", scopes=frozenset())):
        assert granted(limiter) == 6


def test_scans_are_counted_apart_and_more_strictly(limiter: Limiter) -> None:
    assert granted(limiter, "submit") == 2
    assert granted(limiter) == 6


def test_subjects_that_call_no_more_are_forgotten_and_those_that_do_are_not(limiter: Limiter, clock: Clock) -> None:
    for number in range(KEPT_BUCKETS):
        with called_by(Caller(subject=f"agent-{number}", scopes=frozenset())):
            limiter.request()
    clock.seconds += 3600
    granted(limiter)
    assert len(limiter._requests._buckets) == 1
    assert refusal(limiter)


@given(st.integers(1, 1000), st.lists(st.floats(0, 120), max_size=200))
def test_within_any_time_no_more_is_granted_than_a_minutes_worth_and_what_came_back(
    per_minute: int, pauses: list[float]
) -> None:
    now_s, bucket, count = 0.0, full(per_minute, 0.0), 0
    for pause in pauses:
        now_s += pause
        taken = take(bucket, per_minute, now_s)
        bucket, count = taken.bucket, count + (taken.retry_after_s == 0)
        assert 0 <= bucket.left <= per_minute
    assert count <= per_minute + now_s * per_minute / MINUTE_S + 1e-6


@given(st.integers(1, 1000), st.floats(0, 1e6))
def test_one_who_waits_as_told_is_granted_and_one_who_waits_less_is_not(per_minute: int, start_s: float) -> None:
    bucket = full(per_minute, start_s)
    for _ in range(per_minute):
        bucket = take(bucket, per_minute, start_s).bucket
    refused = take(bucket, per_minute, start_s)
    assert refused.retry_after_s > 0
    assert take(refused.bucket, per_minute, start_s + refused.retry_after_s * 0.99).retry_after_s > 0
    assert take(refused.bucket, per_minute, start_s + refused.retry_after_s + 1e-6).retry_after_s == 0


@given(st.integers(1, 1000))
def test_a_clock_that_goes_back_gives_nothing(per_minute: int) -> None:
    bucket = take(full(per_minute, 100.0), per_minute, 100.0).bucket
    assert take(bucket, per_minute, 10.0).bucket.left == per_minute - 2 or per_minute == 1
    assert not is_full(bucket, per_minute, 10.0)
