"""Whether the credentials of a scan open a simulated host. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum, auto
from typing import Literal, TypeAlias

from scanpool.emulator.credentials import Offered, SshCredential, WindowsCredential
from scanpool.emulator.hosts import Account, Escalation, Host, Rights, services_of

Protocol: TypeAlias = Literal["SSH", "SMB"]

_PROTOCOLS: dict[str, Protocol] = {"ssh": "SSH", "cifs": "SMB"}


class Privilege(Enum):
    """What became of gaining privileges after a login."""

    NOT_ASKED = auto()
    GAINED = auto()
    REFUSED = auto()


@dataclass(frozen=True, kw_only=True)
class Accepted:
    """A credential opened the host on a protocol."""

    protocol: Protocol
    port: int
    user: str
    method: str
    privilege: Privilege = Privilege.NOT_ASKED
    escalation: str = "Nothing"
    rights: Rights = "full"


@dataclass(frozen=True, kw_only=True)
class Rejected:
    """Credentials were offered on a protocol and none opened the host."""

    protocol: Protocol
    port: int
    users: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class NotOffered:
    """The host has a service to log in to, and the scan has no credential for it."""

    protocol: Protocol
    port: int


Attempt: TypeAlias = Accepted | Rejected | NotOffered


def attempts(host: Host, offered: Offered) -> tuple[Attempt, ...]:
    """What happens on each service of a host that credentials are tried on."""
    return tuple(
        _attempt(host, _PROTOCOLS[service.name], service.port, offered)
        for service in services_of(host)
        if service.name in _PROTOCOLS and not host.scanner_itself
    )


def checks_ran(host: Host, tried: tuple[Attempt, ...]) -> bool:
    """Whether local checks ran on the host: what Nessus means by credentialed checks."""
    return host.scanner_itself or credential_of(host, tried) is not None


def credential_of(host: Host, tried: tuple[Attempt, ...]) -> Accepted | None:
    """The login that local checks ran with, if any."""
    if not host.patch_checks:
        return None
    return next((one for one in tried if isinstance(one, Accepted) and one.rights != "none"), None)


def _attempt(host: Host, protocol: Protocol, port: int, offered: Offered) -> Attempt:
    match protocol:
        case "SSH":
            accepted, users = _ssh(host, port, offered), [one.username for one in offered.ssh]
        case "SMB":
            accepted, users = _smb(host, port, offered), [_qualified(one) for one in offered.windows]
    otherwise = Rejected(protocol=protocol, port=port, users=tuple(users))
    return next(accepted, otherwise if users else NotOffered(protocol=protocol, port=port))


def _ssh(host: Host, port: int, offered: Offered) -> Iterator[Accepted]:
    for credential in offered.ssh:
        for account in host.accounts:
            if account.username == credential.username and _opens(account, credential, offered):
                yield Accepted(
                    protocol="SSH",
                    port=port,
                    user=credential.username,
                    method=credential.auth_method,
                    privilege=_privilege(account, credential),
                    escalation=credential.elevate_privileges_with,
                )


def _opens(account: Account, credential: SshCredential, offered: Offered) -> bool:
    match credential.auth_method:
        case "password":
            return account.password is not None and account.password == credential.password
        case "public key":
            encrypted = credential.private_key in offered.encrypted_keys and credential.private_key_passphrase
            return account.ssh_key and bool(credential.private_key in offered.keys or encrypted)
        case _:
            return False


def _privilege(account: Account, credential: SshCredential) -> Privilege:
    method = credential.elevate_privileges_with
    if method == "Nothing":
        return Privilege.NOT_ASKED
    return Privilege.GAINED if _gains(account.escalation, credential) else Privilege.REFUSED


def _gains(escalation: dict[Escalation, str], credential: SshCredential) -> bool:
    asked_for = {str(method): password for method, password in escalation.items()}.get(
        credential.elevate_privileges_with
    )
    return asked_for is not None and asked_for in ("", credential.escalation_password)


def _smb(host: Host, port: int, offered: Offered) -> Iterator[Accepted]:
    for credential in offered.windows:
        for account in host.accounts:
            if _is_account(account, credential):
                yield Accepted(
                    protocol="SMB",
                    port=port,
                    user=_qualified(credential),
                    method=credential.auth_method,
                    rights=account.rights,
                )


def _is_account(account: Account, credential: WindowsCredential) -> bool:
    same_domain = not account.domain or account.domain.casefold() == credential.domain.casefold()
    same_user = account.username.casefold() == credential.username.casefold()
    right_password = account.password is not None and account.password == credential.password
    return same_user and same_domain and right_password and credential.auth_method == "Password"


def _qualified(credential: WindowsCredential) -> str:
    return f"{credential.domain}\\{credential.username}" if credential.domain else credential.username
