"""When a process is not ready, and when it is only degraded."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from scanpool.cli.running.health.decide import Backlog, Still, has_places, lag, of_topology, still, unreachable
from scanpool.cli.running.health.looks import own_consumers
from scanpool.runtime.http import Health
from scanpool.runtime.topology.difference import Difference
from scanpool_schemas.keys import Hold
from tests.support.statuses import a_scanner

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
LIMIT = timedelta(minutes=5)
LONG_AGO = NOW - timedelta(minutes=6)
UNMOVED = Still(taken=7, since=LONG_AGO)


def a_backlog(**fields: Any) -> Backlog:
    common = {"stream": "KV_pool-lab", "consumer": "running", "kind": "returning", "pulls": 1, "taken": 7}
    return Backlog(**{**common, "pending": 0, "unsettled": 0, **fields})


def test_a_consumer_that_moved_or_has_nothing_to_do_has_not_stood_still() -> None:
    busy = a_backlog(pending=1)
    assert still(None, busy, NOW, has_places=True) == Still(taken=7, since=NOW)
    assert still(replace(UNMOVED, taken=6), busy, NOW, has_places=True).since == NOW
    assert still(UNMOVED, a_backlog(), NOW, has_places=True).since == NOW
    assert still(UNMOVED, busy, NOW, has_places=True) == UNMOVED


def test_scans_that_wait_while_there_is_no_place_wait_rightly() -> None:
    queue = a_backlog(consumer="queued-high", kind="lane", pending=40, oldest=LONG_AGO)
    assert still(UNMOVED, queue, NOW, has_places=False).since == NOW
    assert lag(queue, Still(taken=7, since=NOW), LIMIT, NOW) is None
    assert still(UNMOVED, queue, NOW, has_places=True) == UNMOVED


def test_a_scan_that_runs_has_to_be_looked_at_again_and_a_report_in_hand_takes_its_time() -> None:
    assert still(UNMOVED, a_backlog(unsettled=3), NOW, has_places=False) == UNMOVED
    reading = a_backlog(consumer="validating", kind="once", unsettled=2)
    assert still(UNMOVED, reading, NOW, has_places=False).since == NOW


def test_events_that_are_not_delivered_are_told_with_whether_anybody_pulls() -> None:
    waiting = a_backlog(unsettled=3, pulls=0)
    sentence = "consumer running of stream KV_pool-lab: none of 3 events was delivered for 6m 00s, and nobody pulls"
    assert lag(waiting, UNMOVED, LIMIT, NOW) == sentence
    assert lag(replace(waiting, pulls=1), UNMOVED, LIMIT, NOW) == sentence.removesuffix(", and nobody pulls")
    assert lag(waiting, Still(taken=7, since=NOW - LIMIT), LIMIT, NOW) is None


def test_events_that_were_never_taken_are_told_by_the_age_of_the_oldest() -> None:
    fresh = Still(taken=7, since=NOW)
    old = a_backlog(pending=2, oldest=LONG_AGO)
    assert "2 events wait, the oldest for 6m 00s" in (lag(old, fresh, LIMIT, NOW) or "")
    assert lag(replace(old, oldest=NOW), fresh, LIMIT, NOW) is None


def test_a_consumer_that_somebody_paused_is_told_at_once() -> None:
    assert "paused by hand" in (lag(a_backlog(paused=True), Still(taken=7, since=NOW), LIMIT, NOW) or "")


def test_one_scanner_that_is_ready_is_enough_for_its_pool() -> None:
    down = a_scanner("b", ready=False, reason="no answer")
    assert unreachable("lab", [down, a_scanner()]) is None
    shut = a_scanner(breaker="open")
    assert unreachable("lab", [down, shut]) == (
        "no scanner of pool lab is ready (b: no answer; a: its breaker is open)"
    )
    off = a_scanner(enabled=False, ready=False)
    assert unreachable("lab", [off]) == "pool lab has no scanner that is enabled"
    assert "and 2 more" in (unreachable("lab", [down] * 5) or "")


@pytest.mark.parametrize(
    "fields",
    [
        {"ready": False},
        {"breaker": "open"},
        {"active": 2},
        {"cordoned": Hold(by="ops", since=NOW)},
    ],
)
def test_a_scanner_that_can_take_no_scan_has_no_place(fields: dict[str, Any]) -> None:
    assert has_places([a_scanner()])
    assert not has_places([a_scanner(**fields)])


def test_what_is_missing_in_nats_keeps_a_process_from_working_and_what_differs_does_not() -> None:
    missing = Difference(kind="consumer", name="KV_pool-lab/running", missing=True)
    other = Difference(kind="stream", name="SCAN_DLQ", missing=False, fields=("max_age: 1 d -> 30 d",))
    often = Difference(kind="schedule", name="janitor", missing=False, fields=("every: 1 -> 30",))
    never = Difference(kind="schedule", name="janitor", missing=True)
    health = of_topology([missing, other, often, never])
    assert health.obstacles == ("consumer KV_pool-lab/running is missing; run `scanpool topology apply`",)
    assert [each.split(";")[0] for each in health.troubles] == [
        "stream SCAN_DLQ differs: max_age: 1 d -> 30 d",
        "schedule janitor is missing",
    ]


def test_health_is_the_worst_of_its_parts_and_says_all() -> None:
    both = Health(troubles=("slow",)) | Health(obstacles=("gone",))
    assert (both.status, both.reasons) == ("not ready", ("gone", "slow"))
    assert (Health(troubles=("slow",)).status, Health().status) == ("degraded", "ok")


def test_a_process_looks_at_the_consumers_that_it_pulls_from_and_at_no_others() -> None:
    assert {consumer for _, consumer, _ in own_consumers({"poller"}, ["lab"])} == {
        "running",
        "stopping",
        "exporting",
        "cleanup-lab",
    }
    assert {(stream, kind) for stream, _, kind in own_consumers({"admission"}, ["lab"])} == {
        ("SCAN_REQUESTS", "returning")
    }
    assert [consumer for _, consumer, kind in own_consumers({"dispatcher"}, ["lab"]) if kind != "lane"] == ["launching"]
    assert list(own_consumers({"validator", "janitor"}, [])) == [("SCAN_TICKS", "janitor", "once")]
