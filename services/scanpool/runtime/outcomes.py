"""What a handler answers; it never acks, naks or publishes itself."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeAlias


@dataclass(frozen=True, kw_only=True, slots=True)
class Done:
    """The delivery is dealt with: commit, ack, then go on without the delivery."""

    commit: Callable[[], Awaitable[Any]] | None = None
    """Answers what it stored, or None on a conflict: then the handler decides again from the top."""
    then: Callable[[Any], Awaitable[None]] | None = None
    """Runs after the ack with what the commit stored."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Snooze:
    """Nobody's fault: deliver it again after the delay; costs no attempt."""

    delay: timedelta
    reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Retry:
    """It failed and may succeed later: costs an attempt, waits out the backoff."""

    code: str
    message: str


@dataclass(frozen=True, kw_only=True, slots=True)
class DeadLetter:
    """It can never be handled and is no scan: keep it in the dead letter stream, then ack."""

    reason: str
    """A code of the error catalogue."""
    message: str
    pool: str = "_"
    scan_id: str = "_"
    """Only names that were checked; `_` for a token that is none."""


Outcome: TypeAlias = Done | Snooze | Retry | DeadLetter
