"""Status words and host counters, read as activity and percent."""

from __future__ import annotations

import msgspec
import pytest

from scanpool.scanners.nessus.progress import progress
from scanpool.scanners.nessus.replies import ScanDetails
from scanpool.scanners.scanner import Activity, Progress


def read(status: str, **rest: object) -> Progress:
    body = msgspec.json.encode({"info": {"status": status}, **rest})
    return progress(msgspec.json.decode(body, type=ScanDetails, strict=False))


def host(current: object, total: object) -> dict[str, object]:
    return {"scanprogresscurrent": current, "scanprogresstotal": total}


@pytest.mark.parametrize(
    ("status", "activity"),
    [
        ("empty", Activity.EMPTY),
        ("pending", Activity.PENDING),
        ("initializing", Activity.PENDING),
        ("running", Activity.RUNNING),
        ("resuming", Activity.RUNNING),
        ("pausing", Activity.PAUSING),
        ("paused", Activity.PAUSED),
        ("stopping", Activity.STOPPING),
        ("processing", Activity.RUNNING),
        ("publishing", Activity.RUNNING),
        ("completed", Activity.COMPLETED),
        ("imported", Activity.COMPLETED),
        ("canceled", Activity.CANCELED),
        ("stopped", Activity.CANCELED),
        ("aborted", Activity.ABORTED),
        ("a word of a later build", Activity.RUNNING),
        ("", Activity.RUNNING),
    ],
)
def test_each_status_word_has_its_meaning_and_an_unknown_one_is_no_end(status: str, activity: Activity) -> None:
    assert read(status).activity is activity
    assert read(status).status == status


@pytest.mark.parametrize("rest", [{}, {"hosts": None, "history": None}, {"hosts": [], "history": []}])
def test_a_scan_that_never_ran_has_no_hosts_and_no_runs(rest: dict[str, object]) -> None:
    assert read("empty", **rest) == Progress(activity=Activity.EMPTY, status="empty", percent=0)


def test_percent_is_checks_done_of_those_known_over_all_hosts() -> None:
    now = read("running", hosts=[host(50, 100), host(0, 300)])
    assert (now.percent, now.hosts_seen, now.hosts_done) == (12, 2, 0)


def test_percent_stays_below_100_until_the_scan_is_over() -> None:
    assert read("running", hosts=[host(100, 100)]).percent == 99
    assert read("processing", hosts=[host(100, 100)]).percent == 99
    assert read("completed", hosts=[host(90, 100)]).percent == 100
    assert read("completed").percent == 100


def test_a_stopped_scan_keeps_the_percent_that_it_reached() -> None:
    assert read("canceled", hosts=[host(30, 100)]).percent == 30


def test_percent_goes_down_when_a_host_joins() -> None:
    before = read("running", hosts=[host(80, 100)])
    after = read("running", hosts=[host(80, 100), host(0, 100)])
    assert after.percent < before.percent


def test_a_host_is_done_when_all_its_checks_are() -> None:
    assert read("running", hosts=[host(100, 100), host("340", "340"), host(1, 2)]).hosts_done == 2


def test_a_bare_percentage_counts_where_a_build_has_no_counters() -> None:
    now = read("running", hosts=[{"progress": "100"}, {"progress": 0}])
    assert (now.percent, now.hosts_done) == (50, 1)


@pytest.mark.parametrize("odd", [host("", ""), host(None, None), {"progress": "12-340/340"}, host(5, 0), {}])
def test_a_host_whose_counters_say_nothing_does_not_count(odd: dict[str, object]) -> None:
    now = read("running", hosts=[odd, host(1, 2)])
    assert (now.percent, now.hosts_seen) == (50, 2)


def test_counters_beyond_their_total_stay_within_100_percent() -> None:
    assert read("canceled", hosts=[host(500, 100), host(-5, 100)]).percent == 50


def test_more_than_one_run_in_the_history_is_counted() -> None:
    assert read("running", history=[{"history_id": 1}, {"history_id": 2}]).runs == 2
