"""Listing a pool's scans from the end of its stream: real server, events as the services write them."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from nats.aio.msg import Msg

from scanpool.client.listing import newest
from scanpool.runtime.backwards import FIRST_WINDOW
from scanpool.runtime.jetstream import Write
from scanpool_schemas import subjects
from scanpool_schemas.scan import AnyScan, state_of
from scanpool_schemas.status import Status
from tests.support.broker import Stand, standing
from tests.support.builders import (
    NOW,
    a_completed_scan,
    a_failed_scan,
    a_launching_scan,
    a_queued_scan,
    a_running_scan,
)

POOL = "lab"


async def store(stand: Stand, *scans: AnyScan) -> None:
    for scan in scans:
        subject = subjects.event(POOL, state_of(scan), scan.id)
        await stand.jetstream.publish(Write(subject=subject, body=msgspec.json.encode(scan)))


async def pass_over(stand: Stand, sequences: int) -> None:
    """What a stream has let go of leaves gaps between its sequences."""
    key = Write(subject=subjects.key(POOL, "control"), body=b"{}")
    for _ in range(0, sequences, 100):
        await asyncio.gather(*(stand.jetstream.publish(key) for _ in range(100)))


async def listed(stand: Stand, *status: Status, limit: int | None = None) -> list[str]:
    return [scan.id for scan in await newest(stand.jetstream, POOL, status, limit)]


async def test_the_newest_by_when_they_were_asked_for_come_first() -> None:
    async with standing((POOL,)) as stand:
        ages = (5, 1, 9, 3)
        await store(stand, *(a_queued_scan(id=f"s{n}", submitted_at=NOW - timedelta(minutes=n)) for n in ages))
        assert await listed(stand) == ["s1", "s3", "s5", "s9"]
        assert await listed(stand, limit=2) == ["s1", "s3"]


async def test_a_scan_is_listed_once_as_its_last_event_says() -> None:
    async with standing((POOL,)) as stand:
        await store(stand, a_queued_scan(), a_launching_scan(), a_running_scan())
        assert [state_of(scan) for scan in await newest(stand.jetstream, POOL, (), 10)] == ["running"]
        assert await listed(stand, "running") == ["s1"]
        assert await listed(stand, "queued") == []


async def test_a_page_is_right_however_far_back_it_reaches() -> None:
    async with standing((POOL,)) as stand:
        await store(stand, a_completed_scan(id="old", submitted_at=NOW - timedelta(days=1)))
        await pass_over(stand, 3 * FIRST_WINDOW)
        await store(stand, a_queued_scan(id="new"))
        assert await listed(stand, limit=2) == ["new", "old"]
        assert await listed(stand, "completed", limit=1) == ["old"]


async def test_an_old_scan_that_has_just_changed_does_not_hide_newer_ones() -> None:
    async with standing((POOL,)) as stand:
        await store(stand, a_queued_scan(id="newer", submitted_at=NOW))
        await pass_over(stand, 2 * FIRST_WINDOW)
        await store(stand, a_completed_scan(id="older", submitted_at=NOW - timedelta(days=2)))
        assert await listed(stand, limit=1) == ["newer"]


async def test_a_full_page_looks_no_further_back() -> None:
    async with standing((POOL,)) as stand:
        await store(stand, a_completed_scan(id="old"))
        await pass_over(stand, 2 * FIRST_WINDOW)
        for number in range(3):
            await store(stand, a_queued_scan(id=f"s{number}", submitted_at=datetime.now(UTC)))
        looks: list[str] = []

        async def heard(message: Msg) -> None:
            if ".sweep-" in message.subject:  # not of the server, which reads streams for others
                looks.append(message.subject)

        async with stand.jetstream.hearing("$JS.API.CONSUMER.CREATE.>", heard):
            assert await listed(stand, limit=2) == ["s2", "s1"]
            await stand.jetstream.client.flush()
        assert len(looks) == 2, "its last events, and what came while they were read"


@pytest.mark.parametrize(("status", "expected"), [("failed", ["f"]), ("timeout", ["t"]), ("cancelled", [])])
async def test_ends_that_share_a_state_are_told_apart(status: Status, expected: list[str]) -> None:
    async with standing((POOL,)) as stand:
        await store(stand, a_failed_scan(id="f"), a_failed_scan(id="t", end="timeout"), a_completed_scan(id="c"))
        assert await listed(stand, status, limit=10) == expected
