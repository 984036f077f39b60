"""Commits of scans, against a real nats-server."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from scanpool.coordination import transitions
from scanpool.coordination.ledger import Held, Ledger
from scanpool.coordination.registry import register
from scanpool.coordination.state_table import IllegalTransition
from scanpool.coordination.transitions import Change
from scanpool.runtime.errors import BrokerUnavailable, PublishUnknown
from scanpool.runtime.jetstream import JetStream, Write
from scanpool.runtime.keys import KeyUnreadable
from scanpool_schemas import subjects
from scanpool_schemas.keys import PoolRules, ScannerRule
from scanpool_schemas.scan import AnyScan, Queued, Running
from tests.support.broker import Stand, standing
from tests.support.builders import a_completed_scan, a_lease, a_mark, a_queued_scan, a_submission, an_error
from tests.support.eventually import becomes

STREAM = subjects.pool_stream("lab")


class LosesAnswers(JetStream):
    """JetStream whose next answers are lost on the way back: what was asked was done."""

    def __init__(self, jetstream: JetStream, *, lost: int = 1, stored: bool = True) -> None:
        super().__init__(jetstream.client)
        self._lost = lost
        self._stored = stored

    async def publish(self, write: Write) -> int:
        if self._lost == 0:
            return await super().publish(write)
        self._lost -= 1
        if self._stored:
            await super().publish(write)
        raise PublishUnknown(write.subject)

    async def publish_together(self, writes: Sequence[Write]) -> int:
        if self._lost == 0:
            return await super().publish_together(writes)
        self._lost -= 1
        if self._stored:
            await super().publish_together(writes)
        raise PublishUnknown(writes[-1].subject)


Told = list[tuple[AnyScan | None, AnyScan]]


def a_ledger(jetstream: JetStream, told: Told | None = None) -> Ledger:
    keep = told if told is not None else []
    return Ledger(jetstream, source="scanpool/test", committed=lambda before, after: keep.append((before, after)))


async def with_places(stand: Stand, **capacities: int) -> None:
    scanners = tuple(ScannerRule(name=name, kind="nessus", capacity=places) for name, places in capacities.items())
    await register(stand.jetstream, "lab", PoolRules(scanners=scanners))


async def admitted(ledger: Ledger, scan_id: str = "s1") -> Held:
    held = await ledger.commit(None, transitions.admitted(a_submission(id=scan_id), a_mark("admission")))
    assert held is not None
    return held


def a_claim(held: Held, scanner: str = "a") -> Change:
    assert isinstance(held.scan, Queued)
    return transitions.claimed(held.scan, scanner, a_lease(), a_mark())


async def holders(ledger: Ledger, scanner: str = "a") -> tuple[str, ...]:
    return (await ledger.load("lab", scanner)).load.holders


async def test_a_commit_is_the_scans_last_event_with_its_envelope() -> None:
    async with standing(("lab",)) as stand:
        told: Told = []
        ledger = a_ledger(stand.jetstream, told)
        held = await admitted(ledger)
        stored = await ledger.last_event("lab", "s1")
        assert stored is not None
        assert (stored.subject, stored.sequence) == ("scan.lab.queued-normal.s1", held.sequence)
        assert stored.headers["ce-type"] == "scanpool.scan.queued-normal.v1"
        assert stored.headers["ce-source"] == "scanpool/test"
        assert stored.headers["ce-id"] == f"s1.{held.scan.nonce}"
        assert stored.headers["traceparent"].split("-")[1] == held.scan.trace_id
        assert await ledger.read("lab", "s1") == held
        assert told == [(None, held.scan)]


async def test_a_scan_that_nobody_committed_is_none() -> None:
    async with standing(("lab",)) as stand:
        assert await a_ledger(stand.jetstream).read("lab", "absent") is None


async def test_of_two_commits_from_the_same_reading_one_wins() -> None:
    async with standing(("lab",)) as stand:
        await with_places(stand, a=5)
        ledger = a_ledger(stand.jetstream)
        held = await admitted(ledger)
        won = await asyncio.gather(*(ledger.commit(held, a_claim(held)) for _ in range(2)))
        assert sorted(each is None for each in won) == [False, True]
        assert await holders(ledger) == ("s1",)


async def test_claims_over_two_connections_never_take_more_places_than_there_are() -> None:
    async with standing(("lab",)) as stand:
        await with_places(stand, a=3)
        ledgers = [a_ledger(stand.jetstream), a_ledger(await stand.connection())]
        scans = [await admitted(ledgers[0], f"s{number}") for number in range(8)]
        claims = (ledgers[number % 2].commit(held, a_claim(held)) for number, held in enumerate(scans))
        won = [held for held in await asyncio.gather(*claims) if held is not None]
        assert len(won) == 3
        assert set(await holders(ledgers[0])) == {held.scan.id for held in won}


async def test_a_scan_that_found_no_place_stays_as_it_was() -> None:
    async with standing(("lab",)) as stand:
        await with_places(stand, a=0)
        ledger = a_ledger(stand.jetstream)
        held = await admitted(ledger)
        assert await ledger.commit(held, a_claim(held)) is None
        assert await ledger.read("lab", "s1") == held


async def test_a_place_is_given_back_with_the_event_that_says_so() -> None:
    async with standing(("lab",)) as stand:
        await with_places(stand, a=1)
        ledger = a_ledger(stand.jetstream)
        held = await admitted(ledger)
        launching = await ledger.commit(held, a_claim(held))
        assert launching is not None
        change = transitions.failed(launching.scan, an_error(), a_mark())
        assert await ledger.commit(launching, change) is not None
        assert await holders(ledger) == ()


async def test_a_commit_whose_answer_was_lost_is_known_by_its_nonce() -> None:
    async with standing(("lab",)) as stand:
        await with_places(stand, a=1)
        told: Told = []
        held = await admitted(a_ledger(stand.jetstream))
        ledger = a_ledger(LosesAnswers(stand.jetstream), told)
        won = await ledger.commit(held, a_claim(held))
        assert won is not None
        assert await ledger.read("lab", "s1") == won
        assert told == [(held.scan, won.scan)]
        assert await holders(ledger) == ("s1",)


async def test_a_commit_that_was_lost_on_the_way_there_is_made_again() -> None:
    async with standing(("lab",)) as stand:
        await with_places(stand, a=1)
        held = await admitted(a_ledger(stand.jetstream))
        ledger = a_ledger(LosesAnswers(stand.jetstream, stored=False))
        assert await ledger.commit(held, a_claim(held)) is not None
        assert await holders(ledger) == ("s1",)


async def test_a_commit_whose_outcome_stays_unknown_is_an_error_and_shows_once_the_server_answers() -> None:
    async with standing(("lab",)) as stand:
        ledger = a_ledger(JetStream(stand.jetstream.client, timeout_s=0.3))
        with stand.broker.frozen(), pytest.raises(BrokerUnavailable):
            await admitted(ledger)

        async def queued() -> bool:
            held = await a_ledger(stand.jetstream).read("lab", "s1")
            return held is not None and held.state == "queued-normal"

        await becomes(queued)


async def test_a_transition_that_the_protocol_does_not_have_is_refused_before_anything_is_sent() -> None:
    async with standing(("lab",)) as stand:
        ledger = a_ledger(stand.jetstream)
        held = await admitted(ledger)
        with pytest.raises(IllegalTransition, match="queued-normal -> completed"):
            await ledger.commit(held, Change(scan=a_completed_scan()))
        with pytest.raises(IllegalTransition, match="no event -> completed"):
            await ledger.commit(None, Change(scan=a_completed_scan()))
        assert await ledger.read("lab", "s1") == held


async def test_what_was_committed_is_there_after_the_server_was_killed_and_the_next_commit_follows() -> None:
    async with standing(("lab",)) as stand:
        await with_places(stand, a=1)
        ledger = a_ledger(stand.jetstream)
        held = await admitted(ledger)
        await stand.broker.restart()

        async def is_there() -> bool:
            return stand.jetstream.client.is_connected and await ledger.read("lab", "s1") == held

        await becomes(is_there)
        assert await ledger.commit(held, a_claim(held)) is not None
        assert await holders(ledger) == ("s1",)


async def test_scans_whose_ids_begin_alike_are_not_taken_for_each_other() -> None:
    async with standing(("lab",)) as stand:
        ledger = a_ledger(stand.jetstream)
        one, other = await admitted(ledger, "s1"), await admitted(ledger, "s11")
        assert await ledger.read("lab", "s1") == one
        assert await ledger.read("lab", "s11") == other


async def test_a_load_that_a_person_deleted_has_no_places_and_can_be_written_anew() -> None:
    async with standing(("lab",)) as stand:
        await with_places(stand, a=2)
        ledger = a_ledger(stand.jetstream)
        key = subjects.key("lab", subjects.load_key("a"))
        await stand.jetstream.publish(Write(subject=key, body=b"", headers={"KV-Operation": "DEL"}))
        assert (await ledger.load("lab", "a")).load.capacity == 0
        await with_places(stand, a=2)
        assert (await ledger.load("lab", "a")).load.capacity == 2


async def test_a_load_that_a_person_spoiled_is_an_error_that_names_key_and_remedy() -> None:
    async with standing(("lab",)) as stand:
        await stand.jetstream.publish(Write(subject=subjects.key("lab", subjects.load_key("a")), body=b"four"))
        with pytest.raises(KeyUnreadable, match=r"key load\.a of bucket pool-lab .*`nats kv del pool-lab load\.a`"):
            await a_ledger(stand.jetstream).load("lab", "a")


async def test_a_running_scan_of_another_reading_is_not_overwritten() -> None:
    async with standing(("lab",)) as stand:
        await with_places(stand, a=1)
        ledger = a_ledger(stand.jetstream)
        held = await admitted(ledger)
        launching = await ledger.commit(held, a_claim(held))
        assert launching is not None
        stale = Held(scan=a_queued_scan(), sequence=held.sequence)
        assert await ledger.commit(stale, a_claim(stale)) is None
        now = await ledger.read("lab", "s1")
        assert now == launching
        assert not isinstance(now.scan, Running)
