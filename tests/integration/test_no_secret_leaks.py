"""Planted secrets are found nowhere but in the dispatcher's memory and on the scanner, whatever goes wrong."""

from __future__ import annotations

import hashlib
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from scanpool.client import ScanPool
from scanpool.emulator.hosts import Account, Host
from scanpool.runtime.connection import NatsAddress, connect
from scanpool.runtime.jetstream import JetStream
from scanpool.runtime.topology.apply import apply
from scanpool.runtime.topology.definitions import topology
from tests.support.cli import Ended, scanpool
from tests.support.collector import Collector, collecting
from tests.support.configured_nats import configured_nats
from tests.support.echoing import Echo, echoing
from tests.support.emulators import RunningEmulator, running_emulator
from tests.support.planted import Secrets, files, found, messages, of_processes, private_key
from tests.support.ports import own_port
from tests.support.processes import Service, running

pytestmark = pytest.mark.long

POOLS = ("well", "session", "refusing", "failing", "shut")
SERVICES = ("admission", "dispatcher", "poller", "validator", "janitor")
USER = "scanpool"


@dataclass(frozen=True)
class Run:
    """Everything that runs, and what it told so far."""

    secrets: Secrets
    folder: Path
    configuration: Path
    temporary: Path
    environ: dict[str, str]
    jetstream: JetStream
    client: ScanPool
    collector: Collector
    emulator: RunningEmulator
    echoes: tuple[Echo, Echo]
    processes: dict[str, Service]
    told: dict[str, bytes]

    async def cli(self, *words: str, **environ: str) -> Ended:
        """Run a command, and keep what it says."""
        ended = await scanpool(*words, environ={**self.environ, **environ})
        self.told[f"command {len(self.told)} {' '.join(words[:2])}"] = (ended.out + ended.err).encode()
        return ended

    async def scan(self, pool: str, name: str, credential: str = "", scan_type: str = "authenticated") -> str:
        """Ask for a scan."""
        words = ["scan", "10.10.0.1", "--name", name, "--pool", pool, "--json"]
        if credential:
            words += ["--credential", credential, "--type", scan_type]
        asked = await self.cli(*words)
        assert asked.code == 0, asked.err
        scan_id: str = asked.document["id"]
        return scan_id

    async def ends(self, scan_id: str) -> str:
        """How the scan ends: the state, and the error's code where it has one."""
        status = await self.client.wait(scan_id, timeout=90)
        return f"{status.state} {status.error.code if status.error else ''}".strip()


@asynccontextmanager
async def everything(folder: Path) -> AsyncIterator[Run]:
    """NATS with a password, scanners well and sick, every service and the bridge as processes."""
    planted = Secrets()
    (folder / "key").write_text(private_key(planted.passphrase))
    (folder / "key").chmod(0o600)
    temporary = folder / "tmp"
    (temporary / "work").mkdir(parents=True)
    async with AsyncExitStack() as stack:
        nats = await stack.enter_async_context(configured_nats(_nats_configuration(planted)))
        url = f"nats://{USER}:{planted.nats_password}@127.0.0.1:{nats.port}"
        collector = await stack.enter_async_context(collecting())
        emulator = await stack.enter_async_context(_emulator(planted))
        refusing = await stack.enter_async_context(echoing(emulator.url, "POST", "/scans", 400))
        failing = await stack.enter_async_context(echoing(emulator.url, "GET", "/scans", 500))
        configuration = folder / "scanners.yaml"
        document = _configuration(planted, folder, emulator.url, refusing.url, failing.url)
        configuration.write_text(json.dumps(document))
        environ = {
            "SCANPOOL_NATS_URL": url,
            "SCANPOOL_CONFIG": str(configuration),
            **_environ(planted, temporary),
            **collector.environ,
        }
        client = await connect(NatsAddress(url=url), name="test")
        stack.push_async_callback(client.drain)
        jetstream = JetStream(client)
        await apply(jetstream, topology(POOLS, replicas=1, janitor_every_s=1, cleanup_every_s=1))
        processes = {}
        for service in SERVICES:
            processes[service] = await stack.enter_async_context(
                running(["run", service], folder / f"{service}.log", environ)
            )
        processes["bridge"] = await stack.enter_async_context(_bridge(planted, folder, environ))
        yield Run(
            planted,
            folder,
            configuration,
            temporary,
            environ,
            jetstream,
            ScanPool(jetstream),
            collector,
            emulator,
            (refusing, failing),
            processes,
            {},
        )


def _bridge(planted: Secrets, folder: Path, environ: Mapping[str, str]) -> Any:
    digest = hashlib.sha256(planted.bridge_token.encode()).hexdigest()
    entry = {"subject": "agent", "sha256": digest, "scopes": ["scan:read", "scan:run"]}
    (folder / "bridge.yaml").write_text(json.dumps({"tokens": [entry]}))
    words = ["bridge", "serve", "--port", str(own_port()), "--bridge-config", str(folder / "bridge.yaml")]
    return running(words, folder / "bridge.log", environ)


