"""How many scans a client of the bridge has: counted on a real server, in events as the services write them."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from nats.aio.msg import Msg

from scanpool.coordination.client_counts import LIVE, ClientCounts
from scanpool.coordination.client_policy import Counts
from scanpool.runtime.backwards import FIRST_WINDOW
from scanpool.runtime.jetstream import Write
from scanpool.runtime.topology.apply import apply
from scanpool.runtime.topology.definitions import topology
from scanpool_schemas import subjects
from scanpool_schemas.scan import STRUCT_OF, AnyScan, state_of
from tests.support.broker import Stand, standing
from tests.support.builders import (
    a_completed_scan,
    a_failed_scan,
    a_pending_scan,
    a_queued_scan,
    a_request,
    a_running_scan,
    every_state,
)

POOL = "lab"
MINE = a_request(client="agent")
NOW = datetime.now(UTC)
HOUR = timedelta(hours=1)


async def store(stand: Stand, *scans: AnyScan, pool: str = POOL) -> None:
    for scan in scans:
        subject = subjects.event(pool, state_of(scan), scan.id)
        await stand.jetstream.publish(Write(subject=subject, body=msgspec.json.encode(scan)))


async def pass_over(stand: Stand, sequences: int) -> None:
    """What a stream has let go of leaves gaps between its sequences."""
    key = Write(subject=subjects.key(POOL, "control"), body=b"{}")
    for _ in range(0, sequences, 100):
        await asyncio.gather(*(stand.jetstream.publish(key) for _ in range(100)))


def mine(scan: AnyScan, scan_id: str, asked_ago: timedelta = timedelta(0)) -> AnyScan:
    request = msgspec.structs.replace(scan.request, client="agent")
    return msgspec.structs.replace(scan, id=scan_id, request=request, submitted_at=NOW - asked_ago)


def test_every_state_that_is_no_end_is_live() -> None:
    assert set(STRUCT_OF) - set(LIVE) == {"completed", "failed", "dead"}


async def test_scans_that_are_not_over_are_live_in_whatever_state_and_however_old() -> None:
    async with standing((POOL, "dmz")) as stand:
        scans = [mine(scan, f"s{n}", timedelta(days=3)) for n, scan in enumerate(every_state())]
        await store(stand, *scans)
        await store(stand, a_queued_scan(a_request(client="agent-2"), id="other"), a_queued_scan(id="nobody's"))
        await store(stand, a_queued_scan(MINE, id="elsewhere"), pool="dmz")
        live = sum(state_of(scan) in LIVE for scan in scans)
        assert await ClientCounts(stand.jetstream).of(POOL, "agent", NOW) == Counts(live=live, last_hour=0)


async def test_a_scan_counts_once_as_its_last_event_says() -> None:
    async with standing((POOL,)) as stand:
        steps = (a_pending_scan(MINE), a_queued_scan(MINE), a_running_scan(MINE))
        await store(stand, *(mine(scan, "s1") for scan in steps))
        counts = ClientCounts(stand.jetstream)
        assert await counts.of(POOL, "agent", NOW) == Counts(live=1, last_hour=1)
        await store(stand, mine(a_completed_scan(), "s1"))
        assert await counts.of(POOL, "agent", NOW) == Counts(live=0, last_hour=1)


async def test_the_hour_is_counted_from_when_scans_were_asked_for_and_leaves_refused_ones_out() -> None:
    async with standing((POOL,)) as stand:
        refused = a_failed_scan(timeline=a_failed_scan().timeline[-1:])
        await store(
            stand,
            mine(a_completed_scan(), "now"),
            mine(a_completed_scan(), "just", HOUR - timedelta(seconds=1)),
            mine(a_completed_scan(), "no-more", HOUR),
            mine(a_failed_scan(), "cancelled"),
            mine(refused, "refused"),
        )
        assert (await ClientCounts(stand.jetstream).of(POOL, "agent", NOW)).last_hour == 3


async def test_the_hour_is_counted_from_the_end_of_the_stream_and_no_further_back() -> None:
    async with standing((POOL,)) as stand:
        await store(stand, mine(a_completed_scan(), "old"), mine(a_queued_scan(), "waits"))
        await pass_over(stand, 2 * FIRST_WINDOW)
        await store(stand, mine(a_completed_scan(), "new", -2 * HOUR))
        looks: list[str] = []

        async def heard(message: Msg) -> None:
            looks.append(message.subject)

        async with stand.jetstream.hearing("$JS.API.CONSUMER.CREATE.>", heard):
            counts = await ClientCounts(stand.jetstream).of(POOL, "agent", NOW + 2 * HOUR)
            await stand.jetstream.client.flush()
        assert counts == Counts(live=1, last_hour=1)
        assert len([each for each in looks if each.endswith(".scan.lab.*.*")]) == 2, "its end, and what came meanwhile"


@pytest.mark.parametrize(("since", "live"), [(timedelta(0), 1), (timedelta(minutes=2), 0)])
async def test_what_this_process_admitted_counts_though_a_reader_may_not_have_seen_it_yet(
    since: timedelta, live: int
) -> None:
    async with standing((POOL,)) as stand:
        scan = a_queued_scan(MINE, id="s1", at=NOW - since, submitted_at=NOW)
        unseen = msgspec.structs.replace(scan, request=a_request())
        await store(stand, unseen)
        counts = ClientCounts(stand.jetstream)
        counts.admitted(scan)
        assert (await counts.of(POOL, "agent", NOW)).live == live


async def test_what_was_read_once_is_not_read_again_and_what_is_new_is_counted() -> None:
    async with standing((POOL,)) as stand:
        await store(stand, *(mine(a_queued_scan(), f"s{n}") for n in range(3)))
        counts = ClientCounts(stand.jetstream)
        assert await counts.of(POOL, "agent", NOW) == Counts(live=3, last_hour=3)
        await store(stand, mine(a_queued_scan(), "s3"), mine(a_completed_scan(), "s0"))
        looks: list[str] = []

        async def heard(message: Msg) -> None:
            looks.append(message.subject)

        async with stand.jetstream.hearing("$JS.API.CONSUMER.CREATE.>", heard):
            assert await counts.of(POOL, "agent", NOW) == Counts(live=3, last_hour=4)
            await stand.jetstream.client.flush()
        assert len(looks) == 1, "what is new since"
        assert await counts.of(POOL, "agent", NOW + 2 * HOUR) == Counts(live=3, last_hour=0)


async def test_scans_of_a_stream_that_was_made_anew_are_counted_anew() -> None:
    async with standing((POOL,)) as stand:
        await store(stand, *(mine(a_queued_scan(), f"s{n}") for n in range(3)))
        counts = ClientCounts(stand.jetstream)
        assert (await counts.of(POOL, "agent", NOW)).live == 3
        await stand.jetstream.api(f"STREAM.DELETE.{subjects.pool_stream(POOL)}", None, dict[str, Any])
        await apply(stand.jetstream, topology((POOL,), replicas=1))
        await store(stand, mine(a_queued_scan(), "s9"))
        assert (await counts.of(POOL, "agent", NOW)).live == 1
