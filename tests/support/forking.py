"""Commands of scanpool in forks of one process that has imported all of it: real processes, which begin at once.

A process takes longer to import the command line than most commands take to do their work. Here one process imports it
once for all tests of a run; `forked.py` asks it for forks. How the executable itself starts is tested elsewhere.

Forks are spared what is of no use to a test: they collect garbage seldom, and when a command has ended and its streams
are flushed, the process is gone, without the interpreter taking apart what it imported.
"""

from __future__ import annotations

import atexit
import contextlib
import functools
import gc
import importlib
import os
import pkgutil
import select
import selectors
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

import anyio
import anyio.lowlevel

from tests.support.forked import LENGTH_BYTES
from tests.support.pages import ROOT

COMMAND_LINE = "scanpool.cli:main"
_FORKED = Path(__file__).with_name("forked.py")
_VARIABLE = "SCANPOOL_TESTS_FORK_AT"
_SELDOM = 100_000
"""So many more objects than before are made until garbage is collected."""


def program(entry: str = COMMAND_LINE) -> tuple[str, ...]:
    """The first words of a command whose function `entry` (`module:function`) reads the others."""
    return (sys.executable, "-SIE", str(_FORKED), _socket(), entry)


def begin() -> None:
    """Begin the process now, for this process and all that it starts."""
    os.environ[_VARIABLE] = _begun()


@functools.cache
def _socket() -> str:
    """Where the process takes orders."""
    return os.environ.get(_VARIABLE) or _begun()


def _begun() -> str:
    """Begin a process that ends with this one; answers where it takes orders."""
    folder = tempfile.TemporaryDirectory(prefix="scanpool-test-")
    path = str(Path(folder.name) / "orders")
    command = [sys.executable, "-m", __name__, path]
    server = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert server.stdout is not None
    assert server.stdout.readline(), "the process that is to fork the others ended before it had imported scanpool"

    def ended() -> None:
        server.communicate()  # it ends with its input
        folder.cleanup()

    atexit.register(ended)
    return path


def main(path: str) -> None:
    """Fork a process for every order that comes over the socket; in the forks, do what was ordered."""
    _import_all()
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as orders:
        orders.bind(path)
        orders.listen(64)
        gc.freeze()
        gc.set_threshold(_SELDOM)
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)
        print("ready", flush=True)
        while orders in select.select([orders, sys.stdin], [], [])[0]:
            order, _ = orders.accept()
            if os.fork() == 0:
                break
            order.close()
        else:
            return
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    asked, streams = _received(order)
    pid = os.fork()
    if pid == 0:
        order.close()
        _live(asked, streams)
    else:
        _keep(order, pid, streams)


def _import_all() -> None:
    for package in ("scanpool", "scanpool_schemas"):
        for module in pkgutil.walk_packages(importlib.import_module(package).__path__, f"{package}."):
            importlib.import_module(module.name)
    anyio.run(anyio.lowlevel.checkpoint)  # which imports what runs it


def _received(order: socket.socket) -> tuple[bytes, list[int]]:
    head, streams, _, _ = socket.recv_fds(order, LENGTH_BYTES, 3)
    return order.recv(int.from_bytes(head, "big"), socket.MSG_WAITALL), streams


def _keep(order: socket.socket, pid: int, streams: Sequence[int]) -> NoReturn:
    """Watch over one process until it ends, for whoever ordered it: pass on signals, end it if they are gone."""
    for stream in (0, 1, 2, *streams):
        os.close(stream)
    ended = os.pidfd_open(pid)
    with selectors.DefaultSelector() as selector:
        selector.register(order, selectors.EVENT_READ)
        selector.register(ended, selectors.EVENT_READ)
        while all(key.fd != ended for key, _ in selector.select()):
            for number in order.recv(64) or bytes([signal.SIGKILL]):
                signal.pidfd_send_signal(ended, number)
    _, status = os.waitpid(pid, 0)
    with contextlib.suppress(OSError):  # nobody may wait for it any more
        order.send(os.waitstatus_to_exitcode(status).to_bytes(2, "big", signed=True))
    os._exit(0)


def _live(asked: bytes, streams: Sequence[int]) -> None:
    """Become what was ordered; this process ends as it would."""
    for descriptor, stream in enumerate(streams):
        os.dup2(stream, descriptor)
        os.close(stream)
    folder, entry, count, *rest = map(os.fsdecode, asked.split(b"\0"))
    words, environ = rest[: int(count)], rest[int(count) :]
    os.chdir(folder)
    os.environ.clear()
    for name, _, value in (pair.partition("=") for pair in environ):
        os.environ[name] = value
    module, function = entry.split(":")
    sys.argv = [module.partition(".")[0], *words]
    codes: list[int] = []
    atexit.register(_leave, codes)  # the first one, which is called last
    try:
        getattr(importlib.import_module(module), function)()
        codes.append(0)
    except SystemExit as ended:
        if isinstance(ended.code, int):
            codes.append(ended.code)
        raise


def _leave(codes: Sequence[int]) -> None:
    """Be gone at once with the code, if it is known and all that was written could be."""
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    for code in codes:
        os._exit(code & 0xFF)


if __name__ == "__main__":
    main(sys.argv[1])