def _nats_configuration(planted: Secrets) -> str:
    user, password = json.dumps(USER), json.dumps(planted.nats_password)
    return f"jetstream {{ store_dir: STORE }}\nauthorization {{ user: {user}, password: {password} }}"


def _environ(planted: Secrets, temporary: Path) -> dict[str, str]:
    return {
        "SCANPOOL_LOG_LEVEL": "debug",
        "SCANPOOL_WORK_DIR": str(temporary / "work"),
        "SCANPOOL_ATTEMPTS": "2",
        "TMPDIR": str(temporary),
        "PLANTED_SECRET_KEY": planted.secret_key,
        "PLANTED_SSH_PASSWORD": planted.ssh_password,
        "OTEL_EXPORTER_OTLP_HEADERS": f"authorization=Bearer {planted.collector_key}",
    }


def _emulator(planted: Secrets) -> AbstractAsyncContextManager[RunningEmulator]:
    return running_emulator(
        hosts=_hosts(planted),
        access_key=planted.access_key,
        secret_key=planted.secret_key,
        password=planted.scanner_password,
    )


def _hosts(planted: Secrets) -> tuple[Host, ...]:
    linux = Account(
        username="audit",
        password=planted.ssh_password,
        ssh_key=True,
        escalation={"su": planted.escalation_password},
    )
    windows = Account(username="svc", password=planted.windows_password, domain="CORP")
    return (
        Host(address="10.10.3.0/24", os="windows", accounts=(windows,)),
        Host(address="10.0.0.0/8", accounts=(linux,)),
    )


def _configuration(planted: Secrets, folder: Path, well: str, refusing: str, failing: str) -> dict[str, Any]:
    """Secrets that stand in the file itself, in the environment, and in a file of their own."""
    keys = {"access_key": planted.access_key, "secret_key": "${PLANTED_SECRET_KEY}"}
    scanners: dict[str, dict[str, Any]] = {
        "well": {"url": well, **keys},
        "session": {"url": well, "username": "emulated-admin", "password": planted.scanner_password},
        "refusing": {"url": refusing, **keys},
        "failing": {"url": failing, **keys},
        "shut": {"url": well, "access_key": planted.wrong_access_key, "secret_key": planted.wrong_secret_key},
    }
    ssh = {"kind": "ssh_password", "username": "audit", "pools": list(POOLS)}
    return {
        "default_pool": "well",
        "pools": {
            name: {"scanners": [{"instance_id": "s1", "max_concurrent_scans": 8, **each}]}
            for name, each in scanners.items()
        },
        "credentials": [
            {"id": "password", **ssh, "password": {"env": "PLANTED_SSH_PASSWORD"}},
            {"id": "wrong", **ssh, "password": planted.wrong_ssh_password},
            {
                "id": "root",
                **ssh,
                "kind": "ssh_key",
                "private_key": {"file": str(folder / "key")},
                "passphrase": planted.passphrase,
                "escalation": {"method": "su", "password": planted.escalation_password},
            },
            {
                "id": "windows",
                "kind": "windows",
                "username": "svc",
                "domain": "CORP",
                "password": planted.windows_password,
                "pools": list(POOLS),
            },
        ],
        "clients": [{"subject": "agent", "pools": ["well"], "networks": ["10.0.0.0/8"]}],
    }


async def test_no_secret_is_anywhere_but_in_memory_and_on_the_scanner(tmp_path: Path) -> None:
    async with everything(tmp_path) as run:
        await scans_that_succeed_and_fail(run)
        await what_operators_do(run)
        await what_agents_do(run)
        await a_bad_reload(run)
        await run.collector.until(lambda: any("failed" in each.name for each in run.collector.spans))
        places = {**await messages(run.jetstream), **await metrics(run), **run.told}
        places |= of_processes({name: each.process.pid for name, each in run.processes.items()})
        key = (tmp_path / "key").read_text()
    places |= {f"log of {name}": each.log.read_bytes() for name, each in run.processes.items()}
    places |= {f"spans {number}": body for number, body in enumerate(run.collector.bodies)}
    places |= files(run.temporary)
    assert_all_was_told(places)
    assert all(run.secrets.secret_key in said for echo in run.echoes for said in echo.said)
    assert found(run.secrets.all(key), places) == []


async def scans_that_succeed_and_fail(run: Run) -> None:
    """Every secret is used, and every way to fail comes with one."""
    await run.emulator.control.fault("launch_forbidden", match="forbidden")
    asked = {
        "completed": await run.scan("well", "by password", "password"),
        "completed ": await run.scan("well", "by key", "root", "authenticated_privileged"),
        "completed  ": await run.scan("session", "signed in", "password"),
        "failed auth_failed": await run.scan("well", "wrong password", "wrong"),
        "failed auth_failed ": await run.scan("well", "wrong kind", "windows"),
        "failed scanner_rejected_request": await run.scan("refusing", "echoed", "root", "authenticated_privileged"),
        "failed scanner_permission_denied": await run.scan("well", "forbidden", "password"),
        "dead scanner_unavailable": await run.scan("failing", "echoed too", "password"),
    }
    waits = await run.scan("shut", "waits for keys", "password")
    ended = {wanted: await run.ends(scan_id) for wanted, scan_id in asked.items()}
    assert {wanted.strip(): state for wanted, state in ended.items()} == {
        wanted.strip(): wanted.strip() for wanted in asked
    }
    await run.cli("cancel", waits)
    assert (await run.ends(waits)).startswith("failed")
    assert run.echoes[0].said
    assert run.echoes[1].said


