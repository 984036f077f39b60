"""Every limit of time on a scan on its scanner: it is stopped there, ends with its own code, frees its place."""

from __future__ import annotations

from datetime import timedelta

import pytest

from scanpool.coordination.places import GiveBack
from scanpool.coordination.stage import Move
from scanpool.janitor import decide as janitor
from scanpool.runtime.outcomes import Snooze
from scanpool.scanners.scanner import Activity
from scanpool_schemas.scan import AnyScan, Failed, Stopping
from scanpool_schemas.status import describe
from tests.support.builders import (
    MINUTE,
    NOW,
    NUMBER,
    a_launching_scan,
    a_mark,
    a_queued_scan,
    a_request,
    a_running_scan,
    an_exporting_scan,
)
from tests.support.poller_rig import SETTINGS, PollerRig, committed

DAY = timedelta(hours=24)
HOUR = timedelta(hours=1)
WEEK = 7 * DAY


class Rig(PollerRig):
    """The scan goes on as `activity` until it is asked to stop, and then stops at once."""

    def __init__(self, activity: Activity = Activity.RUNNING, down_from: timedelta | None = None) -> None:
        super().__init__()
        self.on_scanner.activity = activity
        self._down_from = down_from

    def happens(self) -> None:
        self.scanner.down = self._down_from is not None and self.passed >= self._down_from
        if self.on_scanner.activity is Activity.STOPPING:
            self.on_scanner.activity = Activity.CANCELED

    def answers_again(self) -> None:
        self._down_from = None


async def ended(rig: Rig, scan: AnyScan | None) -> Failed:
    """What becomes of a scan that is to stop; its scanner must have stopped it, and its place be given back."""
    assert isinstance(scan, Stopping)
    answers = await rig.follow(scan, rig.passed + HOUR)
    end = committed(answers)
    assert isinstance(end, Failed)
    assert rig.on_scanner.activity is Activity.CANCELED
    assert isinstance(answers[-1], Move)
    assert answers[-1].change.place == GiveBack(scanner="a")
    return end


def test_a_scan_may_take_a_day_by_default() -> None:
    assert (SETTINGS.max_duration, SETTINGS.poll.paused_limit) == (DAY, DAY / 2)


@pytest.mark.parametrize(
    ("activity", "request_s", "allowed", "code"),
    [
        (Activity.RUNNING, None, DAY, "max_duration_exceeded"),
        (Activity.PENDING, None, DAY, "max_duration_exceeded"),
        (Activity.RUNNING, 600, 10 * MINUTE, "max_duration_exceeded"),
        (Activity.RUNNING, 2 * 86_400, 2 * DAY, "max_duration_exceeded"),
        (Activity.PAUSED, 600, 10 * MINUTE, "max_duration_exceeded"),
        (Activity.PAUSED, 7 * 86_400, DAY / 2, "paused_too_long"),
    ],
)
async def test_what_takes_too_long_is_stopped_on_its_scanner_and_ends_as_timeout(
    activity: Activity, request_s: int | None, allowed: timedelta, code: str
) -> None:
    rig = Rig(activity)
    stopping = committed(await rig.follow(a_running_scan(a_request(max_duration_s=request_s)), WEEK))
    assert allowed < rig.passed < allowed + 2 * MINUTE, "not before, and not long after"
    end = await ended(rig, stopping)
    assert (end.end, end.error.code) == ("timeout", code)


async def test_a_scan_whose_scanner_is_unreachable_for_longer_than_it_may_take_stops_once_it_answers() -> None:
    rig = Rig(down_from=HOUR)
    stopping = committed(await rig.follow(a_running_scan(), WEEK))
    assert await rig.is_left_alone(), "its breaker is open meanwhile"
    assert DAY < rig.passed < DAY + 2 * MINUTE
    assert isinstance(stopping, Stopping)
    shown = describe(stopping)
    assert (shown.status, shown.state, shown.cancelling, shown.is_over) == ("running", "stopping", True, False)
    assert {type(each) for each in await rig.follow(stopping, rig.passed + 2 * HOUR)} == {Snooze}
    assert rig.on_scanner.activity is Activity.RUNNING
    rig.answers_again()
    end = await ended(rig, stopping)
    assert (end.end, end.error.code) == ("timeout", "max_duration_exceeded")


async def test_a_pause_that_ends_in_time_is_forgotten() -> None:
    class PausedTwice(Rig):
        def happens(self) -> None:
            hours = self.passed // HOUR
            self.on_scanner.activity = Activity.RUNNING if hours == 10 else Activity.PAUSED
            if hours >= 20:
                self.on_scanner.activity = Activity.COMPLETED

    scan = committed(await PausedTwice().follow(a_running_scan(a_request(max_duration_s=7 * 86_400)), WEEK))
    assert scan is not None
    assert not isinstance(scan, Stopping)


def after(scan: AnyScan, waited: timedelta) -> AnyScan | None:
    """What the janitor makes of the scan after so long."""
    change = janitor.overdue(scan, SETTINGS.max_duration, a_mark("janitor", at=NOW + waited))
    return change.scan if change is not None else None


@pytest.mark.parametrize("intent", [None, NUMBER])
async def test_a_launch_that_never_gets_on_is_stopped_and_ends_as_timeout(intent: int | None) -> None:
    scan = a_launching_scan(intent=intent)
    assert after(scan, DAY) is None
    stopping = after(scan, DAY + timedelta(seconds=1))
    assert isinstance(stopping, Stopping)
    assert (stopping.stop.was, stopping.scanner, stopping.intent) == ("launching", "a", scan.intent)
    rig = Rig(Activity.EMPTY)
    rig.passed = DAY + timedelta(seconds=1)
    end = committed(await rig.follow(stopping, WEEK))
    assert isinstance(end, Failed)
    assert (end.end, end.error.code) == ("timeout", "max_duration_exceeded")


async def test_a_launch_that_was_carried_out_without_anybody_knowing_is_stopped_on_the_scanner() -> None:
    rig = Rig(Activity.RUNNING)
    rig.passed = DAY + timedelta(seconds=1)
    end = await ended(rig, after(a_launching_scan(intent=NUMBER), rig.passed))
    assert (end.end, end.error.code) == ("timeout", "max_duration_exceeded")


@pytest.mark.parametrize(
    ("scan", "limit"),
    [
        (a_running_scan(), DAY),
        (a_running_scan(a_request(max_duration_s=60)), MINUTE),
        (a_launching_scan(a_request(max_duration_s=60)), MINUTE),
        (a_queued_scan(a_request(max_wait_s=60)), MINUTE),
    ],
)
def test_the_janitor_ends_what_nobody_else_ends_and_not_before_its_time(scan: AnyScan, limit: timedelta) -> None:
    assert after(scan, limit) is None
    end = after(scan, limit + timedelta(seconds=1))
    assert isinstance(end, Stopping | Failed)
    ends_as = end.stop.cause if isinstance(end, Stopping) else end.end
    assert ends_as == "timeout"


@pytest.mark.parametrize("scan", [a_queued_scan(), an_exporting_scan(), a_queued_scan(a_request(max_duration_s=1))])
def test_a_scan_without_a_limit_on_its_waiting_waits_for_ever(scan: AnyScan) -> None:
    assert after(scan, 100 * DAY) is None
