"""What all services of one process share, made of its settings."""

from __future__ import annotations

import random
import secrets
import socket
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from os import getpid

from nats.aio.client import Client

from scanpool.cli.running.counting import count_call, count_commit
from scanpool.coordination.breakers import Breakers
from scanpool.coordination.ledger import Ledger
from scanpool.coordination.stage import Clockwork
from scanpool.runtime.configuration import LiveConfiguration
from scanpool.runtime.jetstream import JetStream
from scanpool.runtime.metrics import Metrics
from scanpool.runtime.settings import Settings
from scanpool.runtime.settle import Settler
from scanpool.scanners.fleet import Fleet
from scanpool.scanners.guard import Guarded
from scanpool.scanners.nessus import ExportLimits
from scanpool.scanners.scanner import Scanner


@dataclass(frozen=True, kw_only=True, slots=True)
class Host:
    """What all services of one process share."""

    client: Client
    jetstream: JetStream
    ledger: Ledger
    settler: Settler
    clockwork: Clockwork
    metrics: Metrics
    settings: Settings
    live: LiveConfiguration | None
    breakers: Breakers
    fleet: Fleet | None
    replica: str


def host_of(client: Client, settings: Settings, live: LiveConfiguration | None) -> Host:
    """The shared things of a process."""
    metrics = Metrics()
    replica = f"{socket.gethostname()}.{getpid()}.{secrets.token_hex(3)}"
    jetstream = JetStream(client)
    breakers = Breakers(
        jetstream,
        settings.breaker,
        replica=replica,
        now=_now,
        failed=metrics.work.circuit_failures.add,
        opened=metrics.work.circuit_opens.add,
    )
    clockwork = Clockwork(now=_now, jitter=random.random, nonce=_nonce, backoff=settings.backoff)
    return Host(
        client=client,
        jetstream=jetstream,
        ledger=Ledger(jetstream, source=f"scanpool/{replica}", committed=partial(count_commit, metrics)),
        settler=Settler(jetstream, jitter=random.random, now=_now, backoff=settings.backoff),
        clockwork=clockwork,
        metrics=metrics,
        settings=settings,
        live=live,
        breakers=breakers,
        fleet=_fleet(live, settings, metrics, breakers) if live else None,
        replica=replica,
    )


def _fleet(live: LiveConfiguration, settings: Settings, metrics: Metrics, breakers: Breakers) -> Fleet:
    def guarded(pool: str, name: str, scanner: Scanner) -> Scanner:
        return Guarded(scanner, breakers, pool, name, settings.breaker.counted)

    return Fleet(
        lambda: live.current,
        pools=settings.pools,
        timeout=settings.scanner_timeout,
        exports=ExportLimits(max_report_bytes=settings.max_report_bytes, ready_within=settings.export_ready),
        observe=partial(count_call, metrics),
        guard=guarded,
    )


def _now() -> datetime:
    return datetime.now(UTC)


def _nonce() -> str:
    return secrets.token_hex(8)
