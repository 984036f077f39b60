"""The image at work: the steps that build it here, and the whole of it over a base of Debian where buildah is."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from scanpool.runtime.topology.apply import apply
from scanpool.runtime.topology.definitions import topology
from tests.support.deployment import POOLS, build_steps
from tests.support.guarded_nats import GuardedNats, guarded_nats
from tests.support.image import Image, built_image
from tests.support.pages import ROOT
from tests.support.ports import own_port
from tests.support.requirements import require

pytestmark = pytest.mark.usefixtures("checkout")

READY_S = 60


@pytest.fixture(scope="module")
def image() -> Iterator[Image]:
    with built_image() as built:
        yield built


def test_it_runs_as_nobody_special_and_writes_nowhere_but_to_its_work(image: Image) -> None:
    assert image.run("id", "-u").stdout.strip() == "10001"
    assert image.run("scanpool", "--version").stdout.startswith("scanpool ")
    assert image.run("touch", "/work/x", "/tmp/x").returncode == 0
    for place in ("/", "/opt/scanpool", "/etc", "/usr/bin"):
        assert "Read-only file system" in image.run("touch", f"{place}/x").stderr, place


def test_it_holds_no_tool_to_install_or_to_become_root_with(image: Image) -> None:
    own = image.root / "opt" / "scanpool"
    assert not list(own.glob("bin/pip*"))
    assert not [path for path in own.rglob("*") if not path.is_symlink() and path.stat().st_mode & 0o6000]
    assert not [path for path in own.rglob("*") if not path.is_symlink() and path.stat().st_mode & 0o022]


async def test_a_service_of_it_runs_and_its_health_check_finds_it_ready(image: Image, tmp_path: Path) -> None:
    async with guarded_nats(POOLS) as nats:
        async with nats.jetstream("setup") as jetstream:
            await apply(jetstream, topology(POOLS, replicas=1))
        environ = {**told(nats, tmp_path), "SCANPOOL_HTTP_PORT": str(own_port())}
        words = image.command([*image.config["Entrypoint"], "run", "admission"], environ, tmp_path)
        with (tmp_path / "log").open("wb") as log:
            service = await asyncio.create_subprocess_exec(*words, stderr=log)
        try:
            _, *check = image.config["Healthcheck"]["Test"]
            async with asyncio.timeout(READY_S):
                while (await asyncio.to_thread(image.run, *check, environ=environ)).returncode:
                    assert service.returncode is None, (tmp_path / "log").read_text()
            assert image.run(*check, environ={"SCANPOOL_HTTP_PORT": str(own_port())}).returncode != 0
        finally:
            service.terminate()
        assert await service.wait() == 0
        assert nats.violations() == []


def told(nats: GuardedNats, secrets: Path) -> dict[str, str]:
    """How the service is told to sign in, by files that its user can read, at /mnt."""
    environ = nats.environ("admission")
    secrets.chmod(0o755)
    for name in ("SCANPOOL_NATS_PASSWORD_FILE", "SCANPOOL_NATS_CA"):
        copy = secrets / name
        shutil.copy(environ[name], copy)
        copy.chmod(0o644)
        environ[name] = f"/mnt/{name}"
    return environ


def test_the_steps_of_the_image_make_a_scanpool_that_runs(tmp_path: Path) -> None:
    if os.environ.get("SCANPOOL_IMAGE_STEPS") != "1":
        require("image-steps", "they need a package index and a minute; SCANPOOL_IMAGE_STEPS=1 runs them")
    source, places = tmp_path / "source", {name: str(tmp_path / name) for name in ("build", "opt", "wheels")}
    source.mkdir()
    for word, rest in build_steps():
        if word == "COPY":
            *copied, target = rest.split()
            for each in copied:
                _copy(ROOT / each, source / target / Path(each).name if target.endswith("/") else source / target)
        elif word == "RUN":
            for here, there in places.items():
                rest = re.sub(rf"(?<![\w.])/{here}(?=[/ ]|$)", there, rest)
            rest = rest.replace("python3 ", f"{sys.executable} ")
            done = subprocess.run(["sh", "-euc", rest], cwd=source, capture_output=True, text=True, check=False)
            assert done.returncode == 0, done.stdout + done.stderr
    made = tmp_path / "opt" / "scanpool" / "bin"
    told = subprocess.run([str(made / "scanpool"), "--version"], capture_output=True, text=True, check=True, env={})
    assert told.stdout.startswith("scanpool ")
    for words in (["bridge", "--help"], ["run", "--help"], ["topology", "users", "--pools", "internal"]):
        assert (
            subprocess.run([str(made / "scanpool"), *words], capture_output=True, env={}, check=False).returncode == 0
        )
    assert not (made / "pip").exists()


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir():
        shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"), dirs_exist_ok=True)
    else:
        shutil.copy(source, target)
