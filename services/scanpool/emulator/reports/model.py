"""What a report is made of: plugins, items, hosts, and the run it reports on."""

from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from scanpool.emulator.hosts import Host
from scanpool.emulator.licence import Edition
from scanpool.emulator.login import Attempt

Severity: TypeAlias = Literal[0, 1, 2, 3, 4]
RISKS = ("None", "Low", "Medium", "High", "Critical")


@dataclass(frozen=True, kw_only=True)
class Rating:
    """How bad a weakness is, by CVSS."""

    severity: Severity
    cvss3_base_score: str = ""
    cvss3_vector: str = ""
    cvss_base_score: str = ""
    cvss_vector: str = ""


@dataclass(frozen=True, kw_only=True)
class Plugin:
    """A check, and the constant text of every item it reports."""

    id: int
    name: str
    family: str
    synopsis: str
    description: str
    solution: str = "n/a"
    type: Literal["remote", "local", "combined", "summary", "settings"] = "remote"
    rating: Rating = field(default_factory=lambda: Rating(severity=0))
    cves: tuple[str, ...] = ()
    xrefs: tuple[str, ...] = ()
    cwe: str = ""
    cpe: str = ""
    see_also: tuple[str, ...] = ()
    published: str = "2024/01/15"
    modified: str = "2025/10/01"
    script_version: str = "1.12"
    agent: str = "all"


@dataclass(frozen=True)
class Compliance:
    """The outcome of one check of an audit file."""

    check_name: str
    check_id: str
    result: Literal["PASSED", "FAILED", "WARNING"]
    policy_value: str
    actual_value: str
    audit_file: str


@dataclass(frozen=True)
class Item:
    """One thing a plugin reports on a host."""

    plugin: Plugin
    output: str = ""
    port: int = 0
    protocol: str = "tcp"
    service: str = "general"
    compliance: Compliance | None = None

    @property
    def severity(self) -> Severity:
        """Compliance items use the severities in a way of their own."""
        if self.compliance is None:
            return self.plugin.rating.severity
        return _COMPLIANCE_SEVERITY[self.compliance.result]


_COMPLIANCE_SEVERITY: dict[str, Severity] = {"PASSED": 1, "WARNING": 2, "FAILED": 3}


@dataclass(frozen=True, kw_only=True)
class HostRun:
    """One host as a run left it."""

    label: str
    address: str
    host: Host
    attempts: tuple[Attempt, ...]
    done: float
    """How far the run came on it, 0 to 1."""
    started_at: float
    ended_at: float

    @property
    def finished(self) -> bool:
        """Whether the run came to the end of this host."""
        return self.done >= 1.0 and self.host.finishes


@dataclass(frozen=True, kw_only=True)
class Login:
    """A credential as the policy part of a report shows it: names in clear, never a secret."""

    ssh_user: str = ""
    smb_user: str = ""
    smb_domain: str = ""
    escalation_account: str = ""


@dataclass(frozen=True, kw_only=True)
class ScanRun:
    """The run that a report is about."""

    scan_name: str
    scan_description: str
    policy_name: str
    template_uuid: str
    run_uuid: str
    text_targets: str
    edition: Edition
    owner: str
    least_privilege: str
    safe_checks: str
    logins: tuple[Login, ...]
    findings: int | None
    """Items a host shows without login, in place of its own number."""
    started_at: float
    ended_at: float
    hosts: tuple[HostRun, ...]
