"""Secrets that are planted where scanpool takes secrets, and where traces of them are looked for."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

import zstandard
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519

from scanpool.runtime.jetstream import JetStream
from tests.support.agents import every_message

_ZSTD = b"\x28\xb5\x2f\xfd"


def marked(what: str) -> str:
    """A secret that nothing else has in it."""
    return f"planted-{what}-{secrets.token_hex(8)}"


@dataclass(frozen=True)
class Secrets:
    """All that are planted in one run."""

    access_key: str = field(default_factory=lambda: marked("access-key"))
    secret_key: str = field(default_factory=lambda: marked("secret-key"))
    wrong_access_key: str = field(default_factory=lambda: marked("wrong-access-key"))
    wrong_secret_key: str = field(default_factory=lambda: marked("wrong-secret-key"))
    scanner_password: str = field(default_factory=lambda: marked("scanner-password"))
    ssh_password: str = field(default_factory=lambda: marked("ssh-password"))
    wrong_ssh_password: str = field(default_factory=lambda: marked("wrong-ssh-password"))
    windows_password: str = field(default_factory=lambda: marked("windows-password"))
    escalation_password: str = field(default_factory=lambda: marked("escalation-password"))
    passphrase: str = field(default_factory=lambda: marked("passphrase"))
    bridge_token: str = field(default_factory=lambda: marked("bridge-token"))
    wrong_bridge_token: str = field(default_factory=lambda: marked("wrong-bridge-token"))
    argument: str = field(default_factory=lambda: marked("tool-argument"))
    nats_password: str = field(default_factory=lambda: marked("nats-password"))
    wrong_nats_password: str = field(default_factory=lambda: marked("wrong-nats-password"))
    reloaded: str = field(default_factory=lambda: marked("reloaded"))
    collector_key: str = field(default_factory=lambda: marked("collector-key"))
    jwt: str = field(default_factory=lambda: f"eyJhbGciOiJub25lIn0.eyJ{secrets.token_hex(16)}.{secrets.token_hex(8)}")

    def all(self, private_key: str) -> dict[str, str]:
        """Each by its name; of the private key a line of its body."""
        named: dict[str, str] = {name: getattr(self, name) for name in self.__dataclass_fields__}
        return {**named, "private_key": private_key.splitlines()[1]}


def private_key(passphrase: str) -> str:
    """A new SSH key, locked with the passphrase."""
    return (
        ed25519.Ed25519PrivateKey.generate()
        .private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(passphrase.encode()),
        )
        .decode()
    )


def found(named: Mapping[str, str], places: Mapping[str, bytes]) -> list[tuple[str, str]]:
    """Each secret that is in a place, in one of the forms in which it might be there, and the place."""
    forms = {name: _forms(secret) for name, secret in named.items()}
    return [
        (name, place) for place, held in places.items() for name, each in forms.items() if any(f in held for f in each)
    ]


def files(folder: Path) -> dict[str, bytes]:
    """What lies below the folder."""
    return {f"file {each.name}": each.read_bytes() for each in folder.rglob("*") if each.is_file()}


async def messages(jetstream: JetStream) -> dict[str, bytes]:
    """All that any stream, bucket or object holds: subject, headers and body, packed ones unpacked."""
    places: dict[str, bytes] = {}
    async for stream, stored in every_message(jetstream):
        head = f"{stored.subject} {stored.headers}".encode()
        body = _unpacked(stored.body) if stored.body.startswith(_ZSTD) else stored.body
        places[f"message {stream} {stored.sequence} {stored.subject}"] = head + b"\n" + body
    return places


def of_processes(pids: Mapping[str, int]) -> dict[str, bytes]:
    """The command lines of the processes, and of their children also the environment."""
    places = {f"command line of {name}": _proc(pid, "cmdline") for name, pid in pids.items()}
    for name, pid in pids.items():
        for child in _children(pid):
            places[f"command line of {name}'s {child}"] = _proc(child, "cmdline")
            places[f"environment of {name}'s {child}"] = _proc(child, "environ")
    return places


def _children(pid: int) -> Iterator[int]:
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in map(int, task.read_text().split()):
            yield child
            yield from _children(child)


def _proc(pid: int, name: str) -> bytes:
    return Path(f"/proc/{pid}/{name}").read_bytes()


def _unpacked(body: bytes) -> bytes:
    return zstandard.ZstdDecompressor().decompressobj().decompress(body)


def _forms(secret: str) -> tuple[bytes, ...]:
    """As it is, as part of a URL, and encoded as sign-ins and buckets encode."""
    plain = secret.encode()
    shifted = (base64.b64encode(b"x" * n + plain)[4:-4] for n in range(3))
    return (plain, quote(secret).encode(), plain.hex().encode(), *shifted)
