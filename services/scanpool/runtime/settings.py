"""What a process can be told, by its environment and its command line."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from scanpool.runtime.backoff import Backoff
from scanpool.runtime.connection import NatsAddress


@dataclass(frozen=True, kw_only=True, slots=True)
class LaunchSettings:
    """The times that exactly-once launching rests on (docs: explanation/lifecycle)."""

    lease: timedelta = timedelta(seconds=60)
    """How long one dispatcher alone talks to the scanner about one launch."""
    request_bound: timedelta = timedelta(seconds=30)
    """No request to a scanner is carried out later than this after it was sent."""
    margin: timedelta = timedelta(seconds=2)
    """For clocks that differ between hosts."""

    @property
    def takeover_after(self) -> timedelta:
        """How long after the lease's end another dispatcher may go on with the launch."""
        return self.request_bound + self.margin


@dataclass(frozen=True, kw_only=True, slots=True)
class PollSettings:
    """How often a running scan is looked at."""

    shortest: timedelta = timedelta(seconds=5)
    longest: timedelta = timedelta(seconds=60)
    unreachable: timedelta = timedelta(seconds=30)
    """How long to leave a scanner alone that did not answer."""
    paused_limit: timedelta = timedelta(hours=12)
    """A scan that somebody paused on the scanner for longer is stopped."""


@dataclass(frozen=True, kw_only=True, slots=True)
class BreakerSettings:
    """When the breaker of a scanner opens and closes."""

    failures: int = 5
    """Calls in a row that must fail until it opens."""
    recovery: timedelta = timedelta(seconds=30)
    """How long it stays open before the scanner is probed."""
    successes: int = 1
    """Probes in a row that must succeed until it closes."""
    probe_lease: timedelta = timedelta(seconds=45)
    """After this a probe that told nothing is taken for lost, and another process may probe."""
    counted: frozenset[str] = frozenset({"scanner_unavailable", "scanner_outcome_unknown"})
    """Codes of the errors that count: the scanner did not answer, or not in a way that can be used."""


@dataclass(frozen=True, kw_only=True, slots=True)
class RetentionSettings:
    """How long ended scans are kept, on our side and on the scanners."""

    completed: timedelta = timedelta(days=7)
    failed: timedelta = timedelta(days=30)
    """Timed out and cancelled ones too."""
    dead: timedelta = timedelta(days=30)
    """Given up, and not retried within this time; as long as dead letters are kept."""
    orphans: timedelta = timedelta(hours=1)
    """How old an export that no event names must be before it is deleted."""

    @property
    def longest(self) -> timedelta:
        """After this nothing is left of any scan that is over."""
        return max(self.completed, self.failed, self.dead)


@dataclass(frozen=True, kw_only=True, slots=True)
class SpaceSettings:
    """When NATS is taken for too full to admit and place scans, and when no more."""

    stop_percent: int = 5
    """Less than this share of a limit left, and scans wait."""
    resume_percent: int = 7
    """More than this share left, and they wait no more."""
    stop_bytes: int = 2**30
    """Less than this left, and scans wait as well; of a limit under ten times this, a tenth counts instead."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ReportSettings:
    """How large and how deep a report may be that is read."""

    file_bytes: int = 4 * 1024**3
    host_bytes: int = 512 * 1024**2
    text_chars: int = 1024**2
    """A longer text is kept with its head and tail, the cut counted."""
    depth: int = 32
    """Of elements within each other."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Settings:
    """Everything a service process can be told."""

    nats: NatsAddress = field(default_factory=NatsAddress)
    pools: tuple[str, ...] = ()
    """Pools that this process serves; empty serves all."""
    deployment: str = "scanpool"
    """Stands in the names of our scans on the scanners; two installations on one scanner need two."""
    http_host: str = "127.0.0.1"
    http_port: int = 0
    """Port of health and metrics; 0 takes a free one and logs it."""
    grace: timedelta = timedelta(seconds=30)
    """Within it a process that was told to stop has stopped."""
    scanner_timeout: timedelta = timedelta(seconds=20)
    readiness_every: timedelta = timedelta(seconds=30)
    validations_at_once: int = 2
    exports_at_once: int = 2
    max_duration: timedelta = timedelta(hours=24)
    max_report_bytes: int = 2 * 1024**3
    export_ready: timedelta = timedelta(minutes=30)
    """How long a scanner may take to make an export; then it is asked for another."""
    report: ReportSettings = field(default_factory=ReportSettings)
    launch: LaunchSettings = field(default_factory=LaunchSettings)
    poll: PollSettings = field(default_factory=PollSettings)
    breaker: BreakerSettings = field(default_factory=BreakerSettings)
    space: SpaceSettings = field(default_factory=SpaceSettings)
    health_every: timedelta = timedelta(seconds=10)
    """How often a process looks at what it needs, for `/health/ready`."""
    health_lag: timedelta = timedelta(minutes=5)
    """After this, events that nobody takes are told there."""
    gauges_every: timedelta = timedelta(seconds=15)
    """How often the gauges of shared state are read from NATS."""
    store: Path | None = None
    """The folder of a NATS of our own, whose disk is looked at; None where NATS is somebody else's."""
    retention: RetentionSettings = field(default_factory=RetentionSettings)
    backoff: Backoff = field(default_factory=Backoff)
    work_dir: Path | None = None
    """Where reports are kept while in hand; None takes the system's temporary folder."""
