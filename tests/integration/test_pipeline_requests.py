"""What comes in at the one door: requests admitted, refused at once, or kept as dead letters."""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest
import pytest_asyncio

from scanpool_schemas import subjects
from tests.support.eventually import becomes
from tests.support.pipeline import Pipeline, Scanner, running_pipeline
from tests.support.watching import FASTER, dead_letter, in_a_task, on_scanner, reaches

pytestmark = pytest.mark.asyncio(loop_scope="module")

POOLS = {"lab": (Scanner("s1", capacity=4), Scanner("s2", capacity=4)), "slow": (Scanner("s1"),)}
RULES = {
    "allow": ["10.0.0.0/8", "*.corp.example"],
    "exclude": [{"target": "10.9.0.0/16", "reason": "frozen by the change board"}],
}
MINIMAL = b'{"targets":["10.10.0.1"],"name":"weekly"}'


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def pipeline() -> AsyncIterator[Pipeline]:
    async with in_a_task(running_pipeline(POOLS, settings=FASTER, rules=RULES)) as running:
        yield running


async def _requested(pipeline: Pipeline, subject: str, body: bytes) -> dict[str, Any]:
    """What the server answers to a plain NATS request, as `nats req` prints it."""
    answer = await pipeline.jetstream.client.request(subject, body, timeout=60)
    document: dict[str, Any] = json.loads(answer.data)
    return document


async def test_a_request_written_by_hand_is_acknowledged_and_its_scan_completes(pipeline: Pipeline) -> None:
    answer = await _requested(pipeline, "scan.lab.requested.by-hand", MINIMAL)
    assert answer["stream"] == "SCAN_REQUESTS"
    assert "error" not in answer
    ended = await reaches(pipeline, "by-hand", {"completed"})
    assert ended.name == "weekly"


async def test_a_second_request_is_refused_by_the_server_while_the_first_is_not_answered() -> None:
    async with running_pipeline(services=()) as pipeline:
        assert "error" not in await _requested(pipeline, "scan.lab.requested.twice", MINIMAL)
        second = await _requested(pipeline, "scan.lab.requested.twice", MINIMAL)
        assert second["error"]["err_code"] == 10077


async def test_the_same_request_under_the_same_id_is_one_scan(pipeline: Pipeline) -> None:
    subject = "scan.lab.requested.again"
    await _requested(pipeline, subject, MINIMAL)
    await reaches(pipeline, "again", {"completed"})
    answer = await _requested(pipeline, subject, b' {"name": "weekly", "targets": ["10.10.0.1"]}')
    assert "error" not in answer
    await becomes(lambda: _answered(pipeline, subject))
    assert (await pipeline.client.status("again")).state == "completed"
    rows = [*await on_scanner(pipeline, "lab.s1", "again"), *await on_scanner(pipeline, "lab.s2", "again")]
    assert [row["created"] for row in rows] == [1]
    assert await pipeline.jetstream.last(subjects.SCAN_DLQ, "dlq.lab.*.again.*") is None


async def _answered(pipeline: Pipeline, subject: str) -> bool:
    return await pipeline.jetstream.last(subjects.SCAN_REQUESTS, subject) is None


async def test_another_request_under_the_same_id_is_a_dead_letter_that_names_the_difference(
    pipeline: Pipeline,
) -> None:
    await _requested(pipeline, "scan.lab.requested.other", MINIMAL)
    await reaches(pipeline, "other", {"completed"})
    different = b'{"targets":["10.10.0.1"],"name":"monthly"}'
    await _requested(pipeline, "scan.lab.requested.other", different)
    letter = await dead_letter(pipeline, "dlq.lab.*.other.*")
    assert (letter.reason, letter.body) == ("id_conflict", different.decode())
    assert letter.message.endswith("was asked for differently in: name")
    assert (await pipeline.client.status("other")).name == "weekly"


@pytest.mark.parametrize(
    ("request_", "code"),
    [
        ({"targets": ["224.0.0.1"]}, "impossible_target"),
        ({"targets": ["10.9.1.1"]}, "target_excluded"),
        ({"targets": ["192.0.2.1"]}, "target_not_allowed"),
        ({"targets": ["10.10.0.1-"]}, "invalid_target"),
        ({"exclude": ["10.10.0.0/24"]}, "nothing_to_scan"),
        ({"scanner": "s3"}, "unknown_scanner"),
        ({"scan_type": "authenticated", "credential_ref": "linus"}, "unknown_credential"),
    ],
)
async def test_what_cannot_be_carried_out_is_refused_at_once_with_a_code(
    pipeline: Pipeline, request_: dict[str, Any], code: str
) -> None:
    body = json.dumps({"targets": ["10.10.0.1"], "name": "one", **request_}).encode()
    await _requested(pipeline, f"scan.lab.requested.refused-{code}", body)
    ended = await reaches(pipeline, f"refused-{code}", {"failed"})
    assert (ended.status, ended.error and ended.error.code) == ("failed", code)
    assert [entry.state for entry in ended.timeline] == ["failed"]


