"""Ports that no other test process takes: a server that is ended and started again finds its port free."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator

from scanpool.runtime.nats_binary import is_free

_FIRST = 14000
_EACH = 1000
"""Below the ports that Linux gives to outgoing connections, and above 4222 and its next."""

_worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
_first = _FIRST + _EACH * _worker
_start = os.getpid() % _EACH  # two runs of the tests at the same time seldom meet
_ports: Iterator[int] = itertools.cycle((*range(_first + _start, _first + _EACH), *range(_first, _first + _start)))


def own_port() -> int:
    """A free port of this test process on 127.0.0.1; each call answers another."""
    return next(port for port in itertools.islice(_ports, _EACH) if is_free(port))
