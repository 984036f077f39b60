"""What one emulated scanner is: its edition, its network, its pace and the credentials that open it."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Literal, TypeAlias, get_args

from scanpool.emulator.default_network import DEFAULT_HOSTS
from scanpool.emulator.hosts import Host, HostsFileError, load_hosts

__all__ = ["PROFILES", "Host", "HostsFileError", "Options", "Profile", "load_hosts"]

Profile: TypeAlias = Literal["nessus-manager", "nessus-professional", "nessus-essentials", "tenable-vm"]
PROFILES: tuple[Profile, ...] = get_args(Profile)


@dataclass(frozen=True, kw_only=True)
class Options:
    """The settings of an emulated scanner. The credentials are made up and open nothing else."""

    profile: Profile = "nessus-manager"
    """The edition: a Manager and Tenable Vulnerability Management alone let their API create and launch scans."""
    hosts: tuple[Host, ...] = DEFAULT_HOSTS
    time_scale: float = 1.0
    """How many times faster than real a scan, and the making of an export, goes by."""
    scan_seconds: float = 60.0
    """How long a scan takes from launch to completed, before scaling."""
    export_seconds: float = 2.0
    """How long an export is being made, before scaling."""
    max_hosts_per_scan: int = 1024
    """A scan of more answering hosts is cut there, and says so in its notes."""
    max_active_scans: int | None = None
    """One more launch is answered 429; None: 25 with Tenable Vulnerability Management, else no limit."""
    findings: int | None = None
    """Report items a host shows to a scan without login, in place of each host's own number."""
    legacy_export: bool = False
    """Exports answer with a file number alone, as version 6 does."""
    access_key: str = "emulated-access-key"
    secret_key: str = "emulated-secret-key"  # noqa: S105 - opens the emulator only
    username: str = "emulated-admin"
    password: str = "emulated-admin-password"  # noqa: S105 - opens the emulator only
    session_idle_timeout: timedelta = timedelta(minutes=30)
    """A session unused for this long is over. Real time: it is not scaled."""
    max_failed_logins: int = 5
    """That many failed logins in a row lock the account; 0 never does."""
    plugin_set: str = field(default_factory=lambda: f"{datetime.now(UTC):%Y%m%d}0000")
    """The plugin feed that it says it has loaded, as YYYYMMDDhhmm: today's. Its reports are always of the same one."""
    ips_used: int | None = None
    """How many of the licence's addresses are used; None: it does not say."""
    licence_expires_at: int = 4_102_444_800
    """When the licence ends, in seconds of the epoch."""
    clock_ahead_s: float = 0.0
    """How far the date of its answers is ahead of the host's clock."""

    def __post_init__(self) -> None:
        if self.profile not in PROFILES:
            raise ValueError(f"unknown profile {self.profile!r}; the profiles are {', '.join(PROFILES)}")
        if self.time_scale <= 0 or self.scan_seconds < 0 or self.export_seconds < 0:
            raise ValueError("time_scale must be above 0, scan_seconds and export_seconds not below 0")
        if self.max_hosts_per_scan < 1 or (self.max_active_scans is not None and self.max_active_scans < 1):
            raise ValueError("max_hosts_per_scan and max_active_scans must be at least 1")
