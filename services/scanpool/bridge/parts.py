"""What the bridge works with."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from scanpool.bridge.configuration.settings import BridgeSettings
from scanpool.bridge.following.estimate import Estimator
from scanpool.bridge.following.owned import Owned
from scanpool.bridge.following.scans import Scans
from scanpool.bridge.following.statuses import Statuses
from scanpool.bridge.following.watch import Watcher
from scanpool.bridge.gate.identity.lasting import Lasting
from scanpool.bridge.gate.identity.verifier import SignIn, sign_in
from scanpool.client import ScanPool
from scanpool.client.lookup import Lookup
from scanpool.runtime.jetstream import JetStream
from scanpool.runtime.metrics import Metrics
from scanpool.runtime.resolving import Resolver, resolve


@dataclass(frozen=True, kw_only=True, slots=True)
class Parts:
    """What tools, resources and prompts work with."""

    scanpool: ScanPool
    lookup: Lookup
    jetstream: JetStream
    scans: Scans
    owned: Owned
    estimator: Estimator
    statuses: Statuses
    watcher: Watcher
    settings: BridgeSettings
    signing_in: SignIn | None
    lasting: Lasting
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
    lookup, signing_in = Lookup(jetstream), sign_in(settings, _now)
    scans, estimator = Scans(scanpool), Estimator(scanpool)
    return Parts(
        scanpool=scanpool,
        lookup=lookup,
        jetstream=jetstream,
        scans=scans,
        owned=Owned(jetstream, lookup),
        estimator=estimator,
        statuses=Statuses(scanpool, lookup, estimator, now=_now),
        watcher=Watcher(jetstream, scans.named),
        settings=settings,
        signing_in=signing_in,
        lasting=Lasting(signing_in.verifier if signing_in else None, _now),
        now=_now,
    )


def _now() -> datetime:
    return datetime.now(UTC)
