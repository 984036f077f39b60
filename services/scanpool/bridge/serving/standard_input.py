"""Standard input that can be ended from within: a read that waits for a line cannot be called off."""

from __future__ import annotations

import os
import select
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

_STDIN = 0
_CHUNK_BYTES = 65_536


@contextmanager
def ending_input() -> Iterator[Callable[[], None]]:
    """While entered, descriptor 0 is a pipe that ends where standard input ends, or when what is yielded is called."""
    source = os.dup(_STDIN)
    reading, writing = os.pipe()
    waking, wake = os.pipe()
    os.dup2(reading, _STDIN)
    os.close(reading)
    pump = threading.Thread(target=_pump, args=(source, waking, writing), name="stdin", daemon=True)
    pump.start()

    def end() -> None:
        with suppress(OSError):
            os.write(wake, b".")

    try:
        yield end
    finally:
        end()
        os.dup2(source, _STDIN)


def _pump(source: int, waking: int, writing: int) -> None:
    """Hand on what comes, until it ends or somebody wakes this."""
    try:
        while True:
            ready, _, _ = select.select([source, waking], [], [])
            if waking in ready:
                return
            chunk = os.read(source, _CHUNK_BYTES)
            if not chunk:
                return
            _write(writing, chunk)
    except OSError:
        return  # nobody reads any more
    finally:
        os.close(writing)


def _write(descriptor: int, chunk: bytes) -> None:
    view = memoryview(chunk)
    while view:
        view = view[os.write(descriptor, view) :]
