"""The events beside a scan's own: progress, what befell a scanner, and dead letters."""

from __future__ import annotations

import msgspec

from scanpool_schemas.instants import Instant


class ScanProgress(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How far a running scan is. Core NATS and KV `scan-progress` only; published by the poller."""

    id: str
    pool: str
    scanner: str
    percent: int
    """0 to 99 while the scan runs; may go down when hosts join."""
    status: str
    """The scanner's own word."""
    hosts_seen: int = 0
    hosts_done: int = 0
    paused_since: Instant | None = None
    """Since when somebody has it paused on the scanner."""
    at: Instant


class ScannerEvent(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Something befell a scanner. Published on `scanner.<pool>.<scanner>.<event>`."""

    pool: str
    scanner: str
    event: str
    """ready, not-ready, may-not-launch, second-run; breaker-opened, breaker-half-open, breaker-closed; cordoned,
    uncordoned."""
    by: str = ""
    """The person who did it; empty where it came about by itself."""
    reason: str = ""
    at: Instant


class DeadLetter(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A message that never became a scan. Published on `dlq.<pool>.<stage>.<id>.s<sequence>`."""

    reason: str
    """A code of the error catalogue."""
    message: str
    """What is wrong, in a sentence."""
    stage: str
    """The consumer that gave it up."""
    stream: str
    sequence: int
    subject: str
    headers: dict[str, str] = {}
    body: str | None = None
    """The original body where it is UTF-8 text."""
    body_base64: str | None = None
    """The original body where it is not, byte for byte."""
    attempts: int = 1
    first_at: Instant
    """When the message was stored."""
    last_at: Instant
    """When it was given up."""
    errors: tuple[str, ...] = ()
    """The chain of errors, the outermost first."""
