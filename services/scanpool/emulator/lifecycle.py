"""The life of one run of a scan: its status over time, and what a command makes of it. Pure.

A run waits as `pending`, scans as `running`, is `processing` while its results are stored, and ends as
`completed`. `paused`, `canceled` and `aborted` are reached through `pausing`, `resuming` and `stopping`, or by a
turn that the run takes by itself; what is stuck in a status stays there until a command or a limit ends it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from math import inf
from typing import Self, TypeAlias

LONGEST_PENDING_S = 4 * 3600.0
LONGEST_PAUSED_S = 14 * 86400.0


class Status(StrEnum):
    """What Nessus says of a scan."""

    EMPTY = "empty"
    PENDING = "pending"
    RUNNING = "running"
    PAUSING = "pausing"
    PAUSED = "paused"
    RESUMING = "resuming"
    STOPPING = "stopping"
    PROCESSING = "processing"
    COMPLETED = "completed"
    CANCELED = "canceled"
    ABORTED = "aborted"

    @property
    def active(self) -> bool:
        """Something is, or waits to be, under way on the scanner."""
        return self not in (Status.EMPTY, Status.COMPLETED, Status.CANCELED, Status.ABORTED)


class Command(StrEnum):
    """What a user may ask of a run."""

    PAUSE = "pause"
    RESUME = "resume"
    STOP = "stop"
    KILL = "kill"


_STOPPABLE = (Status.PENDING, Status.RUNNING, Status.PAUSING, Status.PAUSED, Status.RESUMING)
_KILLABLE = (*_STOPPABLE, Status.STOPPING, Status.PROCESSING)

Commands: TypeAlias = Mapping[Command, Mapping[Status, Status]]

COMMANDS: Commands = {
    Command.PAUSE: {Status.RUNNING: Status.PAUSING},
    Command.RESUME: {Status.PAUSED: Status.RESUMING},
    Command.STOP: dict.fromkeys(_STOPPABLE, Status.STOPPING),
    Command.KILL: dict.fromkeys(_KILLABLE, Status.ABORTED),
}
"""What is not in here is refused."""

CLOUD_COMMANDS: Commands = {
    **COMMANDS,
    Command.STOP: dict.fromkeys((Status.PENDING, Status.RUNNING, Status.RESUMING), Status.STOPPING),
    Command.KILL: dict.fromkeys((Status.STOPPING, Status.PROCESSING), Status.ABORTED),
}
"""The same of Tenable Vulnerability Management: what is paused cannot be stopped."""


@dataclass(frozen=True, kw_only=True)
class Timing:
    """How long each part of a run takes, in real seconds."""

    pending_s: float
    scanning_s: float
    processing_s: float
    transition_s: float
    longest_pending_s: float = inf
    """A run that waited for so long is aborted."""
    longest_paused_s: float = inf
    """A run that was paused for so long is aborted."""

    @classmethod
    def of(cls, scan_seconds: float, time_scale: float, *, cloud: bool = False) -> Self:
        """A run of `scan_seconds` from launch to completed, that many times faster; Tenable's cloud knows limits."""
        whole = scan_seconds / time_scale
        return cls(
            pending_s=0.05 * whole,
            scanning_s=0.85 * whole,
            processing_s=0.10 * whole,
            transition_s=min(0.05 * whole, 2.0 / time_scale),
            longest_pending_s=LONGEST_PENDING_S / time_scale if cloud else inf,
            longest_paused_s=LONGEST_PAUSED_S / time_scale if cloud else inf,
        )


@dataclass(frozen=True, kw_only=True)
class Turn:
    """What a run comes to by itself after a share of its scanning: paused, or an end."""

    at: float
    to: Status


@dataclass(frozen=True, kw_only=True)
class Life:
    """Where a run stands."""

    status: Status
    since: float
    """When it came to this status, in epoch seconds."""
    scanned_s: float = 0.0
    """Seconds of scanning done before `since`."""
    turn: Turn | None = None
    """What it still comes to by itself, in place of processing."""
    stuck: Status | None = None
    """The status that it does not leave by itself."""

    def scanned(self, now: float) -> float:
        """Seconds of scanning done by `now`; only a running scan gets on."""
        return self.scanned_s + (now - self.since if self.status is Status.RUNNING else 0.0)

    def share(self, timing: Timing, now: float) -> float:
        """How much of its scanning is done, 0 to 1."""
        if self.status in (Status.PROCESSING, Status.COMPLETED) or timing.scanning_s == 0:
            return 1.0
        return min(1.0, max(0.0, self.scanned(now) / timing.scanning_s))


def advance(life: Life, timing: Timing, now: float) -> Life:
    """The life as it is at `now`, after every step that time alone has brought."""
    while (following := _next(life, timing)) is not None and following.since <= now:
        life = following
    return life


def _next(life: Life, timing: Timing) -> Life | None:
    limit_s = {Status.PENDING: timing.longest_pending_s, Status.PAUSED: timing.longest_paused_s}.get(life.status, inf)
    following = None if life.status is life.stuck else _step(life, timing)
    if limit_s < inf and (following is None or following.since > life.since + limit_s):
        return _after(limit_s, Status.ABORTED, life)
    return following


def _step(life: Life, timing: Timing) -> Life | None:
    match life.status:
        case Status.PENDING:
            return _after(timing.pending_s, Status.RUNNING, life)
        case Status.RUNNING:
            return _end_of_scanning(life, timing)
        case Status.PAUSING:
            return _after(timing.transition_s, Status.PAUSED, life)
        case Status.RESUMING:
            return _after(timing.transition_s, Status.RUNNING, life)
        case Status.STOPPING:
            return _after(timing.transition_s, Status.CANCELED, life)
        case Status.PROCESSING:
            return _after(timing.processing_s, Status.COMPLETED, life)
        case Status.EMPTY | Status.PAUSED | Status.COMPLETED | Status.CANCELED | Status.ABORTED:
            return None


def _after(seconds: float, status: Status, life: Life) -> Life:
    return replace(life, status=status, since=life.since + seconds)


def _end_of_scanning(life: Life, timing: Timing) -> Life:
    turn = life.turn or Turn(at=1.0, to=Status.PROCESSING)
    remaining = max(0.0, timing.scanning_s * turn.at - life.scanned_s)
    return replace(
        life,
        status=turn.to,
        since=life.since + remaining,
        scanned_s=life.scanned_s + remaining,
        turn=None,
    )


def command(life: Life, order: Command, now: float, commands: Commands = COMMANDS) -> Life | None:
    """The life after a command, or None where its status does not allow it."""
    status = commands[order].get(life.status)
    if status is None:
        return None
    return replace(life, status=status, since=now, scanned_s=life.scanned(now))


def host_window(place: int, of: int) -> tuple[float, float]:
    """When one host of several begins and ends, as shares of the scanning.

    Hosts begin one after the other over the first part of the scan and overlap; one alone takes all of it.
    """
    begins = 0.6 * place / of
    return begins, begins + 1.0 - 0.6 * (of - 1) / of


def host_share(place: int, of: int, share: float) -> float | None:
    """How far one host of several has come, 0 to 1; None before its turn."""
    begins, ends = host_window(place, of)
    if share < begins:
        return None
    # The ends of the last hosts are 1 but for rounding, and a finished scan must have finished hosts.
    return 1.0 if share >= min(ends, 1.0) else (share - begins) / (ends - begins)
