"""The whole pipeline in one process: a real nats-server, emulated scanners, the services, a client."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import tempfile
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from scanpool.cli.running.assembly import SERVICES, ServiceName
from scanpool.cli.running.host import Runner
from scanpool.client import ScanPool
from scanpool.emulator import default_network as network
from scanpool.runtime.backoff import Backoff
from scanpool.runtime.configuration import LiveConfiguration
from scanpool.runtime.connection import NatsAddress, connect
from scanpool.runtime.embedded_nats import EmbeddedNats, EmbeddedOptions
from scanpool.runtime.jetstream import JetStream
from scanpool.runtime.settings import BreakerSettings, LaunchSettings, PollSettings, Settings
from scanpool.runtime.topology.apply import apply
from scanpool.runtime.topology.definitions import topology
from tests.support.emulators import RunningEmulator, running_emulator
from tests.support.ports import own_port

FAST = Settings(
    poll=PollSettings(
        shortest=timedelta(milliseconds=200),
        longest=timedelta(milliseconds=500),
        unreachable=timedelta(milliseconds=500),
    ),
    launch=LaunchSettings(
        lease=timedelta(seconds=4), request_bound=timedelta(seconds=2), margin=timedelta(milliseconds=200)
    ),
    breaker=BreakerSettings(recovery=timedelta(seconds=1)),
    backoff=Backoff(first=timedelta(milliseconds=200), cap=timedelta(seconds=1), attempts=3),
    scanner_timeout=timedelta(seconds=3),
    readiness_every=timedelta(seconds=1),
    grace=timedelta(seconds=8),
)
"""Everything as in production, only sooner."""

CREDENTIALS: list[dict[str, Any]] = [
    {"id": "linux", "kind": "ssh_password", "username": network.LINUX_ACCOUNT, "password": network.LINUX_PASSWORD},
    {
        "id": "linux-sudo",
        "kind": "ssh_password",
        "username": network.LINUX_ACCOUNT,
        "password": network.LINUX_PASSWORD,
        "escalation": {"method": "sudo", "password": network.LINUX_PASSWORD},
    },
    {"id": "wrong", "kind": "ssh_password", "username": network.LINUX_ACCOUNT, "password": network.WRONG_PASSWORD},
]


@dataclass(frozen=True)
class Scanner:
    """An emulated scanner to start: its places, and the emulator's options."""

    name: str
    capacity: int = 2
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass
class Pipeline:
    """A running pipeline."""

    nats: EmbeddedNats
    client: ScanPool
    jetstream: JetStream
    emulators: dict[str, RunningEmulator]
    """By `<pool>.<scanner>`."""
    configuration: Path
    settings: Settings
    runners: list[tuple[Runner, asyncio.Task[None]]]

    async def start(self, services: Sequence[ServiceName] = SERVICES, settings: Settings | None = None) -> Runner:
        """Start services in this process, as one replica more."""
        live = LiveConfiguration(self.configuration, {})
        runner = Runner(services, settings or self.settings, live)
        ready = asyncio.Event()
        task = asyncio.create_task(runner.run(ready.set))
        waiting = asyncio.create_task(ready.wait())
        await asyncio.wait({task, waiting}, return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            waiting.cancel()
            task.result()
        self.runners.append((runner, task))
        return runner

    async def stop(self) -> None:
        """Stop every service; what they raised is raised."""
        for runner, _ in self.runners:
            runner.stop()
        for _, task in self.runners:
            await task
        self.runners.clear()


@asynccontextmanager
async def embedded_nats() -> AsyncIterator[EmbeddedNats]:
    """A nats-server of its own on a free port, with a store that is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="scanpool-test-") as folder:
        async with EmbeddedNats(EmbeddedOptions(store=Path(folder), port=own_port())) as nats:
            yield nats
            with suppress(ProcessLookupError):  # a test may have ended it
                os.kill(nats.pid, signal.SIGKILL)  # nobody wants the store; to end well takes it a while


@asynccontextmanager
async def connected_jetstream(url: str) -> AsyncIterator[JetStream]:
    """JetStream over a connection of its own."""
    client = await connect(NatsAddress(url=url), name="test")
    try:
        yield JetStream(client)
    finally:
        await client.drain()


@asynccontextmanager
async def running_pipeline(
    pools: Mapping[str, Sequence[Scanner]] | None = None,
    *,
    services: Sequence[ServiceName] = SERVICES,
    settings: Settings = FAST,
    rules: Mapping[str, Any] | None = None,
    clients: Sequence[Mapping[str, Any]] = (),
) -> AsyncIterator[Pipeline]:
    """Everything set up and the services started; `rules` are further keys of every pool's configuration, `clients`
    those of the bridge, in every pool unless they say otherwise."""
    wanted = pools or {"lab": (Scanner("s1"),)}
    async with AsyncExitStack() as stack:
        nats = await stack.enter_async_context(embedded_nats())
        jetstream = await stack.enter_async_context(connected_jetstream(nats.url))
        await apply(jetstream, topology(tuple(wanted), replicas=1, janitor_every_s=1, cleanup_every_s=1))
        emulators = {
            f"{pool}.{scanner.name}": await stack.enter_async_context(running_emulator(**scanner.options))
            for pool, scanners in wanted.items()
            for scanner in scanners
        }
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="scanpool-test-")))
        configuration = folder / "scanners.yaml"
        configuration.write_text(configuration_text(wanted, emulators, rules or {}, clients))
        client = await stack.enter_async_context(await ScanPool.connect(nats.url))
        own = replace(settings, nats=NatsAddress(url=nats.url))
        pipeline = Pipeline(nats, client, jetstream, emulators, configuration, own, [])
        stack.push_async_callback(pipeline.stop)
        if services:
            await pipeline.start(services)
        yield pipeline


def configuration_text(
    pools: Mapping[str, Sequence[Scanner]],
    emulators: Mapping[str, RunningEmulator],
    rules: Mapping[str, Any],
    clients: Sequence[Mapping[str, Any]] = (),
) -> str:
    """A `scanners.yaml` for the emulators, in the JSON that YAML takes too."""
    document = {
        "default_pool": next(iter(pools)),
        "pools": {
            pool: {**rules, "scanners": [_scanner(each, emulators[f"{pool}.{each.name}"]) for each in scanners]}
            for pool, scanners in pools.items()
        },
        "credentials": [{**each, "pools": list(pools)} for each in CREDENTIALS],
        "clients": [{"pools": list(pools), **each} for each in clients],
    }
    return json.dumps(document, indent=2)


def _scanner(scanner: Scanner, running: RunningEmulator) -> dict[str, Any]:
    return {
        "instance_id": scanner.name,
        "kind": "tenable-vm" if running.options.profile == "tenable-vm" else "nessus",
        "url": running.url,
        "access_key": running.emulator.access_key,
        "secret_key": running.emulator.secret_key,
        "max_concurrent_scans": scanner.capacity,
    }
