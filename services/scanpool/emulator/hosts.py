"""What a simulated host is, and the hosts file that describes a network of them."""

from pathlib import Path
from typing import Literal, TypeAlias

import msgspec
import yaml

from scanpool.emulator.targets import BadTargetError, Span, spans_of

OperatingSystem: TypeAlias = Literal["linux", "windows", "network", "dead", "silent"]
"""`network` is a device with a command line; `dead` is reported as not answering; `silent` is left out."""

Rights: TypeAlias = Literal["full", "limited", "none"]
Escalation: TypeAlias = Literal[
    "sudo", "su", "su+sudo", "pbrun", "dzdo", ".k5login", "Cisco 'enable'", "Checkpoint Gaia 'expert'"
]


class HostsFileError(Exception):
    """A hosts file cannot be used; the text names the file, the place and what to do."""


class Account(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A user that may log in to a simulated host."""

    username: str
    password: str | None = None
    """None: no password opens the account."""
    ssh_key: bool = False
    """Any private key that was uploaded opens the account; otherwise none does."""
    domain: str = ""
    """Windows only; an empty one accepts whatever domain the credential names."""
    rights: Rights = "full"
    """Windows only: `limited` reads the registry in part, `none` logs in and is refused everything else."""
    escalation: dict[Escalation, str] = msgspec.field(default_factory=dict)
    """The ways this user gains privileges, each with the password it asks for ("" for none)."""


class Service(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A port that answers. A service named `ssh` or `cifs` is one that credentials are tried on."""

    port: int
    name: str
    protocol: Literal["tcp", "udp"] = "tcp"


class Host(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A simulated host, or one description shared by every address of a range."""

    address: str
    """An address, a CIDR network or a range: whatever a target may be, except a name."""
    os: OperatingSystem = "linux"
    name: str = ""
    """The host name that targets may use; for single addresses."""
    accounts: tuple[Account, ...] = ()
    services: tuple[Service, ...] | None = None
    """None: what the operating system usually offers."""
    findings: int = 8
    """Report items seen from the network, beside those that every host has."""
    local_findings: int = 12
    """Further report items, seen only when a login let local checks run."""
    compliance: int = 0
    """Policy compliance items, seen only when a login let local checks run."""
    scanner_itself: bool = False
    """The scanner's own machine: local checks run there without any credential."""
    intermittent: bool = False
    """Logins that worked once fail later in the scan."""
    patch_checks: bool = True
    """False: an operating system for which no local checks exist, so that a login alone shows."""
    finishes: bool = True
    """False: the host is lost during the scan and never ends."""
    hostile: bool = False
    """Its banners carry markup, terminal sequences and instructions aimed at whoever reads them."""


class HostsFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The whole hosts file: `hosts:` and nothing else. The first host that covers an address wins."""

    hosts: tuple[Host, ...]


DEFAULT_SERVICES: dict[OperatingSystem, tuple[Service, ...]] = {
    "linux": (Service(port=22, name="ssh"), Service(port=80, name="www"), Service(port=443, name="www")),
    "windows": (
        Service(port=135, name="epmap"),
        Service(port=445, name="cifs"),
        Service(port=3389, name="msrdp"),
    ),
    "network": (Service(port=22, name="ssh"), Service(port=161, name="snmp", protocol="udp")),
    "dead": (),
    "silent": (),
}


def services_of(host: Host) -> tuple[Service, ...]:
    """The services that answer on a host."""
    return DEFAULT_SERVICES[host.os] if host.services is None else host.services


def covered(host: Host) -> tuple[Span, ...]:
    """The addresses a host's description stands for.

    Raises:
        BadTargetError: the address is a name, or no address at all.
    """
    return spans_of(host.address)


def load_hosts(path: Path) -> tuple[Host, ...]:
    """Read a hosts file, YAML or JSON.

    Raises:
        HostsFileError: the file cannot be read, or describes something that does not exist.
    """
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
        hosts = msgspec.convert(content, HostsFile).hosts
    except (OSError, UnicodeDecodeError) as error:
        raise HostsFileError(f"{path}: the hosts file cannot be read: {error}") from error
    except yaml.YAMLError as error:
        raise HostsFileError(f"{path}: the hosts file is neither YAML nor JSON: {error}") from error
    except msgspec.ValidationError as error:
        raise HostsFileError(f"{path}: {error}; see docs/reference/emulator.md for the fields") from error
    for place, host in enumerate(hosts):
        _check_address(path, place, host)
    return hosts


def _check_address(path: Path, place: int, host: Host) -> None:
    try:
        covered(host)
    except BadTargetError as error:
        raise HostsFileError(f"{path}: hosts[{place}].address: {error}") from error
