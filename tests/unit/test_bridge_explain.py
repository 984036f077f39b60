"""Why a scan is where it is, and what would move it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from scanpool.bridge.following.explain import BlockedScanner, Explanation, apart, concerns_pool, explain
from scanpool.client import ScannerStatus
from scanpool_schemas.events import ScanProgress
from scanpool_schemas.keys import Hold, Space
from scanpool_schemas.scan import AnyScan
from scanpool_schemas.status import ScanStatus, describe, describe_request
from tests.support.builders import (
    MINUTE,
    NOW,
    a_completed_scan,
    a_dead_scan,
    a_failed_scan,
    a_launching_scan,
    a_pending_scan,
    a_queued_scan,
    a_request,
    a_running_scan,
    a_stopping_scan,
    a_validating_scan,
    an_exporting_scan,
    every_state,
)
from tests.support.statuses import a_pool, a_scanner

HOUR = timedelta(hours=1)
HOLD = Hold(by="alice", reason="change freeze", since=NOW, until=NOW + HOUR)


def why(scan: AnyScan | ScanStatus, *scanners: ScannerStatus, **pool: Any) -> Explanation | None:
    status = scan if isinstance(scan, ScanStatus) else describe(scan)
    return explain(status, a_pool(**pool), scanners, NOW)


def found(explanation: Explanation | None) -> Explanation:
    assert explanation is not None
    return explanation


@pytest.mark.parametrize(
    ("scanner", "cause"),
    [
        ({"active": 2}, "limit"),
        ({"breaker": "open", "breaker_until": NOW + MINUTE}, "breaker"),
        ({"breaker": "half-open"}, "breaker"),
        ({"cordoned": HOLD}, "cordoned"),
        ({"ready": False}, "not_ready"),
        ({"ready": False, "can_launch": False}, "may_not_launch"),
        ({"ready": False, "enabled": False}, "disabled"),
        ({}, "lane"),
    ],
)
def test_a_queued_scan_waits_for_its_only_scanner(scanner: dict[str, Any], cause: str) -> None:
    assert found(why(a_queued_scan(), a_scanner(**scanner))).cause == cause


def test_of_several_scanners_the_way_out_that_is_nearest_is_told_with_all_of_them() -> None:
    scanners = (
        a_scanner("a", ready=False, enabled=False),
        a_scanner("b", breaker="open", breaker_until=NOW + HOUR),
        a_scanner("c", breaker="open", breaker_until=NOW + MINUTE),
        a_scanner("d", cordoned=HOLD),
    )
    explanation = found(why(a_queued_scan(), *scanners))
    assert (explanation.cause, explanation.until) == ("breaker", NOW + MINUTE)
    assert [(each.scanner_instance, each.why) for each in explanation.scanners] == [
        ("lab.a", "disabled"),
        ("lab.b", "breaker"),
        ("lab.c", "breaker"),
        ("lab.d", "cordoned"),
    ]


def test_one_scanner_that_only_has_no_place_is_enough_for_the_limit() -> None:
    explanation = found(why(a_queued_scan(), a_scanner("a", active=2), a_scanner("b", breaker="open")))
    assert explanation.cause == "limit"


def test_one_free_scanner_is_enough_for_the_lane() -> None:
    assert found(why(a_queued_scan(), a_scanner("a", active=2), a_scanner("b"))).cause == "lane"


def test_a_pool_without_scanners_moves_nothing() -> None:
    assert found(why(a_queued_scan())).cause == "no_scanner"


def test_a_scan_that_names_its_scanner_waits_for_it_whatever_the_others_do() -> None:
    scan = a_queued_scan(a_request(scanner="b"))
    explanation = found(why(scan, a_scanner("a"), a_scanner("b", cordoned=HOLD)))
    assert (explanation.cause, explanation.until) == ("named_scanner", HOLD.until)
    assert explanation.scanners == (BlockedScanner(scanner_instance="lab.b", why="cordoned", until=HOLD.until),)
    assert "scanner_instance" in explanation.moves_when
    assert found(why(scan, a_scanner("a", active=2), a_scanner("b"))).cause == "lane"
    assert found(why(scan, a_scanner("a"))).cause == "no_scanner"


def test_a_pause_of_the_pool_comes_before_its_scanners_and_no_room_before_all() -> None:
    space = Space(low=True, why="KV_pool-lab has 1 MiB left", since=NOW, at=NOW, until=NOW + HOUR)
    paused = found(why(a_queued_scan(), a_scanner(active=2), paused=HOLD))
    full = found(why(a_queued_scan(), a_scanner(active=2), paused=HOLD, no_room=space))
    assert (paused.cause, paused.until, paused.reason) == ("pool_paused", HOLD.until, "alice: change freeze")
    assert (full.cause, full.reason) == ("no_room", space.why)
    assert "alice" not in paused.message


@pytest.mark.parametrize("scan", [a_queued_scan(), an_exporting_scan(), a_validating_scan()])
def test_a_try_that_waits_says_until_when(scan: AnyScan) -> None:
    explanation = found(why(replace(scan, not_before=NOW + MINUTE), a_scanner()))
    over = why(replace(scan, not_before=NOW), a_scanner())
    assert (explanation.cause, explanation.until) == ("retrying", NOW + MINUTE)
    assert over is None or over.cause == "lane"


def test_a_request_waits_for_admission_and_a_pending_scan_for_a_person() -> None:
    requested = describe_request("lab", "s1", a_request(), NOW)
    pending = found(apart(describe(a_pending_scan()), NOW))
    assert found(why(requested)).cause == "admission"
    assert (pending.cause, pending.reason) == ("approval", "waits for approval: needs approval")
    assert "scanpool approve s1" in pending.moves_when


def test_a_running_scan_is_explained_only_where_it_does_not_go_on() -> None:
    silent = found(why(a_running_scan(), a_scanner(breaker="open", breaker_until=NOW + MINUTE)))
    told = ScanProgress(
        id="s1",
        pool="lab",
        scanner="a",
        percent=5,
        status="paused",
        paused_since=NOW,
        paused_by="bob",
        paused_until=NOW + HOUR,
        at=NOW,
    )
    paused = found(why(describe(a_running_scan(), told), a_scanner()))
    assert why(a_running_scan(), a_scanner()) is None
    assert why(a_launching_scan(), a_scanner()) is None
    assert (silent.cause, silent.until) == ("scanner_silent", NOW + MINUTE)
    assert (paused.cause, paused.until, paused.reason) == ("paused", NOW + HOUR, "bob")


def test_a_scan_that_stops_waits_for_its_scanner() -> None:
    well = found(why(a_stopping_scan(), a_scanner()))
    silent = found(why(a_stopping_scan(), a_scanner(ready=False)))
    assert {well.cause, silent.cause} == {"stopping"}
    assert "lab.a" in silent.message
    assert "lab.a" not in well.message


@pytest.mark.parametrize("scan", [a_completed_scan(), a_failed_scan(), a_dead_scan()])
def test_nothing_is_explained_of_a_scan_that_is_over(scan: AnyScan) -> None:
    assert why(scan, a_scanner(active=2), paused=HOLD) is None
    assert apart(describe(scan), NOW) is None
    assert not concerns_pool(describe(scan))


@pytest.mark.parametrize("scan", every_state())
def test_every_state_can_be_explained(scan: AnyScan) -> None:
    explanation = why(scan, a_scanner())
    assert explanation is None or (explanation.message and explanation.moves_when)
