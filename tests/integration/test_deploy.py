"""`deploy/` at work: the NATS cluster as configured, its secrets as made, the steps of the image."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import stat
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import anyio
import pytest
import pytest_asyncio

from scanpool.bridge.configuration.loading import load
from scanpool.runtime.nats_binary import nats_server
from tests.support.cli import scanpool
from tests.support.deployment import DEPLOY, POOLS
from tests.support.ports import own_port
from tests.support.requirements import require
from tests.support.watching import in_a_task

pytestmark = [pytest.mark.usefixtures("checkout"), pytest.mark.long]
on_the_cluster = pytest.mark.asyncio(loop_scope="module")

NAMES = ("nats1", "nats2", "nats3")
WITHIN_S = 90.0


def made_secrets(folder: Path, *names: str) -> str:
    """Run the script; what it says."""
    command = [str(DEPLOY / "bin" / "make-secrets"), str(folder), *names]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stderr


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def secrets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if shutil.which("openssl") is None:
        require("openssl", "it is not here to make certificates")
    folder = tmp_path_factory.mktemp("secrets")
    made_secrets(folder, "nats.example.com", "10.1.2.3")
    return folder


@dataclass
class Cluster:
    """The three servers of `deploy/nats`, moved to loopback and to folders of a test."""

    folder: Path
    secrets: Path
    ports: dict[str, int] = field(default_factory=lambda: {name: own_port() for name in NAMES})
    routes: dict[str, int] = field(default_factory=lambda: {name: own_port() for name in NAMES})
    monitors: dict[str, int] = field(default_factory=lambda: {name: own_port() for name in NAMES})
    processes: list[asyncio.subprocess.Process] = field(default_factory=list)

    @property
    def url(self) -> str:
        return ",".join(f"tls://127.0.0.1:{port}" for port in self.ports.values())

    def environ(self, user: str) -> dict[str, str]:
        """How a process is told to sign in as the user, as compose tells it."""
        return {
            "SCANPOOL_NATS_URL": self.url,
            "SCANPOOL_NATS_CA": str(self.secrets / "ca.pem"),
            "SCANPOOL_NATS_USER": user,
            "SCANPOOL_NATS_PASSWORD_FILE": str(self.secrets / f"password_{user}"),
        }

    def etc(self, name: str) -> Path:
        """The server's folder as a host has it in /etc/nats, with nothing else changed than where it listens."""
        etc = self.folder / f"{name}-etc"
        etc.mkdir()
        for file in ("ca.pem", "nats.pem", "nats.key", "nats_users"):
            shutil.copy(self.secrets / file, etc)
        text = (DEPLOY / "nats" / "nats.conf").read_text()
        text = text.replace("port: 4222", f"host: 127.0.0.1\nport: {self.ports[name]}")
        text = text.replace("port: 6222", f"host: 127.0.0.1\n  port: {self.routes[name]}")
        text = text.replace("127.0.0.1:8222", f"127.0.0.1:{self.monitors[name]}")
        for other in NAMES:
            text = text.replace(f"{other}:6222", f"127.0.0.1:{self.routes[other]}")
        (etc / "nats.conf").write_text(text)
        return etc

    def logs(self) -> str:
        """What the servers said."""
        return "".join((self.folder / f"{name}.log").read_text() for name in NAMES)

    async def start(self, name: str) -> None:
        """Start one server."""
        with (self.folder / f"{name}.log").open("wb") as output:
            process = await asyncio.create_subprocess_exec(
                nats_server(),
                "--config",
                "nats.conf",
                cwd=self.etc(name),
                env={**os.environ, "NATS_NAME": name, "NATS_DATA": str(self.folder / name), "NATS_STORE": "1GB"},
                stdout=output,
                stderr=output,
            )
        self.processes.append(process)


@asynccontextmanager
async def running(folder: Path, secrets: Path) -> AsyncIterator[Cluster]:
    cluster = Cluster(folder, secrets)
    try:
        for name in NAMES:
            await cluster.start(name)
        yield cluster
    finally:
        for process in cluster.processes:
            if process.returncode is None:
                process.terminate()
        for process in cluster.processes:
            await process.wait()


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def cluster(tmp_path_factory: pytest.TempPathFactory, secrets: Path) -> AsyncIterator[Cluster]:
    async with in_a_task(running(tmp_path_factory.mktemp("nats"), secrets)) as three:
        with anyio.fail_after(WITHIN_S):
            while await set_up(three) != 0:  # until they are one cluster, as compose tries it again
                assert all(process.returncode is None for process in three.processes), three.logs()
        yield three


async def set_up(cluster: Cluster) -> int:
    words = ("topology", "apply", "--pools", ",".join(POOLS), "--replicas", "3")
    return (await scanpool(*words, environ=cluster.environ("setup"))).code


@on_the_cluster
async def test_the_setup_job_makes_every_stream_threefold_on_the_cluster_as_configured(cluster: Cluster) -> None:
    words = ("topology", "diff", "--pools", ",".join(POOLS), "--replicas", "3", "--json")
    ended = await scanpool(*words, environ=cluster.environ("setup"))
    assert (ended.code, ended.document["differences"]) == (0, []), ended.err


@on_the_cluster
async def test_operators_and_publishers_come_in_with_the_passwords_that_were_made(cluster: Cluster) -> None:
    for user in ("operator", "publisher", "bridge"):
        ended = await scanpool("list", environ=cluster.environ(user))
        assert ended.code == 0, ended.err


