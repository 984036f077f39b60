"""A real nats-server with TLS and the users of `scanpool topology users`, and what it refused them."""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from scanpool.runtime.connection import NatsAddress, connect
from scanpool.runtime.jetstream import JetStream
from scanpool.runtime.topology.authorization import User, authorization, users
from tests.support.certificates import self_signed
from tests.support.configured_nats import nats_in

_VIOLATION = re.compile(
    r'"[^"]*/user:(?P<user>[^"]*)" - (?P<what>Publish|Subscription) Violation - Subject "(?P<subject>[^"]*)"'
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Violation:
    """That a user tried what it may not."""

    user: str
    what: str
    subject: str


@dataclass(frozen=True)
class GuardedNats:
    """The running server."""

    port: int
    folder: Path
    ca: Path
    users: dict[str, User]

    @property
    def url(self) -> str:
        return f"tls://127.0.0.1:{self.port}"

    def address(self, user: str) -> NatsAddress:
        """How the user signs in."""
        return NatsAddress(url=self.url, user=user, password=_password(user), ca=self.ca, inbox=self.users[user].inbox)

    def environ(self, user: str) -> dict[str, str]:
        """How a process is told to sign in as the user."""
        file = self.folder / f"{user}.password"
        file.write_text(_password(user) + "\n")
        return {
            "SCANPOOL_NATS_URL": self.url,
            "SCANPOOL_NATS_USER": user,
            "SCANPOOL_NATS_PASSWORD_FILE": str(file),
            "SCANPOOL_NATS_CA": str(self.ca),
        }

    @asynccontextmanager
    async def jetstream(self, user: str) -> AsyncIterator[JetStream]:
        """JetStream over a connection of the user."""
        client = await connect(self.address(user), name=f"test as {user}")
        try:
            yield JetStream(client, timeout_s=2.0)
        finally:
            await client.drain()

    def violations(self) -> list[Violation]:
        """What was refused so far."""
        lines = (self.folder / "nats.log").read_text(errors="replace").splitlines(keepends=True)
        return [_violation(line) for line in lines if "Violation" in line and line.endswith("\n")]


def _violation(line: str) -> Violation:
    found = _VIOLATION.search(line)
    assert found is not None, f"not understood: {line}"
    return Violation(user=found["user"], what=found["what"], subject=found["subject"])


@asynccontextmanager
async def guarded_nats(pools: Sequence[str], workers: Sequence[str] = ()) -> AsyncIterator[GuardedNats]:
    """The server, whose store is gone afterwards; it has no streams yet."""
    found = {user.name: user for user in users(pools, workers)}
    environ = {user.password_variable: _password(user.name) for user in found.values()}
    with tempfile.TemporaryDirectory(prefix="scanpool-test-") as name:
        folder = Path(name)
        pem = self_signed(folder).pem
        (folder / "users.conf").write_text(authorization(found.values()))
        async with nats_in(folder, _configuration(pem), environ) as nats:
            yield GuardedNats(nats.port, folder, pem, found)


def _password(user: str) -> str:
    return f"of-{user}"


def _configuration(pem: Path) -> str:
    return f"""
        jetstream {{ store_dir: STORE }}
        tls {{ cert_file: {json.dumps(str(pem))}, key_file: {json.dumps(str(pem))}, timeout: 5 }}
        include "users.conf"
    """
