"""The settings of a process, out of the environment; read once, in `main`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

from scanpool.runtime.backoff import Backoff
from scanpool.runtime.environ import SettingInvalid, path, seconds, whole
from scanpool.runtime.nats_settings import nats_address
from scanpool.runtime.settings import (
    BreakerSettings,
    LaunchSettings,
    PollSettings,
    ReportSettings,
    RetentionSettings,
    Settings,
    SpaceSettings,
)
from scanpool_schemas.names import InvalidName, check_pool_name

_DEPLOYMENT = re.compile(r"[A-Za-z0-9_.-]{1,64}")
"""What may stand in the bracketed name of a scan on its scanner."""

_GAUGES_AT_MOST = timedelta(seconds=30)
"""Between two readings of the gauges of shared state."""

_BREAKER_CODES = frozenset(
    {"scanner_unavailable", "scanner_not_ready", "scanner_outcome_unknown", "scanner_conflict", "scanner_lost_scan"}
)
"""What may be counted against a scanner: sign-in, licence and template refusals have their own handling."""

_MIB = 2**20


def from_environ(environ: Mapping[str, str]) -> Settings:
    """Read the settings that operators change from `SCANPOOL_…` variables.

    Raises:
        SettingInvalid: names the variable, what it holds and what it takes.
    """
    untold = Settings()
    settings = Settings(
        nats=nats_address(environ),
        pools=_pools(environ, "SCANPOOL_POOLS"),
        deployment=_deployment(environ, "SCANPOOL_DEPLOYMENT", untold.deployment),
        http_host=environ.get("SCANPOOL_HTTP_HOST") or untold.http_host,
        http_port=whole(environ, "SCANPOOL_HTTP_PORT", untold.http_port, least=0, most=65535),
        grace=seconds(environ, "SCANPOOL_SHUTDOWN_S", untold.grace),
        scanner_timeout=seconds(environ, "SCANPOOL_SCANNER_TIMEOUT_S", untold.scanner_timeout),
        readiness_every=seconds(environ, "SCANPOOL_READINESS_EVERY_S", untold.readiness_every),
        validations_at_once=whole(environ, "SCANPOOL_VALIDATIONS", untold.validations_at_once, least=1, most=64),
        exports_at_once=whole(environ, "SCANPOOL_EXPORTS", untold.exports_at_once, least=1, most=64),
        max_duration=seconds(environ, "SCANPOOL_MAX_DURATION_S", untold.max_duration),
        max_report_bytes=whole(environ, "SCANPOOL_MAX_REPORT_BYTES", untold.max_report_bytes, least=1024, most=2**40),
        export_ready=seconds(environ, "SCANPOOL_EXPORT_READY_S", untold.export_ready),
        report=_report(environ, untold.report),
        launch=_launch(environ, untold.launch),
        poll=_poll(environ, untold.poll),
        breaker=_breaker(environ, untold.breaker),
        retention=_retention(environ, untold.retention),
        space=_space(environ, untold.space),
        backoff=_backoff(environ, untold.backoff),
        health_every=seconds(environ, "SCANPOOL_HEALTH_EVERY_S", untold.health_every),
        health_lag=seconds(environ, "SCANPOOL_HEALTH_LAG_S", untold.health_lag),
        gauges_every=seconds(environ, "SCANPOOL_GAUGES_EVERY_S", untold.gauges_every),
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


def _report(environ: Mapping[str, str], untold: ReportSettings) -> ReportSettings:
    return ReportSettings(
        file_bytes=whole(environ, "SCANPOOL_REPORT_BYTES", untold.file_bytes, least=1024, most=2**40),
        host_bytes=whole(environ, "SCANPOOL_REPORT_HOST_BYTES", untold.host_bytes, least=2**20, most=2**40),
        text_chars=whole(environ, "SCANPOOL_REPORT_TEXT_CHARS", untold.text_chars, least=1024, most=2**24),
        depth=whole(environ, "SCANPOOL_REPORT_DEPTH", untold.depth, least=8, most=1000),
    )


def _launch(environ: Mapping[str, str], untold: LaunchSettings) -> LaunchSettings:
    return LaunchSettings(
        lease=seconds(environ, "SCANPOOL_LEASE_S", untold.lease),
        request_bound=seconds(environ, "SCANPOOL_REQUEST_BOUND_S", untold.request_bound),
    )


def _poll(environ: Mapping[str, str], untold: PollSettings) -> PollSettings:
    return PollSettings(
        shortest=seconds(environ, "SCANPOOL_POLL_SHORTEST_S", untold.shortest),
        longest=seconds(environ, "SCANPOOL_POLL_LONGEST_S", untold.longest),
        unreachable=seconds(environ, "SCANPOOL_POLL_UNREACHABLE_S", untold.unreachable),
        paused_limit=seconds(environ, "SCANPOOL_PAUSED_LIMIT_S", untold.paused_limit),
    )


def _breaker(environ: Mapping[str, str], untold: BreakerSettings) -> BreakerSettings:
    return BreakerSettings(
        failures=whole(environ, "SCANPOOL_BREAKER_FAILURES", untold.failures, least=1, most=1000),
        recovery=seconds(environ, "SCANPOOL_BREAKER_RECOVERY_S", untold.recovery),
        successes=whole(environ, "SCANPOOL_BREAKER_SUCCESSES", untold.successes, least=1, most=100),
        counted=_codes(environ, "SCANPOOL_BREAKER_ERRORS", untold.counted),
    )


def _retention(environ: Mapping[str, str], untold: RetentionSettings) -> RetentionSettings:
    return RetentionSettings(
        completed=seconds(environ, "SCANPOOL_KEEP_COMPLETED_S", untold.completed),
        failed=seconds(environ, "SCANPOOL_KEEP_FAILED_S", untold.failed),
        dead=seconds(environ, "SCANPOOL_KEEP_DEAD_S", untold.dead),
    )


def _space(environ: Mapping[str, str], untold: SpaceSettings) -> SpaceSettings:
    stop_mib = whole(environ, "SCANPOOL_SPACE_STOP_MIB", untold.stop_bytes // _MIB, least=1, most=2**20)
    return SpaceSettings(
        stop_percent=whole(environ, "SCANPOOL_SPACE_STOP_PERCENT", untold.stop_percent, least=1, most=90),
        resume_percent=whole(environ, "SCANPOOL_SPACE_RESUME_PERCENT", untold.resume_percent, least=2, most=95),
        stop_bytes=stop_mib * _MIB,
    )


def _backoff(environ: Mapping[str, str], untold: Backoff) -> Backoff:
    return Backoff(
        first=seconds(environ, "SCANPOOL_BACKOFF_FIRST_S", untold.first),
        cap=seconds(environ, "SCANPOOL_BACKOFF_CAP_S", untold.cap),
        attempts=whole(environ, "SCANPOOL_ATTEMPTS", untold.attempts, least=1, most=100),
    )


def _check_together(environ: Mapping[str, str], settings: Settings) -> None:
    """A launch is exactly once only if no request outlives its bound (docs: explanation/lifecycle)."""
    timeout, launch, poll = settings.scanner_timeout, settings.launch, settings.poll
    if settings.space.stop_percent >= settings.space.resume_percent:
        found = environ.get("SCANPOOL_SPACE_STOP_PERCENT", "(default)")
        wanted = f"must be less than SCANPOOL_SPACE_RESUME_PERCENT, which is {settings.space.resume_percent}"
        raise SettingInvalid("SCANPOOL_SPACE_STOP_PERCENT", found, wanted)
    if settings.gauges_every > _GAUGES_AT_MOST:
        found = environ.get("SCANPOOL_GAUGES_EVERY_S", "(default)")
        wanted = f"takes at most {_GAUGES_AT_MOST.total_seconds():g} seconds: alerts go by what is read then"
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


def _deployment(environ: Mapping[str, str], variable: str, default: str) -> str:
    text = environ.get(variable) or default
    if not _DEPLOYMENT.fullmatch(text):
        raise SettingInvalid(variable, text, "takes 1 to 64 of A-Z, a-z, 0-9, '_', '.' and '-'")
    return text


def _codes(environ: Mapping[str, str], variable: str, default: frozenset[str]) -> frozenset[str]:
    text = environ.get(variable)
    if not text:
        return default
    codes = frozenset(part.strip() for part in text.split(",") if part.strip())
    if unknown := sorted(codes - _BREAKER_CODES):
        takes = f"takes codes separated by commas, of {', '.join(sorted(_BREAKER_CODES))}; not {', '.join(unknown)}"
        raise SettingInvalid(variable, text, takes)
    return codes
