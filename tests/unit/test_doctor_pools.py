"""What the doctor makes of facts of pools and of this host."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from scanpool.cli.doctor.check import Check, found
from scanpool.cli.doctor.gather import local as gather
from scanpool.cli.doctor.judge import local, pools
from scanpool.cli.doctor.judge.local import FileFacts, FolderFacts
from scanpool.cli.doctor.judge.pools import PlacesFacts
from scanpool.client.breakers import breaker_status
from scanpool.janitor.decide import NOT_HELD, NOT_SPOKEN_OF
from scanpool.janitor.report import Place
from scanpool.runtime.configuration import Problem, load
from scanpool_schemas.keys import Breaker, Control, Health, Hold, PoolRules
from tests.support.scanners_file import ENVIRON, of_client, of_scanner, written

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
STALE = timedelta(minutes=5)


def a_place(what: Any = NOT_SPOKEN_OF, **fields: Any) -> Place:
    return Place(**{"pool": "lab", "scanner": "a", "scan_id": "one", "what": what, "state": None, **fields})


def codes(checks: list[Check]) -> list[str]:
    return [each.code for each in checks]


def test_each_place_that_is_wrong_is_a_problem_that_a_repair_mends() -> None:
    leaked, missing = a_place(), a_place(NOT_HELD, scan_id="two", state="running")
    first, second = pools.places(PlacesFacts(pool="lab", wrong=(leaked, missing)))
    assert (first.code, first.place, first.remedy) == ("place_leaked", "lab.a", "scanpool doctor --repair")
    assert (second.code, "whose last event is running" in second.message) == ("place_missing", True)
    (mended,) = pools.places(PlacesFacts(pool="lab", wrong=(leaked, missing), repaired=(leaked, missing), scans=2))
    assert (mended.status, "2 just repaired" in mended.message) == ("ok", True)
    (unreadable,) = pools.places(PlacesFacts(pool="lab", unreadable=("scan x: newer",)))
    assert (unreadable.code, unreadable.status) == ("events_unreadable", "warning")


def test_places_that_nats_gives_and_the_file_does_not_are_told() -> None:
    (check,) = pools.capacity("lab", {"a": 4, "b": 2, "new": 1}, {"a": 2, "b": 2})
    assert (check.code, check.place, check.facts) == (
        "places_differ",
        "lab.a",
        {"places": 2, "max_concurrent_scans": 4},
    )
    assert codes(pools.capacity("lab", {"b": 2}, {"b": 2})) == [""]


def test_dead_letters_are_counted_with_the_command_that_lists_them() -> None:
    check = pools.dead_letters("lab", 1, 2)
    assert check.message == "1 dead scan and 2 dead letters wait for a person"
    assert check.remedy.startswith("scanpool list-dlq --pool lab, ")
    assert pools.dead_letters("", 0, 1).message == "1 dead letter waits for a person"
    assert pools.dead_letters("lab", 0, 0).status == "ok"


@pytest.mark.parametrize(
    ("since", "until", "code"),
    [
        (timedelta(hours=2), None, ""),
        (timedelta(days=2), None, "held_for_long"),
        (timedelta(days=2), timedelta(hours=1), ""),
    ],
)
def test_a_hold_is_told_when_it_is_old_and_nothing_ends_it(
    since: timedelta, until: timedelta | None, code: str
) -> None:
    hold = Hold(by="alice", reason="new disk", since=NOW - since, until=NOW + until if until else None)
    paused, cordoned = pools.holds("lab", Control(paused=hold, cordoned={"a": hold}), NOW)
    assert [paused.code, cordoned.code] == [code, code]
    assert "by alice (new disk) since 2026-02-2" in paused.message or not code
    assert (paused.place, cordoned.place) == ("lab", "lab.a")
    if code:
        assert [paused.remedy, cordoned.remedy] == ["scanpool resume lab", "scanpool uncordon lab.a"]


def test_a_breaker_that_is_not_closed_is_reset_where_a_person_tripped_it_and_else_probed() -> None:
    by_hand = breaker_status("lab", "a", Breaker(state="open", by="alice", reason="wrong results", since=NOW))
    itself = breaker_status("lab", "b", Breaker(state="half-open", reason="no answer", since=NOW))
    first, second = pools.breakers("lab", [by_hand, itself])
    assert (first.code, first.remedy) == ("breaker_open", "scanpool breaker reset lab.a")
    assert second.remedy.endswith("scanpool breaker probe lab.b")
    assert codes(pools.breakers("lab", [breaker_status("lab", "c", Breaker())])) == [""]


def test_what_the_dispatcher_sees_is_told_unless_it_only_repeats_what_is_seen_from_here() -> None:
    well = Health(ready=True, checked_at=NOW)
    assert pools.seen_by_dispatcher("lab.a", well, NOW, STALE).status == "ok"
    stale = pools.seen_by_dispatcher("lab.a", well, NOW + timedelta(hours=1), STALE)
    never = pools.seen_by_dispatcher("lab.a", None, NOW, STALE)
    assert stale.remedy == never.remedy == "scanpool run dispatcher --pools lab"
    sick = pools.seen_by_dispatcher("lab.a", Health(ready=False, reason="refused.", checked_at=NOW), NOW, STALE)
    assert sick.message == "the dispatcher does not find lab.a ready: refused"
    down = found("scanner_unreachable", "lab.a", "down", "start it")
    elsewhere = found("scanner_unreachable", "lab.b", "down", "start it")
    assert pools.without_echoes([sick, down]) == [down]
    assert pools.without_echoes([sick, elsewhere]) == [sick, elsewhere]


def test_pools_of_nats_are_held_against_the_file() -> None:
    known = {
        "same": PoolRules(digest="d"),
        "other": PoolRules(digest="x"),
        "gone": PoolRules(digest="d"),
        "left": PoolRules(digest="d", retired=True),
        "new": None,
    }
    digests = {"same": "d", "other": "d", "left": "d", "new": "d"}
    checks = local.rules(digests, known, {"left": 3})
    assert codes(checks) == ["", "rules_differ", "pool_unconfigured", "pool_retired", "rules_absent"]
    assert "3 scans of it wait or run" in checks[3].message
    assert codes(local.rules(None, {"same": PoolRules(digest="d")}, {})) == [""]


def test_a_file_that_cannot_be_used_is_told_by_its_faults_alone(tmp_path: Path) -> None:
    fault = Problem(file="f.yaml", line=3, path="pools.lab", message="is empty", remedy="add a scanner")
    (check,) = local.file(FileFacts(path=tmp_path, faults=(fault,), warnings=(fault,), unavailable=(fault,)))
    assert (check.code, check.place, check.message) == ("configuration_invalid", "f.yaml:3", "pools.lab: is empty")
    assert check.remedy == "add a scanner"


def test_warnings_of_the_file_secrets_out_of_reach_and_an_open_file_are_told(tmp_path: Path) -> None:
    problem = Problem(file="f.yaml", path="x", message="m", remedy="r")
    facts = FileFacts(path=tmp_path / "f", warnings=(problem,), unavailable=(problem,), is_open=True)
    assert codes(local.file(facts)) == ["configuration_warning", "configuration_open", "secret_unavailable"]
    assert codes(local.file(FileFacts(path=tmp_path, secrets=3))) == ["", ""]


def test_a_file_with_secrets_in_it_that_everybody_can_read_is_noticed(tmp_path: Path) -> None:
    path = written(tmp_path, of_scanner(access_key="a-key-in-the-file", secret_key={"env": "SECRET_KEY"}))
    path.chmod(0o644)
    seen = gather.configuration(path, ENVIRON, tmp_path)
    assert seen.facts is not None
    assert (seen.facts.is_open, seen.facts.secrets) == (True, 2)
    path.chmod(0o640)
    closed = gather.configuration(path, ENVIRON, tmp_path).facts
    assert closed is not None
    assert not closed.is_open
    elsewhere = gather.configuration(written(tmp_path, of_scanner()), ENVIRON, tmp_path).facts
    assert elsewhere is not None
    assert not elsewhere.is_open


def test_without_a_file_it_is_said_where_one_was_looked_for(tmp_path: Path) -> None:
    seen = gather.configuration(None, {"HOME": str(tmp_path)}, tmp_path)
    assert (seen.facts, seen.configuration) == (None, None)
    check = local.absent(seen.absent)
    assert (check.code, check.status, str(tmp_path) in check.message) == ("configuration_absent", "warning", True)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, [""]),
        ({"networks": []}, ["client_without_use"]),
    ],
)
def test_a_client_that_may_do_nothing_is_told(changes: dict[str, Any], expected: list[str], tmp_path: Path) -> None:
    configuration = load(written(tmp_path, of_client(**changes)), ENVIRON)
    assert codes(local.clients(configuration)) == expected


def test_folders_are_judged_by_their_room_and_whether_they_can_be_written_to(tmp_path: Path) -> None:
    folder = FolderFacts(path=tmp_path, free_bytes=10)
    assert local.work_dir(folder, 10).status == local.findings_cache(folder, 10).status == "ok"
    assert (local.work_dir(folder, 11).code, local.findings_cache(folder, 11).code) == ("work_dir_small", "cache_small")
    shut = FolderFacts(path=tmp_path, unusable="no permission to write")
    assert (local.work_dir(shut, 1).code, local.work_dir(shut, 1).status) == ("work_dir_unusable", "problem")
    assert local.findings_cache(shut, 1).status == "warning"


def test_a_folder_that_is_not_there_yet_is_judged_by_where_it_would_be_made(tmp_path: Path) -> None:
    assert gather.folder(tmp_path / "cache" / "findings").free_bytes > 0
    (tmp_path / "file").touch()
    assert "is no folder" in gather.folder(tmp_path / "file" / "findings").unusable
