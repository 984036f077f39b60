"""A real nats-server with TLS and the users of `scanpool topology users`, and what it refused them."""

from __future__ import annotations

import asyncio
import json
import os
import re
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import anyio

from scanpool.runtime.connection import NatsAddress, connect
from scanpool.runtime.embedded_nats import nats_server
from scanpool.runtime.jetstream import JetStream
from scanpool.runtime.topology.authorization import User, authorization, users
from tests.support.certificates import self_signed
from tests.support.ports import own_port

STARTS_WITHIN_S = 30.0
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
    with tempfile.TemporaryDirectory(prefix="scanpool-test-") as name:
        folder = Path(name)
        certificate = self_signed(folder)
        nats = GuardedNats(own_port(), folder, certificate.pem, found)
        (folder / "users.conf").write_text(authorization(found.values()))
        (folder / "nats.conf").write_text(_configuration(nats, certificate.pem))
        environ = {user.password_variable: _password(user.name) for user in found.values()}
        with (folder / "nats.log").open("wb") as output:
            process = await asyncio.create_subprocess_exec(
                nats_server(),
                "-c",
                str(folder / "nats.conf"),
                env={**os.environ, **environ},
                stdout=output,
                stderr=output,
            )
        try:
            await _listens(nats.port)
            yield nats
        finally:
            process.terminate()
            await process.wait()


def _password(user: str) -> str:
    return f"of-{user}"


def _configuration(nats: GuardedNats, pem: Path) -> str:
    return f"""
        host: 127.0.0.1
        port: {nats.port}
        jetstream {{ store_dir: {json.dumps(str(nats.folder / "store"))} }}
        tls {{ cert_file: {json.dumps(str(pem))}, key_file: {json.dumps(str(pem))}, timeout: 5 }}
        include "users.conf"
    """


async def _listens(port: int) -> None:
    with anyio.fail_after(STARTS_WITHIN_S):
        while True:
            try:
                _reader, writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                await anyio.sleep(0.02)
                continue
            writer.close()
            return
