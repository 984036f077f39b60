"""What `scanners.yaml` says: pools with their rules and scanners, and credentials."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import Annotated, Literal, TypeAlias

import msgspec
from msgspec import Meta

from scanpool.runtime.configuration.secret import Secret
from scanpool_schemas.keys import Exclusion
from scanpool_schemas.request import Intensity

Text: TypeAlias = Annotated[str, Meta(min_length=1, max_length=1024)]


class EscalationMethod(Enum):
    """How a login gains privileges; Nessus' own words (`.k5login`) are understood too."""

    NONE = "none"
    SUDO = "sudo"
    SU = "su"
    SU_SUDO = "su+sudo"
    PBRUN = "pbrun"
    DZDO = "dzdo"
    K5LOGIN = "k5login"
    CISCO_ENABLE = "cisco-enable"
    CHECKPOINT_GAIA = "checkpoint-gaia"

    @property
    def api_name(self) -> str:
        """As Nessus spells it."""
        return _API_NAMES.get(self, self.value)

    @classmethod
    def _missing_(cls, value: object) -> EscalationMethod | None:
        return next((each for each, name in _API_NAMES.items() if name == value), None)


_API_NAMES = {
    EscalationMethod.NONE: "Nothing",
    EscalationMethod.K5LOGIN: ".k5login",
    EscalationMethod.CISCO_ENABLE: "Cisco 'enable'",
    EscalationMethod.CHECKPOINT_GAIA: "Checkpoint Gaia 'expert'",
}


class Tls(msgspec.Struct, frozen=True, kw_only=True):
    """How the scanner's certificate is judged."""

    verify: bool = True
    """Against the system's authorities, or the bundle's. Switched off, anybody may pose as the scanner."""
    ca_bundle: Path | None = None
    """A PEM file of the authorities to trust; relative to the configuration file."""
    fingerprint: str | None = None
    """SHA-256 of the certificate in hex, colons allowed: this one certificate, whoever issued it."""

    @property
    def pin(self) -> str | None:
        """The fingerprint in lower case without colons."""
        return None if self.fingerprint is None else self.fingerprint.replace(":", "").lower()


class Scanner(msgspec.Struct, frozen=True, kw_only=True):
    """A scanner of a pool. A Nessus signs in with keys or with a user's password, Tenable's cloud with keys only."""

    instance_id: str
    """Its name within the pool."""
    name: str = ""
    """What people call it."""
    kind: Literal["nessus", "tenable-vm"] = "nessus"
    """A Nessus, or a container of Tenable Vulnerability Management."""
    url: str
    access_key: Secret | None = None
    secret_key: Secret | None = None
    username: Text | None = None
    password: Secret | None = None
    enabled: bool = True
    """Switched off, it gets no new scans; those that run on it are followed to their end."""
    max_concurrent_scans: Annotated[int, Meta(ge=1, le=1000)] = 2
    """The most scans of ours on it at once."""
    network_scanner: Text | None = None
    """Of kind `tenable-vm`: the linked scanner or scanner group that scans; without it Tenable's cloud scanners do."""
    tls: Tls = Tls()


class Templates(msgspec.Struct, frozen=True, kw_only=True):
    """The scanner's template for each scan type, by its name."""

    untrusted: Text = "advanced"
    authenticated: Text = "advanced"
    authenticated_privileged: Text = "advanced"


class Pool(msgspec.Struct, frozen=True, kw_only=True):
    """Scanners that share their work, and the rules for scans on them."""

    description: str = ""
    allow: tuple[str, ...] = ()
    """Networks, addresses and hostname patterns that may be scanned; empty allows every target."""
    exclude: tuple[Exclusion, ...] = ()
    """What is never scanned, whatever is allowed."""
    templates: Templates = Templates()
    expose_url: bool = False
    """Whether those who use scans may see the scanners' addresses."""
    scanners: tuple[Scanner, ...]


class Escalation(msgspec.Struct, frozen=True, kw_only=True):
    """How a login gains privileges once it is on the host."""

    method: EscalationMethod = EscalationMethod.NONE
    account: Text | None = None
    """The account to become; the scanner takes root where none is given."""
    password: Secret | None = None
    su_user: Text | None = None
    """The account to `su` to before `sudo`, of method su+sudo."""
    bin_directory: Text | None = None
    """Where the escalating program lies, where it is not on the path."""


class _Credential(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    """What a request names in `credential_ref`."""
    label: str = ""
    """What people call it."""
    username: Text
    pools: tuple[str, ...]
    """Where it may be used."""
    targets: tuple[str, ...] = ()
    """What it may be used for, within what the pool allows; empty is all of that."""


class SshPassword(_Credential, frozen=True, kw_only=True):
    """A login by SSH with a password."""

    kind: Literal["ssh_password"] = "ssh_password"
    password: Secret
    escalation: Escalation = Escalation()


class SshKey(_Credential, frozen=True, kw_only=True):
    """A login by SSH with a private key."""

    kind: Literal["ssh_key"] = "ssh_key"
    private_key: Secret
    """In PEM or OpenSSH form."""
    passphrase: Secret | None = None
    escalation: Escalation = Escalation()


class WindowsPassword(_Credential, frozen=True, kw_only=True):
    """A login by SMB with a password."""

    kind: Literal["windows"] = "windows"
    password: Secret
    domain: Text | None = None


Credential: TypeAlias = SshPassword | SshKey | WindowsPassword


class Client(msgspec.Struct, frozen=True, kw_only=True):
    """What a client of the bridge may do; what no entry allows is denied."""

    subject: Text
    """The subject of its identity; a `*` in it stands for any characters, and an exact entry wins over those."""
    pools: tuple[str, ...]
    """Where it may scan."""
    networks: tuple[str, ...]
    """What it may have scanned, within what the pool allows; empty is nothing."""
    exclude: tuple[str, ...] = ()
    """What it may not, whatever its networks say."""
    credentials: tuple[str, ...] = ()
    """Ids of the credentials that it may name."""
    intensity: Intensity = "safe"
    """The most that it may ask for."""
    max_hosts: Annotated[int, Meta(ge=1, le=1_048_576)] = 256
    """Addresses in one scan."""
    confirm_above_hosts: Annotated[int, Meta(ge=0, le=1_048_576)] | None = None
    """A scan of more addresses waits for a person's confirmation."""
    confirm_intrusive: bool = True
    """Whether an intrusive scan waits for a person's confirmation."""
    max_concurrent: Annotated[int, Meta(ge=1, le=10_000)] = 4
    """Scans of it in a pool that are not over yet."""
    scans_per_hour: Annotated[int, Meta(ge=1, le=100_000)] = 20
    """Scans of it that a pool admits within an hour."""


class Configuration(msgspec.Struct, frozen=True, kw_only=True):
    """The whole file."""

    default_pool: str | None = None
    """Where a scan goes that names no pool; the one pool where there is only one."""
    pools: dict[str, Pool]
    credentials: tuple[Credential, ...] = ()
    clients: tuple[Client, ...] = ()
    """Clients of the bridge; one that no entry speaks of may nothing."""
    protected: tuple[str, ...] = ()
    """What no client of the bridge may have scanned, beside the scanners: NATS, the bridge, and the like."""
