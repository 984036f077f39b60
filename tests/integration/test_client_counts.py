"""How many scans a client of the bridge has: counted on a real server, in events as the services write them."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from nats.aio.client import Client
from nats.aio.msg import Msg

from scanpool.coordination.client_counts import LIVE, ClientCounts, Counted
from scanpool.coordination.client_policy import Counts
from scanpool.runtime.errors import BrokerUnavailable
from scanpool.runtime.jetstream import JetStream, Stored, Write
from scanpool.runtime.topology.apply import apply
from scanpool.runtime.topology.definitions import topology
from scanpool_schemas import subjects
from scanpool_schemas.keys import LastAdmitted
from scanpool_schemas.scan import STRUCT_OF, AnyScan, state_of
from tests.support.broker import Stand, standing
from tests.support.builders import (
    a_completed_scan,
    a_dead_scan,
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


async def test_what_is_older_than_the_hour_is_not_read_where_it_is_over() -> None:
    async with standing((POOL,)) as stand:
        await store(stand, *(mine(a_completed_scan(), f"old-{n}") for n in range(3)))
        await store(stand, mine(a_queued_scan(), "waits"))
        swept: list[tuple[str, int]] = []

        async def heard(message: Msg) -> None:
            if ".sweep-" in message.subject:  # the server has consumers of its own, for streams that take from this one
                config = msgspec.json.decode(message.data)["config"]
                swept.append((config["filter_subject"], config["opt_start_seq"]))

        async with stand.jetstream.hearing("$JS.API.CONSUMER.CREATE.>", heard):
            assert await ClientCounts(stand.jetstream).of(POOL, "agent", NOW + 2 * HOUR) == Counts(live=1, last_hour=0)
            await stand.jetstream.client.flush()
        assert swept[:-1] == [(subjects.event(POOL, state, "*"), 1) for state in LIVE]
        assert swept[-1] == (subjects.events_of(POOL, "*"), 5)


async def test_the_hour_begins_with_the_first_event_that_was_stored_within_it() -> None:
    async with standing((POOL,)) as stand:
        await store(stand, *(mine(a_completed_scan(), f"old-{n}") for n in range(5)))
        since = await time_of_the_last(stand)
        await store(stand, *(mine(a_completed_scan(), f"new-{n}", -HOUR) for n in range(6)))
        now = since + HOUR + timedelta(microseconds=1)
        assert await ClientCounts(stand.jetstream).of(POOL, "agent", now) == Counts(live=0, last_hour=6)


async def time_of_the_last(stand: Stand) -> datetime:
    stored = await stand.jetstream.last(subjects.pool_stream(POOL), subjects.events_of(POOL, "*"))
    assert stored is not None
    return stored.time


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
        assert sum(".sweep-" in look for look in looks) == 1, "what is new since"
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


async def test_scans_that_are_over_or_were_refused_are_not_read_again() -> None:
    async with standing((POOL,)) as stand:
        refused = a_failed_scan(timeline=a_failed_scan().timeline[-1:])
        await store(
            stand, mine(a_running_scan(), "runs"), mine(a_completed_scan(), "over"), mine(a_failed_scan(), "too")
        )
        await store(stand, *(mine(refused, f"r{n}") for n in range(50)))
        counts, reads = ClientCounts(stand.jetstream), list[bytes]()
        await counts.of(POOL, "agent", NOW)

        async def heard(message: Msg) -> None:
            reads.append(message.data)

        async with stand.jetstream.hearing("$JS.API.STREAM.MSG.GET.>", heard):
            assert await counts.of(POOL, "agent", NOW) == Counts(live=1, last_hour=3)
            await stand.jetstream.client.flush()
        assert [each for each in reads if b"last_by_subj" in each] == [b'{"last_by_subj":"scan.lab.*.runs"}']


async def test_a_scan_that_was_retried_is_live_again() -> None:
    async with standing((POOL,)) as stand:
        counts = ClientCounts(stand.jetstream)
        await store(stand, mine(a_dead_scan(), "s1"))
        assert (await counts.of(POOL, "agent", NOW)).live == 0
        await store(stand, mine(a_queued_scan(), "s1"))
        assert (await counts.of(POOL, "agent", NOW)).live == 1


async def move_key(stand: Stand, scan_id: str) -> int:
    """The client's key as an admission writes it; answers its revision."""
    moved = LastAdmitted(client="agent", scan_id=scan_id, at=NOW)
    key = subjects.key(POOL, subjects.client_key(subjects.client_token("agent")))
    return await stand.jetstream.publish(Write(subject=key, body=msgspec.json.encode(moved)))


