"""What `deploy/` promises: least rights, pinned parts, nothing said twice in two ways."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml

from scanpool.runtime.topology.authorization import authorization, users
from tests.support.deployment import (
    DEPLOY,
    IMAGE,
    POOLS,
    VARIABLE,
    WORKERS,
    compose,
    env_example,
    filled,
    services,
)
from tests.support.pages import ROOT, pages
from tests.support.prometheus import tool
from tests.support.requirements import require

pytestmark = pytest.mark.usefixtures("checkout")

SERVICES = sorted(services()) if (DEPLOY / "compose.yaml").exists() else []


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


@pytest.mark.parametrize("name", ["setup", "validator", "janitor", "cli"])
def test_who_needs_nothing_from_outside_has_no_way_there(name: str) -> None:
    networks = compose()["networks"]
    assert [each for each in services()[name]["networks"] if not networks[each].get("internal")] == []


def test_prometheus_looks_at_every_service() -> None:
    (scanpool, _itself) = yaml.safe_load((DEPLOY / "prometheus" / "prometheus.yml").read_text())["scrape_configs"]
    (names,) = [each["names"] for each in scanpool["dns_sd_configs"]]
    running = {name for name, each in services().items() if each.get("command", [""])[0] in ("run", "bridge")}
    assert set(names) == running - {"worker"}
    for name in names:
        assert "observability" in services()[name]["networks"]


@pytest.mark.parametrize(
    "profiles", [(), ("dmz",), ("tools",), ("dmz", "tools")], ids=lambda each: "+".join(each) or "none"
)
def test_compose_understands_the_file_and_the_example_changes_nothing(
    profiles: tuple[str, ...], tmp_path: Path
) -> None:
    folder = tmp_path / "deploy"
    shutil.copytree(DEPLOY, folder)
    plain = resolved(folder, profiles)
    shutil.copy(folder / ".env.example", folder / ".env")
    assert resolved(folder, profiles) == plain
    asked = {
        name
        for name, each in services().items()
        if set(each.get("profiles", profiles)) & {*profiles} or "profiles" not in each
    }
    assert set(plain["services"]) == asked


@pytest.mark.parametrize("name", ["nats1", "nats2", "nats3"])
def test_nats_finds_its_files_where_its_configuration_names_them(name: str) -> None:
    server = services()[name]
    mounted = {secret["target"] for secret in server["secrets"]} | {
        filled(each).split(":")[1] for each in server["volumes"]
    }
    named = re.findall(r'(?:_file:|include) "([^"]+)"', (DEPLOY / "nats" / "nats.conf").read_text())
    assert {f"{server['working_dir']}/{each}" for each in (*named, "nats.conf")} <= mounted


def resolved(folder: Path, profiles: Sequence[str]) -> dict[str, Any]:
    """The file as compose understands it."""
    words = [*compose_command(), "-f", str(folder / "compose.yaml")]
    words += [word for each in profiles for word in ("--profile", each)]
    done = subprocess.run([*words, "config", "--format", "json"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "level=warning" not in done.stderr, done.stderr
    document: dict[str, Any] = json.loads(done.stdout)
    return document


def compose_command() -> list[str]:
    for command in (["docker", "compose"], ["docker-compose"]):
        if shutil.which(command[0]) and not subprocess.run([*command, "version"], capture_output=True).returncode:
            return command
    return require("compose", "neither `docker compose` nor `docker-compose` is here to check the file")


def test_prometheus_takes_its_configuration() -> None:
    path = DEPLOY / "prometheus" / "prometheus.yml"
    text = path.read_text().replace("/etc/prometheus", str(path.parent))
    words = [tool("promtool"), "check", "config", "/dev/stdin"]
    done = subprocess.run(words, input=text, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_file_of_the_deployment_that_a_page_names_is_there_or_made_by_an_installation() -> None:
    made = tuple(f"deploy/{line}" for line in (DEPLOY / ".gitignore").read_text().splitlines())
    named = {each for page in pages() for each in re.findall(r"\bdeploy/[\w.@/-]*[\w/]", page.text)}
    assert {f"deploy/{each}" for each in ("compose.yaml", "nats/users.conf", "bin/make-secrets")} <= named
    assert sorted(each for each in named if not f"{each}/".startswith(made) and not (ROOT / each).exists()) == []


def test_what_an_installation_keeps_in_the_tree_is_in_no_source_distribution() -> None:
    kept = {f"deploy/{line}" for line in (DEPLOY / ".gitignore").read_text().splitlines()}
    made = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]["sdist"]
    assert "deploy" in made["include"]
    assert set(made["exclude"]) == kept