@on_the_cluster
async def test_who_has_no_password_or_another_authority_does_not_come_in(cluster: Cluster, tmp_path: Path) -> None:
    told = cluster.environ("operator")
    (tmp_path / "wrong").write_text("wrong\n")
    made_secrets(tmp_path / "others")
    for change in (
        {"SCANPOOL_NATS_PASSWORD_FILE": str(tmp_path / "wrong")},
        {"SCANPOOL_NATS_PASSWORD_FILE": "", "SCANPOOL_NATS_USER": ""},
        {"SCANPOOL_NATS_CA": str(tmp_path / "others" / "ca.pem")},
        {"SCANPOOL_NATS_CA": ""},
    ):
        ended = await scanpool("list", environ={**told, **change})
        assert ended.code == 1, change
    assert "authentication error" in cluster.logs()
    assert "TLS handshake error" in cluster.logs()


@on_the_cluster
async def test_no_server_complains_of_its_configuration_or_refuses_a_right(cluster: Cluster) -> None:
    assert "Violation" not in cluster.logs()
    assert "unknown field" not in cluster.logs()


def test_secrets_are_made_once_and_are_closed_to_others(secrets: Path) -> None:
    before = contents(secrets)
    made_secrets(secrets, "other.example.com")
    assert contents(secrets) == before
    open_to_others = [
        path.name for path in secrets.rglob("*") if path.is_file() and stat.S_IMODE(path.stat().st_mode) & 0o077
    ]
    assert open_to_others == ["ca.pem"]
    users = (secrets / "nats_users").read_text()
    for file in secrets.glob("password_*"):
        user = f'{{ user: "{file.name.removeprefix("password_")}", password: "{file.read_text().strip()}"'
        assert user in users
    assert "$NATS_PASSWORD" not in users


def test_a_user_that_is_added_gets_a_password_and_the_others_keep_theirs(secrets: Path, tmp_path: Path) -> None:
    folder = tmp_path / "secrets"
    shutil.copytree(secrets, folder)
    before = contents(folder)
    (folder / "password_monitor").unlink()
    made_secrets(folder)
    after = contents(folder)
    changed = {name for name in after if after[name] != before[name]}
    assert changed == {"password_monitor", "nats_users"}


def test_users_are_written_into_the_file_that_a_container_has_mounted(secrets: Path, tmp_path: Path) -> None:
    folder = tmp_path / "secrets"
    shutil.copytree(secrets, folder)
    users, before = folder / "nats_users", (folder / "nats_users").stat()
    (folder / "password_monitor").unlink()
    made_secrets(folder)
    assert users.read_bytes() != (secrets / "nats_users").read_bytes()
    assert (users.stat().st_ino, users.stat().st_mode) == (before.st_ino, before.st_mode)


def test_the_certificate_names_the_servers_and_is_of_the_authority(secrets: Path) -> None:
    words = ["verify", "-CAfile", str(secrets / "ca.pem"), "-verify_hostname", "nats2", str(secrets / "nats.pem")]
    assert subprocess.run(["openssl", *words], capture_output=True, check=False).returncode == 0
    shown = ["x509", "-in", str(secrets / "nats.pem"), "-noout", "-ext", "subjectAltName", "-enddate"]
    told = subprocess.run(["openssl", *shown], capture_output=True, text=True, check=True).stdout
    for name in ("DNS:nats1", "DNS:localhost", "DNS:nats.example.com", "IP Address:10.1.2.3", "IP Address:127.0.0.1"):
        assert name in told
    end = re.search(r"notAfter=(.*)", told)
    assert end is not None
    left = datetime.strptime(end[1], "%b %d %H:%M:%S %Y %Z").replace(tzinfo=UTC) - datetime.now(UTC)
    assert 390 < left.days < 398


@pytest.mark.parametrize("name", ["scanners", "bridge"])
async def test_the_example_configurations_are_good(name: str, tmp_path: Path) -> None:
    text = (DEPLOY / "config" / f"{name}.example.yaml").read_text()
    for path in re.findall(r"file: (/run/secrets/[^ }]+)", text):
        file = tmp_path / Path(path).name
        file.write_text("ab" * 32)
        file.chmod(0o600)
        text = text.replace(path, str(file))
    configuration = tmp_path / f"{name}.yaml"
    configuration.write_text(text)
    if name == "scanners":
        ended = await scanpool("config", "check", "--config", str(configuration))
        assert ended.code == 0, ended.err
        return
    settings, warnings = load(configuration, {}, datetime.now(UTC))
    assert settings.signs_in
    assert settings.keys
    assert not list(warnings)


async def test_users_are_printed_for_the_server_and_for_programs() -> None:
    printed = await scanpool("topology", "users", "--pools", ",".join(POOLS), "--workers", "dmz")
    assert printed.out == (DEPLOY / "nats" / "users.conf").read_text()
    one = await scanpool("topology", "users", "--pools", "internal", "--role", "publisher", "--json")
    (user,) = one.document["users"]
    assert (user["user"], user["inbox"], user["may_answer"]) == ("publisher", "_INBOX_publisher", False)
    assert "scan.internal.requested.*" in user["publish"]
    assert user["subscribe"] == ["_INBOX_publisher.>", "scan.internal.*.*"]


@pytest.mark.parametrize(
    ("option", "message"),
    [(("--workers", "absent"), "is none of the pools"), (("--role", "root"), "there is no user 'root'; there are")],
)
async def test_users_of_nobody_are_refused(option: tuple[str, str], message: str) -> None:
    ended = await scanpool("topology", "users", "--pools", "internal", *option)
    assert (ended.code, ended.out) == (2, "")
    assert message in ended.err
