"""A poller with every setting at its default, one scanner behind its breaker, and a clock that a test moves."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import count
from typing import cast

from scanpool.coordination.breakers import Breakers
from scanpool.coordination.stage import Answer, Clockwork
from scanpool.poller.decide import Limits
from scanpool.poller.export import Exporter
from scanpool.poller.service import Poller, PollerParts
from scanpool.poller.telling import Teller
from scanpool.runtime.outcomes import Snooze
from scanpool.runtime.settings import Settings
from scanpool.scanners.guard import Guarded
from scanpool.scanners.scanner import Activity, Scanner
from scanpool_schemas.scan import AnyScan, Running, Stopping
from tests.support.builders import NOW, NUMBER
from tests.support.fake_jetstream import FakeJetStream
from tests.support.fake_scanner import FakeScanner, OnScanner

SETTINGS = Settings()
POOL = "lab"
A_TICK = timedelta(seconds=1)
"""How often a breaker is looked at whose time may be over."""


class PollerRig:
    """Looks at scan 42 on scanner `a` as often as the poller wants to, and probes the scanner as a dispatcher does."""

    def __init__(self) -> None:
        self.passed = timedelta(0)
        self.scanner = FakeScanner("a", now=self.now)
        self.on_scanner = OnScanner(id=NUMBER, name="weekly", activity=Activity.RUNNING, launched=1)
        self.scanner.known[NUMBER] = self.on_scanner
        self._broker = FakeJetStream([POOL], now=self.now)
        self._breakers = Breakers(
            self._broker,
            SETTINGS.breaker,
            replica="replica",
            now=self.now,
            monotonic=lambda: self.passed.total_seconds(),
        )
        self._guarded = Guarded(self.scanner, self._breakers, POOL, "a", SETTINGS.breaker.counted)
        self.poller = Poller(self._parts())

    def now(self) -> datetime:
        return NOW + self.passed

    def get(self, pool: str, name: str) -> Scanner | None:
        """The scanner, behind its breaker."""
        return self._guarded

    async def is_left_alone(self) -> bool:
        """Whether its breaker lets nothing through."""
        return await self._breakers.why_shut(POOL, "a") is not None

    async def follow(self, scan: Running | Stopping, until: timedelta) -> Sequence[Answer]:
        """Have the scan looked at until it moves on or the time has come; answers all that the poller answered."""
        answers: list[Answer] = []
        due = self.passed
        while self.passed <= until:
            self.happens()
            await self._probe()
            if self.passed >= due:
                answer = await (self.poller.stop(scan) if isinstance(scan, Stopping) else self.poller.poll(scan))
                answers.append(answer)
                if not isinstance(answer, Snooze):
                    break
                due = self.passed + answer.delay
            self.passed = min(due, self.passed + A_TICK)
        return answers

    def happens(self) -> None:
        """What happens on the scanner by now; for a test to say."""

    async def _probe(self) -> None:
        if await self._breakers.take_probe(POOL, "a"):
            readiness = await self._guarded.readiness()
            await self._breakers.probe_ended(POOL, "a", None if readiness.ready else readiness.reason)

    def _parts(self) -> PollerParts:
        limits = Limits(max_duration=SETTINGS.max_duration, poll=SETTINGS.poll)
        nonces = count(1)
        return PollerParts(
            jetstream=self._broker,
            scanners=self,
            exporter=cast(Exporter, None),  # nothing is exported here
            teller=Teller(self._broker, limits),
            clockwork=Clockwork(
                now=self.now, jitter=lambda: 1.0, nonce=lambda: f"n{next(nonces)}", backoff=SETTINGS.backoff
            ),
            limits=limits,
            launch_bound=SETTINGS.launch.takeover_after,
        )


def committed(answers: Sequence[Answer]) -> AnyScan | None:
    """What the last answer commits, if it commits anything."""
    return getattr(getattr(answers[-1], "change", None), "scan", None)
