"""What the bridge works with."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

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
    settings: BridgeSettings
    now: Callable[[], datetime]
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when the process is told to stop: whoever waits answers with what there is."""
