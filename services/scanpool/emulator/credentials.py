"""The credentials of a scan: as they are posted, as they are kept, and as they are shown again.

`credentials.add.<category>.<type>[]` holds them; only `Host.SSH` and `Host.Windows` are tried on hosts,
the others are kept and shown.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

MASK = "********"
"""What the API shows in place of a secret, and takes back as "leave it as it was"."""

SECRET_FIELDS = frozenset({"password", "escalation_password", "private_key_passphrase", "secret", "community"})


@dataclass(frozen=True)
class Stored:
    """One credential of a scan, under the number by which the API edits and deletes it."""

    id: int
    category: str
    type: str
    fields: Mapping[str, Any]

    def masked(self) -> dict[str, Any]:
        """The credential as the API shows it."""
        secrets = {name: MASK for name, value in self.fields.items() if name in SECRET_FIELDS and value}
        return {"id": self.id, **self.fields, **secrets}


class Change(msgspec.Struct, frozen=True):
    """The `credentials` member of a scan that is created or edited."""

    add: dict[str, dict[str, list[dict[str, Any]]]] = {}
    edit: dict[str, dict[str, Any]] = {}
    delete: list[int | str] = []


def changed(stored: Sequence[Stored], change: Change, new_ids: Iterable[int]) -> tuple[Stored, ...]:
    """The credentials after a change; each added one takes the next of `new_ids`."""
    gone = {str(number) for number in change.delete}
    kept = tuple(_edited(old, change) for old in stored if str(old.id) not in gone)
    added = (
        (category, type_, fields)
        for category, types in change.add.items()
        for type_, instances in types.items()
        for fields in instances
    )
    return kept + tuple(Stored(number, *one) for one, number in zip(added, new_ids, strict=False))


def _edited(old: Stored, change: Change) -> Stored:
    fields = change.edit.get(str(old.id), {})
    fresh = {name: value for name, value in fields.items() if value != MASK}
    return Stored(old.id, old.category, old.type, {**old.fields, **fresh})


class SshCredential(msgspec.Struct, frozen=True, kw_only=True):
    """The fields of an SSH credential that decide whether a login works."""

    auth_method: str = "password"
    username: str = ""
    password: str = ""
    private_key: str = ""
    """The name under which the key file was uploaded."""
    private_key_passphrase: str = ""
    elevate_privileges_with: str = "Nothing"
    escalation_account: str = ""
    escalation_password: str = ""
    su_user: str = ""
    bin_directory: str = ""


class WindowsCredential(msgspec.Struct, frozen=True, kw_only=True):
    """The fields of a Windows credential that decide whether a login works."""

    auth_method: str = "Password"
    username: str = ""
    password: str = ""
    domain: str = ""


@dataclass(frozen=True)
class Offered:
    """What a run may try on the hosts."""

    ssh: tuple[SshCredential, ...] = ()
    windows: tuple[WindowsCredential, ...] = ()
    keys: frozenset[str] = frozenset()
    """The names of uploaded files that can be used as private keys without a passphrase."""
    encrypted_keys: frozenset[str] = frozenset()
    """The names of those that need one."""


def check(change: Change) -> None:
    """See that the credentials which are tried on hosts have fields of the right types.

    Raises:
        msgspec.ValidationError: they have not.
    """
    for type_, shape in (("SSH", SshCredential), ("Windows", WindowsCredential)):
        msgspec.convert(change.add.get("Host", {}).get(type_, []), list[shape])  # type: ignore[valid-type]


def offered(stored: Sequence[Stored], keys: frozenset[str], encrypted_keys: frozenset[str]) -> Offered:
    """The credentials of a scan that its run tries on hosts."""
    ssh = tuple(msgspec.convert(one.fields, SshCredential) for one in _of(stored, "SSH"))
    windows = tuple(msgspec.convert(one.fields, WindowsCredential) for one in _of(stored, "Windows"))
    return Offered(ssh, windows, keys, encrypted_keys)


def _of(stored: Sequence[Stored], type_: str) -> tuple[Stored, ...]:
    return tuple(one for one in stored if one.category == "Host" and one.type == type_)
