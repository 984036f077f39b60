"""Every row of the protocol's table: which state follows, what it carries, and which place changes hands."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from scanpool.coordination import snapshots
from scanpool.coordination import transitions as t
from scanpool.coordination.places import GiveBack, Take
from scanpool.coordination.state_table import LEGAL, IllegalTransition, check_legal
from scanpool.coordination.transitions import Change
from scanpool_schemas.request import Priority
from scanpool_schemas.scan import (
    STRUCT_OF,
    AnyScan,
    Completed,
    Dead,
    Exporting,
    Failed,
    Intent,
    Launching,
    Queued,
    Running,
    Stopping,
    Validating,
    state_of,
)
from scanpool_schemas.wire import decode_scan
from tests.support.builders import (
    NOW,
    NUMBER,
    a_completed_scan,
    a_dead_scan,
    a_failed_scan,
    a_launching_scan,
    a_lease,
    a_mark,
    a_pending_scan,
    a_queued_scan,
    a_request,
    a_result,
    a_running_scan,
    a_stop,
    a_stopping_scan,
    a_submission,
    a_validating_scan,
    an_error,
    an_export,
    an_exporting_scan,
    every_state,
)

LATER = NOW + timedelta(minutes=5)
INTENT = Intent(attempt=1, scanner_scan_id=NUMBER, at=NOW)
ENDS = {"completed", "failed"}

ROWS: list[tuple[AnyScan | None, Callable[[Any], Change], str, object]] = [
    (None, lambda _: t.admitted(a_submission(), a_mark()), "queued-normal", None),
    (None, lambda _: t.put_off(a_submission(), "the scan is intrusive", a_mark()), "pending", None),
    (a_pending_scan(), lambda s: t.approved(s, "approved by me", a_mark()), "queued-normal", None),
    (None, lambda _: t.refused(a_submission(), an_error(), a_mark()), "failed", None),
    (a_queued_scan(), lambda s: t.claimed(s, "a", a_lease(), a_mark()), "launching", Take(scanner="a", at=NOW)),
    (a_launching_scan(), lambda s: t.taken_over(s, a_lease(), a_mark()), "launching", None),
    (a_launching_scan(), lambda s: t.intended(s, NUMBER, a_mark()), "launching", None),
    (
        a_launching_scan(),
        lambda s: t.back_in_queue(s, "down", LATER, a_mark()),
        "queued-normal",
        GiveBack(scanner="a"),
    ),
    (a_launching_scan(intent=NUMBER), lambda s: t.runs(s, INTENT, a_mark()), "running", None),
    (a_launching_scan(), lambda s: t.failed(s, an_error(), a_mark()), "failed", GiveBack(scanner="a")),
    (a_running_scan(), lambda s: t.scanned(s, a_mark()), "exporting", GiveBack(scanner="a")),
    (a_running_scan(), lambda s: t.failed(s, an_error(), a_mark()), "failed", GiveBack(scanner="a")),
    (an_exporting_scan(), lambda s: t.exported(s, an_export(), a_mark()), "validating", None),
    (an_exporting_scan(), lambda s: t.failed(s, an_error(), a_mark()), "failed", None),
    (a_validating_scan(), lambda s: t.completed(s, a_result(), a_mark()), "completed", None),
    (a_validating_scan(), lambda s: t.failed(s, an_error(), a_mark(), result=a_result()), "failed", None),
    (an_exporting_scan(), lambda s: t.tried(s, "cut", LATER, a_mark()), "exporting", None),
    (a_validating_scan(), lambda s: t.tried(s, "gone", LATER, a_mark()), "validating", None),
    (a_launching_scan(), lambda s: t.stopping(s, a_stop("launching"), a_mark()), "stopping", None),
    (a_running_scan(), lambda s: t.stopping(s, a_stop(), a_mark()), "stopping", None),
    (a_pending_scan(), lambda s: t.failed(s, an_error(), a_mark(), end="cancelled"), "failed", None),
    (a_queued_scan(), lambda s: t.failed(s, an_error(), a_mark(), end="timeout"), "failed", None),
    (
        a_stopping_scan(),
        lambda s: t.failed(s, an_error(), a_mark(), end="cancelled"),
        "failed",
        GiveBack(scanner="a"),
    ),
    (a_queued_scan(), lambda s: t.dead(s, an_error(), a_mark()), "dead", None),
    (a_launching_scan(), lambda s: t.dead(s, an_error(), a_mark()), "dead", GiveBack(scanner="a")),
    (an_exporting_scan(), lambda s: t.dead(s, an_error(), a_mark()), "dead", None),
    (a_validating_scan(), lambda s: t.dead(s, an_error(), a_mark()), "dead", None),
    (a_queued_scan(), lambda s: t.told_again(s, "lost", a_mark()), "queued-normal", None),
    (a_launching_scan(), lambda s: t.told_again(s, "lost", a_mark()), "launching", None),
    (a_running_scan(), lambda s: t.told_again(s, "lost", a_mark()), "running", None),
    (an_exporting_scan(), lambda s: t.told_again(s, "lost", a_mark()), "exporting", None),
    (a_validating_scan(), lambda s: t.told_again(s, "lost", a_mark()), "validating", None),
    (a_stopping_scan(), lambda s: t.told_again(s, "lost", a_mark()), "stopping", None),
    (a_dead_scan(a_launching_scan()), lambda s: t.retried(s, "retried by me", a_mark()), "queued-normal", None),
    (a_dead_scan(an_exporting_scan()), lambda s: t.retried(s, "retried by me", a_mark()), "exporting", None),
    (a_dead_scan(a_validating_scan()), lambda s: t.retried(s, "retried by me", a_mark()), "validating", None),
]


@pytest.mark.parametrize(("before", "act", "state", "place"), ROWS)
def test_a_transition_leads_to_its_state_and_moves_its_place_in_the_same_commit(
    before: AnyScan | None, act: Callable[[Any], Change], state: str, place: object
) -> None:
    change = act(before)
    assert (state_of(change.scan), change.place) == (state, place)
    check_legal(before, change.scan)


@pytest.mark.parametrize(("before", "act", "state", "place"), ROWS)
def test_a_transition_carries_who_the_scan_is_and_adds_one_entry_to_its_timeline(
    before: AnyScan | None, act: Callable[[Any], Change], state: str, place: object
) -> None:
    after = act(before).scan
    if before is not None:
        kept = ("id", "pool", "request", "request_digest", "submitted_at", "trace_id")
        assert [getattr(after, name) for name in kept] == [getattr(before, name) for name in kept]
        assert after.run == before.run + isinstance(before, Dead)
        assert after.timeline[:-1] == before.timeline
        assert after.nonce != before.nonce
    last = after.timeline[-1]
    assert (last.state, last.at, last.by) == (state, after.at, "dispatcher")


@pytest.mark.parametrize(("before", "act", "state", "place"), ROWS)
def test_what_a_transition_makes_reads_back_as_it_was_written(
    before: AnyScan | None, act: Callable[[Any], Change], state: str, place: object
) -> None:
    after = act(before).scan
    assert decode_scan(state, msgspec.json.encode(after)) == after


LEGAL_BY_PROTOCOL: dict[str | None, set[str]] = {
    None: {"queued", "pending", "failed"},
    "pending": {"queued", "failed"},
    "queued": {"itself", "launching", "failed", "dead"},
    "launching": {"launching", "queued", "running", "failed", "stopping", "dead"},
    "running": {"itself", "exporting", "failed", "stopping"},
    "exporting": {"validating", "failed", "exporting", "dead"},
    "validating": {"completed", "failed", "validating", "dead"},
    "stopping": {"itself", "failed"},
    "dead": {"queued", "exporting", "validating"},
    "completed": set(),
    "failed": set(),
}


@pytest.mark.parametrize("before", [None, *STRUCT_OF])
@pytest.mark.parametrize("after", STRUCT_OF)
def test_what_the_protocol_does_not_list_is_illegal(before: Any, after: Any) -> None:
    lane = before is not None and before.startswith("queued")
    wanted = LEGAL_BY_PROTOCOL["queued" if lane else before]
    row = "queued" if after.startswith("queued") else after
    assert (after in LEGAL[before]) == (row in wanted or (after == before and "itself" in wanted))


@pytest.mark.parametrize("after", every_state())
@pytest.mark.parametrize("before", [a_completed_scan(), a_failed_scan()])
def test_completed_and_failed_are_never_left(before: AnyScan, after: AnyScan) -> None:
    with pytest.raises(IllegalTransition, match=state_of(before)):
        check_legal(before, after)


@pytest.mark.parametrize(("lane", "state"), [("high", "queued-high"), ("low", "queued-low")])
def test_a_scan_waits_in_the_lane_of_its_priority_and_comes_back_to_it(lane: Priority, state: str) -> None:
    request = a_request(priority=lane)
    assert state_of(a_queued_scan(request)) == state
    back = t.back_in_queue(a_launching_scan(request), "down", LATER, a_mark()).scan
    assert state_of(back) == state


def test_a_claim_starts_a_new_attempt_and_a_takeover_another_that_keeps_the_scanner() -> None:
    claim = a_launching_scan()
    takeover = _made(Launching, t.taken_over(claim, a_lease("next", at=LATER), a_mark(at=LATER)))
    assert (claim.attempt, takeover.attempt) == (1, 2)
    assert (takeover.scanner, takeover.claimed_at, takeover.lease.by) == ("a", claim.claimed_at, "next")
    assert takeover.stage_attempts == {"launch": 1}


def test_a_takeover_keeps_the_intent_as_it_was_committed() -> None:
    intended = a_launching_scan(intent=NUMBER)
    takeover = _made(Launching, t.taken_over(intended, a_lease("next"), a_mark()))
    assert takeover.intent == intended.intent
    assert takeover.intent is not None
    assert takeover.intent.attempt == 1


def test_the_way_back_counts_the_try_keeps_the_attempt_and_waits() -> None:
    scan = a_launching_scan()
    back = _made(Queued, t.back_in_queue(scan, "scanner down", LATER, a_mark()))
    assert (back.attempt, back.stage_attempts, back.not_before) == (1, {"launch": 1}, LATER)
    assert back.queued_at == scan.queued_at
    again = _made(Launching, t.claimed(back, "b", a_lease(), a_mark()))
    assert (again.attempt, again.not_before, again.stage_attempts) == (2, None, {"launch": 1})


def test_a_way_back_that_is_nobodys_fault_counts_no_try() -> None:
    scan = a_launching_scan(stage_attempts={"launch": 1})
    back = _made(Queued, t.back_in_queue(scan, "asked to wait", LATER, a_mark(), counted=False))
    assert (back.stage_attempts, back.not_before) == ({"launch": 1}, LATER)


def test_running_forgets_the_tries_of_the_launch_and_validating_those_of_the_export() -> None:
    tried = a_launching_scan(intent=NUMBER, stage_attempts={"launch": 2})
    assert _made(Running, t.runs(tried, INTENT, a_mark())).stage_attempts == {}
    once = _made(Exporting, t.tried(an_exporting_scan(), "cut", LATER, a_mark()))
    assert (once.stage_attempts, once.not_before) == ({"exporting": 1}, LATER)
    done = _made(Validating, t.exported(once, an_export(), a_mark()))
    assert (done.stage_attempts, done.not_before) == ({}, None)


@pytest.mark.parametrize("was", [a_launching_scan(intent=NUMBER), a_running_scan()])
def test_stopping_keeps_the_scanner_and_the_number_that_was_committed(was: Launching | Running) -> None:
    stop = a_stop("running" if isinstance(was, Running) else "launching")
    scan = _made(Stopping, t.stopping(was, stop, a_mark()))
    assert (scan.scanner, scan.scanner_scan_id, scan.stop) == ("a", NUMBER, stop)


def test_stopping_out_of_a_launch_keeps_its_lease_and_its_intent() -> None:
    was = a_launching_scan(intent=NUMBER)
    scan = _made(Stopping, t.stopping(was, a_stop("launching"), a_mark()))
    assert (scan.lease, scan.intent) == (was.lease, was.intent)
    bare = _made(Stopping, t.stopping(a_launching_scan(), a_stop("launching"), a_mark()))
    assert (bare.intent, bare.scanner_scan_id) == (None, None)


@pytest.mark.parametrize(
    "scan", [a_launching_scan(intent=NUMBER), a_running_scan(), an_exporting_scan(), a_stopping_scan()]
)
def test_a_failed_scan_says_where_it_was_on_the_scanner(scan: AnyScan) -> None:
    failed = _made(Failed, t.failed(scan, an_error(), a_mark()))
    assert (failed.scanner, failed.scanner_scan_id) == ("a", NUMBER)


def test_a_failed_scan_keeps_the_results_that_are_there_all_the_same() -> None:
    scan = a_validating_scan()
    failed = _made(Failed, t.failed(scan, an_error(), a_mark(), result=a_result()))
    assert (failed.export, failed.result) == (scan.export, a_result())


@pytest.mark.parametrize(
    "scan",
    [
        a_queued_scan(a_request(priority="high"), not_before=LATER, stage_attempts={"launch": 2}),
        a_launching_scan(intent=NUMBER),
        a_running_scan(),
        an_exporting_scan(not_before=LATER, stage_attempts={"exporting": 1}),
        a_validating_scan(),
        a_stopping_scan(),
    ],
)
def test_a_scan_that_is_told_again_is_as_it_was_and_says_so_in_its_timeline(scan: t.ActedOn) -> None:
    again = t.told_again(scan, "its delivery was lost", a_mark("janitor", at=LATER)).scan
    assert msgspec.structs.replace(again, at=scan.at, nonce=scan.nonce, timeline=scan.timeline) == scan
    entry = again.timeline[-1]
    assert (entry.state, entry.by, entry.at, entry.why) == (state_of(scan), "janitor", LATER, "its delivery was lost")


def test_a_dead_scan_says_what_a_retry_goes_back_to_and_keeps_what_that_needs() -> None:
    scan = a_validating_scan()
    dead = _made(Dead, t.dead(scan, an_error("export_unreadable", "gone"), a_mark()))
    assert (dead.dead.state, dead.dead.reason) == ("validating", "export_unreadable")
    assert (dead.export, dead.scanner_scan_id, dead.queued_at) == (scan.export, NUMBER, scan.queued_at)


def test_a_retry_is_a_new_run_with_its_tries_forgotten_and_its_history_kept() -> None:
    dead = a_dead_scan(a_launching_scan(a_request(priority="high"), stage_attempts={"launch": 4}))
    again = _made(Queued, t.retried(dead, "retried by me", a_mark("operator", at=LATER)))
    assert (again.run, again.stage_attempts, again.not_before) == (2, {}, None)
    assert (again.lane, again.queued_at, again.submitted_at) == ("high", LATER, dead.submitted_at)
    assert again.attempt == dead.attempt, "an attempt is never used twice"
    assert (again.timeline[:-1], again.timeline[-1].why) == (dead.timeline, "retried by me")


def test_a_retry_goes_to_a_scanner_as_if_the_scan_had_never_been_on_one() -> None:
    again = _made(Queued, t.retried(a_dead_scan(a_launching_scan()), "retried by me", a_mark("operator")))
    claimed = _made(Launching, t.claimed(again, "b", a_lease(), a_mark()))
    assert (claimed.scanner, claimed.intent, claimed.run) == ("b", None, 2)


def test_a_retry_of_a_scan_that_ran_fetches_or_reads_its_report_again_and_scans_nothing() -> None:
    exporting = an_exporting_scan(stage_attempts={"exporting": 4})
    fetched = _made(Exporting, t.retried(a_dead_scan(exporting), "retried by me", a_mark("operator")))
    assert (fetched.scanner, fetched.scanner_scan_id, fetched.run) == (exporting.scanner, NUMBER, 2)
    assert fetched.stage_attempts == {}
    validating = a_validating_scan()
    read = _made(Validating, t.retried(a_dead_scan(validating), "retried by me", a_mark("operator")))
    assert (read.export, read.run) == (validating.export, 2)


def test_a_completed_scan_carries_its_report_and_its_result() -> None:
    scan = a_validating_scan()
    done = _made(Completed, t.completed(scan, a_result(), a_mark()))
    assert (done.export, done.result, done.scanner_scan_id) == (scan.export, a_result(), NUMBER)


def test_a_timeline_keeps_its_beginning_and_its_end_and_never_grows_past_its_bound() -> None:
    scan = an_exporting_scan()
    for n in range(150):
        scan = _made(Exporting, t.tried(scan, f"try {n}", LATER, a_mark()))
    assert len(scan.timeline) == t.TIMELINE_KEPT
    assert [entry.state for entry in scan.timeline[:3]] == ["queued-normal", "launching", "launching"]
    assert scan.timeline[-1].why == "try 149"
    assert [entry.why for entry in scan.timeline[10:]] == [f"try {n}" for n in range(60, 150)]


@pytest.mark.parametrize("scan", every_state())
def test_a_scan_holds_a_place_from_its_claim_until_it_is_over_on_the_scanner(scan: AnyScan) -> None:
    assert snapshots.holds_place(scan) == (state_of(scan) in {"launching", "running", "stopping"})


@pytest.mark.parametrize(
    ("scan", "began"),
    [(a_launching_scan(), "claimed_at"), (a_running_scan(), "running_at")],
)
def test_a_scan_is_overdue_once_it_was_on_its_scanner_for_longer_than_it_may(
    scan: Launching | Running, began: str
) -> None:
    day = timedelta(days=1)
    at = getattr(scan, began)
    assert not snapshots.is_overdue(scan, day, at + day)
    assert snapshots.is_overdue(scan, day, at + day + timedelta(seconds=1))


def test_the_request_may_set_its_own_limit_of_duration() -> None:
    scan = a_running_scan(a_request(max_duration_s=60))
    assert snapshots.is_overdue(scan, timedelta(days=1), scan.running_at + timedelta(seconds=61))
    assert not snapshots.is_overdue(scan, timedelta(seconds=1), scan.running_at + timedelta(seconds=59))


def test_a_dead_scan_never_ends_by_itself() -> None:
    assert LEGAL["dead"] & ENDS == set()
    assert a_dead_scan().dead.state == "exporting"


def _made(kind: type[Any], change: Change) -> Any:
    assert isinstance(change.scan, kind)
    return change.scan