async def test_a_count_waits_for_the_scan_that_the_key_of_its_client_speaks_of() -> None:
    async with standing((POOL,)) as stand:
        counts = ClientCounts(stand.jetstream)
        await store(stand, mine(a_queued_scan(), "s1"))
        revision = await move_key(stand, "s2")
        counting = asyncio.create_task(counts.counted(POOL, "agent", NOW))
        await looked_often(stand)
        assert not counting.done()
        await store(stand, mine(a_queued_scan(), "s2"))
        assert await counting == Counted(counts=Counts(live=2, last_hour=2), revision=revision)


async def looked_often(stand: Stand) -> None:
    """Somebody has read the pool three times."""
    looks, often = 0, asyncio.Event()

    async def heard(message: Msg) -> None:
        nonlocal looks
        looks += ".sweep-" in message.subject
        if looks == 3:
            often.set()

    async with stand.jetstream.hearing("$JS.API.CONSUMER.CREATE.>", heard), asyncio.timeout(60):
        await often.wait()


async def test_what_stays_behind_the_key_of_its_client_is_not_counted() -> None:
    async with standing((POOL,)) as stand:
        await store(stand, mine(a_queued_scan(), "s1"))
        await move_key(stand, "s2")
        with pytest.raises(BrokerUnavailable, match="behind"):
            await ClientCounts(stand.jetstream).counted(POOL, "agent", NOW)
        assert (await ClientCounts(stand.jetstream).of(POOL, "agent", NOW)).live == 1


class Meanwhile(JetStream):
    """At its first call of the operation a scan's event gives way to a newer one of the same state."""

    def __init__(self, client: Client, operation: str, scan: AnyScan) -> None:
        super().__init__(client)
        self._operation = operation
        self._scan = scan
        self._over = False

    async def api(self, operation: str, request: object, answer: type[Any]) -> Any:
        answered = await super().api(operation, request, answer)
        if operation.startswith(self._operation) and not self._over:
            self._over = True
            subject = subjects.event(POOL, state_of(self._scan), self._scan.id)
            await self.publish(Write(subject=subject, body=msgspec.json.encode(self._scan)))
        return answered


@pytest.mark.parametrize(
    ("operation", "asked_ago"),
    [("STREAM.INFO", timedelta(0)), ("CONSUMER.CREATE", timedelta(0)), ("CONSUMER.CREATE", 2 * HOUR)],
    ids=["before the reading", "in the reading", "in the reading of what is older"],
)
async def test_a_scan_whose_event_gives_way_while_it_is_read_is_counted(operation: str, asked_ago: timedelta) -> None:
    async with standing((POOL,)) as stand:
        scan = mine(a_queued_scan(), "s1")
        await store(stand, scan)
        jetstream = Meanwhile(stand.jetstream.client, operation, scan)
        assert (await ClientCounts(jetstream).of(POOL, "agent", NOW + asked_ago)).live == 1


class Deposed(JetStream):
    """Reads last events from a leader that was deposed before the scan was retried, or before there was one."""

    def __init__(self, client: Client, known: Stored | None) -> None:
        super().__init__(client)
        self._known = known

    async def last(self, stream: str, subject: str) -> Stored | None:
        return self._known


@pytest.mark.parametrize("knows", ["an older event", "no event"])
async def test_what_a_deposed_leader_says_of_a_scan_does_not_count_against_what_was_read(knows: str) -> None:
    async with standing((POOL,)) as stand:
        await store(stand, mine(a_dead_scan(), "s1"))
        older = await stand.jetstream.last(subjects.pool_stream(POOL), subjects.events_of(POOL, "s1"))
        await store(stand, mine(a_queued_scan(), "s1"))
        deposed = Deposed(stand.jetstream.client, older if knows == "an older event" else None)
        assert (await ClientCounts(deposed).of(POOL, "agent", NOW)).live == 1


class Behind(JetStream):
    """Its leader has one event more than the replica that it reads through consumers."""

    async def next_from(self, stream: str, sequence: int, subject: str) -> Stored | None:
        found = await super().next_from(stream, sequence, subject)
        return found or Stored(subject=subject, sequence=sequence, body=b"{}", headers={}, time=NOW)


@pytest.mark.parametrize("asked_ago", [timedelta(0), 2 * HOUR], ids=["of the hour", "from before it"])
async def test_what_the_leader_has_and_the_replica_has_not_is_missed(asked_ago: timedelta) -> None:
    async with standing((POOL,)) as stand:
        await store(stand, mine(a_queued_scan(), "s1"))
        await pass_over(stand, 100)
        with pytest.raises(BrokerUnavailable, match="behind"):
            await ClientCounts(Behind(stand.jetstream.client)).of(POOL, "agent", NOW + asked_ago)
