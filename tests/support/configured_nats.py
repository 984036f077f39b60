"""A real nats-server with a configuration of the test's own."""

from __future__ import annotations

import asyncio
import json
import os
import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from scanpool.runtime.nats_binary import nats_server
from tests.support.eventually import becomes
from tests.support.ports import own_port

STARTS_WITHIN_S = 60.0


@dataclass(frozen=True, kw_only=True, slots=True)
class ConfiguredNats:
    """The running server."""

    port: int
    log: Path

    @property
    def url(self) -> str:
        return f"nats://127.0.0.1:{self.port}"


@asynccontextmanager
async def configured_nats(configuration: str) -> AsyncIterator[ConfiguredNats]:
    """The server, whose store is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="scanpool-test-") as name:
        async with nats_in(Path(name), configuration) as nats:
            yield nats


@asynccontextmanager
async def nats_in(
    folder: Path, configuration: str, environ: Mapping[str, str] | None = None
) -> AsyncIterator[ConfiguredNats]:
    """The server, with the folder to write to; `STORE` in the configuration stands for that of its streams."""
    nats = ConfiguredNats(port=own_port(), log=folder / "nats.log")
    file = folder / "nats.conf"
    store = json.dumps(str(folder / "store"))
    file.write_text(f"host: 127.0.0.1\nport: {nats.port}\n{configuration.replace('STORE', store)}\n")
    with nats.log.open("wb") as output:
        process = await asyncio.create_subprocess_exec(
            nats_server(), "-c", str(file), env={**os.environ, **(environ or {})}, stdout=output, stderr=output
        )

    async def listens() -> bool:
        assert process.returncode is None, nats.log.read_text()
        return await _listens(nats.port)

    try:
        await becomes(listens, within_s=STARTS_WITHIN_S)
        yield nats
    finally:
        if process.returncode is None:
            process.terminate()
            await process.wait()


async def _listens(port: int) -> bool:
    try:
        _reader, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.close()
    return True
