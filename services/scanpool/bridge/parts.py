"""What the bridge works with."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from scanpool.bridge.configuration.settings import BridgeSettings
from scanpool.bridge.following.estimate import Estimator
from scanpool.bridge.following.scans import Scans
from scanpool.bridge.following.statuses import Statuses
from scanpool.bridge.following.watch import Watcher
from scanpool.client import ScanPool
from scanpool.runtime.jetstream import JetStream
from scanpool.runtime.metrics import Metrics
from scanpool.runtime.resolving import Resolver, resolve


@dataclass(frozen=True, kw_only=True, slots=True)
class Parts:
    """What tools, resources and prompts work with."""

    scanpool: ScanPool
    jetstream: JetStream
    scans: Scans
    estimator: Estimator
    statuses: Statuses
    watcher: Watcher
    settings: BridgeSettings
    now: Callable[[], datetime]
    resolve: Resolver = resolve
    """Looks up the addresses of hostnames, for the policy."""
    metrics: Metrics = field(default_factory=Metrics)
    """What this process counts."""
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when the process is told to stop: whoever waits answers with what there is."""


def parts_of(jetstream: JetStream, settings: BridgeSettings) -> Parts:
    """What a bridge works with over the connection."""
    scanpool = ScanPool(jetstream)
    scans, estimator = Scans(scanpool), Estimator(scanpool)
    return Parts(
        scanpool=scanpool,
        jetstream=jetstream,
        scans=scans,
        estimator=estimator,
        statuses=Statuses(scanpool, estimator, now=_now),
        watcher=Watcher(jetstream, scans.named),
        settings=settings,
        now=_now,
    )


def _now() -> datetime:
    return datetime.now(UTC)
