"""The executable on dead letters of a running pipeline: listed, inspected, retried, purged."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import pty
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest
import pytest_asyncio

from scanpool.coordination import transitions
from scanpool.coordination.ledger import Ledger
from scanpool_schemas import subjects
from scanpool_schemas.events import DeadLetter
from scanpool_schemas.scan import Dead
from tests.support.broker import NOON
from tests.support.builders import a_mark
from tests.support.cli import Ended, scanpool
from tests.support.eventually import becomes
from tests.support.forking import program
from tests.support.pipeline import Pipeline, Scanner, running_pipeline
from tests.support.watching import FASTER, dead_letter, fault, holders, in_a_task, on_scanner, reaches

pytestmark = pytest.mark.asyncio(loop_scope="module")

POOLS = {"lab": (Scanner("s1", capacity=4),), "dmz": (Scanner("s1"),)}
TARGETS = ["10.10.0.1"]
UNDECODABLE = b'{"name":"\xff\xfe\x00"}'
HOSTILE = "evil\x1b[31m\u202e"


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def pipeline() -> AsyncIterator[Pipeline]:
    async with in_a_task(running_pipeline(POOLS, settings=FASTER)) as running:
        yield running


async def run(pipeline: Pipeline, *words: str) -> Ended:
    return await scanpool(*words, environ={"SCANPOOL_NATS_URL": pipeline.nats.url, "LOGNAME": "ops"})


async def a_dead_scan(pipeline: Pipeline, scan_id: str) -> None:
    """A scan whose report always arrives cut, until the fault is cleared."""
    await fault(pipeline, "lab.s1", "truncated_export", match=f"/{scan_id}/")
    await pipeline.client.submit(TARGETS, name="one", pool="lab", id=scan_id)
    await reaches(pipeline, scan_id, {"dead"})
    await becomes(lambda: _in_dlq(pipeline, subjects.event("lab", "dead", scan_id)))


async def _in_dlq(pipeline: Pipeline, subject: str) -> bool:
    return await pipeline.jetstream.last(subjects.SCAN_DLQ, subject) is not None


async def a_dead_request(pipeline: Pipeline, scan_id: str, body: bytes, pool: str = "lab") -> str:
    """A request that is none; answers the dead letter's id."""
    headers = {"X-From": "me", "Nats-Msg-Id": f"{pool}-{scan_id}", "Authorization": "hunter2"}
    await pipeline.jetstream.client.request(subjects.requested(pool, scan_id), body, headers=headers, timeout=60)
    letter = await dead_letter(pipeline, f"dlq.{pool}.*.{scan_id}.*")
    return f"{scan_id}.s{letter.sequence}"


async def listed(pipeline: Pipeline, *words: str) -> dict[str, dict[str, Any]]:
    """The listed dead letters by their ids."""
    document = (await run(pipeline, "list-dlq", *words, "--json")).document
    assert document["total"] == len(document["dead_letters"])
    return {each["id"]: each for each in document["dead_letters"]}


async def test_a_scan_that_was_given_up_is_retried_and_completes_as_run_2(pipeline: Pipeline) -> None:
    await a_dead_scan(pipeline, "given-up")
    row = (await listed(pipeline, "--pool", "lab"))["given-up"]
    assert (row["kind"], row["stage"], row["reason"], row["attempts"]) == ("scan", "exporting", "export_failed", 2)

    inspected = (await run(pipeline, "inspect-dlq", "given-up", "--json")).document
    assert [entry["state"] for entry in inspected["timeline"]][-1] == "dead"
    assert inspected["errors"][0].startswith("export_failed: given up after 2 tries")
    assert json.loads(inspected["body"])["request"]["targets"] == TARGETS

    await pipeline.emulators["lab.s1"].control.clear_faults()
    retried = await run(pipeline, "retry-dlq", "given-up", "--by", "me", "--json")
    assert (retried.code, retried.document["retried"], retried.document["of"]) == (0, 1, 1)
    ended = await pipeline.client.wait("given-up", timeout=60)
    assert (ended.status, ended.run, ended.dead_letter) == ("completed", 2, False)
    assert "retried by me: run 2 after export_failed in exporting" in [entry.why for entry in ended.timeline]
    (row,) = await on_scanner(pipeline, "lab.s1", "given-up")
    assert row["launched"] == 1, "only its report was fetched again"
    assert "given-up" not in await holders(pipeline, "lab", "s1")
    assert "given-up" not in await listed(pipeline)

    again = await run(pipeline, "retry-dlq", "given-up", "--json")
    (outcome,) = again.document["dead_letters"]
    assert (again.code, again.document["retried"], outcome["outcome"]) == (1, 0, "already_retried")
    assert outcome["message"] == "already retried: it is completed, run 2"


async def test_a_scan_that_dies_again_is_one_dead_letter_with_the_history_of_both_runs(pipeline: Pipeline) -> None:
    await a_dead_scan(pipeline, "dies-twice")
    assert (await run(pipeline, "retry-dlq", "dies-twice")).code == 0
    await becomes(lambda: _has_run(pipeline, "dies-twice", 2))
    assert (await listed(pipeline, "--reason", "export_failed"))["dies-twice"]["run"] == 2
    timeline = (await run(pipeline, "inspect-dlq", "dies-twice", "--json")).document["timeline"]
    assert [entry["state"] for entry in timeline].count("dead") == 2


