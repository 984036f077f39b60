"""Which scanner a queued scan goes to, and in which order the lanes have their turns."""

from __future__ import annotations

from datetime import timedelta
from itertools import islice, pairwise

import pytest

from scanpool.dispatcher.decide import Place, Refuse, Wait, choose, named, to_launch, waited_too_long
from scanpool.dispatcher.lanes import WEIGHTS, turns
from scanpool.dispatcher.readiness import changes, health_after
from scanpool.scanners.naming import OurName
from scanpool.scanners.scanner import Activity, Readiness, ScannerScan
from scanpool_schemas.keys import Health, Load
from tests.support.builders import MINUTE, NOW, a_candidate, a_health, a_queued_scan, a_request

OURS = OurName(deployment="scanpool", scan_id="s1", run=1)
PINNED = a_queued_scan(a_request(scanner="a"))


def test_the_least_loaded_scanner_is_chosen_by_share_not_by_count() -> None:
    scanners = [a_candidate("small", capacity=2, taken=1), a_candidate("large", capacity=10, taken=3)]
    assert choose(a_queued_scan(), scanners) == Place(scanner="large")


def test_a_tie_goes_to_the_least_recently_used_and_then_to_the_first_by_name() -> None:
    used = Load(capacity=2, last_used=NOW)
    older = Load(capacity=2, last_used=NOW - MINUTE)
    never = Load(capacity=2)
    assert choose(a_queued_scan(), [a_candidate("a", load=used), a_candidate("b", load=older)]) == Place(scanner="b")
    assert choose(a_queued_scan(), [a_candidate("b", load=older), a_candidate("c", load=never)]) == Place(scanner="c")
    assert choose(a_queued_scan(), [a_candidate("d"), a_candidate("b")]) == Place(scanner="b")


@pytest.mark.parametrize(
    "unfit",
    [
        a_candidate("x", capacity=1, taken=1),
        a_candidate("x", capacity=1, taken=3),
        a_candidate("x", capacity=0),
        a_candidate("x", enabled=False),
        a_candidate("x", health=None),
        a_candidate("x", health=a_health(ready=False, reason="down")),
        a_candidate("x", health=a_health(can_launch=False)),
    ],
    ids=["full", "over-full", "without-places", "disabled", "never-looked-at", "not-ready", "may-not-launch"],
)
def test_a_scanner_that_cannot_take_a_scan_now_is_passed_over(unfit: object) -> None:
    assert choose(a_queued_scan(), [unfit, a_candidate("y", taken=1)]) == Place(scanner="y")  # type: ignore[list-item]


def test_a_scanner_whose_licence_is_not_known_to_refuse_may_be_tried() -> None:
    assert choose(a_queued_scan(), [a_candidate("a", health=a_health(can_launch=None))]) == Place(scanner="a")


def test_a_scan_waits_while_every_place_is_taken_and_says_where() -> None:
    decision = choose(a_queued_scan(), [a_candidate("a", capacity=1, taken=1)])
    assert decision == Wait(reason="every place is taken on a")


def test_a_scan_waits_while_no_scanner_is_ready_and_says_why() -> None:
    down = a_candidate("a", health=a_health(ready=False, reason="connection refused"))
    assert choose(a_queued_scan(), [down, a_candidate("b", health=None)]) == Wait(
        reason="not ready: a (connection refused), b (not looked at yet)"
    )


def test_a_scan_that_names_its_scanner_goes_nowhere_else_and_steps_aside() -> None:
    idle = a_candidate("b")
    assert choose(PINNED, [a_candidate("a", taken=1), idle]) == Place(scanner="a")
    waits = choose(PINNED, [a_candidate("a", capacity=1, taken=1), idle])
    assert waits == Wait(reason="every place is taken on a", named=True)


def test_a_scan_that_no_scanner_could_ever_run_is_refused() -> None:
    refused = choose(PINNED, [a_candidate("b")])
    assert isinstance(refused, Refuse)
    assert refused.error.code == "unknown_scanner"
    unlicensed = a_candidate("a", health=a_health(can_launch=False, reason="Nessus Professional"))
    refused = choose(a_queued_scan(), [unlicensed, a_candidate("off", enabled=False)])
    assert isinstance(refused, Refuse)
    assert refused.error.code == "scan_api_not_licensed"
    assert "Nessus Professional" in refused.error.message


