"""A client's limits hold over all admission processes together, each with a connection of its own to a real server."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

import msgspec
import pytest

from scanpool.admission.service import Admission
from scanpool.coordination.client_counts import ClientCounts, Counted
from scanpool.coordination.registry import register
from scanpool.runtime.jetstream import JetStream, Stored, Write
from scanpool_schemas import subjects
from scanpool_schemas.keys import ClientRule, LastAdmitted, PoolRules
from scanpool_schemas.scan import AnyScan, Failed, Queued
from tests.support.broker import Stand, standing
from tests.support.builders import a_request
from tests.support.client_counting import POOL, an_admission, ask
from tests.support.eventually import becomes

STREAM = subjects.pool_stream(POOL)
CLIENT = "https://idp.example/agents/night watch"
KEY = subjects.key(POOL, subjects.client_key(subjects.client_token(CLIENT)))
NETWORKS = ("10.0.0.0/16",)
REPLICAS = 3
REQUESTS = 20
LIMIT = 2


class CountingTogether(ClientCounts):
    """Goes on with its first count when every process has made its own."""

    def __init__(self, jetstream: JetStream, all_counted: asyncio.Barrier) -> None:
        super().__init__(jetstream)
        self._all_counted = all_counted
        self._first = True

    async def counted(self, pool: str, client: str, now: datetime) -> Counted:
        counted = await super().counted(pool, client, now)
        if self._first:
            self._first = False
            await self._all_counted.wait()
        return counted


@dataclass
class Replicas:
    """Admission processes."""

    stand: Stand
    admissions: Sequence[Admission]

    async def ask(self, number: int) -> AnyScan:
        """What the process whose turn it is makes of a request of the client."""
        request = a_request(client=CLIENT, owner=CLIENT)
        admission = self.admissions[number % len(self.admissions)]
        return await ask(admission, self.stand.jetstream, f"s{number}", request, datetime.now(UTC))

    async def key(self) -> Stored | None:
        """The client's key."""
        return await self.stand.jetstream.last(STREAM, KEY)


@asynccontextmanager
async def replicas(count: int, rule: ClientRule) -> AsyncIterator[Replicas]:
    async with standing((POOL,)) as stand:
        await register(stand.jetstream, POOL, PoolRules(clients=(rule,)))
        all_counted = asyncio.Barrier(count)
        connections = [await stand.connection() for _ in range(count)]
        yield Replicas(stand, [_admission(each, all_counted) for each in connections])


def _admission(jetstream: JetStream, all_counted: asyncio.Barrier) -> Admission:
    return an_admission(jetstream, CountingTogether(jetstream, all_counted), now=lambda: datetime.now(UTC))


@pytest.mark.parametrize(
    ("rule", "code"),
    [
        (ClientRule(subject=CLIENT, networks=NETWORKS, max_concurrent=LIMIT), "client_too_many_scans"),
        (ClientRule(subject=CLIENT, networks=NETWORKS, scans_per_hour=LIMIT), "client_too_fast"),
    ],
    ids=["at once", "an hour"],
)
async def test_of_requests_to_several_processes_at_once_exactly_as_many_are_admitted_as_may_be(
    rule: ClientRule, code: str
) -> None:
    async with replicas(REPLICAS, rule) as running:
        scans = await asyncio.gather(*(running.ask(number) for number in range(REQUESTS)))
        became = Counter(scan.error.code if isinstance(scan, Failed) else type(scan).__name__ for scan in scans)
        assert became == {"Queued": LIMIT, code: REQUESTS - LIMIT}
        key = await running.key()
        assert key is not None
        last = msgspec.json.decode(key.body, type=LastAdmitted)
        event = await running.stand.jetstream.last(STREAM, subjects.events_of(POOL, last.scan_id))
        assert event is not None
        assert (event.subject.split(".")[2], event.sequence) == ("queued-normal", key.sequence + 1)
        assert (last.client, key.headers["Nats-TTL"]) == (CLIENT, "3600s")


async def test_a_key_that_expired_or_was_deleted_stands_in_nobodys_way() -> None:
    async with replicas(1, ClientRule(subject=CLIENT, networks=NETWORKS, max_concurrent=4)) as running:
        assert isinstance(await running.ask(0), Queued)
        before = await running.key()
        assert before is not None
        short = Write(subject=KEY, body=before.body, headers={"Nats-TTL": "1s"}, expected_sequence=before.sequence)
        await running.stand.jetstream.publish(short)

        async def gone() -> bool:
            return await running.key() is None

        await becomes(gone)
        assert isinstance(await running.ask(1), Queued)
        deleted = Write(subject=KEY, body=b"", headers={"KV-Operation": "DEL"})
        await running.stand.jetstream.publish(deleted)
        assert isinstance(await running.ask(2), Queued)
        assert isinstance(await running.ask(3), Queued)
        assert isinstance(await running.ask(4), Failed)
