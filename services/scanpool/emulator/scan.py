"""A scan as the emulated scanner holds it, and its runs."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from scanpool.emulator.credentials import Offered, Stored
from scanpool.emulator.lifecycle import (
    Command,
    Commands,
    Life,
    Status,
    Timing,
    advance,
    command,
    host_share,
    host_window,
)
from scanpool.emulator.login import Attempt, attempts
from scanpool.emulator.network import Found, Responder
from scanpool.emulator.templates import Template


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """The settings of a scan that the emulator acts on; the others are kept as they came."""

    name: str
    text_targets: str
    description: str = ""
    enabled: bool = False
    launch: str = "ON_DEMAND"
    launch_now: bool = False
    scanner_id: int | str | None = None
    folder_id: int | None = None
    policy_id: int | None = None
    starttime: str | None = None
    rrules: str | None = None
    timezone: str | None = None


@dataclass(frozen=True)
class RunHost:
    """One host of a run, and how the logins on it went."""

    id: int
    responder: Responder
    attempts: tuple[Attempt, ...]


def hosts_of(found: Found, offered: Offered) -> tuple[RunHost, ...]:
    """The hosts a run will report on, with every login tried."""
    return tuple(
        RunHost(number, responder, attempts(responder.host, offered))
        for number, responder in enumerate(found.responders, start=2)
    )


@dataclass(kw_only=True)
class Run:
    """One launch of a scan, in its history for as long as nobody deletes it."""

    history_id: int
    uuid: str
    launched_at: float
    timing: Timing
    life: Life
    text_targets: str
    hosts: tuple[RunHost, ...]
    notes: tuple[str, ...]

    def settle(self, now: float) -> Status:
        """Bring the run to where it is by now, and say its status."""
        self.life = advance(self.life, self.timing, now)
        return self.life.status

    def order(self, order: Command, now: float, commands: Commands) -> bool:
        """Carry out a command; False where the status does not allow it."""
        self.settle(now)
        following = command(self.life, order, now, commands)
        self.life = following or self.life
        return following is not None

    def share(self, now: float) -> float:
        """How much of the scanning is done, 0 to 1."""
        return self.life.share(self.timing, now)

    def seen(self, now: float) -> tuple[tuple[RunHost, float], ...]:
        """The hosts whose turn has come, each with how far it has come, 0 to 1."""
        share = self.share(now)
        if self.life.status is Status.PENDING:
            return ()
        shares = ((host, host_share(place, len(self.hosts), share)) for place, host in enumerate(self.hosts))
        return tuple((host, done) for host, done in shares if done is not None)

    @property
    def ended_at(self) -> float | None:
        """When the run ended; None while it is active."""
        return None if self.life.status.active else self.life.since

    def host_span(self, place: int) -> tuple[float, float]:
        """When a host began and ended, had nothing paused the run."""
        begins, ends = host_window(place, len(self.hosts))
        start = self.launched_at + self.timing.pending_s
        return start + begins * self.timing.scanning_s, start + ends * self.timing.scanning_s


@dataclass(kw_only=True)
class Scan:
    """A scan's configuration and what was done with it."""

    id: int
    uuid: str
    """Of the scan's own template, not of a run."""
    template: Template
    settings: Settings
    preferences: Mapping[str, Any]
    """The settings that the emulator does not act on."""
    credentials: tuple[Stored, ...]
    created_at: float
    modified_at: float
    runs: list[Run] = field(default_factory=list)
    launched: int = 0
    stopped: int = 0
    deleted: int = 0
    lost: bool = False

    def status(self, now: float) -> Status:
        """The status of the latest run; empty where there is none."""
        return self.runs[-1].settle(now) if self.runs else Status.EMPTY

    @property
    def exists(self) -> bool:
        """Whether the API knows it."""
        return not self.deleted and not self.lost