async def _has_run(pipeline: Pipeline, scan_id: str, run_number: int) -> bool:
    stored = await pipeline.jetstream.last(subjects.SCAN_DLQ, subjects.event("lab", "dead", scan_id))
    return stored is not None and json.loads(stored.body).get("run") == run_number


async def test_two_people_who_retry_a_scan_at_once_retry_it_once(pipeline: Pipeline) -> None:
    await a_dead_scan(pipeline, "at-once")
    await pipeline.emulators["lab.s1"].control.clear_faults()
    both = await asyncio.gather(*(run(pipeline, "retry-dlq", "at-once", "--json") for _ in range(2)))
    assert sorted(ended.document["retried"] for ended in both) == [0, 1]
    ended = await pipeline.client.wait("at-once", timeout=60)
    assert (ended.status, ended.run) == ("completed", 2)


async def test_a_letter_that_outlived_its_retry_says_so_and_goes(pipeline: Pipeline) -> None:
    await a_dead_scan(pipeline, "outlived")
    await pipeline.emulators["lab.s1"].control.clear_faults()
    ledger = Ledger(pipeline.jetstream, source="killed before it removed the letter")
    held = await ledger.read("lab", "outlived")
    assert held is not None
    assert isinstance(held.scan, Dead)
    assert await ledger.commit(held, transitions.retried(held.scan, "retried", a_mark("operator")))
    assert "outlived" in await listed(pipeline)
    refused = await run(pipeline, "retry-dlq", "outlived", "--json")
    assert refused.document["dead_letters"][0]["outcome"] == "already_retried"
    assert "outlived" not in await listed(pipeline)


async def test_what_is_no_text_is_shown_byte_for_byte_retried_counted_again_and_purged(pipeline: Pipeline) -> None:
    first = await a_dead_request(pipeline, "not-utf8", UNDECODABLE)
    inspected = await run(pipeline, "inspect-dlq", first, "--json")
    assert base64.b64decode(inspected.document["body_base64"]) == UNDECODABLE
    assert inspected.document["headers"]["X-From"] == "me"
    assert "Nats-Msg-Id" not in inspected.document["headers"]
    shown = await run(pipeline, "inspect-dlq", "not-utf8")
    for seen in (inspected, shown):
        assert "hunter2" not in seen.out

    retried = await run(pipeline, "retry-dlq", first)
    assert (retried.code, retried.err) == (0, "retried 1 of 1\n")
    await becomes(lambda: _has_another(pipeline, first))
    (second,) = [name for name in await listed(pipeline) if name.startswith("not-utf8.")]
    assert second != first
    letter = await dead_letter(pipeline, "dlq.lab.*.not-utf8.*")
    assert base64.b64decode(letter.body_base64 or "") == UNDECODABLE
    assert (letter.headers["X-From"], letter.headers["Authorization"]) == ("me", "hunter2")
    assert "Nats-Msg-Id" not in letter.headers

    again = await run(pipeline, "retry-dlq", first, "--json")
    assert (again.code, again.document["retried"]) == (1, 0)
    assert "retried or purged before" in again.document["dead_letters"][0]["message"]

    words = ("purge-dlq", "--pool", "lab", "--reason", "invalid_request", "--stage", "admission")
    unasked = await run(pipeline, *words, "--json")
    assert (unasked.code, unasked.document["error"]["code"]) == (2, "not_confirmed")
    assert second in await listed(pipeline)
    assert (await run(pipeline, *words, "--yes", "--json")).document == {"purged": 1}
    assert second not in await listed(pipeline)


async def _has_another(pipeline: Pipeline, id: str) -> bool:
    stored = await pipeline.jetstream.last(subjects.SCAN_DLQ, "dlq.lab.*.not-utf8.*")
    return stored is not None and not stored.subject.endswith(id.partition(".")[2])


async def test_a_request_is_not_published_again_while_another_of_its_id_waits() -> None:
    async with running_pipeline(services=("admission",)) as pipeline:
        letter = await a_dead_request(pipeline, "waits", b"{targets")
        await pipeline.stop()
        waiting = b'{"targets":["10.10.0.1"],"name":"mine"}'
        await pipeline.jetstream.client.request(subjects.requested("lab", "waits"), waiting, timeout=60)
        refused = await run(pipeline, "retry-dlq", letter, "--json")
        assert (refused.code, refused.document["dead_letters"][0]["outcome"]) == (1, "not_retried")
        stored = await pipeline.jetstream.last(subjects.SCAN_REQUESTS, subjects.requested("lab", "waits"))
        assert stored is not None
        assert stored.body == waiting
        assert letter in await listed(pipeline)


