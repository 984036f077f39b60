"""A cancel in every state that a scan can be in: what follows, what the scanner is asked, and where the place goes.

The handlers are the real ones; the broker and the scanner are in memory.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from scanpool.coordination.transitions import Change
from scanpool.scanners.scanner import Activity
from scanpool_schemas import subjects
from scanpool_schemas.scan import Completed, Dead, Failed, Stopping, state_of
from scanpool_schemas.status import describe
from tests.support.builders import a_pending_scan, a_request
from tests.support.coming_to_rest import comes_to_rest, handle, nothing_is_left
from tests.support.judge import Judge, scan_of
from tests.support.protocol_scenes import (
    CLAIMED,
    CREATED,
    EXPORTING,
    GIVEN_UP_EXPORTING,
    GIVEN_UP_LAUNCHING,
    GIVEN_UP_VALIDATING,
    INTENDED,
    LAUNCHED,
    RUNNING,
    SCAN,
    SCANNED,
    VALIDATING,
    Prepare,
    admitted,
    asked,
    cancel,
    cancelled,
    deliver,
    down,
    handled,
    later,
    much_later,
    on_scanner,
    then,
    up,
)


@pytest.fixture
def judge() -> Iterator[Judge]:
    judge = Judge(["a"])
    yield judge
    judge.world.run.close()


def pending(judge: Judge) -> None:
    """It waits for a person's approval."""
    judge.world.run.finish(
        judge.world.run.begin(
            "approve later", judge.world.replica.ledger.commit(None, Change(scan=a_pending_scan(id=SCAN)))
        )
    )


def in_lane(lane: str) -> Prepare:
    """It waits in the lane."""
    return lambda judge: judge.world.run.finish(asked(a_request(priority=lane))(judge))


def paused(judge: Judge) -> None:
    """Somebody paused it on the scanner."""
    for _, scan in judge.active():
        scan.activity = Activity.PAUSED


def states(judge: Judge) -> list[str]:
    return [state_of(scan_of(each)) for each in judge.history[SCAN]]


def last(judge: Judge) -> Failed | Completed | Dead | Stopping:
    scan = scan_of(judge.history[SCAN][-1])
    assert isinstance(scan, Failed | Completed | Dead | Stopping)
    return scan


@pytest.mark.parametrize(
    ("prepare", "activity"),
    [
        pytest.param(pending, None, id="pending"),
        pytest.param(in_lane("high"), None, id="queued-high"),
        pytest.param(in_lane("normal"), None, id="queued-normal"),
        pytest.param(in_lane("low"), None, id="queued-low"),
        pytest.param(EXPORTING, Activity.COMPLETED, id="exporting"),
        pytest.param(VALIDATING, Activity.COMPLETED, id="validating"),
    ],
)
def test_a_cancel_of_what_is_on_no_scanner_ends_it_at_once(
    judge: Judge, prepare: Prepare, activity: Activity | None
) -> None:
    prepare(judge)
    before = states(judge)
    cancelled(judge)
    assert states(judge) == [*before, "failed"]
    end = last(judge)
    assert isinstance(end, Failed)
    assert (end.end, end.error.code, end.error.retryable) == ("cancelled", "cancelled", True)
    assert [each.activity for each in judge.on_scanners()] == ([activity] if activity else [])
    comes_to_rest(judge)
    nothing_is_left(judge)


@pytest.mark.parametrize(
    ("prepare", "launched", "left"),
    [
        pytest.param(CLAIMED, 0, None, id="launching without a scan on the scanner"),
        pytest.param(CREATED, 0, None, id="launching with one that no commit names"),
        pytest.param(INTENDED, 0, None, id="launching with an intent before the call"),
        pytest.param(LAUNCHED, 1, Activity.CANCELED, id="launching with an intent after the call"),
        pytest.param(RUNNING, 1, Activity.CANCELED, id="running"),
        pytest.param(then(RUNNING, paused), 1, Activity.CANCELED, id="paused on the scanner"),
        pytest.param(SCANNED, 1, Activity.COMPLETED, id="over on the scanner and not yet seen"),
        pytest.param(then(RUNNING, on_scanner(Activity.ABORTED)), 1, Activity.ABORTED, id="aborted and not yet seen"),
    ],
)
def test_a_cancel_of_what_is_on_a_scanner_stops_it_there_before_it_says_so(
    judge: Judge, prepare: Prepare, launched: int, left: Activity | None
) -> None:
    """That nothing runs on the scanner when the scan says that it is over, the judge looks at with each commit."""
    prepare(judge)
    cancelled(judge)
    stopping = last(judge)
    assert isinstance(stopping, Stopping)
    shown = describe(stopping)
    assert (shown.status, shown.cancelling, shown.is_over) == ("running", True, False)
    assert judge.loads()["a"].holders == (SCAN,), "it keeps its place"
    comes_to_rest(judge)
    end = last(judge)
    assert isinstance(end, Failed)
    assert (end.end, end.error.code) == ("cancelled", "cancelled")
    assert sum(each.launched for each in judge.world.scanners["a"].known.values()) == launched
    nothing_is_left(judge)
    assert [each.activity for each in judge.on_scanners()] == ([left] if left else [])


