"""The same request from many sides at once is one scan; a different one of the same key is told what differs."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

import pytest
import pytest_asyncio

from scanpool.client import IdConflict, ScanPool, Submitted
from scanpool.runtime.jetstream import Stored
from scanpool_schemas import subjects
from scanpool_schemas.events import DeadLetter
from scanpool_schemas.names import derived_scan_id
from tests.support.eventually import becomes
from tests.support.pipeline import Pipeline, Scanner, running_pipeline
from tests.support.watching import FASTER, dead_letter, in_a_task, launches, on_scanner

pytestmark = pytest.mark.asyncio(loop_scope="module")

TARGETS = ["10.10.0.1"]
AT_ONCE = 6
"""Publishers of each kind."""


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def pipeline() -> AsyncIterator[Pipeline]:
    """Two replicas of every service."""
    async with in_a_task(running_pipeline({"lab": (Scanner("s1", capacity=4),)}, settings=FASTER)) as running:
        await running.start()
        yield running


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def publishers(pipeline: Pipeline) -> AsyncIterator[list[ScanPool]]:
    """Clients with a connection each."""
    async with AsyncExitStack() as stack:
        yield [await stack.enter_async_context(await ScanPool.connect(pipeline.nats.url)) for _ in range(AT_ONCE)]


async def _by_hand(pipeline: Pipeline, scan_id: str, **request: Any) -> dict[str, Any]:
    """What the server answers to a request that somebody published without the library."""
    body = json.dumps(request).encode()
    answer = await pipeline.jetstream.client.request(subjects.requested("lab", scan_id), body, timeout=60)
    document: dict[str, Any] = json.loads(answer.data)
    return document


async def _all_answered(pipeline: Pipeline, scan_id: str) -> None:
    async def answered() -> bool:
        subject = subjects.requested("lab", scan_id)
        return await pipeline.jetstream.last(subjects.SCAN_REQUESTS, subject) is None

    await becomes(answered)


async def _letters(pipeline: Pipeline, scan_id: str) -> list[Stored]:
    found, sequence, subject = [], 1, f"dlq.lab.*.{scan_id}.*"
    while stored := await pipeline.jetstream.next_from(subjects.SCAN_DLQ, sequence, subject):
        found.append(stored)
        sequence = stored.sequence + 1
    return found


async def test_one_key_from_many_publishers_at_once_is_one_scan(pipeline: Pipeline, publishers: list[ScanPool]) -> None:
    scan_id = derived_scan_id("me", "weekly")
    request = {"targets": TARGETS, "name": "one", "owner": "me", "idempotency_key": "weekly"}
    library = [each.submit(TARGETS, name="one", owner="me", idempotency_key="weekly") for each in publishers]
    hands = [_by_hand(pipeline, scan_id, **request) for _ in range(AT_ONCE)]
    submitted, _ = await asyncio.gather(asyncio.gather(*library), asyncio.gather(*hands))
    assert {(each.id, each.pool) for each in submitted} == {(scan_id, "lab")}
    ended = await pipeline.client.wait(scan_id, timeout=60)
    late = await _by_hand(pipeline, scan_id, **request)
    assert "error" not in late
    await _all_answered(pipeline, scan_id)
    again = await publishers[0].submit(TARGETS, name="one", owner="me", idempotency_key="weekly")
    assert again == Submitted(id=scan_id, pool="lab", duplicate=True)
    assert (ended.status, ended.run) == ("completed", 1)
    assert [entry.state for entry in ended.timeline].count("queued-normal") == 1
    assert [row["created"] for row in await on_scanner(pipeline, "lab.s1", scan_id)] == [1]
    assert await launches(pipeline, scan_id) == {"lab.s1": 1}
    assert await _letters(pipeline, scan_id) == []


async def test_of_different_requests_of_one_key_at_once_one_is_carried_out_and_every_other_is_told(
    pipeline: Pipeline, publishers: list[ScanPool]
) -> None:
    scan_id = derived_scan_id("", "contended")
    asked = [each.submit(TARGETS, name=f"n{n}", idempotency_key="contended") for n, each in enumerate(publishers)]
    answers = await asyncio.gather(*asked, return_exceptions=True)
    await _all_answered(pipeline, scan_id)
    ended = await pipeline.client.wait(scan_id, timeout=60)
    refused = [each for each in answers if isinstance(each, IdConflict)]
    taken = [each for each in answers if isinstance(each, Submitted)]
    assert len(refused) + len(taken) == AT_ONCE
    letters = await _letters(pipeline, scan_id)
    assert len(taken) == 1 + len(letters), "who was not refused at once is in the dead letters"
    assert all(str(each).endswith("differs in: name") for each in refused)
    assert ended.name in {f"n{n}" for n in range(AT_ONCE)}
    assert await launches(pipeline, scan_id) == {"lab.s1": 1}


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"targets": ["10.10.0.2"]}, "targets"),
        ({"name": "two", "priority": "high"}, "name, priority"),
        ({"max_duration_s": 60}, "max_duration_s"),
    ],
)
async def test_another_request_by_hand_of_a_librarys_key_is_a_dead_letter_that_names_the_difference(
    pipeline: Pipeline, changes: dict[str, Any], named: str
) -> None:
    request = {"targets": TARGETS, "name": "one", "idempotency_key": f"mixed {named}"}
    scan = await pipeline.client.submit(**request)  # type: ignore[arg-type]
    await pipeline.client.wait(scan.id, timeout=60)
    await _by_hand(pipeline, scan.id, **{**request, **changes})
    letter: DeadLetter = await dead_letter(pipeline, f"dlq.lab.*.{scan.id}.*")
    assert letter.reason == "id_conflict"
    assert letter.message.endswith(f"asked for differently in: {named}")
    assert (await pipeline.client.status(scan.id)).name == "one"
    with pytest.raises(IdConflict, match=f"differs in: {named}$"):
        await pipeline.client.submit(**{**request, **changes})


async def test_a_request_that_is_repeated_while_the_first_waits_is_refused_by_the_server_and_is_the_same_scan() -> None:
    async with running_pipeline(services=(), settings=FASTER) as own:
        first = await own.client.submit(TARGETS, name="one", pool="lab", idempotency_key="k")
        second = await _by_hand(own, first.id, targets=TARGETS, name="one", idempotency_key="k")
        assert second["error"]["err_code"] == 10077
        again = await own.client.submit(TARGETS, name="one", pool="lab", idempotency_key="k")
        assert again == Submitted(id=first.id, pool="lab", duplicate=True)
        with pytest.raises(IdConflict, match=r"differs in: name$"):
            await own.client.submit(TARGETS, name="two", pool="lab", idempotency_key="k")
