"""A command of scanpool as a process that costs little: it stands for a fork of one that has imported all of scanpool.

    python -SIE forked.py SOCKET ENTRY [WORD ...]

It gives its standard streams, environment and folder to the fork, passes signals on, and ends as the fork ends; where
it is killed itself, so is the fork. Only what starts at once is imported here.
"""

from __future__ import annotations

import os
import signal
import socket
import sys

PASSED_ON = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGUSR1, signal.SIGUSR2)
LENGTH_BYTES = 4


def order(entry: str, words: list[str]) -> bytes:
    """What the fork is to do, and where."""
    environ = [os.fsencode(f"{name}={value}") for name, value in os.environ.items()]
    folder = os.fsencode(os.getcwd())  # noqa: PTH109 (pathlib takes longer to import than all of this)
    body = b"\0".join((folder, entry.encode(), str(len(words)).encode(), *map(os.fsencode, words), *environ))
    return len(body).to_bytes(LENGTH_BYTES, "big") + body


def main() -> None:
    """Ask for the fork, and be it in everybody's eyes until it ends."""
    path, entry, *words = sys.argv[1:]
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as fork:
        fork.connect(path)
        for number in PASSED_ON:
            if signal.getsignal(number) is not signal.SIG_IGN:
                signal.signal(number, lambda number, _frame: fork.send(bytes([number])))
        asked = order(entry, words)
        socket.send_fds(fork, [asked[:LENGTH_BYTES]], [0, 1, 2])
        fork.sendall(asked[LENGTH_BYTES:])
        told = fork.recv(2)
    _end(int.from_bytes(told, "big", signed=True) if told else 255)


def _end(code: int) -> None:
    """Like the fork: a negative code is the signal that ended it."""
    if code < 0:
        signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
    os._exit(code)


if __name__ == "__main__":
    main()
