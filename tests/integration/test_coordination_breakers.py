"""Breakers as processes share them; against a real nats-server."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import msgspec

from scanpool.coordination.breaker import reset, tripped
from scanpool.coordination.breakers import SEEN_FOR_S, Breakers, change_breaker
from scanpool.runtime.keys import change_key
from scanpool.runtime.settings import BreakerSettings
from scanpool_schemas import subjects
from scanpool_schemas.events import ScannerEvent
from scanpool_schemas.keys import Breaker
from tests.support.broker import Stand, standing
from tests.support.eventually import becomes

RULES = BreakerSettings(failures=3, recovery=timedelta(seconds=30))


class Process:
    """One process's view of the breakers, with a clock that the test sets."""

    def __init__(self, stand: Stand, name: str) -> None:
        self.now = datetime.now(UTC)
        self.ticks = 0.0
        self.breakers = Breakers(
            stand.jetstream, RULES, replica=name, now=lambda: self.now, monotonic=lambda: self.ticks
        )

    def later(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)
        self.ticks += seconds

    async def fails(self, times: int = 1) -> None:
        for _ in range(times):
            await self.breakers.call_failed("lab", "s1", "create", "no answer")

    async def why_shut(self) -> str | None:
        return await self.breakers.why_shut("lab", "s1")

    async def probes(self) -> bool:
        return await self.breakers.take_probe("lab", "s1")


async def told(stand: Stand) -> list[str]:
    """The events of the scanner, the oldest first."""
    found: list[str] = []
    sequence = 1
    while stored := await stand.jetstream.next_from(subjects.SCANNER_EVENTS, sequence, "scanner.lab.s1.*"):
        found.append(msgspec.json.decode(stored.body, type=ScannerEvent).event)
        sequence = stored.sequence + 1
    return found


async def test_failures_that_different_processes_see_count_together() -> None:
    async with standing(("lab",)) as stand:
        one, other = Process(stand, "one"), Process(stand, "other")
        await one.fails()
        await other.fails()
        assert await one.why_shut() is None
        await one.fails()
        assert "no answer" in str(await one.why_shut())
        other.later(SEEN_FOR_S)
        assert "no answer" in str(await other.why_shut())
        assert await told(stand) == ["breaker-opened"]


async def test_failures_at_the_same_moment_are_all_counted() -> None:
    async with standing(("lab",)) as stand:
        processes = [Process(stand, f"p{number}") for number in range(RULES.failures)]
        await asyncio.gather(*(process.fails() for process in processes))
        assert await Process(stand, "late").why_shut() is not None
        assert await told(stand) == ["breaker-opened"]


async def test_an_answer_between_failures_starts_the_count_anew() -> None:
    async with standing(("lab",)) as stand:
        one = Process(stand, "one")
        await one.fails(2)
        await one.breakers.call_succeeded("lab", "s1", "create")
        await one.fails(2)
        assert await one.why_shut() is None


async def test_of_many_processes_one_probes_and_its_result_decides() -> None:
    async with standing(("lab",)) as stand:
        processes = [Process(stand, f"p{number}") for number in range(5)]
        await processes[0].fails(RULES.failures)
        for process in processes:
            process.later(29)
        assert not any([await process.probes() for process in processes])
        for process in processes:
            process.later(2)
        taken = await asyncio.gather(*(process.probes() for process in processes))
        assert sorted(taken) == [False, False, False, False, True]
        loser = processes[taken.index(False)]
        await loser.breakers.probe_ended("lab", "s1", None)
        assert await loser.why_shut() is not None
        winner = processes[taken.index(True)]
        await winner.breakers.probe_ended("lab", "s1", None)
        assert await winner.why_shut() is None
        assert await told(stand) == ["breaker-opened", "breaker-half-open", "breaker-closed"]


async def test_a_person_trips_and_resets_it_for_all() -> None:
    async with standing(("lab",)) as stand:
        process, now = Process(stand, "one"), datetime.now(UTC)
        await change_breaker(stand.jetstream, "lab", "s1", lambda b: tripped(b, "alice", "upgrade", None, now), now)
        process.later(1)
        assert await process.why_shut() == "its breaker is open by alice (upgrade)"
        process.later(10**6)
        assert not await process.probes()
        await change_breaker(stand.jetstream, "lab", "s1", lambda b: reset(b, "bob", now), now)
        process.later(1)
        assert await process.why_shut() is None


async def test_another_process_sees_a_change() -> None:
    async with standing(("lab",)) as stand:
        watcher = Breakers(stand.jetstream, RULES, replica="watcher", now=lambda: datetime.now(UTC))
        assert await watcher.why_shut("lab", "s1") is None
        await Process(stand, "one").fails(RULES.failures)

        async def seen() -> bool:
            return await watcher.why_shut("lab", "s1") is not None

        await becomes(seen)


async def test_a_key_that_stays_as_it_is_is_not_written() -> None:
    async with standing(("lab",)) as stand:
        name = subjects.breaker_key("s1")
        for _ in range(2):
            await change_key(stand.jetstream, "lab", name, Breaker, lambda before: before or Breaker(failures=1))
        stored = await stand.jetstream.last(subjects.pool_stream("lab"), subjects.key("lab", name))
        assert stored is not None
        assert stored.sequence == 1
