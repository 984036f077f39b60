"""The events beside a scan's own: progress, answers to orders, what befell a scanner, and dead letters."""

from __future__ import annotations

from typing import Literal

import msgspec

from scanpool_schemas.instants import Instant
from scanpool_schemas.request import OrderName
from scanpool_schemas.scan import ScanError


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
    paused_by: str = ""
    """Who asked that it be paused; empty where that was done on the scanner itself."""
    paused_reason: str = ""
    """Why, in that person's words."""
    paused_until: Instant | None = None
    """When it is stopped unless it is resumed before: it was paused for too long, or has taken too long altogether."""
    at: Instant


OrderOutcome = Literal["done", "under-way", "already", "refused", "unknown"]


class OrderAnswer(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What came of an order to pause or resume a scan. Told by a poller on the request's `<reply>` subject."""

    id: str
    pool: str
    order: OrderName
    outcome: OrderOutcome
    """done: the scanner did it. under-way: it took the order and is at it. already: it was so before. refused: it was
    not done, and `error` says why. unknown: the scanner gave no answer, it may have been done; ask again."""
    message: str
    """The same in a sentence."""
    progress: ScanProgress | None = None
    """What the scanner said of the scan afterwards, where it was asked."""
    error: ScanError | None = None
    """Why it was refused, or is not known."""
    at: Instant


class ScannerEvent(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Something befell a scanner. Published on `scanner.<pool>.<scanner>.<event>`."""

    pool: str
    scanner: str
    event: str
    """ready, not-ready, may-not-launch, second-run; breaker-opened, breaker-half-open, breaker-closed; cordoned,
    uncordoned; places-disagree, place-repaired."""
    by: str = ""
    """The person who did it; empty where it came about by itself."""
    reason: str = ""
    at: Instant


AuditOutcome = Literal["accepted", "refused", "failed", "interrupted"]
Confirmation = Literal["not-asked", "given", "declined", "awaited"]


class AuditEvent(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A client of the bridge called a tool that changes something. Published on `audit.<client>.<tool>`."""

    at: Instant
    subject: str
    """The client, by the subject of its identity."""
    tool: str
    outcome: AuditOutcome
    """accepted: it was asked for, also where it waits for approval. refused: it was not, and `code` says why. failed:
    the bridge has a fault. interrupted: the client left before it was answered; a scan that it had asked for by then
    is in `task_id`."""
    code: str = ""
    """Why it was refused, as the client was told."""
    task_id: str = ""
    """The scan."""
    pool: str = ""
    arguments_digest: str = ""
    """SHA-256 of the arguments in compact JSON with sorted keys, hex; empty where they held a secret."""
    confirmation: Confirmation = "not-asked"
    """not-asked: the policy wants none. awaited: the client cannot ask a person, so an operator has to approve."""
    trace_id: str = ""


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
