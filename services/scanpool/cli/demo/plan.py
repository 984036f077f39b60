"""The pools, scanners and scans of the demonstration, and how each scan must end. No I/O."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from scanpool.emulator import default_network as network
from scanpool_schemas.status import ScanStatus, Status


@dataclass(frozen=True, kw_only=True, slots=True)
class DemoScanner:
    """An emulated scanner, and what is wrong with it from the start."""

    pool: str
    name: str
    capacity: int
    faults: tuple[Mapping[str, Any], ...] = ()

    @property
    def instance(self) -> str:
        return f"{self.pool}.{self.name}"


@dataclass(frozen=True, kw_only=True, slots=True)
class DemoScan:
    """A scan to submit, and how it must end."""

    name: str
    targets: tuple[str, ...]
    pool: str = "internal"
    fields: Mapping[str, Any] = field(default_factory=dict)
    status: Status = "completed"
    verdict: str | None = "not_applicable"
    """The authentication status; None where the scan must end without a report."""
    code: str | None = None
    """The error code that it must end with."""
    scanner: str | None = None
    """The scanner that it must run on."""
    twice: bool = False
    """Submitted a second time, which must answer with the same scan."""
    cancel: bool = False
    """Cancelled once it runs."""
    shows: str
    """What a person can learn from it."""


ABORTS = "database segment"
CUT_ONCE = "branch office"
CUT_ALWAYS = "legacy segment"
LONG = "data centre"

_TROUBLE: tuple[Mapping[str, Any], ...] = (
    {"fault": "aborted", "match": ABORTS},
    {"fault": "truncated_export", "match": CUT_ONCE, "times": 1},
    {"fault": "truncated_export", "match": CUT_ALWAYS},
)

SCANNERS: Sequence[DemoScanner] = (
    DemoScanner(pool="internal", name="berlin", capacity=3, faults=_TROUBLE),
    DemoScanner(pool="internal", name="munich", capacity=2, faults=_TROUBLE),
    DemoScanner(pool="internal", name="hamburg", capacity=2, faults=({"fault": "down"},)),
    DemoScanner(pool="dmz", name="edge1", capacity=2),
    DemoScanner(pool="dmz", name="edge2", capacity=1),
)

NETWORKS = ("10.10.0.0/16", "192.0.2.0/24")
"""Where the emulated hosts are, and where there are none."""

CREDENTIALS: Sequence[Mapping[str, Any]] = (
    {
        "id": "linux-audit",
        "label": "audit account on Linux",
        "kind": "ssh_password",
        "username": network.LINUX_ACCOUNT,
        "password": {"env": "DEMO_LINUX_PASSWORD"},
        "escalation": {"method": "sudo", "password": {"env": "DEMO_LINUX_PASSWORD"}},
        "pools": ["internal", "dmz"],
    },
    {
        "id": "windows-audit",
        "label": "audit account in the domain",
        "kind": "windows",
        "username": network.WINDOWS_ACCOUNT,
        "domain": network.WINDOWS_DOMAIN,
        "password": {"env": "DEMO_WINDOWS_PASSWORD"},
        "pools": ["internal"],
    },
)
CLIENTS: Sequence[Mapping[str, Any]] = (
    {
        "subject": "local",
        "pools": ["internal", "dmz"],
        "networks": list(NETWORKS),
        "credentials": [each["id"] for each in CREDENTIALS],
        "intensity": "intrusive",
    },
)
"""Whoever comes over the bridge of this process."""
ENVIRON: Mapping[str, str] = {
    "DEMO_LINUX_PASSWORD": network.LINUX_PASSWORD,
    "DEMO_WINDOWS_PASSWORD": network.WINDOWS_PASSWORD,
}

_LINUX = {"scan_type": "authenticated", "credential_ref": "linux-audit"}
_WINDOWS = {"scan_type": "authenticated", "credential_ref": "windows-audit"}
_SUDO = {"scan_type": "authenticated_privileged", "credential_ref": "linux-audit"}

SCANS: Sequence[DemoScan] = (
    DemoScan(
        name="office network, from outside",
        targets=("10.10.0.0/28",),
        shows="a scan without credentials",
    ),
    DemoScan(
        name="web servers",
        targets=("10.10.0.1-10.10.0.6",),
        fields=_LINUX,
        verdict="success",
        shows="the login worked on every host",
    ),
    DemoScan(
        name="mixed servers",
        targets=("10.10.0.1-10.10.0.3", "10.10.1.1-10.10.1.2"),
        fields=_LINUX,
        verdict="partial",
        shows="the login worked on some hosts only",
    ),
    DemoScan(
        name="acquired company",
        targets=("10.10.1.0/29",),
        fields=_LINUX,
        status="failed",
        verdict="failed",
        code="auth_failed",
        shows="the login worked nowhere: the scan does not count",
    ),
    DemoScan(
        name="hardened servers",
        targets=("10.10.2.1-10.10.2.4",),
        fields=_SUDO,
        verdict="partial",
        shows="logged in, but sudo was refused",
    ),
    DemoScan(
        name="domain controllers",
        targets=("10.10.3.1-10.10.3.3",),
        fields={**_WINDOWS, "priority": "high"},
        verdict="success",
        shows="Windows by SMB, in the high lane",
    ),
    DemoScan(
        name="perimeter",
        targets=("192.0.2.0/27",),
        pool="dmz",
        fields={"scanner": "edge2"},
        scanner="edge2",
        shows="pinned to one scanner",
    ),
    DemoScan(
        name="jump hosts",
        targets=("10.10.0.20-10.10.0.22",),
        pool="dmz",
        fields=_SUDO,
        verdict="success",
        shows="privileged, with sudo that works",
    ),
    DemoScan(
        name="nightly baseline",
        targets=("10.10.10.0/30",),
        fields={"idempotency_key": "nightly-2026-11-24", "owner": "demo", "priority": "low"},
        twice=True,
        shows="submitted twice with one key: one scan",
    ),
    DemoScan(
        name="only by hamburg",
        targets=("10.10.0.40",),
        fields={"scanner": "hamburg", "max_wait_s": 12},
        status="timeout",
        verdict=None,
        code="max_wait_exceeded",
        shows="its scanner is down, and it waits no longer than it said",
    ),
    DemoScan(
        name=ABORTS,
        targets=("10.10.0.50-10.10.0.55",),
        status="failed",
        verdict=None,
        code="scan_aborted",
        shows="aborted by the scanner",
    ),
    DemoScan(
        name=CUT_ONCE,
        targets=("10.10.0.60-10.10.0.62",),
        fields=_LINUX,
        verdict="success",
        shows="the report came cut off, and was fetched again",
    ),
    DemoScan(
        name=CUT_ALWAYS,
        targets=("10.10.0.70",),
        status="failed",
        verdict=None,
        code="export_failed",
        shows="the report stays cut off: given up, a dead letter",
    ),
    DemoScan(
        name="multicast by mistake",
        targets=("224.0.0.0/24",),
        status="failed",
        verdict=None,
        code="impossible_target",
        shows="refused at once, with the reason",
    ),
    DemoScan(
        name=LONG,
        targets=("10.10.0.0/24",),
        pool="dmz",
        status="cancelled",
        verdict=None,
        code="cancelled",
        cancel=True,
        shows="cancelled while it ran, confirmed by the scanner",
    ),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """How a scan of the demonstration ended, held against how it must end."""

    scan: DemoScan
    status: ScanStatus
    second_id: str | None = None
    """The id that the second submission answered with."""

    @property
    def verdict(self) -> str | None:
        return self.status.authentication_status

    @property
    def reason(self) -> str:
        """Why it ended so, in a sentence."""
        if self.status.error is not None:
            return self.status.error.message
        return self.status.result.message if self.status.result else ""

    def mistakes(self) -> list[str]:
        """What is not as it must be."""
        code = self.status.error.code if self.status.error else None
        ran_on = (self.status.scanner_instance or "").rpartition(".")[2]
        expected = (
            ("status", self.scan.status, self.status.status),
            ("verdict", self.scan.verdict, self.verdict),
            ("code", self.scan.code, code),
            ("scanner", self.scan.scanner or ran_on, ran_on),
            ("second submission", self.status.id if self.scan.twice else None, self.second_id),
        )
        return [f"{what} {found!r}, not {wanted!r}" for what, wanted, found in expected if wanted != found]