def test_a_launch_on_its_way_is_waited_for_before_the_scanner_is_asked(judge: Judge) -> None:
    INTENDED(judge)
    cancelled(judge)
    handled(judge)
    assert states(judge)[-1] == "stopping"
    later(judge)
    handled(judge)
    assert states(judge)[-1] == "failed"


def test_a_scan_whose_intent_was_never_committed_is_over_without_waiting_for_its_lease(judge: Judge) -> None:
    CREATED(judge)
    cancelled(judge)
    handled(judge)
    assert states(judge)[-1] == "failed"


def test_a_second_cancel_is_refused_while_the_first_waits_and_changes_nothing_afterwards(judge: Judge) -> None:
    RUNNING(judge)
    cancel(judge)
    cancel(judge)
    assert len(judge.world.unanswered()) == 1
    judge.world.finish()
    first = last(judge)
    cancelled(judge)
    assert last(judge) == first
    assert judge.world.unanswered() == []
    comes_to_rest(judge)
    nothing_is_left(judge)


def test_a_cancel_of_what_is_timed_out_already_leaves_it_a_timeout(judge: Judge) -> None:
    then(RUNNING, much_later, handled)(judge)
    cancelled(judge)
    comes_to_rest(judge)
    end = last(judge)
    assert isinstance(end, Failed)
    assert (end.end, end.error.code) == ("timeout", "max_duration_exceeded")


@pytest.mark.parametrize(
    ("prepare", "state"),
    [
        pytest.param(then(VALIDATING, handled), "completed", id="completed"),
        pytest.param(then(RUNNING, on_scanner(Activity.ABORTED), handled), "failed", id="failed"),
        pytest.param(then(admitted, cancelled), "failed", id="cancelled"),
        pytest.param(GIVEN_UP_LAUNCHING, "dead", id="dead in its launch"),
        pytest.param(GIVEN_UP_EXPORTING, "dead", id="dead in its export"),
        pytest.param(GIVEN_UP_VALIDATING, "dead", id="dead in its reading"),
    ],
)
def test_a_cancel_of_what_is_over_changes_nothing_and_is_answered(judge: Judge, prepare: Prepare, state: str) -> None:
    prepare(judge)
    before = list(judge.history[SCAN])
    cancelled(judge)
    assert judge.history[SCAN] == before
    assert states(judge)[-1] == state
    assert judge.world.unanswered() == []


def test_a_cancel_of_what_was_never_asked_for_is_a_dead_letter(judge: Judge) -> None:
    cancelled(judge)
    assert judge.history == {}
    assert judge.world.unanswered() == []
    (letter,) = judge.world.broker.messages(subjects.SCAN_DLQ)
    assert b'"unknown_scan"' in letter.body


@pytest.mark.parametrize("calls", range(6))
def test_a_cancel_that_comes_while_its_request_waits_for_admission_is_kept_until_it_can_be_carried_out(
    judge: Judge, calls: int
) -> None:
    admission = asked()(judge)
    judge.world.run.go_on(admission, calls)
    cancelled(judge)
    judge.world.run.finish(admission)
    for waiting in judge.world.unanswered():
        handle(judge, waiting)
    assert states(judge) == ["queued-normal", "failed"]
    assert judge.world.unanswered() == []
    assert judge.world.broker.messages(subjects.SCAN_DLQ) == []


def test_a_cancel_of_a_request_that_is_refused_is_answered(judge: Judge) -> None:
    admission = asked(a_request(targets=("224.0.0.1",)))(judge)
    cancelled(judge)
    judge.world.run.finish(admission)
    comes_to_rest(judge)
    assert states(judge) == ["failed"]
    assert not isinstance(last(judge), Stopping)


def test_a_scan_that_is_to_stop_keeps_its_place_while_its_scanner_does_not_answer(judge: Judge) -> None:
    RUNNING(judge)
    cancelled(judge)
    down(judge)
    for _ in range(5):
        later(judge)
        handled(judge)
    assert states(judge)[-1] == "stopping"
    assert judge.loads()["a"].holders == (SCAN,)
    up(judge)
    comes_to_rest(judge)
    nothing_is_left(judge)
    assert isinstance(last(judge), Failed)


def test_a_cancelled_scan_gives_its_place_to_the_next(judge: Judge) -> None:
    RUNNING(judge)
    judge.world.run.finish(judge.world.ask_for("s2", a_request()))
    cancelled(judge)
    deliver(judge)
    comes_to_rest(judge)
    assert isinstance(scan_of(judge.history["s2"][-1]), Completed)
