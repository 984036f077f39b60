"""What a look at a scan on its scanner means, and what a scan that is to stop still needs."""

from __future__ import annotations

from datetime import timedelta

import pytest

from scanpool.poller.decide import (
    AskToStop,
    Confirmed,
    Ended,
    Limits,
    LookAgain,
    Over,
    StopIt,
    interval,
    jittered,
    launch_may_be_on_its_way,
    look,
    never_launched,
    overdue,
    stop_step,
)
from scanpool.runtime.settings import PollSettings
from scanpool.scanners.scanner import Activity
from tests.support.builders import (
    MINUTE,
    NOW,
    NUMBER,
    a_launching_scan,
    a_progress,
    a_request,
    a_running_scan,
    a_stopping_scan,
)

POLL = PollSettings()
LIMITS = Limits(max_duration=timedelta(days=1), poll=POLL)
NOT_PAUSED = timedelta(0)
ON = [*(each for each in Activity if not each.is_over)]


def test_a_scan_that_completed_on_its_scanner_is_over_however_long_it_took() -> None:
    late = NOW + timedelta(days=2)
    assert look(a_running_scan(), a_progress(Activity.COMPLETED), NOT_PAUSED, LIMITS, late) == Over()


@pytest.mark.parametrize(
    ("activity", "code"),
    [(Activity.CANCELED, "scan_canceled_on_scanner"), (Activity.ABORTED, "scan_aborted")],
)
def test_a_scan_that_ended_otherwise_failed_and_may_be_asked_for_again(activity: Activity, code: str) -> None:
    ended = look(a_running_scan(), a_progress(activity), NOT_PAUSED, LIMITS, NOW)
    assert isinstance(ended, Ended)
    assert (ended.error.code, ended.error.retryable) == (code, True)
    assert f"scan {NUMBER} on a" in ended.error.message


@pytest.mark.parametrize("activity", ON)
def test_a_scan_that_is_not_over_is_looked_at_again(activity: Activity) -> None:
    assert isinstance(look(a_running_scan(), a_progress(activity), NOT_PAUSED, LIMITS, NOW), LookAgain)


@pytest.mark.parametrize("activity", ON)
def test_a_scan_that_runs_for_too_long_is_stopped(activity: Activity) -> None:
    late = NOW + timedelta(days=1, seconds=1)
    stop = look(a_running_scan(), a_progress(activity), NOT_PAUSED, LIMITS, late)
    assert isinstance(stop, StopIt)
    assert (stop.cause, stop.code) == ("timeout", "max_duration_exceeded")


def test_a_scan_that_cannot_be_looked_at_is_stopped_once_its_time_is_over() -> None:
    scan = a_running_scan(a_request(max_duration_s=60))
    assert overdue(scan, LIMITS, NOW + MINUTE) is None
    stop = overdue(scan, LIMITS, NOW + MINUTE + timedelta(seconds=1))
    assert stop == StopIt(cause="timeout", code="max_duration_exceeded", why="ran longer than 60 s")


def test_a_scan_that_was_launched_twice_is_stopped_before_anything_else() -> None:
    stop = look(a_running_scan(), a_progress(runs=2), NOT_PAUSED, LIMITS, NOW + timedelta(days=9))
    assert isinstance(stop, StopIt)
    assert (stop.cause, stop.code) == ("operator", "launched_twice")


def test_a_scan_that_somebody_paused_for_too_long_is_stopped() -> None:
    paused = a_progress(Activity.PAUSED)
    assert isinstance(look(a_running_scan(), paused, POLL.paused_limit, LIMITS, NOW), LookAgain)
    stop = look(a_running_scan(), paused, POLL.paused_limit + MINUTE, LIMITS, NOW)
    assert isinstance(stop, StopIt)
    assert (stop.cause, stop.code) == ("timeout", "paused_too_long")


@pytest.mark.parametrize(
    ("age", "percent", "seconds"),
    [(0, 5, 5), (100, 30, 10), (600, 30, 60), (36_000, 30, 60), (36_000, 89, 60), (36_000, 90, 5), (600, 99, 5)],
)
def test_a_scan_is_looked_at_more_often_at_first_and_near_its_end(age: int, percent: int, seconds: int) -> None:
    at = NOW + timedelta(seconds=age)
    assert interval(a_running_scan(), a_progress(percent=percent), POLL, at) == timedelta(seconds=seconds)


def test_a_scan_that_stops_is_looked_at_soon() -> None:
    at = NOW + timedelta(hours=1)
    assert interval(a_running_scan(), a_progress(Activity.STOPPING), POLL, at) == POLL.shortest


def test_looks_are_spread_by_a_tenth_to_either_side() -> None:
    ten = timedelta(seconds=10)
    assert [jittered(ten, share).total_seconds() for share in (0.0, 0.5, 1.0)] == [9, 10, 11]


@pytest.mark.parametrize("activity", [Activity.RUNNING, Activity.PENDING, Activity.PAUSED])
def test_what_runs_is_asked_to_stop(activity: Activity) -> None:
    assert stop_step(a_progress(activity)) == AskToStop()


@pytest.mark.parametrize("activity", [Activity.COMPLETED, Activity.CANCELED, Activity.ABORTED, Activity.EMPTY, None])
def test_a_stop_is_confirmed_only_when_nothing_of_the_scan_runs(activity: Activity | None) -> None:
    assert stop_step(a_progress(activity) if activity else None) == Confirmed()


def test_what_is_stopping_already_is_only_looked_at_again() -> None:
    assert isinstance(stop_step(a_progress(Activity.STOPPING)), LookAgain)


def test_only_a_launch_without_an_intent_is_known_never_to_launch() -> None:
    assert never_launched(a_stopping_scan(a_launching_scan()))
    assert not never_launched(a_stopping_scan(a_launching_scan(intent=NUMBER)))
    assert not never_launched(a_stopping_scan(a_running_scan()))


def test_a_launch_may_be_on_its_way_until_its_lease_and_the_bound_are_over() -> None:
    scan = a_stopping_scan(a_launching_scan(intent=NUMBER))
    assert scan.lease is not None
    bound = timedelta(seconds=32)
    assert launch_may_be_on_its_way(scan, bound, NOW) == MINUTE + bound
    assert launch_may_be_on_its_way(scan, bound, scan.lease.until + bound) == timedelta(0)
    assert launch_may_be_on_its_way(a_stopping_scan(a_running_scan()), bound, NOW) == timedelta(0)
