"""What an order to pause or resume a scan means, and who has a scan paused."""

from __future__ import annotations

from datetime import timedelta

import pytest

from scanpool.poller.decide import Limits, paused_until
from scanpool.poller.orders.decide import Ask, Verdict, failed, not_seen, not_taken, open_to_orders, step, taken
from scanpool.poller.telling import Asked, held
from scanpool.runtime.settings import PollSettings
from scanpool.scanners.errors import (
    BreakerOpen,
    PermissionDenied,
    ScanConflict,
    ScannerError,
    ScannerUnavailable,
    ScanNotFound,
)
from scanpool.scanners.scanner import Activity
from scanpool_schemas.codes import CATALOGUE
from scanpool_schemas.events import ScanProgress
from scanpool_schemas.request import OrderName, RequestInvalid, ScanOrder, decode_scan_order
from scanpool_schemas.scan import AnyScan, Running, state_of
from tests.support.builders import MINUTE, NOW, a_progress, a_request, a_running_scan, every_state

RUNNING = a_running_scan()
OVER = [Activity.EMPTY, Activity.STOPPING, *(each for each in Activity if each.is_over)]
ORDERS: list[OrderName] = ["pause", "resume"]
CONFLICT = ScanConflict("lab.a", "pause", "it is pending")


def outcome(verdict: object) -> tuple[str, str]:
    assert isinstance(verdict, Verdict)
    return verdict.outcome, verdict.error.code if verdict.error else ""


@pytest.mark.parametrize("scan", [None, *every_state()], ids=lambda scan: state_of(scan) if scan else "none")
def test_only_a_scan_that_runs_is_open_to_orders(scan: AnyScan | None) -> None:
    found = open_to_orders(scan, "lab", "s1")
    if isinstance(scan, Running):
        assert found is scan
        return
    said, code = outcome(found)
    assert (said, "answer" in CATALOGUE[code].places) == ("refused", True)


@pytest.mark.parametrize("activity", OVER)
@pytest.mark.parametrize("order", ORDERS)
def test_what_does_not_run_on_its_scanner_any_more_is_refused(order: OrderName, activity: Activity) -> None:
    assert outcome(step(order, RUNNING, a_progress(activity))) == ("refused", "scan_is_over")


@pytest.mark.parametrize(
    ("order", "activity", "then"),
    [
        ("pause", Activity.PAUSED, "already"),
        ("pause", Activity.PAUSING, "under-way"),
        ("resume", Activity.RUNNING, "already"),
        ("resume", Activity.PENDING, "already"),
    ],
)
def test_what_is_so_already_is_not_asked_of_the_scanner(order: OrderName, activity: Activity, then: str) -> None:
    assert outcome(step(order, RUNNING, a_progress(activity))) == (then, "")


@pytest.mark.parametrize(
    ("order", "activity"),
    [
        ("pause", Activity.RUNNING),
        ("pause", Activity.PENDING),
        ("resume", Activity.PAUSED),
        ("resume", Activity.PAUSING),
    ],
)
def test_the_rest_is_asked_and_is_under_way_where_the_scanner_says_no_more(
    order: OrderName, activity: Activity
) -> None:
    progress = a_progress(activity)
    assert isinstance(step(order, RUNNING, progress), Ask)
    assert outcome(taken(order, RUNNING, progress)) == ("under-way", "")
    assert outcome(not_taken(order, RUNNING, progress, CONFLICT)) == ("refused", "scanner_conflict")


def test_an_order_that_the_scanner_took_is_done_when_the_scanner_says_so() -> None:
    assert outcome(taken("pause", RUNNING, a_progress(Activity.PAUSED))) == ("done", "")
    assert outcome(taken("resume", RUNNING, a_progress(Activity.RUNNING))) == ("done", "")
    assert outcome(taken("pause", RUNNING, a_progress(Activity.COMPLETED))) == ("refused", "scan_is_over")


def test_a_conflict_with_somebody_who_did_the_same_is_no_refusal() -> None:
    assert outcome(not_taken("pause", RUNNING, a_progress(Activity.PAUSED), CONFLICT)) == ("already", "")


@pytest.mark.parametrize(
    ("error", "then"),
    [
        (ScannerUnavailable("lab.a", "pause", "no answer"), "unknown"),
        (BreakerOpen("lab.a", "pause", "not called"), "refused"),
        (PermissionDenied("lab.a", "pause", "no"), "refused"),
        (ScanNotFound("lab.a", "pause", "no"), "refused"),
    ],
)
def test_only_a_scanner_that_gave_no_answer_may_have_taken_the_order(error: ScannerError, then: str) -> None:
    assert outcome(failed(error)) == (then, error.code)


def test_an_order_that_was_taken_stays_taken_when_the_look_fails() -> None:
    assert outcome(not_seen(RUNNING, ScannerUnavailable("lab.a", "progress", "no answer"))) == ("under-way", "")


def told(**fields: object) -> ScanProgress:
    base = {"id": "s1", "pool": "lab", "scanner": "a", "percent": 40, "status": "paused", "at": NOW}
    return ScanProgress(**{**base, **fields})  # type: ignore[arg-type]


EARLIER = told(paused_since=NOW - MINUTE, paused_by="alice", paused_reason="busy")


def test_a_pause_goes_on_as_it_was_told_before() -> None:
    now = held(told(), Activity.PAUSED, EARLIER, None)
    assert (now.paused_since, now.paused_by, now.paused_reason) == (NOW - MINUTE, "alice", "busy")


def test_whoever_asks_for_a_pause_that_is_there_already_does_not_take_it_over() -> None:
    bob = Asked(by="bob", why="to be sure", just_now=False)
    assert held(told(), Activity.PAUSED, EARLIER, bob).paused_by == "alice"
    assert held(told(), Activity.PAUSED, told(paused_since=NOW - MINUTE), bob).paused_by == "bob"


def test_a_pause_that_was_made_just_now_is_that_persons() -> None:
    now = held(told(), Activity.PAUSED, EARLIER, Asked(by="bob", why="again", just_now=True))
    assert (now.paused_since, now.paused_by, now.paused_reason) == (NOW, "bob", "again")


def test_while_a_scan_is_still_pausing_it_is_known_who_asked_and_not_since_when() -> None:
    now = held(told(), Activity.PAUSING, None, Asked(by="bob", why="busy", just_now=True))
    assert (now.paused_since, now.paused_by) == (None, "bob")
    later = held(told(at=NOW + MINUTE), Activity.PAUSED, now, None)
    assert (later.paused_since, later.paused_by) == (NOW + MINUTE, "bob")


@pytest.mark.parametrize(
    ("max_duration_s", "until"),
    [(None, timedelta(hours=2)), (3600, timedelta(hours=1))],
)
def test_a_paused_scan_is_stopped_at_the_earlier_of_its_two_limits(
    max_duration_s: int | None, until: timedelta
) -> None:
    scan = a_running_scan(a_request(max_duration_s=max_duration_s))
    limits = Limits(max_duration=timedelta(days=1), poll=PollSettings(paused_limit=timedelta(hours=2)))
    assert paused_until(scan, scan.running_at, limits) == scan.running_at + until


def test_an_order_is_read_strictly_and_may_be_empty() -> None:
    assert decode_scan_order(b"") == ScanOrder()
    assert decode_scan_order(b'{"by":"alice"}').by == "alice"
    with pytest.raises(RequestInvalid, match="did you mean 'reason'"):
        decode_scan_order(b'{"reasn":"x"}')
