"""`scanpool janitor --once`: what a round does, what it would do, and that a dry one changes nothing."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from scanpool.runtime.jetstream import JetStream, Write
from scanpool.runtime.objects import Objects
from scanpool.runtime.settings import RetentionSettings
from scanpool.runtime.topology.apply import apply, differences
from scanpool.runtime.topology.definitions import topology
from scanpool_schemas import subjects
from scanpool_schemas.events import ScannerEvent
from scanpool_schemas.keys import Load, Repair
from scanpool_schemas.scan import AnyScan, state_of
from tests.support.broker import Stand, standing, within
from tests.support.builders import (
    a_completed_scan,
    a_dead_scan,
    a_failed_scan,
    a_queued_scan,
    a_request,
    a_running_scan,
    an_export,
)
from tests.support.cli import Ended, scanpool
from tests.support.eventually import becomes

NOW = datetime.now(UTC)
DAY = timedelta(days=1)
POOLS = ("lab", "dmz")


async def janitor(stand: Stand, *words: str, **environ: str) -> Ended:
    return await scanpool("janitor", *words, environ={"SCANPOOL_NATS_URL": stand.broker.url, **environ})


async def document(stand: Stand, *words: str) -> dict[str, Any]:
    ended = await janitor(stand, "--once", "--json", *words)
    assert ended.code == 0, ended.err
    found: dict[str, Any] = ended.document
    return found


async def stored(jetstream: JetStream, scan: AnyScan) -> None:
    subject = subjects.event(scan.pool, state_of(scan), scan.id)
    await jetstream.publish(Write(subject=subject, body=msgspec.json.encode(scan)))


async def loaded(jetstream: JetStream, scanner: str, *holders: str, pool: str = "lab") -> None:
    subject = subjects.key(pool, subjects.load_key(scanner))
    body = msgspec.json.encode(Load(capacity=2, holders=holders))
    await jetstream.publish(Write(subject=subject, body=body))


async def holders(jetstream: JetStream, scanner: str, pool: str = "lab") -> tuple[str, ...]:
    key = await jetstream.last(subjects.pool_stream(pool), subjects.key(pool, subjects.load_key(scanner)))
    assert key is not None
    return msgspec.json.decode(key.body, type=Load).holders


async def is_there(jetstream: JetStream, scan_id: str, pool: str = "lab") -> bool:
    return await jetstream.last(subjects.pool_stream(pool), subjects.events_of(pool, scan_id)) is not None


async def answers(jetstream: JetStream) -> bool:
    return jetstream.client.is_connected and await is_there(jetstream, "before")


async def streams(jetstream: JetStream) -> dict[str, Any]:
    """What every stream holds, by its sequences and counts."""
    names = (await jetstream.api("STREAM.NAMES", None, dict[str, Any]))["streams"]
    infos = {name: await jetstream.api(f"STREAM.INFO.{name}", None, dict[str, Any]) for name in names}
    kept = ("messages", "bytes", "first_seq", "last_seq", "num_deleted")
    return {name: {key: info["state"].get(key) for key in kept} for name, info in infos.items()}


async def a_store_to_be_cleaned(stand: Stand, folder: Path) -> None:
    """One of everything that a round looks for, and as much that it must leave alone."""
    jetstream = stand.jetstream
    await stored(jetstream, a_queued_scan(id="over", submitted_at=NOW))
    await stored(jetstream, a_running_scan(id="over"))
    await stored(jetstream, a_completed_scan(id="over", at=NOW - DAY, export=an_export(object="over.1.a")))
    for scan_id, age in (("old", 8 * DAY), ("young", 6 * DAY)):
        export = an_export(object=f"{scan_id}.1.a")
        await stored(jetstream, a_completed_scan(id=scan_id, at=NOW - age, export=export))
    await stored(jetstream, a_failed_scan(id="failed-old", at=NOW - 31 * DAY))
    await stored(jetstream, a_failed_scan(id="failed-young", at=NOW - 29 * DAY))
    await stored(jetstream, a_dead_scan(id="dead-old", at=NOW - 31 * DAY))
    await stored(jetstream, a_dead_scan(id="dead-young", at=NOW - 29 * DAY))
    await stored(jetstream, a_queued_scan(id="ancient", at=NOW - 900 * DAY, queued_at=NOW - 900 * DAY))
    waited = a_queued_scan(a_request(max_wait_s=60), id="waited", queued_at=NOW - DAY)
    await stored(jetstream, waited)
    await stored(jetstream, a_running_scan(id="lacks", running_at=NOW - 900 * DAY))
    await loaded(jetstream, "a", "leaked")
    file = folder / "report"
    file.write_bytes(b"x" * 1000)
    for name in ("over.1.a", "old.1.a", "young.1.a"):
        await Objects(jetstream, subjects.EXPORTS_BUCKET).put(name, file, "test")

    async def copied() -> bool:
        held = await streams(jetstream)
        of_ended = (subjects.SCAN_COMPLETED, subjects.SCAN_FAILED, subjects.SCAN_DLQ)
        return [held[name]["messages"] for name in of_ended] == [3, 4, 2]

    await becomes(copied, within_s=60)


async def test_a_dry_run_says_what_a_round_would_do_and_changes_nothing(tmp_path: Path) -> None:
    async with standing(POOLS) as stand:
        await a_store_to_be_cleaned(stand, tmp_path)
        before = await streams(stand.jetstream)
        told = await document(stand, "--dry-run", "--repair")
        assert (await janitor(stand, "--once", "--dry-run", "--repair")).code == 0
        assert await streams(stand.jetstream) == before
        done = await document(stand, "--repair")
        for key in ("scans_ended", "scans_deleted", "disagreements", "repaired"):
            assert {**_by_id(told[key])} == {**_by_id(done[key])}, key
        assert (told["dry_run"], done["dry_run"]) == (True, False)
        assert [each["id"] for each in told["events_purged"]] == ["over"]
        assert await streams(stand.jetstream) != before


def _by_id(listed: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {each.get("id") or f"{each['scanner']}/{each['scan_id']}": each for each in listed}


async def test_a_round_deletes_what_is_over_and_ends_what_waited_and_leaves_the_rest(tmp_path: Path) -> None:
    async with standing(POOLS) as stand:
        await a_store_to_be_cleaned(stand, tmp_path)
        done = await document(stand)
        assert {each["id"]: each["state"] for each in done["scans_deleted"]} == {
            "old": "completed",
            "failed-old": "failed",
            "dead-old": "dead",
        }
        kept = ("over", "young", "failed-young", "dead-young", "ancient", "waited", "lacks")
        assert [each for each in kept if not await is_there(stand.jetstream, each)] == []
        assert done["events_purged"] == [
            {"pool": "lab", "id": "over", "events": 2, "size_bytes": done["events_purged"][0]["size_bytes"]}
        ]
        assert [(each["id"], each["becomes"]) for each in done["scans_ended"]] == [("waited", "failed")]
        assert done["counts"]["scans_deleted"] == 3
        assert done["freed_bytes"]["event"] > 1000
        assert [each["id"] for each in (await document(stand))["events_purged"]] == ["waited"], "it is over now too"
        again = await document(stand)
        empty = [again[key] for key in ("scans_ended", "scans_deleted", "events_purged", "exports_deleted")]
        assert empty == [[], [], [], []]


async def test_places_are_told_and_put_right_only_on_request() -> None:
    async with standing(POOLS) as stand:
        await stored(stand.jetstream, a_running_scan(id="lacks"))
        await loaded(stand.jetstream, "a", "leaked")
        told = await janitor(stand, "--once")
        assert "place of scan leaked on a" in told.out
        assert await holders(stand.jetstream, "a") == ("leaked",)
        done = await document(stand, "--repair")
        assert {each["scan_id"]: (each["what"], each["state"]) for each in done["repaired"]} == {
            "leaked": ("a place is held that no event speaks of", None),
            "lacks": ("an event speaks of a place that is not held", "running"),
        }
        assert await holders(stand.jetstream, "a") == ("lacks",)
        assert (await document(stand))["disagreements"] == []
        key = await stand.jetstream.last("KV_pool-lab", subjects.key("lab", subjects.REPAIR_KEY))
        assert key is not None
        assert msgspec.json.decode(key.body, type=Repair).scanner == "a"
        event = await stand.jetstream.last(
            subjects.SCANNER_EVENTS, subjects.scanner_event("lab", "a", "place-repaired")
        )
        assert event is not None
        assert "scan" in msgspec.json.decode(event.body, type=ScannerEvent).reason


async def test_a_lost_delivery_is_told_by_a_dry_run_and_told_again_by_a_round() -> None:
    async with standing(("lab",)) as stand:
        await stored(stand.jetstream, a_queued_scan(id="forgotten", at=NOW))
        await (await within(60, await stand.puller("KV_pool-lab", "queued-normal"))).ack()
        before = await streams(stand.jetstream)
        told = await document(stand, "--dry-run")
        assert [(each["id"], each["state"]) for each in told["told_again"]] == [("forgotten", "queued-normal")]
        assert await streams(stand.jetstream) == before
        assert (await document(stand))["told_again"] == told["told_again"]
        last = await stand.jetstream.last("KV_pool-lab", subjects.events_of("lab", "forgotten"))
        assert last is not None
        assert last.sequence > told["told_again"][0]["sequence"]
        assert (await document(stand))["told_again"] == []


async def test_what_a_killed_nats_brings_back_of_a_deleted_scan_is_not_told_again() -> None:
    """A replaced event comes back where the newer one of its subject was purged right before the kill."""
    async with standing(("lab",)) as stand:
        long_ago = NOW - 8 * DAY
        await stored(stand.jetstream, a_completed_scan(id="before", at=NOW))
        puller = await stand.puller("KV_pool-lab", "queued-normal")
        for _ in range(2):
            await stored(stand.jetstream, a_queued_scan(id="deleted", at=long_ago))
            await (await within(60, puller)).ack()
        await stand.broker.keeps("queued-normal", acknowledged=2)
        await stored(stand.jetstream, a_completed_scan(id="deleted", at=long_ago))
        await stored(stand.jetstream, a_completed_scan(id="after", at=NOW))
        assert [each["id"] for each in (await document(stand))["scans_deleted"]] == ["deleted"]
        await stand.broker.restart()
        await becomes(lambda: answers(stand.jetstream))
        assert await is_there(stand.jetstream, "deleted"), "it came back, as nats-server 2.15.1 does it"
        done = await document(stand)
        assert [(each["id"], each["state"]) for each in done["not_told_again"]] == [("deleted", "queued-normal")]
        assert [each["id"] for each in done["told_again"]] == []


async def test_only_the_pool_that_is_named_is_cleaned() -> None:
    async with standing(POOLS) as stand:
        await stored(stand.jetstream, a_completed_scan(id="here", at=NOW - 8 * DAY))
        await stored(stand.jetstream, a_completed_scan(id="there", pool="dmz", at=NOW - 8 * DAY))
        assert [each["id"] for each in (await document(stand, "--pool", "lab"))["scans_deleted"]] == ["here"]
        assert await is_there(stand.jetstream, "there", "dmz")
        unknown = await janitor(stand, "--once", "--pool", "dmx")
        assert (unknown.code, "did you mean 'dmz'" in unknown.err) == (1, True)


async def test_a_scan_with_no_limit_of_its_own_is_stopped_only_where_the_default_is_set_here() -> None:
    async with standing(("lab",)) as stand:
        await stored(stand.jetstream, a_running_scan(id="long", running_at=NOW - 2 * DAY))
        await loaded(stand.jetstream, "a", "long")
        assert (await document(stand))["scans_ended"] == []
        ended = await janitor(stand, "--once", "--json", SCANPOOL_MAX_DURATION_S="86400")
        assert [(each["id"], each["becomes"]) for each in ended.document["scans_ended"]] == [("long", "stopping")]
        assert await holders(stand.jetstream, "a") == ("long",)


async def test_a_shell_that_was_told_another_retention_deletes_nothing() -> None:
    async with standing(("lab",)) as stand:
        await stored(stand.jetstream, a_completed_scan(id="young", at=NOW - DAY))
        ended = await janitor(stand, "--once", SCANPOOL_KEEP_COMPLETED_S="60")
        assert ended.code == 2
        assert "SCAN_COMPLETED differs: max_age: 7 d -> 60 s" in ended.err
        assert await is_there(stand.jetstream, "young")


async def test_without_once_it_says_how_the_service_is_run() -> None:
    async with standing(("lab",)) as stand:
        ended = await janitor(stand)
        assert (ended.code, "scanpool run janitor" in ended.err) == (2, True)


@pytest.mark.parametrize(
    ("stream", "days"), [(subjects.SCAN_COMPLETED, 7), (subjects.SCAN_FAILED, 30), (subjects.SCAN_DLQ, 30)]
)
async def test_streams_keep_what_is_over_for_as_long_as_the_janitor_does(stream: str, days: int) -> None:
    kept = {subjects.SCAN_COMPLETED: "completed", subjects.SCAN_FAILED: "failed", subjects.SCAN_DLQ: "dead"}
    assert getattr(RetentionSettings(), kept[stream]) == timedelta(days=days)
    async with standing(("lab",)) as stand:
        config = (await stand.jetstream.api(f"STREAM.INFO.{stream}", None, dict[str, Any]))["config"]
        assert timedelta(microseconds=config["max_age"] // 1000) == timedelta(days=days)
        longer = RetentionSettings(**{kept[stream]: timedelta(days=90)})
        (found,) = [
            each
            for each in await differences(stand.jetstream, topology(("lab",), retention=longer))
            if each.name == stream
        ]
        assert str(found) == f"stream {stream} differs: max_age: {days} d -> 90 d"
        await apply(stand.jetstream, topology(("lab",), retention=longer))
        assert await differences(stand.jetstream, topology(("lab",), retention=longer)) == []
        assert await differences(stand.jetstream, topology(("lab",), retention=None)) == []


async def test_topology_commands_and_services_go_by_the_same_variables() -> None:
    async with standing(("lab",)) as stand:
        environ = {"SCANPOOL_NATS_URL": stand.broker.url, "SCANPOOL_KEEP_FAILED_S": "7776000"}
        told = await scanpool("topology", "diff", "--pools", "lab", environ=environ)
        assert (told.code, "SCAN_FAILED differs: max_age: 30 d -> 90 d" in told.out) == (1, True)
        refused = await scanpool("run", "janitor", environ=environ)
        assert (refused.code, "SCAN_FAILED differs: max_age: 30 d -> 90 d" in refused.err) == (1, True)
        assert (await scanpool("topology", "apply", "--pools", "lab", environ=environ)).code == 0
        assert (await scanpool("topology", "diff", "--pools", "lab", environ=environ)).code == 0
