"""What a process is told by its environment and its command line; read once, in `main`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from scanpool.runtime.backoff import Backoff
from scanpool.runtime.connection import NatsAddress
from scanpool.runtime.environ import SettingInvalid, path, seconds, whole
from scanpool.runtime.nats_settings import nats_address
from scanpool_schemas.names import InvalidName, check_pool_name

DEPLOYMENT = re.compile(r"[A-Za-z0-9_.-]{1,64}")
"""What may stand in the bracketed name of a scan on its scanner."""

GAUGES_AT_MOST = timedelta(seconds=30)
"""Between two readings of the gauges of shared state."""


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


BREAKER_CODES = frozenset(
    {"scanner_unavailable", "scanner_not_ready", "scanner_outcome_unknown", "scanner_conflict", "scanner_lost_scan"}
)
"""What may be counted against a scanner: sign-in, licence and template refusals have their own handling."""


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


def from_environ(environ: Mapping[str, str]) -> Settings:
    """Read the settings that operators change from `SCANPOOL_…` variables.

    Raises:
        SettingInvalid: names the variable, what it holds and what it takes.
    """
    settings = Settings(
        nats=nats_address(environ),
        pools=_pools(environ, "SCANPOOL_POOLS"),
        deployment=_deployment(environ, "SCANPOOL_DEPLOYMENT"),
        http_host=environ.get("SCANPOOL_HTTP_HOST") or "127.0.0.1",
        http_port=whole(environ, "SCANPOOL_HTTP_PORT", 0, least=0, most=65535),
        grace=seconds(environ, "SCANPOOL_SHUTDOWN_S", 30),
        scanner_timeout=seconds(environ, "SCANPOOL_SCANNER_TIMEOUT_S", 20),
        readiness_every=seconds(environ, "SCANPOOL_READINESS_EVERY_S", 30),
        validations_at_once=whole(environ, "SCANPOOL_VALIDATIONS", 2, least=1, most=64),
        exports_at_once=whole(environ, "SCANPOOL_EXPORTS", 2, least=1, most=64),
        max_duration=seconds(environ, "SCANPOOL_MAX_DURATION_S", 24 * 3600),
        max_report_bytes=whole(environ, "SCANPOOL_MAX_REPORT_BYTES", 2 * 1024**3, least=1024, most=2**40),
        export_ready=seconds(environ, "SCANPOOL_EXPORT_READY_S", 1800),
        report=_report(environ),
        launch=LaunchSettings(
            lease=seconds(environ, "SCANPOOL_LEASE_S", 60),
            request_bound=seconds(environ, "SCANPOOL_REQUEST_BOUND_S", 30),
        ),
        poll=PollSettings(
            shortest=seconds(environ, "SCANPOOL_POLL_SHORTEST_S", 5),
            longest=seconds(environ, "SCANPOOL_POLL_LONGEST_S", 60),
            unreachable=seconds(environ, "SCANPOOL_POLL_UNREACHABLE_S", 30),
            paused_limit=seconds(environ, "SCANPOOL_PAUSED_LIMIT_S", 12 * 3600),
        ),
        breaker=_breaker(environ),
        retention=RetentionSettings(
            completed=seconds(environ, "SCANPOOL_KEEP_COMPLETED_S", 7 * 86400),
            failed=seconds(environ, "SCANPOOL_KEEP_FAILED_S", 30 * 86400),
            dead=seconds(environ, "SCANPOOL_KEEP_DEAD_S", 30 * 86400),
        ),
        space=SpaceSettings(
            stop_percent=whole(environ, "SCANPOOL_SPACE_STOP_PERCENT", 5, least=1, most=90),
            resume_percent=whole(environ, "SCANPOOL_SPACE_RESUME_PERCENT", 7, least=2, most=95),
            stop_bytes=whole(environ, "SCANPOOL_SPACE_STOP_MIB", 1024, least=1, most=2**20) * 2**20,
        ),
        backoff=Backoff(
            first=seconds(environ, "SCANPOOL_BACKOFF_FIRST_S", 2),
            cap=seconds(environ, "SCANPOOL_BACKOFF_CAP_S", 120),
            attempts=whole(environ, "SCANPOOL_ATTEMPTS", 5, least=1, most=100),
        ),
        health_every=seconds(environ, "SCANPOOL_HEALTH_EVERY_S", 10),
        health_lag=seconds(environ, "SCANPOOL_HEALTH_LAG_S", 300),
        gauges_every=seconds(environ, "SCANPOOL_GAUGES_EVERY_S", 15),
        work_dir=path(environ, "SCANPOOL_WORK_DIR", "takes an existing folder", Path.is_dir),
    )
    _check_together(environ, settings)
    return settings


def pool_names(text: str) -> tuple[str, ...]:
    """The pools of a comma-separated list.

    Raises:
        InvalidName: one of them is no pool's name.
    """
    return tuple(check_pool_name(part.strip()) for part in text.split(",") if part.strip())


def _report(environ: Mapping[str, str]) -> ReportSettings:
    return ReportSettings(
        file_bytes=whole(environ, "SCANPOOL_REPORT_BYTES", 4 * 1024**3, least=1024, most=2**40),
        host_bytes=whole(environ, "SCANPOOL_REPORT_HOST_BYTES", 512 * 1024**2, least=2**20, most=2**40),
        text_chars=whole(environ, "SCANPOOL_REPORT_TEXT_CHARS", 1024**2, least=1024, most=2**24),
        depth=whole(environ, "SCANPOOL_REPORT_DEPTH", 32, least=8, most=1000),
    )


def _breaker(environ: Mapping[str, str]) -> BreakerSettings:
    return BreakerSettings(
        failures=whole(environ, "SCANPOOL_BREAKER_FAILURES", 5, least=1, most=1000),
        recovery=seconds(environ, "SCANPOOL_BREAKER_RECOVERY_S", 30),
        successes=whole(environ, "SCANPOOL_BREAKER_SUCCESSES", 1, least=1, most=100),
        counted=_codes(environ, "SCANPOOL_BREAKER_ERRORS", BreakerSettings().counted),
    )


def _check_together(environ: Mapping[str, str], settings: Settings) -> None:
    """A launch is exactly once only if no request outlives its bound (docs: explanation/lifecycle)."""
    timeout, launch, poll = settings.scanner_timeout, settings.launch, settings.poll
    if settings.space.stop_percent >= settings.space.resume_percent:
        found = environ.get("SCANPOOL_SPACE_STOP_PERCENT", "(default)")
        wanted = f"must be less than SCANPOOL_SPACE_RESUME_PERCENT, which is {settings.space.resume_percent}"
        raise SettingInvalid("SCANPOOL_SPACE_STOP_PERCENT", found, wanted)
    if settings.gauges_every > GAUGES_AT_MOST:
        found = environ.get("SCANPOOL_GAUGES_EVERY_S", "(default)")
        wanted = f"takes at most {GAUGES_AT_MOST.total_seconds():g} seconds: alerts go by what is read then"
        raise SettingInvalid("SCANPOOL_GAUGES_EVERY_S", found, wanted)
    if timeout >= launch.request_bound:
        raise _too_long(environ, "SCANPOOL_SCANNER_TIMEOUT_S", "SCANPOOL_REQUEST_BOUND_S", launch.request_bound)
    if timeout >= launch.lease:
        raise _too_long(environ, "SCANPOOL_SCANNER_TIMEOUT_S", "SCANPOOL_LEASE_S", launch.lease)
    if poll.shortest > poll.longest:
        raise _too_long(environ, "SCANPOOL_POLL_SHORTEST_S", "SCANPOOL_POLL_LONGEST_S", poll.longest)


def _too_long(environ: Mapping[str, str], variable: str, limit: str, value: timedelta) -> SettingInvalid:
    found = environ.get(variable, "(default)")
    return SettingInvalid(variable, found, f"must be less than {limit}, which is {value.total_seconds():g} s")


def _pools(environ: Mapping[str, str], variable: str) -> tuple[str, ...]:
    text = environ.get(variable, "")
    try:
        return pool_names(text)
    except InvalidName as error:
        raise SettingInvalid(variable, text, f"takes names of pools separated by commas; {error}") from None


def _deployment(environ: Mapping[str, str], variable: str) -> str:
    text = environ.get(variable) or "scanpool"
    if not DEPLOYMENT.fullmatch(text):
        raise SettingInvalid(variable, text, "takes 1 to 64 of A-Z, a-z, 0-9, '_', '.' and '-'")
    return text


def _codes(environ: Mapping[str, str], variable: str, default: frozenset[str]) -> frozenset[str]:
    text = environ.get(variable)
    if not text:
        return default
    codes = frozenset(part.strip() for part in text.split(",") if part.strip())
    if unknown := sorted(codes - BREAKER_CODES):
        takes = f"takes codes separated by commas, of {', '.join(sorted(BREAKER_CODES))}; not {', '.join(unknown)}"
        raise SettingInvalid(variable, text, takes)
    return codes
