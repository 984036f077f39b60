"""The executable against a running pipeline: scans asked for, followed, cancelled, read."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from tests.support.cli import Ended, ended, interrupted, scanpool, started
from tests.support.eventually import once
from tests.support.pipeline import Pipeline, Scanner, running_pipeline

pytestmark = pytest.mark.asyncio(loop_scope="module")

POOLS = {"lab": (Scanner("s1"),), "slow": (Scanner("s1", options={"time_scale": 0.7}),)}
HOSTILE = "evil\x1b[31m\u202e name"


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def pipeline() -> AsyncIterator[Pipeline]:
    async with running_pipeline(POOLS) as running:
        yield running


def environ(pipeline: Pipeline) -> dict[str, str]:
    return {"SCANPOOL_NATS_URL": pipeline.nats.url, "SCANPOOL_CONFIG": str(pipeline.configuration)}


async def run(pipeline: Pipeline, *words: str, **options: Any) -> Ended:
    return await scanpool(*words, environ=environ(pipeline), **options)


async def a_slow_scan(pipeline: Pipeline) -> str:
    """A scan that will be running for half a minute."""
    scan = await pipeline.client.submit(["10.10.0.1"], name="slow", pool="slow")
    await once(lambda: pipeline.client.admitted(scan), lambda now: now.state == "running")
    return scan.id


async def test_a_scan_is_waited_for_its_result_read_and_its_report_saved_and_validated(
    pipeline: Pipeline, tmp_path: Path
) -> None:
    words = ("10.10.0.0/30", "--credential", "linux", "--require-auth", "100%", "--wait", "--json")
    asked = await run(pipeline, "scan", *words)
    assert asked.code == 0
    scan = asked.document["scan"]
    assert (scan["id"], scan["status"], scan["name"]) == (asked.document["id"], "completed", "10.10.0.0/30")
    assert "completed" in asked.err

    report = tmp_path / "report.nessus"
    read = await run(pipeline, "results", scan["id"], "--report", str(report), "--json")
    assert read.code == 0
    judged = await run(pipeline, "validate", str(report), "--credentials", "yes", "--json")
    assert judged.document["result"] == read.document == scan["result"]

    seen = await run(pipeline, "results", scan["id"], "--hosts")
    assert seen.code == 0
    assert "login     success" in seen.out.splitlines()
    assert seen.out.count("Credentialed checks : yes via ssh") == 4


async def test_a_scan_below_what_it_required_ends_with_exit_code_4_and_other_failures_with_3(
    pipeline: Pipeline,
) -> None:
    partly = ("10.10.0.1", "10.10.1.1", "--credential", "linux", "--require-auth", "0.9")
    nowhere = ("10.10.0.1", "--credential", "wrong")
    below, none_required, none_unrequired = await asyncio.gather(
        run(pipeline, "scan", *partly, "--id", "below", "--wait"),
        run(pipeline, "scan", *nowhere, "--require-auth", "0.5", "--wait"),
        run(pipeline, "scan", *nowhere, "--wait"),
    )
    assert (below.code, none_required.code, none_unrequired.code) == (4, 4, 3)
    assert "auth_coverage_low: 50% of the hosts that count were authenticated; 90% are required" in below.out
    assert (await run(pipeline, "status", "below", "--watch")).code == 4
    assert (await run(pipeline, "status", "below")).code == 0


async def test_a_refusal_is_told_at_once(pipeline: Pipeline) -> None:
    refused = await run(pipeline, "scan", "224.0.0.1")
    assert refused.code == 3
    assert refused.out.count("\n") == 1
    assert "impossible_target: 224.0.0.1" in refused.err


async def test_a_request_that_can_never_be_admitted_is_told_by_its_option(pipeline: Pipeline) -> None:
    wrong = await run(pipeline, "scan", "10.10.0.1", "--max-duration", "5s", "--json")
    assert wrong.code == 2
    assert wrong.document["error"]["code"] == "request_invalid"
    assert wrong.document["error"]["message"] == "--max-duration: Expected `int` >= 60 seconds"


@pytest.mark.parametrize(
    "words", [("--name", "b\udcfcro"), ("--label", "room=b\udcfcro"), ("--idempotency-key", "\udcfc")]
)
async def test_a_word_that_is_no_text_is_told_as_a_mistake(pipeline: Pipeline, words: tuple[str, str]) -> None:
    wrong = await run(pipeline, "scan", "10.10.0.1", *words)
    assert (wrong.code, wrong.out) == (2, "")
    assert wrong.err.startswith("error: '")
    assert wrong.err.endswith("' is not text in UTF-8\n")
    assert "Traceback" not in wrong.err


async def test_the_wait_ends_and_the_scan_goes_on_until_it_is_cancelled(pipeline: Pipeline) -> None:
    words = ("scan", "10.10.0.1", "--pool", "slow", "--id", "goes-on", "--wait", "--timeout", "1s", "--json")
    waited = await run(pipeline, *words)
    assert waited.code == 5
    assert waited.document["scan"]["status"] in {"queued", "running"}
    assert "scanpool status goes-on --watch" in waited.err

    watched = await run(pipeline, "status", "goes-on", "--watch", "--timeout", "1s", "--json")
    assert watched.code == 5
    assert {json.loads(line)["id"] for line in watched.out.splitlines()} == {"goes-on"}

    cancelled = await run(pipeline, "cancel", "goes-on", "--reason", "too slow", "--by", "alice", "--wait", "--json")
    assert cancelled.code == 0
    assert cancelled.document["status"] == "cancelled"
    assert cancelled.document["error"]["message"] == "cancelled by alice: too slow"

    again = await run(pipeline, "cancel", "goes-on", "--json")
    assert again.code == 1
    assert again.document["error"]["code"] == "scan_is_over"
    assert (await run(pipeline, "results", "goes-on", "--json")).document["error"]["code"] == "no_result"


async def test_the_same_key_asks_for_the_same_scan(pipeline: Pipeline) -> None:
    words = ("scan", "10.10.0.2", "--owner", "ops", "--idempotency-key", "nightly", "--json")
    first, second = await run(pipeline, *words), await run(pipeline, *words)
    assert (first.document["duplicate"], second.document["duplicate"]) == (False, True)
    assert first.document["id"] == second.document["id"]
    other = await run(pipeline, *words, "--priority", "high")
    assert other.code == 1
    assert other.document["error"]["code"] == "id_conflict"
    assert "priority" in other.document["error"]["message"]


async def test_every_field_of_a_request_arrives(pipeline: Pipeline) -> None:
    words = (
        *("scan", "--targets-file", "-", "--exclude", "10.10.0.9", "--name", "all fields", "--description", "why"),
        *("--type", "authenticated", "--credential", "linux", "--scanner", "s1", "--priority", "low"),
        *("--template", "basic", "--setting", "max_hosts=5", "--folder", "My Scans", "--label", "a=b", "--owner", "me"),
        *("--max-duration", "2h", "--max-wait", "1d", "--require-auth", "50%", "--pool", "lab", "--id", "all"),
    )
    assert (await run(pipeline, *words, stdin="10.10.0.8\n# no more\n")).code == 0
    stored = await pipeline.jetstream.last("KV_pool-lab", "scan.lab.*.all")
    assert stored is not None
    request = json.loads(stored.body)["request"]
    assert request == {
        "targets": ["10.10.0.8"],
        "exclude": ["10.10.0.9"],
        "name": "all fields",
        "description": "why",
        "scan_type": "authenticated",
        "credential_ref": "linux",
        "scanner": "s1",
        "priority": "low",
        "template": "basic",
        "settings": {"max_hosts": "5"},
        "folder": "My Scans",
        "labels": {"a": "b"},
        "owner": "me",
        "max_duration_s": 7200,
        "max_wait_s": 86400,
        "require_auth": 0.5,
    }


async def test_lists_of_scans_pools_and_scanners(pipeline: Pipeline) -> None:
    scan = await pipeline.client.submit(["10.10.0.3"], name=HOSTILE)
    await pipeline.client.wait(scan.id, timeout=60)
    listed, pools, scanners, unknown = await asyncio.gather(
        run(pipeline, "list", "--pool", "lab", "--status", "completed", "--limit", "1", "--json"),
        run(pipeline, "pools", "--json"),
        run(pipeline, "scanners", "--pool", "slow", "--json"),
        run(pipeline, "scanners", "--pool", "slaw", "--json"),
    )
    assert [(each["id"], each["name"]) for each in listed.document] == [(scan.id, HOSTILE)]
    assert [each["pool"] for each in pools.document] == ["lab", "slow"]
    assert [(each["scanner_instance"], each["ready"]) for each in scanners.document] == [("slow.s1", True)]
    assert (unknown.code, unknown.document["error"]["code"]) == (1, "unknown_pool")
    assert "did you mean 'slow'?" in unknown.err


async def test_a_hostile_name_does_nothing_to_the_terminal_of_whoever_looks(pipeline: Pipeline) -> None:
    scan = await pipeline.client.submit(["10.10.0.4"], name=HOSTILE)
    await pipeline.client.wait(scan.id, timeout=60)
    ways = (("list",), ("status", scan.id), ("status", scan.id, "--json"), ("events", "--limit", "3"))
    for seen in await asyncio.gather(*(run(pipeline, *words) for words in ways)):
        assert "evil" in seen.out
        assert set("\x1b\u202e").isdisjoint(seen.out)


async def test_events_are_followed_until_ctrl_c_and_kept_for_later(pipeline: Pipeline) -> None:
    words = ("events", "--follow", "--kind", "completed", "--pool", "lab", "--durable", "mine", "--json")
    process = await started(*words, environ=environ(pipeline))
    scan = await pipeline.client.submit(["10.10.0.5"], name="told")
    assert process.stdout is not None
    async with asyncio.timeout(60):
        while scan.id != (event := json.loads(await process.stdout.readline()))["scan"]["id"]:
            assert event["kind"] == "completed"
    assert (await interrupted(process)).code == 130
    kept = await run(pipeline, "events", "--kind", "completed", "--json")
    assert json.loads(kept.out.splitlines()[-1])["scan"]["id"] == scan.id


async def test_ctrl_c_ends_the_wait_and_not_the_scan(pipeline: Pipeline) -> None:
    scan = await a_slow_scan(pipeline)
    process = await started("status", scan, "--watch", environ=environ(pipeline))
    assert process.stderr is not None
    async with asyncio.timeout(60):
        assert b"running" in await process.stderr.readline()
    stopped = await interrupted(process)
    assert (stopped.code, stopped.out) == (130, "")
    assert "Traceback" not in stopped.err
    assert (await pipeline.client.status(scan)).status == "running"
    await pipeline.client.cancel(scan)


@pytest.mark.parametrize("words", [("list", "--json"), ("--help",), ("scan", "--help")])
async def test_a_reader_that_leaves_ends_the_command_quietly(pipeline: Pipeline, words: tuple[str, ...]) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    process = await started(*words, environ=environ(pipeline), stdout=writing)
    os.close(writing)
    left = await ended(process)
    assert (left.code, left.err) == (141, "")
