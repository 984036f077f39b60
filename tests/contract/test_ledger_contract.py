"""What a commit promises: the same over JetStream in memory and over a real nats-server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from itertools import count

import pytest
import pytest_asyncio

from scanpool.coordination import registry, transitions
from scanpool.coordination.ledger import Held, Ledger
from scanpool.coordination.state_table import IllegalTransition
from scanpool.coordination.transitions import Change
from scanpool.runtime.errors import BrokerUnavailable, PublishUnknown, TopologyMissing
from scanpool.runtime.jetstream import JetStream, Write
from scanpool.runtime.topology.apply import apply, pools_in_nats
from scanpool.runtime.topology.definitions import topology
from scanpool_schemas import subjects
from scanpool_schemas.keys import PoolRules, ScannerRule
from scanpool_schemas.scan import Failed, Launching, Queued
from tests.support.builders import (
    a_lease,
    a_mark,
    a_result,
    a_stop,
    a_submission,
    a_validating_scan,
    an_error,
)
from tests.support.fake_jetstream import FakeJetStream
from tests.support.pipeline import connected_jetstream, embedded_nats
from tests.support.watching import in_a_task

pytestmark = pytest.mark.asyncio(loop_scope="module")

_pools = count(1)


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def nats_url() -> AsyncIterator[str]:
    async with in_a_task(embedded_nats()) as server:
        yield server.url


@pytest_asyncio.fixture(loop_scope="module", params=["in memory", "nats-server"])
async def broker(request: pytest.FixtureRequest, nats_url: str) -> AsyncIterator[tuple[JetStream, str]]:
    """JetStream, and a pool of its own with a scanner `a` of two places."""
    pool = f"pool{next(_pools)}"
    if request.param == "in memory":
        jetstream: JetStream = FakeJetStream([pool])
        await _registered(jetstream, pool)
        yield jetstream, pool
        return
    async with connected_jetstream(nats_url) as jetstream:
        await apply(jetstream, topology((pool,), replicas=1))
        await _registered(jetstream, pool)
        yield jetstream, pool


async def _registered(jetstream: JetStream, pool: str) -> None:
    rules = PoolRules(scanners=(ScannerRule(name="a", kind="nessus", capacity=2),))
    await registry.register(jetstream, pool, rules)


class _Scans:
    """Scans of the pool, committed step by step."""

    def __init__(self, broker: tuple[JetStream, str]) -> None:
        self.jetstream, self.pool = broker
        self.ledger = Ledger(self.jetstream, source="test")

    async def admitted(self, scan_id: str = "s1") -> Held:
        held = await self.ledger.commit(None, self.admission(scan_id))
        assert held is not None
        return held

    def admission(self, scan_id: str = "s1") -> Change:
        return transitions.admitted(a_submission(id=scan_id, pool=self.pool), a_mark())

    def claim(self, held: Held, scanner: str = "a") -> Change:
        assert isinstance(held.scan, Queued)
        return transitions.claimed(held.scan, scanner, a_lease(), a_mark())

    async def claimed(self, held: Held) -> Held | None:
        return await self.ledger.commit(held, self.claim(held))

    async def holders(self) -> tuple[str, ...]:
        return (await self.ledger.load(self.pool, "a")).load.holders


@pytest.fixture
def scans(broker: tuple[JetStream, str]) -> _Scans:
    return _Scans(broker)


async def test_a_scan_is_read_as_it_was_committed(scans: _Scans) -> None:
    assert await scans.ledger.read(scans.pool, "s1") is None
    held = await scans.admitted()
    assert await scans.ledger.read(scans.pool, "s1") == held
    assert held.sequence > 0
    assert held.state == "queued-normal"


async def test_a_scan_is_admitted_once(scans: _Scans) -> None:
    first = await scans.admitted()
    assert await scans.ledger.commit(None, scans.admission()) is None
    assert await scans.ledger.read(scans.pool, "s1") == first


async def test_a_commit_over_what_is_not_the_last_event_stores_nothing(scans: _Scans) -> None:
    old = await scans.admitted()
    assert isinstance(old.scan, Queued)
    new = await scans.ledger.commit(old, transitions.failed(old.scan, an_error(), a_mark()))
    assert await scans.claimed(old) is None
    assert await scans.ledger.read(scans.pool, "s1") == new
    assert await scans.holders() == ()


async def test_an_event_of_the_same_state_takes_the_place_of_the_one_before(scans: _Scans) -> None:
    claimed = await scans.claimed(await scans.admitted())
    assert claimed is not None
    assert isinstance(claimed.scan, Launching)
    taken_over = await scans.ledger.commit(claimed, transitions.taken_over(claimed.scan, a_lease("b"), a_mark()))
    assert taken_over is not None
    assert taken_over.sequence > claimed.sequence
    assert await scans.jetstream.at(subjects.pool_stream(scans.pool), claimed.sequence) is None


async def test_a_place_and_its_event_are_stored_together(scans: _Scans) -> None:
    claimed = await scans.claimed(await scans.admitted())
    assert claimed is not None
    assert await scans.holders() == ("s1",)
    assert isinstance(claimed.scan, Launching)
    failed = await scans.ledger.commit(claimed, transitions.failed(claimed.scan, an_error(), a_mark()))
    assert failed is not None
    assert isinstance(failed.scan, Failed)
    assert await scans.holders() == ()


async def test_no_place_is_taken_beyond_the_limit_and_no_event_says_so(scans: _Scans) -> None:
    queued = [await scans.admitted(f"s{n}") for n in range(3)]
    assert [await scans.claimed(held) is not None for held in queued] == [True, True, False]
    assert await scans.ledger.read(scans.pool, "s2") == queued[2]
    assert set(await scans.holders()) == {"s0", "s1"}


async def test_of_many_who_want_the_last_places_just_as_many_get_one(scans: _Scans) -> None:
    queued = [await scans.admitted(f"s{n}") for n in range(6)]
    won = [held for held in await asyncio.gather(*map(scans.claimed, queued)) if held]
    assert len(won) == 2
    assert set(await scans.holders()) == {held.scan.id for held in won}


async def test_of_many_who_commit_over_the_same_event_one_wins(scans: _Scans) -> None:
    held = await scans.admitted()
    won = [each for each in await asyncio.gather(*(scans.claimed(held) for _ in range(5))) if each]
    assert len(won) == 1
    assert await scans.ledger.read(scans.pool, "s1") == won[0]
    assert await scans.holders() == ("s1",)


async def test_a_scanner_without_a_key_has_no_place(scans: _Scans) -> None:
    held = await scans.admitted()
    assert await scans.ledger.commit(held, scans.claim(held, "unheard-of")) is None
    assert (await scans.ledger.load(scans.pool, "unheard-of")).revision == 0


async def test_what_the_protocol_does_not_have_is_not_committed(scans: _Scans) -> None:
    held = await scans.admitted()
    wrong = transitions.completed(a_validating_scan(pool=scans.pool), a_result(), a_mark())
    with pytest.raises(IllegalTransition):
        await scans.ledger.commit(held, wrong)
    assert await scans.ledger.read(scans.pool, "s1") == held


async def test_a_pool_that_is_not_there_is_not_taken_for_one_without_scans(scans: _Scans) -> None:
    with pytest.raises(TopologyMissing):
        await scans.ledger.read("nowhere", "s1")
    assert scans.pool in await pools_in_nats(scans.jetstream)


async def test_spent_events_are_purged_below_a_sequence_and_the_last_one_is_deleted_by_its_own(scans: _Scans) -> None:
    held = await scans.claimed(await scans.admitted())
    assert held is not None
    await scans.admitted("s2")
    stream, events = subjects.pool_stream(scans.pool), subjects.events_of(scans.pool, "s1")
    assert await scans.jetstream.purge(stream, events, below=held.sequence) == 1
    assert await scans.ledger.read(scans.pool, "s1") == held
    first = await scans.jetstream.next_from(stream, 1, events)
    assert first is not None
    assert first.sequence == held.sequence
    await scans.jetstream.delete(stream, held.sequence)
    await scans.jetstream.delete(stream, held.sequence)
    assert await scans.ledger.read(scans.pool, "s1") is None
    assert await scans.ledger.read(scans.pool, "s2") is not None


class _Doubtful(JetStream):
    """Hands publishes on to another; whether the first was stored, its sender is not told."""

    def __init__(self, inner: JetStream, *, stored: bool) -> None:
        self._inner = inner
        self._stored = stored
        self._doubts = 1

    @property
    def server(self) -> None:
        return

    async def last(self, stream: str, subject: str) -> object:  # type: ignore[override]
        return await self._inner.last(stream, subject)

    async def publish(self, write: Write) -> int:
        return await self.publish_together([write])

    async def publish_together(self, writes: Sequence[Write]) -> int:
        if not self._doubts:
            return await self._inner.publish_together(writes)
        self._doubts -= 1
        if self._stored:
            await self._inner.publish_together(writes)
        raise PublishUnknown("no answer")


@pytest.mark.parametrize("stored", [True, False])
async def test_a_commit_whose_answer_is_lost_happens_once(scans: _Scans, stored: bool) -> None:
    held = await scans.admitted()
    doubtful = Ledger(_Doubtful(scans.jetstream, stored=stored), source="test")
    won = await doubtful.commit(held, scans.claim(held))
    assert won is not None
    assert await scans.ledger.read(scans.pool, "s1") == won
    assert await scans.holders() == ("s1",)
    assert won.scan.attempt == 1


async def test_a_lost_answer_to_somebody_elses_commit_is_not_taken_for_ones_own(scans: _Scans) -> None:
    held = await scans.admitted()
    other = await scans.claimed(held)
    assert isinstance(held.scan, Queued)
    doubtful = Ledger(_Doubtful(scans.jetstream, stored=False), source="test")
    assert await doubtful.commit(held, transitions.failed(held.scan, an_error(), a_mark())) is None
    assert await scans.ledger.read(scans.pool, "s1") == other


async def test_a_stop_leaves_the_place_where_it_is(scans: _Scans) -> None:
    claimed = await scans.claimed(await scans.admitted())
    assert claimed is not None
    assert isinstance(claimed.scan, Launching)
    assert await scans.ledger.commit(claimed, transitions.stopping(claimed.scan, a_stop("launching"), a_mark()))
    assert await scans.holders() == ("s1",)


async def test_a_stream_that_is_not_there_takes_nothing(scans: _Scans) -> None:
    with pytest.raises(BrokerUnavailable):
        await scans.jetstream.publish(Write(subject=subjects.event("nowhere", "failed", "s1"), body=b"{}"))
