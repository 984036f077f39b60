"""A nats-server that wants a user and a password."""

from __future__ import annotations

import asyncio
import json
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import anyio

from scanpool.runtime.embedded_nats import nats_server
from tests.support.ports import own_port

STARTS_WITHIN_S = 30.0


@asynccontextmanager
async def password_nats(user: str, password: str) -> AsyncIterator[int]:
    """The server's port; its store is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="scanpool-test-") as name:
        folder, port = Path(name), own_port()
        (folder / "nats.conf").write_text(
            f"host: 127.0.0.1\nport: {port}\njetstream {{ store_dir: {json.dumps(str(folder / 'store'))} }}\n"
            f"authorization {{ user: {json.dumps(user)}, password: {json.dumps(password)} }}\n"
        )
        with (folder / "nats.log").open("wb") as output:
            process = await asyncio.create_subprocess_exec(
                nats_server(), "-c", str(folder / "nats.conf"), stdout=output, stderr=output
            )
        try:
            await _listens(port)
            yield port
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