@pytest.mark.parametrize(
    ("subject", "body", "letter_at", "reason"),
    [
        ("scan.lab.requested.not-json", b"{targets", "dlq.lab.*.not-json.*", "invalid_request"),
        ("scan.lab.requested.wrong-type", b'{"targets":"10.1.1.1"}', "dlq.lab.*.wrong-type.*", "invalid_request"),
        ("scan.lab.requested.not-utf8", b'{"name":"\xff\xfe"}', "dlq.lab.*.not-utf8.*", "invalid_request"),
        ("scan.lab.requested.bad!id", MINIMAL, "dlq.lab.*._.*", "invalid_request"),
        ("scan.nowhere.requested.lost", MINIMAL, "dlq.nowhere.*.lost.*", "unknown_pool"),
        ("scan.Bad!Pool.requested.lost", MINIMAL, "dlq._.*.lost.*", "invalid_request"),
        ("scan.lab.cancel.never-asked-for", b'{"by":"me"}', "dlq.lab.*.never-asked-for.*", "unknown_scan"),
        ("scan.nowhere.cancel.nobody", b"", "dlq.nowhere.*.nobody.*", "unknown_pool"),
    ],
    ids=lambda value: value if isinstance(value, str) and value.startswith("scan.") else "",
)
async def test_what_never_becomes_a_scan_is_kept_byte_for_byte_with_the_reason(
    pipeline: Pipeline, subject: str, body: bytes, letter_at: str, reason: str
) -> None:
    await _requested(pipeline, subject, body)
    letter = await dead_letter(pipeline, letter_at)
    assert (letter.reason, letter.subject) == (reason, subject)
    kept = base64.b64decode(letter.body_base64) if letter.body_base64 else (letter.body or "").encode()
    assert kept == body
    await becomes(lambda: _answered(pipeline, subject))


async def test_a_request_is_told_which_field_was_probably_meant(pipeline: Pipeline) -> None:
    await _requested(pipeline, "scan.lab.requested.nearly", b'{"targets":["10.1.1.1"],"name":"x","exclud":[]}')
    letter = await dead_letter(pipeline, "dlq.lab.*.nearly.*")
    assert "did you mean 'exclude'" in letter.message


async def test_a_scan_that_names_its_scanner_runs_there(pipeline: Pipeline) -> None:
    scans = [await pipeline.client.submit(["10.10.0.1"], name="one", pool="lab", scanner="s2") for _ in range(2)]
    ended = [await pipeline.client.wait(scan.id, timeout=60) for scan in scans]
    assert {(each.status, each.scanner_instance) for each in ended} == {("completed", "lab.s2")}


async def test_an_idempotency_key_names_one_scan(pipeline: Pipeline) -> None:
    first = await pipeline.client.submit(["10.10.0.1"], name="one", pool="lab", owner="me", idempotency_key="k1")
    await pipeline.client.wait(first.id, timeout=60)
    second = await pipeline.client.submit(["10.10.0.1"], name="one", pool="lab", owner="me", idempotency_key="k1")
    assert (second.id, second.duplicate) == (first.id, True)


async def test_ends_reach_the_streams_of_those_who_subscribe(pipeline: Pipeline) -> None:
    await _requested(pipeline, "scan.lab.requested.heard", MINIMAL)
    await _requested(pipeline, "scan.lab.requested.unheard", b'{"targets":["10.9.0.1"],"name":"x"}')
    await becomes(lambda: _has(pipeline, subjects.SCAN_COMPLETED, "scan.lab.completed.heard"))
    await becomes(lambda: _has(pipeline, subjects.SCAN_FAILED, "scan.lab.failed.unheard"))
    assert not await _has(pipeline, subjects.SCAN_FAILED, "scan.lab.completed.heard")


async def _has(pipeline: Pipeline, stream: str, subject: str) -> bool:
    return await pipeline.jetstream.last(stream, subject) is not None


async def test_a_process_limited_to_a_pool_never_calls_the_scanners_of_another() -> None:
    pools = {"dmz": (Scanner("s1"),), "lab": (Scanner("s1"),)}
    async with running_pipeline(pools, services=()) as pipeline:
        witness = await pipeline.emulators["lab.s1"].control.fault("slow", seconds=0.0, times=1000)
        await pipeline.start(settings=replace(pipeline.settings, pools=("dmz",)))
        await pipeline.client.submit(["10.10.0.1"], name="one", pool="dmz", id="inside")
        await _requested(pipeline, "scan.lab.requested.outside", MINIMAL)
        assert (await pipeline.client.wait("inside", timeout=60)).status == "completed"
        faults = await pipeline.emulators["lab.s1"].api.get("/_control/faults")
        assert faults.json()["faults"] == [witness], "each request would have used the fault once"
        assert not await _answered(pipeline, "scan.lab.requested.outside")
