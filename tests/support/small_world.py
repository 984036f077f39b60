"""The pipeline's real handlers over a broker and scanners in memory, for laws over many histories."""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from datetime import datetime, timedelta
from functools import partial
from itertools import count
from typing import Any, cast

import msgspec
from nats.aio.client import Client

from scanpool.coordination import letters, registry
from scanpool.coordination.approvals import Act, Approvals
from scanpool.coordination.dead_letters import Operator
from scanpool.coordination.ledger import held_of
from scanpool.coordination.stage import Clockwork
from scanpool.coordination.transitions import Change, Mark
from scanpool.janitor import decide as janitor
from scanpool.runtime.backoff import Backoff
from scanpool.runtime.delivery import Delivery
from scanpool.runtime.errors import BrokerUnavailable, PublishUnknown, SubjectFull
from scanpool.runtime.jetstream import Stored, Write
from scanpool.runtime.outcomes import Outcome
from scanpool.runtime.settle import Settled, Settler
from scanpool.scanners.scanner import Scanner
from scanpool_schemas import subjects
from scanpool_schemas.keys import ClientRule, PoolRules, ScannerRule
from scanpool_schemas.request import ScanRequest
from scanpool_schemas.scan import AnyScan, Dead
from tests.support.builders import NOW
from tests.support.fake_jetstream import FakeJetStream, Pause
from tests.support.fake_scanner import FakeScanner, OnScanner
from tests.support.interleaving import Actor, Interleaving
from tests.support.replica import LAUNCH, MAX_DURATION, POOL, Replica

STREAM = subjects.pool_stream(POOL)
CLIENT = "agent"
"""A client of the bridge whose intrusive scans wait for approval."""
BACKOFF = Backoff(first=timedelta(seconds=2), cap=timedelta(seconds=10), attempts=4)


class _Client:
    """Takes acks and naks: who is delivered what, and when, is for the test to say."""

    def __init__(self, pause: Pause, on_ack: Callable[[], Awaitable[None]]) -> None:
        self._pause = pause
        self._on_ack = on_ack

    async def request(self, *_arguments: object, **_named: object) -> None:
        await self._pause("ack")
        await self._on_ack()

    async def publish(self, *_arguments: object, **_named: object) -> None: ...


