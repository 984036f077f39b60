"""`scanpool doctor` beside a running pipeline: each trouble is told with its remedy, and nothing else."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
import pytest_asyncio

from scanpool.runtime.jetstream import Write
from scanpool_schemas import subjects
from scanpool_schemas.keys import Breaker, Control, Hold, Load
from tests.support.cli import Ended
from tests.support.doctor import FRESH, Doctor, Document, doctor_of, feed_of
from tests.support.eventually import becomes
from tests.support.pipeline import FAST, Pipeline, Scanner, running_pipeline
from tests.support.watching import dead_letter, holders, is_ready

pytestmark = pytest.mark.asyncio(loop_scope="module")

PATIENT = replace(FAST, breaker=replace(FAST.breaker, recovery=timedelta(seconds=600)))
FEED = {"plugin_set": feed_of(FRESH)}
POOLS = {
    "lab": (Scanner("a", options=FEED), Scanner("b", options={**FEED, "ips_used": 100})),
    "ill": (
        Scanner("down", options=FEED),
        Scanner("hangs", options=FEED),
        Scanner("loads", options=FEED),
        Scanner("refuses", options=FEED),
        Scanner("unlicensed", options={**FEED, "profile": "nessus-professional"}),
        Scanner("old", options={"plugin_set": feed_of(timedelta(days=40))}),
        Scanner("older", options={"plugin_set": feed_of(timedelta(days=10))}),
        Scanner("ahead", options={**FEED, "clock_ahead_s": 3600.0}),
        Scanner("full", options={**FEED, "ips_used": 1024}),
        Scanner("ending", options={**FEED, "licence_expires_at": int(datetime.now(UTC).timestamp()) + 86_400}),
    ),
}
LAB = ("--pool", "lab")
GHOST = "no-such-scan"
ASKED = ("answer", "certificate", "sign_in", "licence", "plugins", "scanner_clock", "seen_by_dispatcher")
"""All checks of scanners but their breakers, which open by themselves while one is down."""


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def pipeline() -> AsyncIterator[Pipeline]:
    async with running_pipeline(POOLS, settings=PATIENT) as running:
        for name in ("a", "b"):
            await is_ready(running, f"lab.{name}")
        yield running


@pytest_asyncio.fixture(loop_scope="module", autouse=True)
async def put_back(pipeline: Pipeline) -> AsyncIterator[None]:
    """Whatever a test that failed has left behind."""
    yield
    await put(pipeline, subjects.CONTROL_KEY, Control())
    await put(pipeline, subjects.breaker_key("a"), Breaker())
    if GHOST in await holders(pipeline, "lab", "a"):
        await put(pipeline, subjects.load_key("a"), Load(capacity=2))
    await limited(pipeline, -1)


@pytest.fixture
def doctor(pipeline: Pipeline, tmp_path: Path) -> Doctor:
    return doctor_of(pipeline, tmp_path)


async def put(pipeline: Pipeline, name: str, value: msgspec.Struct) -> None:
    await pipeline.jetstream.publish(Write(subject=subjects.key("lab", name), body=msgspec.json.encode(value)))


async def test_nothing_is_wrong_with_a_pipeline_that_is_well(pipeline: Pipeline, doctor: Doctor) -> None:
    scan = await pipeline.client.submit(["10.10.0.1"], name="asked", pool="lab")
    await pipeline.client.wait(scan.id, timeout=60)
    await doctor.well(*LAB)
    checks = await doctor.examined(*LAB)
    assert {each["section"] for each in checks} == {
        "nats",
        "topology",
        "clock",
        "disk",
        "configuration",
        "services",
        "pools",
        "scanners",
    }
    found = {(each["name"], each["place"]): each for each in checks}
    assert found["licence", "lab.b"]["ips_used"] == 100
    assert found["plugins", "lab.a"]["plugins_age_days"] == 1
    assert found["capacity", "lab"]["message"] == "4 places, as configured"
    assert {place for name, place in found if name == "running"} == {
        "admission",
        "janitor",
        "dispatcher lab",
        "poller lab",
        "validator lab",
    }


async def test_people_are_shown_each_trouble_with_its_remedy_and_a_sum(doctor: Doctor) -> None:
    seen: list[Ended] = []

    async def well() -> bool:
        seen.append(await doctor.told("doctor", "--pool", "lab"))
        return seen[-1].code == 0

    await becomes(well, within_s=60)
    ended = seen[-1]
    assert ended.err == ""
    assert "scanners\n" in ended.out
    assert ended.out.splitlines()[-1].startswith("0 problems, 0 warnings, ")
    assert "->" not in ended.out


async def test_each_scanner_that_is_not_well_is_told_by_its_own_trouble_and_no_other(
    pipeline: Pipeline, tmp_path: Path
) -> None:
    def wrong_key(document: Document) -> None:
        (refuses,) = (each for each in document["pools"]["ill"]["scanners"] if each["instance_id"] == "refuses")
        refuses["secret_key"] = {"env": "WRONG"}

    doctor = doctor_of(pipeline, tmp_path, wrong_key)
    doctor = Doctor({**doctor.environ, "WRONG": "no-such-key-of-this-scanner"})
    for name, trouble in (("down", "down"), ("hangs", "hang"), ("loads", "loading")):
        await pipeline.emulators[f"ill.{name}"].control.fault(trouble)
        await is_ready(pipeline, f"ill.{name}", ready=False)
    began = datetime.now(UTC)
    only = [word for name in ASKED for word in ("--only", name)]
    found = await doctor.wrong("--pool", "ill", *only, "--timeout", "6s")
    assert datetime.now(UTC) - began < timedelta(seconds=15)
    assert {each["place"]: each["code"] for each in found} == {
        "ill.down": "scanner_unreachable",
        "ill.hangs": "scanner_unreachable",
        "ill.loads": "scanner_not_ready",
        "ill.refuses": "sign_in_failed",
        "ill.unlicensed": "may_not_launch",
        "ill.old": "plugins_very_old",
        "ill.older": "plugins_old",
        "ill.ahead": "scanner_clock_skew",
        "ill.full": "licence_used_up",
        "ill.ending": "licence_expires_soon",
    }
    assert len(found) == 10
    for name in ("down", "hangs", "loads"):
        await pipeline.emulators[f"ill.{name}"].control.clear_faults()


async def test_no_secret_is_told_whatever_is_wrong(pipeline: Pipeline, tmp_path: Path) -> None:
    def a_word_in_the_file(document: Document) -> None:
        document["pools"]["lab"]["scanners"][0]["secret_key"] = "kept-in-the-file-7731"

    doctor = doctor_of(pipeline, tmp_path, a_word_in_the_file)
    emulator = pipeline.emulators["lab.b"].emulator
    secrets = ["kept-in-the-file-7731", emulator.access_key, emulator.secret_key]
    for words in (("doctor",), ("doctor", "--json"), ("doctor", "--verbose")):
        ended = await doctor.told(*words, *LAB)
        assert ended.code == 1
        assert not [each for each in secrets if each in ended.out + ended.err]


async def test_a_place_that_leaked_is_a_problem_until_it_is_repaired(pipeline: Pipeline, doctor: Doctor) -> None:
    await put(pipeline, subjects.load_key("a"), Load(capacity=2, holders=(GHOST,)))
    leaked = await doctor.only("place_leaked", *LAB)
    assert (leaked["place"], leaked["scan_id"], leaked["remedy"]) == (
        "lab.a",
        GHOST,
        "scanpool doctor --repair",
    )
    await doctor.follow({"remedy": "scanpool doctor --repair --pool lab"})
    await doctor.well(*LAB)
    (mended,) = (each for each in await doctor.examined(*LAB, "--only", "places") if each["name"] == "places")
    assert mended["repaired"] == 0


async def test_a_breaker_that_was_tripped_is_a_problem_until_it_is_reset(doctor: Doctor) -> None:
    await doctor.told("breaker", "trip", "lab.a", "--reason", "wrong results", "--by", "alice")
    tripped = await doctor.only("breaker_open", *LAB)
    assert "by alice" in tripped["message"]
    assert "wrong results" in tripped["message"]
    await doctor.follow(tripped)
    await doctor.well(*LAB)


async def test_a_store_that_is_full_is_a_problem_until_its_limit_is_raised(pipeline: Pipeline, doctor: Doctor) -> None:
    scan = await pipeline.client.submit(["10.10.0.1"], name="asked", pool="lab")
    await pipeline.client.wait(scan.id, timeout=60)
    info = await pipeline.jetstream.api("STREAM.INFO.OBJ_scan-exports", None, Document)
    await limited(pipeline, info["state"]["bytes"] * 103 // 100)
    full = await doctor.only("nats_nearly_full", *LAB, "--only", "room")
    assert (full["place"], "stream OBJ_scan-exports has" in full["message"]) == ("lab", True)
    await limited(pipeline, -1)
    await doctor.well(*LAB, "--only", "room")


async def limited(pipeline: Pipeline, max_bytes: int) -> None:
    info = await pipeline.jetstream.api("STREAM.INFO.OBJ_scan-exports", None, Document)
    config = {**info["config"], "max_bytes": max_bytes}
    await pipeline.jetstream.api("STREAM.UPDATE.OBJ_scan-exports", config, Document)


@pytest.mark.parametrize(
    ("held", "remedy"),
    [("paused", "scanpool resume lab"), ("cordoned", "scanpool uncordon lab.a")],
)
async def test_what_is_held_back_for_long_is_a_warning_until_it_is_ended(
    pipeline: Pipeline, doctor: Doctor, held: str, remedy: str
) -> None:
    old = Hold(by="alice", reason="new disk", since=datetime.now(UTC) - timedelta(days=3))
    control = Control(paused=old) if held == "paused" else Control(cordoned={"a": old})
    await put(pipeline, subjects.CONTROL_KEY, control)
    forgotten = await doctor.only("held_for_long", *LAB)
    assert (forgotten["status"], forgotten["remedy"]) == ("warning", remedy)
    await doctor.follow(forgotten)
    await doctor.well(*LAB)


async def test_dead_letters_are_a_warning_until_they_are_removed(pipeline: Pipeline, doctor: Doctor) -> None:
    await pipeline.jetstream.client.publish("scan.lab.requested.broken", b"{")
    await dead_letter(pipeline, "dlq.lab.>")
    letters = await doctor.only("dead_letters_wait", *LAB)
    assert (letters["status"], letters["letters"], letters["place"]) == ("warning", 1, "lab")
    assert "scanpool list-dlq --pool lab" in letters["remedy"]
    await doctor.follow({"remedy": "scanpool purge-dlq --confirm lab"})
    await doctor.well(*LAB)


async def test_a_file_that_says_otherwise_than_the_dispatchers_is_a_problem(pipeline: Pipeline, tmp_path: Path) -> None:
    def another(document: Document) -> None:
        lab = document["pools"]["lab"]
        lab["exclude"] = [{"target": "10.10.0.9"}]
        lab["scanners"][0]["max_concurrent_scans"] = 7
        del document["pools"]["ill"]
        document["credentials"] = []

    doctor = doctor_of(pipeline, tmp_path, another)
    assert await doctor.codes("--only", "configuration", "--only", "capacity") == [
        ("pool_unconfigured", "ill"),
        ("rules_differ", "lab"),
        ("places_differ", "lab.a"),
    ]


async def test_a_consumer_that_somebody_paused_is_a_problem_with_the_command_that_ends_it(
    pipeline: Pipeline, doctor: Doctor
) -> None:
    operation = f"CONSUMER.PAUSE.{subjects.pool_stream('lab')}.stopping"
    until = (datetime.now(UTC) + timedelta(hours=1)).isoformat().replace("+00:00", "Z")
    await pipeline.jetstream.api(operation, {"pause_until": until}, dict[str, Any])
    paused = await doctor.only("consumer_paused", *LAB, "--only", "services")
    assert paused["remedy"] == "nats consumer resume KV_pool-lab stopping"
    await pipeline.jetstream.api(operation, {}, dict[str, Any])
    await doctor.well(*LAB, "--only", "services")


async def test_only_what_is_asked_for_is_looked_at(doctor: Doctor) -> None:
    checks = await doctor.examined(*LAB, "--only", "plugins", "--only", "clock")
    assert {each["name"] for each in checks} == {"clock", "plugins"}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--only", "everything"), "is not one of nats, "),
        (("--pool", "lob"), "there is no pool 'lob'; did you mean 'lab'?"),
        (("--timeout", "0s"), "lasts no time"),
    ],
)
async def test_what_is_not_there_to_be_looked_at_is_an_error_of_the_command_line(
    doctor: Doctor, words: tuple[str, ...], said: str
) -> None:
    ended = await doctor.told("doctor", *words)
    assert ended.code == 2
    assert said in " ".join(ended.err.split())


async def test_without_a_configuration_only_nats_is_looked_at_and_that_is_said(
    pipeline: Pipeline, tmp_path: Path
) -> None:
    environ = {"SCANPOOL_NATS_URL": pipeline.nats.url, "HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path)}
    found = {each["code"]: each for each in await Doctor(environ).wrong(*LAB)}
    assert list(found) == ["configuration_absent"]
    assert "no scanner is called" in found["configuration_absent"]["message"]
    checks = await Doctor(environ).examined(*LAB)
    assert {"places", "running", "breaker", "seen_by_dispatcher"} <= {each["name"] for each in checks}
    assert not {"answer", "sign_in"} & {each["name"] for each in checks}
