"""However admissions of one client's scans interleave over several processes, no more are admitted than may be."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from scanpool.coordination.registry import register
from scanpool.runtime.jetstream import Stored
from scanpool_schemas import subjects
from scanpool_schemas.keys import ClientRule, LastAdmitted, PoolRules
from scanpool_schemas.scan import AnyScan, Failed, Queued
from tests.support.builders import NOW, a_request
from tests.support.client_counting import POOL, CountsInMemory, an_admission, ask
from tests.support.fake_jetstream import FakeJetStream, Trouble
from tests.support.interleaving import Interleaving

STREAM = subjects.pool_stream(POOL)
KEY = subjects.key(POOL, subjects.client_key("agent"))
MINE = a_request(client="agent", owner="agent")


class Processes:
    """Admission processes over one broker; each has one request of the client in hand."""

    def __init__(self, limit: int, run: Interleaving) -> None:
        self.run = run
        self.broker = FakeJetStream([POOL], pause=run.pause, on_store=self._stored)
        self.batches: list[Sequence[Stored]] = []
        self.scans: list[AnyScan] = []
        self.requests = 0
        rule = ClientRule(subject="agent", networks=("10.0.0.0/16",), max_concurrent=limit)
        run.finish(run.begin("registry", register(self.broker, POOL, PoolRules(clients=(rule,)))))

    def begin(self) -> None:
        """One process more."""
        self.requests += 1
        self.run.begin(f"process {self.requests}", self._ask(f"s{self.requests}"))

    async def _ask(self, scan_id: str) -> None:
        admission = an_admission(self.broker, CountsInMemory(self.broker), now=lambda: NOW)
        self.scans.append(await ask(admission, self.broker, scan_id, MINE, NOW))

    def _stored(self, batch: Sequence[Stored]) -> None:
        self.batches.append(batch)


@contextmanager
def processes(limit: int, requests: int) -> Iterator[Processes]:
    run = Interleaving()
    try:
        started = Processes(limit, run)
        for _ in range(requests):
            started.begin()
        yield started
    finally:
        run.close()


turns = st.lists(st.integers(0, 99), max_size=120)
troubles = st.lists(st.sampled_from([None, None, None, Trouble.LOST, Trouble.ANSWER_LOST]), max_size=8)


@settings(max_examples=300)
@given(limit=st.integers(1, 3), requests=st.integers(2, 5), turns=turns, troubles=troubles)
def test_of_scans_asked_for_at_once_exactly_as_many_are_admitted_as_may_be(
    limit: int, requests: int, turns: list[int], troubles: list[Trouble | None]
) -> None:
    with processes(limit, requests) as started:
        run, broker = started.run, started.broker
        for turn in turns:
            if not run.actors:
                break
            actor = run.actors[turn % len(run.actors)]
            if actor.at.startswith("publish") and troubles and (trouble := troubles.pop()):
                broker.troubles.append(trouble)
            run.go_on(actor)
        while run.actors:
            run.finish(run.actors[0])
        kinds = Counter(type(scan) for scan in started.scans)
        assert kinds == Counter({Queued: min(limit, requests), Failed: max(0, requests - limit)})
        assert {scan.error.code for scan in started.scans if isinstance(scan, Failed)} <= {"client_too_many_scans"}
        stored = [subjects.parse_scan_subject(each.subject) for each in broker.messages(STREAM, "scan.>")]
        assert sorted(each.scan_id for each in stored if each) == sorted(scan.id for scan in started.scans)
        for batch in started.batches[1:]:
            assert_told_together(batch)


def assert_told_together(batch: Sequence[Stored]) -> None:
    """An admitted scan and the key that names it, one after the other, or a refused scan alone."""
    event = batch[-1]
    if event.subject.startswith(f"scan.{POOL}.failed."):
        assert len(batch) == 1
        return
    key = batch[0]
    assert (key.subject, key.sequence) == (KEY, event.sequence - 1)
    assert msgspec.json.decode(key.body, type=LastAdmitted).scan_id == event.subject.rsplit(".", 1)[1]
