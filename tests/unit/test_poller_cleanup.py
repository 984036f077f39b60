"""Every ground for taking something of ours off a scanner, and everything that is left there."""

from __future__ import annotations

from datetime import timedelta

import pytest

from scanpool.poller.cleanup import Found, Verdict, judge
from scanpool.runtime.settings import RetentionSettings
from scanpool.scanners.naming import OurName
from scanpool.scanners.scanner import Activity, ScannerScan
from scanpool_schemas.scan import AnyScan, Dead
from tests.support.builders import (
    NOW,
    NUMBER,
    a_completed_scan,
    a_dead_scan,
    a_failed_scan,
    a_launching_scan,
    a_pending_scan,
    a_queued_scan,
    a_running_scan,
    a_stopping_scan,
    a_validating_scan,
    an_exporting_scan,
)

RETENTION = RetentionSettings(completed=timedelta(days=7), failed=timedelta(days=30), dead=timedelta(days=20))
OTHER = NUMBER + 1
OVER = [Activity.COMPLETED, Activity.CANCELED, Activity.ABORTED]
ACTIVE = [Activity.PENDING, Activity.RUNNING, Activity.PAUSING, Activity.PAUSED, Activity.STOPPING]
LIVE: list[AnyScan] = [
    a_pending_scan(),
    a_queued_scan(),
    a_launching_scan(),
    a_launching_scan(intent=NUMBER),
    a_running_scan(),
    an_exporting_scan(),
    a_validating_scan(),
    a_stopping_scan(),
    a_dead_scan(),
]
NUMBERED: list[AnyScan] = [scan for scan in LIVE if getattr(scan, "scanner_scan_id", None) == NUMBER]
ENDED: list[AnyScan] = [a_completed_scan(), a_failed_scan(), a_failed_scan(a_queued_scan())]


def _judged(
    event: AnyScan,
    activity: Activity,
    number: int = NUMBER,
    *,
    run: int = 1,
    scanner: str = "a",
    after: timedelta = timedelta(0),
) -> Verdict:
    ours = OurName(deployment="scanpool", scan_id="s1", run=run)
    listed = ScannerScan(id=number, name=f"weekly {ours}", activity=activity)
    return judge(Found(scanner=scanner, listed=listed, ours=ours, event=event), RETENTION, NOW + after)


@pytest.mark.parametrize("event", ENDED)
def test_an_empty_scan_is_deleted_once_its_scan_has_ended(event: AnyScan) -> None:
    assert _judged(event, Activity.EMPTY, OTHER) is Verdict.DELETE_IF_EMPTY


def test_an_empty_scan_of_an_older_run_is_deleted() -> None:
    assert _judged(a_queued_scan(run=2), Activity.EMPTY, run=1) is Verdict.DELETE_IF_EMPTY


@pytest.mark.parametrize("event", NUMBERED)
def test_an_empty_scan_is_deleted_when_the_event_names_another(event: AnyScan) -> None:
    assert _judged(event, Activity.EMPTY, OTHER) is Verdict.DELETE_IF_EMPTY
    assert _judged(event, Activity.EMPTY, NUMBER, scanner="b") is Verdict.DELETE_IF_EMPTY


@pytest.mark.parametrize("event", LIVE)
def test_an_empty_scan_that_may_still_be_launched_is_kept(event: AnyScan) -> None:
    assert _judged(event, Activity.EMPTY) is Verdict.KEEP


@pytest.mark.parametrize("event", [a_dead_scan(a_queued_scan()), a_dead_scan(a_launching_scan())])
def test_an_empty_scan_of_a_dead_one_is_kept_while_a_person_may_retry_it(event: AnyScan) -> None:
    assert _judged(event, Activity.EMPTY, after=timedelta(days=20)) is Verdict.KEEP
    assert _judged(event, Activity.EMPTY, after=timedelta(days=20, seconds=1)) is Verdict.DELETE_IF_EMPTY


@pytest.mark.parametrize("activity", ACTIVE)
@pytest.mark.parametrize("event", [a_launching_scan(intent=NUMBER), a_running_scan(), a_stopping_scan()])
def test_what_runs_and_is_named_goes_on(event: AnyScan, activity: Activity) -> None:
    assert _judged(event, activity) is Verdict.KEEP


@pytest.mark.parametrize("activity", ACTIVE)
@pytest.mark.parametrize("event", [a_queued_scan(), a_launching_scan(), a_running_scan(), a_completed_scan()])
def test_what_runs_without_being_named_is_stopped(event: AnyScan, activity: Activity) -> None:
    assert _judged(event, activity, OTHER) is Verdict.STOP
    assert _judged(event, activity, scanner="b") is Verdict.STOP


def test_what_runs_for_an_older_run_is_stopped() -> None:
    assert _judged(a_running_scan(run=2), Activity.RUNNING, run=1) is Verdict.STOP


@pytest.mark.parametrize("activity", OVER)
@pytest.mark.parametrize(("event", "kept"), [(a_completed_scan(), 7), (a_failed_scan(), 30), (a_dead_scan(), 20)])
def test_what_is_over_is_deleted_after_its_retention_and_not_before(
    event: AnyScan, kept: int, activity: Activity
) -> None:
    assert _judged(event, activity, after=timedelta(days=kept)) is Verdict.KEEP
    assert _judged(event, activity, after=timedelta(days=kept, seconds=1)) is Verdict.DELETE


@pytest.mark.parametrize("activity", OVER)
@pytest.mark.parametrize("event", [scan for scan in LIVE if not isinstance(scan, Dead)])
def test_what_is_over_on_the_scanner_is_kept_while_its_scan_is_not(event: AnyScan, activity: Activity) -> None:
    assert _judged(event, activity, after=timedelta(days=365)) is Verdict.KEEP