async def test_a_dry_run_says_what_would_be_retried_and_changes_nothing(pipeline: Pipeline) -> None:
    await a_dead_scan(pipeline, "dry")
    before = await listed(pipeline)
    words = ("--pool", "lab", "retry-dlq", "--all", "--reason", "export_failed", "--dry-run")
    dry = await run(pipeline, *words, "--json")
    assert (dry.code, dry.document["retried"]) == (0, 0)
    assert ("dry", "would_retry") in [(each["id"], each["outcome"]) for each in dry.document["dead_letters"]]
    assert await listed(pipeline) == before
    assert (await pipeline.client.status("dry")).state == "dead"

    await pipeline.emulators["lab.s1"].control.clear_faults()
    done = await run(pipeline, "retry-dlq", "--all", "--reason", "export_failed", "--pool", "lab", "--json")
    assert (done.code, done.document["retried"]) == (0, dry.document["of"])
    assert (await pipeline.client.wait("dry", timeout=60)).status == "completed"


async def test_everything_of_a_pool_is_removed_only_when_its_name_is_typed(pipeline: Pipeline) -> None:
    for number in range(3):
        await a_dead_request(pipeline, f"typed-{number}", b"{", pool="dmz")
    total = await run(pipeline, "list-dlq", "--pool", "dmz", "--limit", "1", "--json")
    assert (total.document["total"], len(total.document["dead_letters"])) == (3, 1)
    assert "1 of 3 dead letters" in total.err
    unasked, unknown, (mistyped, _) = await asyncio.gather(
        run(pipeline, "purge-dlq", "--pool", "dmz", "--yes"),
        run(pipeline, "purge-dlq", "--confirm", "dzm"),
        on_a_terminal(pipeline, "lab", "purge-dlq", "--pool", "dmz"),
    )
    assert (unasked.code, unknown.code, mistyped) == (2, 1, 1)
    assert len(await listed(pipeline, "--pool", "dmz")) == 3
    code, seen = await on_a_terminal(pipeline, "dmz", "purge-dlq", "--pool", "dmz")
    assert code == 0
    assert "3 removed from SCAN_DLQ" in seen
    assert await listed(pipeline, "--pool", "dmz") == {}
    assert (await run(pipeline, "purge-dlq", "--confirm", "dmz", "--json")).document == {"purged": 0}


async def on_a_terminal(pipeline: Pipeline, typed: str, *words: str) -> tuple[int, str]:
    """The command's exit code and what is seen, with a person who types a line."""
    person, terminal = pty.openpty()
    process = await asyncio.create_subprocess_exec(
        *program(),
        *words,
        stdin=terminal,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env={**os.environ, "SCANPOOL_NATS_URL": pipeline.nats.url},
    )
    os.close(terminal)
    os.write(person, typed.encode() + b"\n")
    async with asyncio.timeout(60):
        seen, _ = await process.communicate()
    os.close(person)
    assert process.returncode is not None
    return process.returncode, seen.decode()


async def test_a_hostile_letter_does_nothing_to_the_terminal_and_none_that_it_names_is_published(
    pipeline: Pipeline,
) -> None:
    letter = DeadLetter(
        reason=HOSTILE,
        message=HOSTILE,
        stage="x",
        stream="SCAN_REQUESTS",
        sequence=1,
        subject="scan.lab.dead.evil",
        headers={HOSTILE: HOSTILE},
        body=HOSTILE,
        first_at=NOON,
        last_at=NOON,
    )
    js = pipeline.jetstream.client
    await js.request("dlq.lab.x.evil.s1", msgspec.json.encode(letter), timeout=60)
    await js.request("dlq.nonsense", b"\x1b[31m\xff", timeout=60)
    ways = (("list-dlq",), ("list-dlq", "--json"), ("inspect-dlq", "evil.s1"), ("inspect-dlq", "evil.s1", "--json"))
    for seen in await asyncio.gather(*(run(pipeline, *words) for words in ways)):
        assert "evil" in seen.out
        assert set("\x1b\u202e").isdisjoint(seen.out)
    names = [name for name, each in (await listed(pipeline)).items() if each["kind"] == "unreadable"]
    assert len(names) == 1
    refused = await run(pipeline, "retry-dlq", "evil.s1", names[0], "--json")
    assert (refused.code, refused.document["retried"], refused.document["of"]) == (1, 0, 2)
    assert (await run(pipeline, "inspect-dlq", names[0])).code == 0


async def test_an_id_that_is_none_or_several_is_told(pipeline: Pipeline) -> None:
    for pool in POOLS:
        await a_dead_request(pipeline, "several", b"{", pool=pool)
    several = await run(pipeline, "inspect-dlq", "several", "--json")
    assert (several.code, several.document["error"]["code"]) == (1, "ambiguous_dead_letter")
    assert (await run(pipeline, "--pool", "dmz", "inspect-dlq", "several")).code == 0
    assert (await run(pipeline, "inspect-dlq", "several", "--pool", "dmz")).code == 0
    none = await run(pipeline, "inspect-dlq", "nobody", "--json")
    assert (none.code, none.document["error"]["code"]) == (1, "unknown_dead_letter")
    unknown = await run(pipeline, "list-dlq", "--pool", "lib", "--json")
    assert (unknown.code, unknown.document["error"]["code"]) == (1, "unknown_pool")
