"""What the janitor works with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from scanpool.coordination.ledger import Ledger
from scanpool.coordination.stage import Clockwork
from scanpool.janitor.report import Round
from scanpool.runtime.jetstream import JetStream
from scanpool.runtime.objects import Objects
from scanpool.runtime.settings import LaunchSettings, RetentionSettings, SpaceSettings


@dataclass(frozen=True, kw_only=True, slots=True)
class JanitorParts:
    """What the janitor works with."""

    jetstream: JetStream
    ledger: Ledger
    exports: Objects
    clockwork: Clockwork
    retention: RetentionSettings
    max_duration: timedelta
    pools: Callable[[], tuple[str, ...]]
    findings: Objects
    space: SpaceSettings = field(default_factory=SpaceSettings)
    store: Path | None = None
    """The folder of a NATS of our own."""
    takeover_after: timedelta = LaunchSettings().takeover_after
    """How long after the end of its lease a launch may be told again."""
    told: Callable[[Round], None] = lambda _round: None
    """Told each round when it is over."""