class SmallWorld:
    """A pool of scanners with one place each, every service, a clock, and nothing that moves by itself."""

    def __init__(
        self,
        scanners: Sequence[str],
        *,
        on_store: Callable[[Sequence[Stored]], None],
        on_launch: Callable[[str, OnScanner], None],
        on_ack: Callable[[Stored], None],
    ) -> None:
        self._on_ack = on_ack
        self.run = Interleaving()
        self._again: dict[Actor, Callable[[], Actor]] = {}
        self.passed = timedelta(0)
        self.reports_broken = False
        self.broker = FakeJetStream([POOL], pause=self.run.pause, now=self.now, on_store=on_store)
        self.scanners = {
            name: FakeScanner(name, on_the_way=self.run.pause, now=self.now, on_launch=partial(on_launch, name))
            for name in scanners
        }
        nonces = count(1)
        self.clockwork = Clockwork(
            now=self.now,
            jitter=lambda: 0.5,
            nonce=lambda: f"n{next(nonces)}",
            backoff=BACKOFF,
            monotonic=lambda: self.passed.total_seconds(),
        )
        self._settler = Settler(self.broker, jitter=lambda: 0.5, now=self.now, backoff=BACKOFF)

    @property
    def replica(self) -> Replica:
        """One more process: whoever acts does so in one of its own, so that nothing but the broker orders them."""
        return Replica(self.broker, self, self.clockwork, lambda: self.reports_broken)

    def set_up(self) -> None:
        """Give each scanner its place, and look at it once."""
        rules = PoolRules(
            scanners=tuple(ScannerRule(name=name, kind="nessus", capacity=1) for name in self.scanners),
            clients=(ClientRule(subject=CLIENT, networks=("10.0.0.0/8",), intensity="intrusive"),),
        )
        self._at_once("register", registry.register(self.broker, POOL, rules))
        self._at_once("look", self.replica.dispatcher.look_at_scanners(POOL))

    def now(self) -> datetime:
        return NOW + self.passed

    def names(self, pool: str) -> list[tuple[str, bool]]:
        """The scanners of the pool, as the configuration has them."""
        return [(name, True) for name in self.scanners]

    def get(self, pool: str, name: str) -> Scanner | None:
        return self.scanners.get(name)

    def ask_for(self, scan_id: str, request: ScanRequest) -> Actor:
        """Publish a request, unless one of the scan waits, and begin to admit it."""
        message = self._asked(subjects.requested(POOL, scan_id), msgspec.json.encode(request))
        return self._begin("admit", message)

    def cancel(self, scan_id: str) -> Actor:
        """Publish a cancel, unless one of the scan waits, and begin to carry it out."""
        return self._begin("cancel", self._asked(subjects.cancel(POOL, scan_id), b""))

    def deliver(self, event: Stored) -> Actor:
        """Begin to handle an event that a stage acts on, stale or not; or what publishers write."""
        return self._begin(f"{_state(event)} {event.sequence}", event)

    def again(self, actor: Actor) -> Actor:
        """Begin once more what the actor began: the same delivery, or the same person's word."""
        return self._again[actor]()

    def unanswered(self) -> list[Stored]:
        """What publishers wrote and nobody has acked yet."""
        return self.broker.messages(subjects.SCAN_REQUESTS)

    def look_after(self, event: Stored) -> Actor:
        """Begin what the janitor does about a scan that may have taken too long."""
        return self._act("janitor", partial(self._looked_after, held_of(event).scan.id))

    def tell_again(self, event: Stored) -> Actor:
        """Begin what the janitor does about a scan whose delivery it takes for lost."""
        return self._act("tell again", partial(self._told_again, held_of(event).scan.id))

    def retry(self, event: Stored) -> Actor:
        """Begin to retry a dead scan, unless it has left that state."""
        scan = held_of(event).scan
        assert isinstance(scan, Dead)
        return self._act("retry", partial(self._retried, scan))

    def settle_approval(self, act: Act, scan_id: str) -> Actor:
        """Begin to approve or reject a scan, unless it waits for that no more."""
        return self._act(act, partial(self._settled_approval, act, scan_id))

    def look_at_scanners(self) -> None:
        self._at_once("look", self.replica.dispatcher.look_at_scanners(POOL))

    def clean_scanners(self) -> None:
        """Begin a clean-up of every scanner."""
        self._act("clean up", lambda: self.replica.cleanup.run_once(POOL, self.now()))

    def finish(self) -> None:
        """Let everybody who is under way come to an end."""
        for actor in list(self.run.actors):
            self.run.finish(actor)

    def _begin(self, name: str, message: Stored) -> Actor:
        client = _Client(self.run.pause, partial(self._acked, message))
        delivery = self._delivery(client, message)
        return self._act(name, lambda: self._settled(self.replica.handlers[_state(message)], delivery))

    def _act(self, name: str, work: Callable[[], Awaitable[None]]) -> Actor:
        actor = self.run.begin(name, _patient(work()))
        self._again[actor] = partial(self._act, name, work)
        return actor

    async def _acked(self, message: Stored) -> None:
        """An ack takes a message off the stream of requests, which keeps what is not answered."""
        self._on_ack(message)
        if message in self.unanswered():
            await self.broker.delete(subjects.SCAN_REQUESTS, message.sequence)

    async def _looked_after(self, scan_id: str) -> None:
        await self._janitor(scan_id, lambda scan, mark: janitor.overdue(scan, MAX_DURATION, mark))

    async def _told_again(self, scan_id: str) -> None:
        await self._janitor(scan_id, lambda scan, mark: janitor.told_again(scan, "", LAUNCH.takeover_after, mark))

    async def _janitor(self, scan_id: str, decide: Callable[[AnyScan, Mark], Change | None]) -> None:
        ledger = self.replica.ledger
        held = await ledger.read(POOL, scan_id)
        mark = Mark(at=self.now(), by="janitor", nonce=self.clockwork.nonce())
        change = decide(held.scan, mark) if held is not None else None
        if change is not None:
            await ledger.commit(held, change)

    async def _retried(self, dead: Dead) -> None:
        ledger = self.replica.ledger
        now = await ledger.read(POOL, dead.id)
        mark = Mark(at=self.now(), by="operator", nonce=self.clockwork.nonce())
        decided = letters.retry_of_scan(dead, now, "me", mark)
        if isinstance(decided, letters.Revive):
            await ledger.commit(decided.held, decided.change)

    async def _settled_approval(self, act: Act, scan_id: str) -> None:
        operator = Operator(by="me", now=self.now, nonce=self.clockwork.nonce)
        approvals = Approvals(self.broker, self.replica.ledger, operator)
        await approvals.settle(act, [scan_id], pool=POOL, reason="")

    async def _settled(self, handler: Callable[[Delivery], Awaitable[Outcome]], delivery: Delivery) -> None:
        """As a worker does: handle and settle, and decide again after a conflict."""
        for _ in range(3):
            if await self._settler.settle(delivery, await handler(delivery)) is Settled.YES:
                return

    def _at_once(self, name: str, work: Coroutine[Any, Any, Any]) -> None:
        self.run.finish(self.run.begin(name, work))

    def _asked(self, subject: str, body: bytes) -> Stored:
        """What waits on a publisher's subject, after one more was published there; troubles are for the services."""
        troubles = list(self.broker.troubles)
        self.broker.troubles.clear()
        self._at_once("ask", self._published(Write(subject=subject, body=body)))
        self.broker.troubles.extend(troubles)
        (waiting,) = self.broker.messages(subjects.SCAN_REQUESTS, subject)
        return waiting

    async def _published(self, write: Write) -> None:
        with contextlib.suppress(SubjectFull):
            await self.broker.publish(write)

    def _delivery(self, client: _Client, message: Stored) -> Delivery:
        return Delivery(
            client=cast(Client, client),
            reply="",
            subject=message.subject,
            body=message.body,
            headers={},
            stream=STREAM,
            consumer="test",
            sequence=message.sequence,
            attempt=1,
            stored_at=self.now(),
        )


async def _patient(work: Awaitable[Any]) -> None:
    """A broker that does not answer ends the handling, not the process."""
    try:
        await work
    except (BrokerUnavailable, PublishUnknown):
        return


def _state(event: Stored) -> str:
    parts = subjects.parse_scan_subject(event.subject)
    assert parts is not None
    return parts.kind
