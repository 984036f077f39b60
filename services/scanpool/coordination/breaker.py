"""The circuit breaker of a scanner: pure transitions of its key `breaker.<scanner>`.

Closed, it lets every call through and counts the failures in a row. Open, it lets none through. Once its time is over
one process may probe the scanner (half-open); the probes decide between closed and open again.
"""

from __future__ import annotations

from datetime import datetime

from msgspec.structs import replace

from scanpool.runtime.settings import BreakerSettings
from scanpool_schemas.keys import Breaker, Probe


def lets_through(breaker: Breaker) -> bool:
    """Whether the scanner may be called for a scan."""
    return breaker.state == "closed"


def may_probe(breaker: Breaker, now: datetime) -> bool:
    """Whether a process may take the probe now."""
    match breaker.state:
        case "closed":
            return False
        case "open":
            return breaker.until is not None and breaker.until <= now
        case "half-open":
            return breaker.probe is None or breaker.probe.until <= now


def call_failed(breaker: Breaker, operation: str, reason: str, now: datetime, rules: BreakerSettings) -> Breaker:
    """A call failed in a way that counts; calls that were under way when it opened count no more."""
    if breaker.state != "closed":
        return breaker
    failures = breaker.failures + 1
    if failures < rules.failures:
        return replace(breaker, failures=failures, operation=operation, reason=reason)
    return _opened(breaker, reason, now, rules, failures)


def call_succeeded(breaker: Breaker, operation: str) -> Breaker:
    """A call was answered: if one like it failed last, the failures are no longer in a row.

    A scanner that lists its scans and cannot create one is sick all the same.
    """
    if breaker.state != "closed" or breaker.operation != operation:
        return breaker
    return _well(breaker)


def probing(breaker: Breaker, by: str, now: datetime, rules: BreakerSettings) -> Breaker:
    """The process takes the probe; call it only where `may_probe`."""
    since = breaker.since if breaker.state == "half-open" else now
    return replace(
        breaker, state="half-open", since=since, until=None, probe=Probe(by=by, until=now + rules.probe_lease)
    )


def probe_succeeded(breaker: Breaker, by: str, now: datetime, rules: BreakerSettings) -> Breaker:
    """The process's probe succeeded; of a probe that is no longer its own nothing changes."""
    if not _probes(breaker, by):
        return breaker
    successes = breaker.successes + 1
    if successes < rules.successes:
        return replace(breaker, successes=successes, probe=None)
    return Breaker(state="closed", since=now, opened=breaker.opened)


def probe_failed(breaker: Breaker, by: str, reason: str, now: datetime, rules: BreakerSettings) -> Breaker:
    """The process's probe failed: open again for the whole time."""
    if not _probes(breaker, by):
        return breaker
    return _opened(breaker, reason, now, rules, breaker.failures)


def tripped(breaker: Breaker, by: str, reason: str, until: datetime | None, now: datetime) -> Breaker:
    """A person opens it, until then or, without `until`, until a person resets it."""
    return Breaker(state="open", since=now, until=until, reason=reason, by=by, opened=breaker.opened + 1)


def reset(breaker: Breaker, by: str, now: datetime) -> Breaker:
    """A person closes it."""
    if breaker.state == "closed":
        return _well(breaker)
    return Breaker(state="closed", since=now, by=by, opened=breaker.opened)


def probe_asked(breaker: Breaker, now: datetime) -> Breaker:
    """A person asks that the scanner be probed now, not when the breaker's time is over."""
    return replace(breaker, until=now) if breaker.state == "open" else breaker


def said(breaker: Breaker) -> str:
    """The breaker in words: its state, who opened it or how, and until when."""
    by = f" by {breaker.by}" if breaker.by else ""
    until = f" until {breaker.until:%Y-%m-%d %H:%M:%S} UTC" if breaker.until else ""
    return f"its breaker is {breaker.state}{by}{until}{f' ({breaker.reason})' if breaker.reason else ''}"


def event_of(before: Breaker, after: Breaker) -> str | None:
    """The event that the transition gives rise to, if any."""
    if before.state == after.state and before.since == after.since:
        return None
    return {"closed": "breaker-closed", "open": "breaker-opened", "half-open": "breaker-half-open"}[after.state]


def _well(breaker: Breaker) -> Breaker:
    return replace(breaker, failures=0, operation="", reason="")


def _opened(breaker: Breaker, reason: str, now: datetime, rules: BreakerSettings, failures: int) -> Breaker:
    return Breaker(
        state="open",
        since=now,
        until=now + rules.recovery,
        failures=failures,
        reason=reason,
        opened=breaker.opened + 1,
    )


def _probes(breaker: Breaker, by: str) -> bool:
    return breaker.state == "half-open" and breaker.probe is not None and breaker.probe.by == by
