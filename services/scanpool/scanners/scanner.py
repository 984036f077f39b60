"""What the pipeline asks of a scanner of any kind, and the values that it answers with."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Protocol


class Activity(StrEnum):
    """What a scan on a scanner is doing, whatever words its vendor uses for it."""

    EMPTY = "empty"
    """Created, never launched."""
    PENDING = "pending"
    """Launched; waits for the scanner's own limits."""
    RUNNING = "running"
    """Active in any way, importing its results included; also any status that is not known."""
    PAUSING = "pausing"
    """Asked to pause, and still at work on what it has in hand."""
    PAUSED = "paused"
    STOPPING = "stopping"
    COMPLETED = "completed"
    CANCELED = "canceled"
    """Stopped by somebody; its results are partial."""
    ABORTED = "aborted"
    """Failed on the scanner; its results are partial or absent."""

    @property
    def is_over(self) -> bool:
        """Nothing of it runs on the scanner any more."""
        return self in {Activity.COMPLETED, Activity.CANCELED, Activity.ABORTED}


@dataclass(frozen=True, kw_only=True, slots=True)
class Readiness:
    """Whether a scanner can work, and what it is."""

    ready: bool
    reason: str = ""
    """Why it is not ready or may not launch; for one that may, how that is known where it is inferred."""
    can_launch: bool | None = None
    """Whether its licence lets an API client create and launch scans; None while it is not ready."""
    edition: str = ""
    version: str = ""
    plugin_set: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class ScannerScan:
    """A scan as the scanner lists it."""

    id: int
    name: str
    activity: Activity


@dataclass(frozen=True, kw_only=True, slots=True)
class Progress:
    """Where a scan on a scanner stands."""

    activity: Activity
    status: str
    """The scanner's own word."""
    percent: int
    """0 to 100; at most 99 until the scan is over; may go down when hosts join."""
    hosts_seen: int = 0
    hosts_done: int = 0
    runs: int = 0
    """Runs in the scanner's history of this scan; more than one means that it was launched twice."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Escalation:
    """How a login gains privileges; `method` as the scanner's API spells it."""

    method: str
    account: str = ""
    password: str = field(default="", repr=False)
    su_user: str = ""
    bin_directory: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class SshPassword:
    username: str
    password: str = field(repr=False)
    escalation: Escalation | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class SshKey:
    username: str
    private_key: str = field(repr=False)
    """The key itself, in PEM or OpenSSH form."""
    passphrase: str = field(default="", repr=False)
    escalation: Escalation | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class WindowsPassword:
    username: str
    password: str = field(repr=False)
    domain: str = ""


Login = SshPassword | SshKey | WindowsPassword


@dataclass(frozen=True, kw_only=True, slots=True)
class ScanSpec:
    """What to create on a scanner."""

    name: str
    """Ends in the bracketed name by which it is found again; compared whole."""
    targets: tuple[str, ...]
    template: str = "advanced"
    """A template's name, or a policy's where `policy` is set."""
    policy: str | None = None
    folder: str | None = None
    description: str = ""
    settings: dict[str, str] = field(default_factory=dict)
    login: Login | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class ExportedReport:
    """An export on disk, complete."""

    path: Path
    size_bytes: int
    sha256: str
    """Hex digest of the file."""


class Scanner(Protocol):
    """One scanner. Every call is bounded in time and raises only `scanpool.scanners.errors`."""

    async def readiness(self) -> Readiness:
        """How the scanner is; never raises: a scanner that cannot be reached is not ready."""
        ...

    async def scans(self) -> tuple[ScannerScan, ...]:
        """All scans that the scanner lists, of whoever made them."""
        ...

    async def create(self, spec: ScanSpec) -> int:
        """Create a scan, not launched, and answer its number. Not idempotent: look for the name first."""
        ...

    async def progress(self, scan: int) -> Progress:
        """Where the scan stands. Raises `ScanNotFound` only when the scanner answered so."""
        ...

    async def launch(self, scan: int) -> None:
        """Launch the scan. Raises `ScanConflict` if it is already running."""
        ...

    async def stop(self, scan: int) -> None:
        """Ask the scanner to stop it; it has stopped only when `progress` says so."""
        ...

    async def pause(self, scan: int) -> None:
        """Ask the scanner to pause it; it is paused only when `progress` says so.

        Raises `ScanConflict` where it does not run, which one that is pending, pausing or paused does not.
        """
        ...

    async def resume(self, scan: int) -> None:
        """Ask the scanner to go on with it; it runs again only when `progress` says so.

        Raises `ScanConflict` where it is not paused, which one that is still pausing is not.
        """
        ...

    async def export(self, scan: int, destination: Path) -> ExportedReport:
        """Export the scan's report and stream it to the file; atomic: the file is whole or absent.

        Raises `OSError` besides, where the file cannot be written.
        """
        ...

    async def delete(self, scan: int) -> None:
        """Delete the scan; a scan that is already gone is deleted."""
        ...

    async def close(self) -> None:
        """Sign out where signed in, and close the connections."""
        ...