def test_a_scan_waits_for_a_scanner_that_is_only_disabled_in_the_configuration() -> None:
    assert isinstance(choose(PINNED, [a_candidate("a", enabled=False)]), Wait)


def test_only_the_whole_bracketed_name_makes_a_scan_ours() -> None:
    names = [
        "s1 weekly [scanpool/s1/1]",
        "x [scanpool/s1/2]",
        "x [other/s1/1]",
        "x [scanpool/s11/1]",
        "[scanpool/s1/1] x",
    ]
    scans = [ScannerScan(id=n, name=name, activity=Activity.EMPTY) for n, name in enumerate(names)]
    assert [each.id for each in named(scans, OURS)] == [0]


def test_of_several_scans_of_our_name_one_that_is_not_empty_is_launched_else_the_oldest() -> None:
    empty = [ScannerScan(id=n, name=f"x {OURS}", activity=Activity.EMPTY) for n in (7, 5)]
    assert to_launch(empty).id == 5
    assert to_launch([*empty, ScannerScan(id=9, name=f"x {OURS}", activity=Activity.RUNNING)]).id == 9


def test_a_scan_waited_too_long_only_beyond_its_own_limit() -> None:
    assert not waited_too_long(a_queued_scan(), NOW + timedelta(days=365))
    scan = a_queued_scan(a_request(max_wait_s=60))
    assert not waited_too_long(scan, NOW + MINUTE)
    assert waited_too_long(scan, NOW + MINUTE + timedelta(seconds=1))


def test_of_ten_turns_six_are_high_three_normal_and_one_low() -> None:
    assert dict(WEIGHTS) == {"high": 6, "normal": 3, "low": 1}
    endless = turns(WEIGHTS)
    for _ in range(3):
        ten = list(islice(endless, 10))
        assert {lane: ten.count(lane) for lane in WEIGHTS} == WEIGHTS


def test_no_lane_waits_longer_for_its_turn_than_its_weight_says() -> None:
    order = list(islice(turns(WEIGHTS), 100))
    for lane, weight in WEIGHTS.items():
        places = [place for place, turn in enumerate(order) if turn == lane]
        gaps = [later - earlier for earlier, later in pairwise(places)]
        assert max(gaps) <= -(-10 // weight) + 1, lane


def test_a_scanner_that_answers_is_known_by_what_it_says() -> None:
    found = Readiness(ready=True, can_launch=True, edition="Manager", version="10.8", plugin_set="1")
    assert health_after(None, found, NOW) == Health(
        ready=True, checked_at=NOW, last_seen=NOW, can_launch=True, edition="Manager", version="10.8", plugin_set="1"
    )


def test_of_a_scanner_that_does_not_answer_is_kept_what_it_last_said() -> None:
    before = a_health(can_launch=False, edition="Manager")
    after = health_after(before, Readiness(ready=False, reason="down"), NOW + MINUTE)
    assert (after.ready, after.reason, after.checked_at, after.last_seen) == (False, "down", NOW + MINUTE, NOW)
    assert (after.can_launch, after.edition) == (False, "Manager")


def test_a_scanner_that_never_answered_was_never_seen() -> None:
    after = health_after(None, Readiness(ready=False, reason="down"), NOW)
    assert (after.ready, after.last_seen, after.can_launch) == (False, None, None)


WELL = a_health()
DOWN = a_health(ready=False)
UNLICENSED = a_health(can_launch=False)


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        (None, WELL, ["ready"]),
        (None, DOWN, ["not-ready"]),
        (WELL, WELL, []),
        (WELL, DOWN, ["not-ready"]),
        (DOWN, WELL, ["ready"]),
        (WELL, UNLICENSED, ["may-not-launch"]),
        (UNLICENSED, UNLICENSED, []),
        (None, UNLICENSED, ["ready", "may-not-launch"]),
    ],
)
def test_only_what_changed_about_a_scanner_is_told(before: Health | None, after: Health, told: list[str]) -> None:
    assert changes(before, after) == told
