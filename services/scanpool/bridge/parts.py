"""What the bridge works with."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from scanpool.bridge.estimate import Estimator
from scanpool.bridge.scans import Scans
from scanpool.bridge.settings import BridgeSettings
from scanpool.client import ScanPool
from scanpool.runtime.jetstream import JetStream


@dataclass(frozen=True, kw_only=True, slots=True)
class Parts:
    """What tools, resources and prompts work with."""

    scanpool: ScanPool
    jetstream: JetStream
    scans: Scans
    estimator: Estimator
    settings: BridgeSettings
    now: Callable[[], datetime]
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when the process is told to stop: whoever waits answers with what there is."""


def parts_of(jetstream: JetStream, settings: BridgeSettings) -> Parts:
    """What a bridge works with over the connection."""
    scanpool = ScanPool(jetstream)
    return Parts(
        scanpool=scanpool,
        jetstream=jetstream,
        scans=Scans(scanpool),
        estimator=Estimator(scanpool),
        settings=settings,
        now=lambda: datetime.now(UTC),
    )
