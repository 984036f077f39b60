"""What the doctor makes of facts of NATS."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from scanpool.cli.doctor.judge.nats import (
    Limit,
    Peer,
    RoomFacts,
    StreamStanding,
    account,
    clocks,
    replicas,
    room,
    topology,
)
from scanpool.cli.doctor.judge.services import ConsumerStanding, running
from scanpool.runtime.topology.difference import Difference
from scanpool_schemas.keys import Space

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
WELL = (Peer(server="n2", current=True, heard_s=0.7), Peer(server="n3", current=True, heard_s=0.7))


def a_stream(name: str = "SCAN_DLQ", **fields: Any) -> StreamStanding:
    return StreamStanding(**{"name": name, "copies": 3, "cluster": "c", "leader": "n1", "peers": WELL, **fields})


def a_consumer(**fields: Any) -> ConsumerStanding:
    common = {"service": "dispatcher", "pool": "lab", "stream": "KV_pool-lab", "consumer": "launching"}
    return ConsumerStanding(**{**common, "pulls": 1, "pending": 0, "unsettled": 0, **fields})


def test_streams_with_all_their_copies_are_fine() -> None:
    (check,) = replicas([a_stream(), a_stream("SCAN_FAILED")])
    assert (check.status, check.message) == ("ok", "2 streams with 3 copies each, all up to date")
    (alone,) = replicas([a_stream(copies=1, cluster="", peers=())])
    assert (alone.status, alone.message) == ("ok", "1 stream with 1 copy each, all up to date")


@pytest.mark.parametrize("how", [{"offline": True, "heard_s": 1.0}, {}, {"heard_s": 11.0}])
def test_a_server_that_is_gone_is_one_problem_however_many_streams_it_had(how: dict[str, Any]) -> None:
    gone = (WELL[0], Peer(server="n3", current=False, **how))
    (check,) = replicas([a_stream(name, peers=gone) for name in ("A", "B", "C", "D", "E")])
    assert (check.code, check.status, check.place) == ("server_offline", "problem", "server n3")
    assert check.message == "server n3 is gone: A, B, C and 2 more streams lack a copy"
    assert check.facts["streams"] == ["A", "B", "C", "D", "E"]


def test_a_copy_that_is_behind_is_a_warning() -> None:
    behind = (WELL[0], Peer(server="n3", current=False, heard_s=0.5))
    (check,) = replicas([a_stream(peers=behind)])
    assert (check.code, check.status) == ("replica_behind", "warning")


@pytest.mark.parametrize("fields", [{"leader": ""}, {"silent": "no answer"}])
def test_a_stream_without_a_leader_is_a_problem(fields: dict[str, Any]) -> None:
    (check,) = replicas([a_stream(**fields)])
    assert (check.code, check.status, check.place) == ("stream_without_leader", "problem", "stream SCAN_DLQ")


def test_one_copy_in_a_cluster_is_a_warning_and_the_remedy_is_to_make_three() -> None:
    (check,) = replicas([a_stream(copies=1, peers=())])
    assert (check.code, check.remedy) == ("single_copy", "scanpool topology apply --replicas 3")


@pytest.mark.parametrize(("used", "code"), [(8, ""), (9, "account_limit_near"), (10, "account_limit_reached")])
def test_limits_of_the_account_are_told_from_nine_tenths_on(used: int, code: str) -> None:
    (check,) = account([Limit(what="streams", used=used, most=10), Limit(what="consumers", used=99, most=-1)])
    assert check.code == code


def test_what_is_missing_or_differs_is_put_right_by_one_command() -> None:
    missing = Difference(kind="consumer", name="KV_pool-lab/running", missing=True)
    other = Difference(kind="stream", name="SCAN_DLQ", missing=False, fields=("max_age: 1 d -> 30 d",))
    often = Difference(kind="schedule", name="janitor", missing=False, fields=("every: 1 -> 30",))
    first, second = topology([missing, other, often], ["lab", "dmz"], configured=False)
    assert (first.code, first.place) == ("topology_missing", "consumer KV_pool-lab/running")
    assert (second.code, second.facts["changes"]) == ("topology_differs", ["max_age: 1 d -> 30 d"])
    assert {first.remedy, second.remedy} == {"scanpool topology apply --pools lab,dmz"}
    (with_file, _) = topology([missing, other], ["lab"], configured=True)
    assert with_file.remedy == "scanpool topology apply"
    assert [each.status for each in topology([often], ["lab"], configured=True)] == ["ok"]


@pytest.mark.parametrize(
    ("ahead_s", "unsure_s", "code"),
    [
        (0.1, 0.01, ""),
        (-0.6, 0.2, ""),
        (0.8, 0.01, "clock_drifts"),
        (-2.5, 0.01, "clock_skew"),
        (2.5, 0.6, "clock_drifts"),
    ],
)
def test_a_clock_is_judged_by_what_is_sure_of_it(ahead_s: float, unsure_s: float, code: str) -> None:
    (check,) = clocks([a_stream(ahead_s=ahead_s, unsure_s=unsure_s)])
    assert (check.code, check.place) == (code, "server n1")


def test_of_several_answers_of_a_server_the_surest_counts_and_each_server_has_its_own() -> None:
    streams = [
        a_stream(ahead_s=3.0, unsure_s=2.9),
        a_stream(ahead_s=0.1, unsure_s=0.1),
        a_stream(leader="n2", ahead_s=-9.0, unsure_s=0.1),
        a_stream(leader="n3"),
    ]
    assert {check.place: check.code for check in clocks(streams)} == {"server n1": "", "server n2": "clock_skew"}
    assert "9.0 s behind" in clocks(streams)[1].message


def test_a_store_is_full_when_the_janitor_says_so_or_a_limit_shows_it() -> None:
    space = Space(low=True, why="the disk has 1 MiB left", since=NOW, at=NOW, until=NOW + timedelta(minutes=10))
    by_janitor = room(RoomFacts(pool="lab", space=space, short=()), NOW)
    assert (by_janitor.code, "the disk has 1 MiB left" in by_janitor.message) == ("nats_nearly_full", True)
    assert room(RoomFacts(pool="lab", space=space, short=()), NOW + timedelta(hours=1)).status == "ok"
    assert room(RoomFacts(pool="lab", space=None, short=("stream X has 0 bytes left",)), NOW).status == "problem"


def test_a_service_runs_where_somebody_pulls_from_one_of_its_consumers() -> None:
    lane = a_consumer(consumer="queued-high", pulls=0, pending=3)
    (check,) = running([a_consumer(), lane], NOW)
    assert (check.status, check.message) == ("ok", "dispatcher runs for pool lab")
    (gone,) = running([a_consumer(pulls=0), lane], NOW)
    assert (gone.code, gone.place) == ("service_not_running", "dispatcher lab")
    assert gone.message == "no dispatcher runs for pool lab: nobody pulls its events, 3 events wait"
    assert gone.remedy == "scanpool run dispatcher --pools lab"
    (everywhere,) = running([a_consumer(service="admission", pool="", pulls=0)], NOW)
    assert (everywhere.place, everywhere.remedy) == ("admission", "scanpool run admission")


@pytest.mark.parametrize(
    ("service", "minutes", "status"),
    [("validator", 1, "ok"), ("janitor", 1, "ok"), ("validator", 10, "problem"), ("poller", 1, "problem")],
)
def test_a_validator_or_janitor_whose_hands_are_full_pulls_nothing_for_a_while(
    service: str, minutes: int, status: str
) -> None:
    at = NOW - timedelta(minutes=minutes)
    busy = a_consumer(service=service, pulls=0, unsettled=2, pending=5, last_active=at)
    assert [each.status for each in running([busy], NOW)] == [status]


def test_a_consumer_that_somebody_paused_is_told_with_the_command_that_ends_it() -> None:
    paused = a_consumer(paused_until=NOW + timedelta(hours=1), pending=2)
    first, second = running([paused], NOW)
    assert (first.code, first.remedy) == ("consumer_paused", "nats consumer resume KV_pool-lab launching")
    assert second.status == "ok"
