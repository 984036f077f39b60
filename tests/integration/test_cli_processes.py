"""The executable that sets NATS up and runs services and emulators."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio

from scanpool.runtime.embedded_nats import EmbeddedNats
from scanpool.runtime.topology.apply import apply
from scanpool.runtime.topology.definitions import topology
from tests.support.cli import Ended, ended, interrupted, scanpool, started
from tests.support.pipeline import connected_jetstream, embedded_nats
from tests.support.ports import own_port
from tests.support.scanners_file import a_configuration, a_pool, a_scanner, written

pytestmark = pytest.mark.asyncio(loop_scope="module")

KEYS = {"ACCESS_KEY": "a", "SECRET_KEY": "s"}
DOWN = "http://127.0.0.1:1"
WARNING = "warning of the configuration"


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def nats() -> AsyncIterator[EmbeddedNats]:
    async with embedded_nats() as running:
        yield running


@dataclass(frozen=True)
class Patient:
    """Commands that wait for a while for what does not come; other tests run meanwhile."""

    waiting: asyncio.subprocess.Process
    """Asks for a scan that nobody admits."""
    lost: asyncio.subprocess.Process
    """Looks for a NATS that is not there."""


@pytest_asyncio.fixture(loop_scope="module", scope="module", autouse=True)
async def patient(nats: EmbeddedNats) -> Patient:
    async with connected_jetstream(nats.url) as jetstream:
        await apply(jetstream, topology(("idle",), replicas=1))
    return Patient(
        waiting=await started("scan", "10.0.0.1", "--pool", "idle", "--json", "--nats", nats.url),
        lost=await started("list", "--nats", "nats://127.0.0.1:1", "--json"),
    )


async def run(nats: EmbeddedNats, *words: str) -> Ended:
    return await scanpool(*words, "--nats", nats.url, environ=KEYS)


def configuration(folder: Path) -> str:
    return str(written(folder, a_configuration(pools={"lab": a_pool(scanners=[a_scanner(url=DOWN)])})))


async def ready(process: asyncio.subprocess.Process) -> Any:
    """The document that a process prints once it is ready."""
    assert process.stdout is not None
    async with asyncio.timeout(60):
        line = await process.stdout.readline()
    assert line, (await ended(process)).err
    return json.loads(line)


async def logged(process: asyncio.subprocess.Process, event: str) -> Any:
    """The next log line of that event."""
    assert process.stderr is not None
    async with asyncio.timeout(60):
        while line := await process.stderr.readline():
            if line.startswith(b"{") and (entry := json.loads(line))["event"] == event:
                return entry
    raise AssertionError(f"ended without {event!r}")


async def test_services_stop_with_the_remedy_until_nats_is_set_up(nats: EmbeddedNats, tmp_path: Path) -> None:
    file = configuration(tmp_path)
    too_early = await run(nats, "run", "all", "--config", file, "--json")
    assert too_early.code == 1
    assert too_early.document["error"]["code"] == "topology_missing"
    assert "scanpool topology apply" in too_early.document["error"]["message"]

    missing = await run(nats, "topology", "diff", "--config", file, "--json")
    assert missing.code == 1
    assert {"kind": "stream", "name": "KV_pool-lab", "missing": True, "fields": []} in missing.document["differences"]

    applied = await run(nats, "topology", "apply", "--config", file, "--replicas", "1")
    assert applied.code == 0
    assert "created stream KV_pool-lab" in applied.out.splitlines()
    other = await run(nats, "topology", "apply", "--pools", "dmz", "--json")
    assert {"SCAN_COMPLETED", "KV_pool-dmz"} <= {change["name"] for change in other.document["changes"]}
    ways = (("--config", file), ("--pools", "dmz"), ("--pools", "lab,dmz"))
    for same in await asyncio.gather(*(run(nats, "topology", "diff", *words, "--json") for words in ways)):
        assert (same.code, same.document["differences"]) == (0, [])


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_an_emulator_says_where_it_is_and_stops_cleanly(number: signal.Signals) -> None:
    words = ("emulator", "--port", "0", "--tls", "--time-scale", "600", "--findings", "3", "--json")
    process = await started(*words)
    told = await ready(process)
    assert told["url"].startswith("https://127.0.0.1:")
    assert len(told["fingerprint"]) == 64
    async with httpx.AsyncClient(verify=False) as http:
        keys = {"X-ApiKeys": f"accessKey={told['access_key']}; secretKey={told['secret_key']}"}
        assert (await http.get(f"{told['url']}/scans", headers=keys)).status_code == 200
    stopped = await interrupted(process, number)
    assert (stopped.code, stopped.err) == (0, "")


async def test_an_emulator_on_a_port_that_is_taken_says_so() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        refused = await scanpool("emulator", "--port", str(taken.getsockname()[1]), "--json")
    assert (refused.code, refused.document["error"]["code"]) == (1, "port_taken")
    assert refused.err.count("\n") == 1


async def test_a_hosts_file_that_cannot_be_used_is_a_mistake(tmp_path: Path) -> None:
    path = tmp_path / "hosts.yaml"
    path.write_text("hosts: [{address: 10.0.0.1, colour: red}]")
    refused = await scanpool("emulator", "--port", "0", "--hosts", str(path))
    assert refused.code == 2
    assert refused.err.startswith(f"error: {path}: ")


async def test_a_nats_that_does_not_answer_is_told_with_the_remedy(patient: Patient) -> None:
    lost = await ended(patient.lost)
    assert (lost.code, lost.document["error"]["code"]) == (1, "broker_unavailable")
    assert "--nats URL or SCANPOOL_NATS_URL" in lost.err


async def test_a_request_that_nobody_admits_waits(patient: Patient) -> None:
    waiting = await ended(patient.waiting)
    assert waiting.code == 0
    assert waiting.document["scan"] is None
    assert "nobody has admitted it yet; it waits in pool idle" in waiting.err


async def test_services_run_read_their_configuration_again_and_stop_cleanly(nats: EmbeddedNats, tmp_path: Path) -> None:
    file = configuration(tmp_path)
    assert (await run(nats, "topology", "apply", "--config", file)).code == 0
    words = ("run", "all", "--pools", "lab", "--config", file, "--nats", nats.url, "--json")
    process = await started(*words, environ=KEYS)
    told = await ready(process)
    assert told["pools"] == ["lab"]
    assert told["services"] == ["admission", "dispatcher", "poller", "validator", "janitor"]
    async with httpx.AsyncClient() as http:
        assert (await http.get(f"{told['http_url']}/health/live")).status_code == 200

    changed = a_pool(scanners=[a_scanner(url=DOWN, max_concurrent_scans=5)])
    written(tmp_path, a_configuration(pools={"lab": changed, "dmz": a_pool(scanners=[a_scanner(access_key="plain")])}))
    process.send_signal(signal.SIGHUP)
    reloaded = await logged(process, "configuration reloaded")
    assert reloaded["level"] == "info"
    assert "pool dmz added" in reloaded["changes"]
    assert "scanner lab.scanner1: max_concurrent_scans 2 -> 5" in reloaded["changes"]
    assert "access_key: the secret stands in this file" in (await logged(process, WARNING))["problem"]

    Path(file).write_text("pools: {")
    process.send_signal(signal.SIGHUP)
    kept = await logged(process, "configuration not reloaded, the last good one stays")
    assert file in str(kept["problems"])

    port = told["http_url"].rpartition(":")[2]
    taken = await run(nats, "run", "validator", "--http-port", port, "--json")
    assert (taken.code, taken.document["error"]["code"]) == (1, "port_taken")
    assert (await interrupted(process, signal.SIGTERM)).code == 0


async def test_services_start_with_a_configuration_that_only_deserves_a_warning(
    nats: EmbeddedNats, tmp_path: Path
) -> None:
    scanner = a_scanner(url=DOWN, access_key="plain")
    file = str(written(tmp_path, a_configuration(pools={"lab": a_pool(scanners=[scanner])})))
    assert (await run(nats, "topology", "apply", "--config", file)).code == 0
    process = await started("run", "dispatcher", "--config", file, "--nats", nats.url, "--json", environ=KEYS)
    assert (await ready(process))["pools"] == ["lab"]
    warned = await logged(process, WARNING)
    assert warned["level"] == "warning"
    assert warned["problem"].startswith(f"{file}:")
    assert (await interrupted(process, signal.SIGTERM)).code == 0


async def test_everything_in_one_process_says_in_a_line_what_it_made_and_where_it_is(tmp_path: Path) -> None:
    file = configuration(tmp_path)
    port = own_port()
    words = ("up", "--config", file, "--store", str(tmp_path / "store"), "--port", str(port))
    process = await started(*words, environ=KEYS)
    made = await logged(process, "set NATS up")
    assert made["created"] == "11 streams, 12 consumers, 2 schedules"
    await logged(process, "ready")
    up = await interrupted(process, signal.SIGTERM)
    assert (up.code, "missing" in up.err) == (0, False)
    assert f"nats://127.0.0.1:{port}" in up.out
    assert f"export SCANPOOL_NATS_URL=nats://127.0.0.1:{port}\n" in up.err


async def test_a_process_without_a_reader_of_its_ready_line_goes_on(nats: EmbeddedNats, tmp_path: Path) -> None:
    file = configuration(tmp_path)
    assert (await run(nats, "topology", "apply", "--config", file)).code == 0
    reading, writing = os.pipe()
    os.close(reading)
    words = ("run", "admission", "--nats", nats.url, "--json")
    process = await started(*words, stdout=writing)
    os.close(writing)
    await logged(process, "ready")
    assert (await interrupted(process, signal.SIGTERM)).code == 0


async def test_services_without_a_configuration_say_so_when_told_to_read_it_again(nats: EmbeddedNats) -> None:
    assert (await run(nats, "topology", "apply", "--pools", "lab")).code == 0
    process = await started("run", "admission", "--nats", nats.url, "--json")
    await ready(process)
    process.send_signal(signal.SIGHUP)
    await logged(process, "no configuration to reload: these services read none; looking for new pools")
    assert (await interrupted(process, signal.SIGTERM)).code == 0
