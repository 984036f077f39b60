"""A real nats-server that has little room for its streams."""

from __future__ import annotations

import asyncio
import json
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import anyio

from scanpool.runtime.embedded_nats import nats_server
from scanpool.runtime.jetstream import JetStream
from scanpool.runtime.topology.apply import apply
from scanpool.runtime.topology.definitions import topology
from tests.support.pipeline import connected_jetstream
from tests.support.ports import own_port

STARTS_WITHIN_S = 20.0
ACCOUNT = """
accounts {{ scans {{
  jetstream {{ max_file: {limit_bytes}, max_memory: 20MB }}, users: [{{user: test, password: test}}] }} }}
no_auth_user: test
"""


@asynccontextmanager
async def limited_account(limit_bytes: int, pool: str = "lab") -> AsyncIterator[tuple[str, JetStream]]:
    """A server whose account may store so much, with the topology of a pool; its URL and a connection."""
    async with _server(ACCOUNT.format(limit_bytes=limit_bytes), "", pool) as found:
        yield found


@asynccontextmanager
async def limited_server(limit_bytes: int, pool: str = "lab") -> AsyncIterator[tuple[str, JetStream]]:
    """A server that stores so much in all and tells nobody; its URL and a connection."""
    async with _server("", f"max_file_store: {limit_bytes}", pool) as found:
        yield found


@asynccontextmanager
async def _server(accounts: str, limit: str, pool: str) -> AsyncIterator[tuple[str, JetStream]]:
    with tempfile.TemporaryDirectory(prefix="scanpool-test-") as name:
        folder, port = Path(name), own_port()
        store = json.dumps(str(folder / "jetstream"))
        config = folder / "nats.conf"
        config.write_text(f"host: 127.0.0.1\nport: {port}\njetstream {{ store_dir: {store}\n{limit} }}\n{accounts}")
        with (folder / "nats.log").open("wb") as output:
            process = await asyncio.create_subprocess_exec(
                nats_server(), "-c", str(config), stdout=output, stderr=output
            )
        try:
            await _listens(port)
            url = f"nats://127.0.0.1:{port}"
            async with connected_jetstream(url) as jetstream:
                await apply(jetstream, topology((pool,), replicas=1))
                yield url, jetstream
        finally:
            process.terminate()
            await process.wait()


async def _listens(port: int) -> None:
    with anyio.fail_after(STARTS_WITHIN_S):
        while True:
            try:
                _reader, writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                await anyio.sleep(0.02)
                continue
            writer.close()
            return
