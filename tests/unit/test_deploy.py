"""What `deploy/` promises: least rights, pinned and hashed parts, nothing said twice in two ways."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from scanpool.runtime.topology.authorization import authorization, users
from tests.support.deployment import (
    DEPLOY,
    POOLS,
    VARIABLE,
    WORKERS,
    build_steps,
    compose,
    env_example,
    filled,
    instructions,
    services,
)
from tests.support.pages import ROOT
from tests.support.requirements import require

pytestmark = pytest.mark.usefixtures("checkout")

IMAGE = re.compile(r"[a-z0-9./-]+:v?[0-9]+\.[0-9]+(?:\.[0-9]+)?(?:-[a-z0-9.-]+)?(?:@sha256:[0-9a-f]{64})?")
SERVICES = sorted(services()) if (DEPLOY / "compose.yaml").exists() else []
COMPILERS = re.compile(r"\b(?:gcc|g\+\+|clang|make|build-essential|cargo|rustc|python3?-dev|apt-get|apk)\b")
EXTRAS = ("server", "bridge", "otlp")
"""What the image has of scanpool's extras: no NATS server, and nothing for formats that are not asked of it."""


def test_the_shipped_users_of_nats_are_those_of_the_code() -> None:
    assert (DEPLOY / "nats" / "users.conf").read_text() == authorization(users(POOLS, WORKERS))


@pytest.mark.parametrize("name", SERVICES)
def test_every_container_runs_with_least_rights_and_within_limits(name: str) -> None:
    service = services()[name]
    assert service["user"] == "10001:10001"
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert not {"privileged", "cap_add", "devices", "pid", "ipc", "network_mode", "userns_mode"} & set(service)
    assert set(service["deploy"]["resources"]["limits"]) == {"cpus", "memory", "pids"}
    assert "/var/run/docker.sock" not in json.dumps(service)


@pytest.mark.parametrize("name", SERVICES)
def test_every_image_is_of_one_version(name: str) -> None:
    image = filled(services()[name]["image"])
    assert IMAGE.fullmatch(image), image


@pytest.mark.parametrize("name", SERVICES)
def test_what_is_mounted_cannot_be_written_but_for_data(name: str) -> None:
    for volume in services()[name].get("volumes", []):
        source, target, *mode = filled(volume).split(":")
        assert mode == ["ro"] or source.startswith("./data/"), (volume, target)


def test_what_is_published_is_published_on_loopback_unless_said_otherwise() -> None:
    ports = [filled(port) for service in services().values() for port in service.get("ports", [])]
    assert ports
    assert all(port.startswith("127.0.0.1:") for port in ports)


def test_every_variable_stands_in_the_example_with_the_default_that_it_has() -> None:
    used: dict[str, set[str]] = {}
    for match in VARIABLE.finditer((DEPLOY / "compose.yaml").read_text()):
        used.setdefault(match["name"], set()).add(match["default"] or "")
    assert {name: {value} for name, value in env_example().items()} == used


def test_no_secret_comes_by_a_variable() -> None:
    for service in services().values():
        for name in service.get("environment", {}):
            assert not re.search("PASSWORD|SECRET|TOKEN|KEY", name) or name.endswith(("_FILE", "__FILE")), name


def test_every_service_signs_in_as_a_user_of_its_own_with_that_users_password() -> None:
    known = {user.name for user in users(POOLS, WORKERS)}
    files = {name: filled(secret["file"]) for name, secret in compose()["secrets"].items()}
    seen = []
    for service in services().values():
        if "SCANPOOL_NATS_USER" not in service.get("environment", {}):
            continue
        user = filled(service["environment"]["SCANPOOL_NATS_USER"])
        given = [each["source"] for each in service["secrets"] if isinstance(each, dict)]
        assert [files[each] for each in given] == [f"./secrets/password_{user}"]
        seen.append(user)
    assert {user for user in seen if seen.count(user) > 1} == {"operator"}  # people, and the doctor for them
    assert known - set(seen) == {"publisher", "subscriber", "monitor"}


def test_everything_waits_for_a_cluster_that_answers_and_streams_that_are_there() -> None:
    assert {each["condition"] for each in services()["setup"]["depends_on"].values()} == {"service_healthy"}
    assert set(services()["setup"]["depends_on"]) == {"nats1", "nats2", "nats3"}
    for name in ("admission", "dispatcher", "poller", "validator", "janitor", "bridge"):
        assert services()[name]["depends_on"] == {"setup": {"condition": "service_completed_successfully"}}
        if name != "bridge":
            assert services()[name]["deploy"]["replicas"] == 2
    assert "depends_on" not in services()["worker"]
    assert services()["worker"]["profiles"] == ["dmz"]


def test_a_worker_takes_no_connection() -> None:
    worker = services()["worker"]
    assert "ports" not in worker
    assert worker["networks"] == ["worker"]


def test_prometheus_looks_at_every_service() -> None:
    (scanpool, _itself) = yaml.safe_load((DEPLOY / "prometheus" / "prometheus.yml").read_text())["scrape_configs"]
    (names,) = [each["names"] for each in scanpool["dns_sd_configs"]]
    running = {name for name, each in services().items() if each.get("command", [""])[0] in ("run", "bridge")}
    assert set(names) == running - {"worker"}
    for name in names:
        assert "observability" in services()[name]["networks"]


def test_compose_understands_the_file(tmp_path: Path) -> None:
    command = _compose()
    folder = tmp_path / "deploy"
    shutil.copytree(DEPLOY, folder)
    words = [*command, "-f", str(folder / "compose.yaml"), "--profile", "dmz", "--profile", "tools", "config", "-q"]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def _compose() -> list[str]:
    for command in (["docker", "compose"], ["docker-compose"]):
        if shutil.which(command[0]) and not subprocess.run([*command, "version"], capture_output=True).returncode:
            return command
    return require("compose", "neither `docker compose` nor `docker-compose` is here to check the file")


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
        require("hadolint", "it is not here to look at the Dockerfile")
    done = subprocess.run(["hadolint", str(DEPLOY / "Dockerfile")], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")


UNITS = ("scanpool@.service", "scanpool-bridge.service")
HARDENED = (
    "NoNewPrivileges=yes",
    "CapabilityBoundingSet=",
    "ProtectSystem=strict",
    "ProtectHome=yes",
    "PrivateTmp=yes",
    "PrivateDevices=yes",
    "ProtectKernelTunables=yes",
    "RestrictSUIDSGID=yes",
    "SystemCallFilter=@system-service",
    "RestrictNamespaces=yes",
    "MemoryMax=1G",
)


@pytest.mark.parametrize("name", UNITS)
def test_a_unit_is_hardened_and_gets_its_password_from_systemd(name: str) -> None:
    lines = (DEPLOY / "systemd" / name).read_text().splitlines()
    assert not [each for each in HARDENED if each not in lines]
    assert "User=scanpool" in lines
    assert any(line.startswith("LoadCredential=nats_password:") for line in lines)


@pytest.mark.parametrize("name", UNITS)
def test_systemd_understands_the_unit(name: str, tmp_path: Path) -> None:
    if shutil.which("systemd-analyze") is None:
        require("systemd", "systemd-analyze is not here to look at the units")
    text = (DEPLOY / "systemd" / name).read_text().replace("/opt/scanpool/bin/scanpool", "/bin/true")
    unit = tmp_path / name.replace("@.", "@dispatcher.")
    (tmp_path / name).write_text(text)
    unit.write_text(text)
    done = subprocess.run(["systemd-analyze", "verify", str(unit)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
