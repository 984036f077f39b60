"""A nats-server set up for pools, a connection to it, and services in processes of their own."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import tempfile
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from scanpool.runtime import logs
from scanpool.runtime.connection import NatsAddress, connect
from scanpool.runtime.embedded_nats import EmbeddedNats, EmbeddedOptions
from scanpool.runtime.jetstream import JetStream
from scanpool.runtime.topology.apply import apply
from scanpool.runtime.topology.definitions import topology
from tests.support.ports import own_port

ROOT = Path(__file__).parents[3]


@dataclass(frozen=True)
class Scanner:
    """A scanner to configure."""

    name: str
    capacity: int


@dataclass
class Stand:
    """What a benchmark runs on."""

    nats: EmbeddedNats
    jetstream: JetStream
    configuration: Path
    stack: AsyncExitStack

    async def services(self, *options: str) -> asyncio.subprocess.Process:
        """Start services and wait until they pull; they are stopped with the stand."""
        command = ["-m", "tests.bench.support.services", "--nats", self.nats.url, "--config", str(self.configuration)]
        log = self.stack.enter_context((self.configuration.parent / "services.log").open("ab"))
        process = await asyncio.create_subprocess_exec(
            sys.executable, *command, *options, cwd=ROOT, stdout=asyncio.subprocess.PIPE, stderr=log
        )
        self.stack.push_async_callback(_stopped, process)
        assert process.stdout is not None
        if await process.stdout.readline() != b"ready\n":
            text = (self.configuration.parent / "services.log").read_text(errors="replace")
            raise SystemExit("the services did not start:\n" + text[-2000:])
        return process


async def _stopped(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        process.send_signal(signal.SIGTERM)
    await process.wait()


@asynccontextmanager
async def standing(pools: Mapping[str, Sequence[Scanner]]) -> AsyncIterator[Stand]:
    """The server, its topology and the configuration of the pools; everything is gone afterwards."""
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="scanpool-bench-")))
        nats = await stack.enter_async_context(EmbeddedNats(EmbeddedOptions(store=folder / "nats", port=own_port())))
        client = await connect(NatsAddress(url=nats.url), name="bench")
        stack.push_async_callback(client.close)
        jetstream = JetStream(client)
        await apply(jetstream, topology(tuple(pools), replicas=1))
        configuration = folder / "scanners.yaml"
        configuration.write_text(json.dumps(_document(pools)))
        yield Stand(nats, jetstream, configuration, stack)


def _document(pools: Mapping[str, Sequence[Scanner]]) -> dict[str, object]:
    return {
        "default_pool": next(iter(pools)),
        "pools": {pool: {"scanners": [_scanner(each) for each in scanners]} for pool, scanners in pools.items()},
    }


def _scanner(scanner: Scanner) -> dict[str, object]:
    return {
        "instance_id": scanner.name,
        "url": "https://127.0.0.1:1",
        "access_key": "0" * 64,
        "secret_key": "0" * 64,
        "max_concurrent_scans": scanner.capacity,
    }


def machine() -> dict[str, object]:
    """What the figures depend on."""
    return {"cores": os.cpu_count(), "python": sys.version.split()[0], "load": round(os.getloadavg()[0], 1)}


def quiet() -> None:
    """Log as services do, but to nowhere: standard output is for the figures."""
    logs.configure(stream=Path(os.devnull).open("w"))  # noqa: SIM115  # for the life of the process