async def what_operators_do(run: Run) -> None:
    letters = json.loads((await run.cli("list-dlq", "--json")).out)["dead_letters"]
    for letter in letters:
        await run.cli("inspect-dlq", letter["id"])
    for words in (["stats", "--all-pools"], ["scanners"], ["pools"], ["doctor", "--json"], ["topology", "apply"]):
        await run.cli(*words)
    wrong = run.environ["SCANPOOL_NATS_URL"].replace(run.secrets.nats_password, run.secrets.wrong_nats_password)
    assert (await run.cli("stats", SCANPOOL_NATS_URL=wrong)).code != 0
    assert (await run.cli("stats", SCANPOOL_NATS_URL=f"{wrong}:port/and more")).code != 0


async def what_agents_do(run: Run) -> None:
    """One signs in and passes a secret on; others are not let in."""
    url = str((await run.processes["bridge"].until_logged("ready"))["url"])
    call = {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "tools/call",
        "params": {
            "name": "run_authenticated_scan",
            "arguments": {"targets": ["10.10.0.1"], "name": "agent's", "password": run.secrets.argument},
        },
    }
    statuses = []
    async with httpx.AsyncClient(headers={"accept": "application/json, text/event-stream"}) as agent:
        for token in (run.secrets.bridge_token, run.secrets.wrong_bridge_token, run.secrets.jwt):
            answer = await agent.post(url, json=call, headers={"authorization": f"Bearer {token}"}, timeout=30)
            statuses.append(answer.status_code)
            run.told[f"answer of the bridge {len(statuses)}"] = answer.content + str(answer.headers).encode()
    assert statuses[0] != 401
    assert statuses[1:] == [401, 401]


async def a_bad_reload(run: Run) -> None:
    """Secrets under keys that are mistyped, in places where they do not belong, of kinds that they are not."""
    document = json.loads(run.configuration.read_text())
    scanner = document["pools"]["well"]["scanners"][0]
    scanner |= {"secretkey": run.secrets.reloaded, "max_concurrent_scans": run.secrets.reloaded}
    scanner["url"] = f"https://admin:{run.secrets.reloaded}@127.0.0.1:8834"
    run.configuration.write_text(json.dumps(document))
    for name in ("dispatcher", "poller"):
        await run.processes[name].until_logged("configuration not reloaded, the last good one stays")
    assert (await run.cli("doctor")).code != 0


async def metrics(run: Run) -> dict[str, bytes]:
    """Of every process."""
    places = {}
    async with httpx.AsyncClient() as http:
        for name, process in run.processes.items():
            ready = await process.until_logged("ready")
            url = ready.get("metrics_url") or f"http://127.0.0.1:{ready['http_port']}/metrics"
            places[f"metrics of {name}"] = (await http.get(str(url))).content
    return places


def assert_all_was_told(places: Mapping[str, bytes]) -> None:
    """Something was looked at of every kind: nothing found in nothing proves nothing."""
    kinds = {place.split(" ")[0] for place in places}
    assert kinds >= {"message", "metrics", "command", "log", "spans", "answer"}
    streams = {place.split(" ")[1] for place in places if place.startswith("message ")}
    assert streams >= {"SCAN_DLQ", "SCAN_FAILED", "SCAN_COMPLETED", "KV_pool-well", "OBJ_scan-exports"}
    assert any(b"NessusClientData" in held for held in places.values())


async def test_the_nats_server_of_up_is_not_told_the_secrets_of_its_environment(tmp_path: Path) -> None:
    planted = Secrets()
    async with running_emulator(access_key=planted.access_key, secret_key=planted.secret_key) as emulator:
        scanner = {
            "instance_id": "s1",
            "url": emulator.url,
            "access_key": "${PLANTED_ACCESS_KEY}",
            "secret_key": {"env": "PLANTED_SECRET_KEY"},
        }
        configuration = tmp_path / "scanners.yaml"
        configuration.write_text(json.dumps({"pools": {"lab": {"scanners": [scanner]}}}))
        environ = {"PLANTED_ACCESS_KEY": planted.access_key, "PLANTED_SECRET_KEY": planted.secret_key}
        words = ["up", "--config", str(configuration), "--store", str(tmp_path / "store"), "--no-bridge"]
        async with running([*words, "--port", str(own_port())], tmp_path / "up.log", environ) as up:
            places = of_processes({"up": up.process.pid})
    assert any(b"nats-server" in held for held in places.values())
    assert found(environ, places) == []
