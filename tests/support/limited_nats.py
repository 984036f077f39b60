"""A real nats-server that has little room for its streams."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from scanpool.runtime.jetstream import JetStream
from scanpool.runtime.topology.apply import apply
from scanpool.runtime.topology.definitions import topology
from tests.support.configured_nats import configured_nats
from tests.support.pipeline import connected_jetstream

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
    async with (
        configured_nats(f"jetstream {{ store_dir: STORE\n{limit} }}\n{accounts}") as nats,
        connected_jetstream(nats.url) as jetstream,
    ):
        await apply(jetstream, topology((pool,), replicas=1))
        yield nats.url, jetstream
