"""What the units promise: closed as far as they can be, told by files of which there are examples."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from scanpool.cli.running.assembly import SERVICES
from tests.support.deployment import DEPLOY, env_example, services
from tests.support.requirements import require

pytestmark = pytest.mark.usefixtures("checkout")

SYSTEMD = DEPLOY / "systemd"
UNITS = ("scanpool@.service", "scanpool-bridge.service", "scanpool-nats.service")
HARDENED = (
    "NoNewPrivileges=yes",
    "CapabilityBoundingSet=",
    "ProtectSystem=strict",
    "ProtectHome=yes",
    "PrivateTmp=yes",
    "PrivateDevices=yes",
    "PrivateUsers=yes",
    "ProtectProc=invisible",
    "ProtectKernelTunables=yes",
    "RestrictSUIDSGID=yes",
    "SystemCallFilter=@system-service",
    "RestrictNamespaces=yes",
    "MemoryDenyWriteExecute=yes",
    "UMask=0077",
)
LIMITS = ("MemoryMax=", "TasksMax=", "TimeoutStopSec=")


def lines_of(unit: str) -> list[str]:
    return (SYSTEMD / unit).read_text().splitlines()


@pytest.mark.parametrize("unit", UNITS)
def test_a_unit_is_hardened_and_has_limits_and_a_user_of_its_own(unit: str) -> None:
    lines = lines_of(unit)
    assert not [each for each in HARDENED if each not in lines]
    assert not [limit for limit in LIMITS if not any(line.startswith(limit) for line in lines)]
    assert ("User=nats" if "nats" in unit else "User=scanpool") in lines


@pytest.mark.parametrize("unit", UNITS[:2])
def test_a_service_gets_its_password_from_systemd(unit: str) -> None:
    assert any(line.startswith("LoadCredential=nats_password:") for line in lines_of(unit))
    assert "Environment=SCANPOOL_NATS_PASSWORD_FILE=%d/nats_password" in lines_of(unit)


@pytest.mark.parametrize("unit", UNITS)
def test_a_unit_leaves_to_be_seen_what_metrics_of_the_process_are_read_from(unit: str) -> None:
    assert not [line for line in lines_of(unit) if line.startswith("ProcSubset=")]


@pytest.mark.parametrize("unit", UNITS)
def test_systemd_understands_the_unit(unit: str, tmp_path: Path) -> None:
    if shutil.which("systemd-analyze") is None:
        require("systemd", "systemd-analyze is not here to look at the units")
    text = re.sub(r"(?m)^ExecStart=\S+", "ExecStart=/bin/true", (SYSTEMD / unit).read_text())
    (tmp_path / unit).write_text(text)
    instance = tmp_path / unit.replace("@.", "@dispatcher.")
    instance.write_text(text)
    done = subprocess.run(["systemd-analyze", "verify", str(instance)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_of_each_file_that_a_unit_reads_there_is_an_example() -> None:
    named = [
        line.partition("=")[2].lstrip("-") for unit in UNITS for line in lines_of(unit) if "EnvironmentFile" in line
    ]
    wanted = {Path(each.replace("%i", service)).name for each in named for service in (*SERVICES, "worker-dmz")}
    assert {f"{each}.example" for each in wanted} == {path.name for path in SYSTEMD.glob("*.env.example")}


def test_no_two_services_of_a_host_have_the_same_port() -> None:
    told = [env_example(SYSTEMD / f"{each}.env.example") for each in (*SERVICES, "bridge", "worker-dmz")]
    ports = [each["SCANPOOL_HTTP_PORT"] for each in told]
    assert len(set(ports)) == len(ports)


def test_what_calls_scanners_is_told_its_pools_and_the_rest_serves_all() -> None:
    told = {each: env_example(SYSTEMD / f"{each}.env.example") for each in SERVICES}
    assert {each for each, variables in told.items() if "SCANPOOL_POOLS" in variables} == {"dispatcher", "poller"}


def test_a_worker_is_told_the_same_with_and_without_containers() -> None:
    told = env_example(SYSTEMD / "worker-dmz.env.example")
    worker = services()["worker"]
    assert ["run", *told["SCANPOOL_SERVICES"].split()] == worker["command"] == ["run", "dispatcher", "poller"]
    assert told["SCANPOOL_POOLS"] == env_example()["WORKER_POOL"]


def test_nats_is_told_the_same_with_and_without_containers() -> None:
    told = env_example(SYSTEMD / "nats.env.example")
    (data,) = [line for line in lines_of("scanpool-nats.service") if "NATS_DATA" in line]
    assert {*told, data.split("=")[1]} == set(services()["nats1"]["environment"])
    assert told["NATS_NAME"] == "nats1"
