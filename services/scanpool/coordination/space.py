"""How much room NATS has left, and whether it has room for more scans of a pool, as the janitor wrote it down.

NATS tells an account its own limit and each stream's, but neither the server's limit (`max_file_store`) nor the disk
under it. So a NATS of our own is looked at on its disk, and somebody else's needs a limit on its account or streams
to be guarded by; a server that is full says so only by refusing (`StoreFull`).
"""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from scanpool.runtime.jetstream import JetStream
from scanpool.runtime.keys import read_key
from scanpool_schemas import subjects
from scanpool_schemas.keys import Space

_UNITS = ("bytes", "KiB", "MiB", "GiB", "TiB")


@dataclass(frozen=True, kw_only=True, slots=True)
class Room:
    """What has a limit, and how much of it is left."""

    what: str
    """As `the JetStream account`."""
    free_bytes: int
    limit_bytes: int

    def __str__(self) -> str:
        return f"{self.what} has {_shown(self.free_bytes)} left of {_shown(self.limit_bytes)}"


async def no_room(jetstream: JetStream, pool: str, now: datetime) -> Space | None:
    """What keeps scans of the pool waiting for room in NATS; None where nothing does.

    Raises: as `read_key`.
    """
    space = (await read_key(jetstream, pool, subjects.SPACE_KEY, Space)).value
    return space if space is not None and space.holds_back(now) else None


async def measured(jetstream: JetStream, pool: str, store: Path | None) -> list[Room]:
    """Everything with a limit that the pool's scans need room in.

    Raises:
        BrokerUnavailable: NATS does not answer.
    """
    rooms = _of_account(await jetstream.api("INFO", None, dict[str, Any]))
    objects = (f"OBJ_{bucket}" for bucket in (subjects.EXPORTS_BUCKET, subjects.FINDINGS_BUCKET))
    for stream in (subjects.pool_stream(pool), subjects.SCAN_REQUESTS, *objects):
        rooms += _of_stream(stream, await jetstream.api(f"STREAM.INFO.{stream}", None, dict[str, Any]))
    if store is not None:
        usage = await asyncio.to_thread(shutil.disk_usage, store)
        rooms.append(Room(what=f"the disk of {store}", free_bytes=usage.free, limit_bytes=usage.total))
    return rooms


def _of_account(info: Mapping[str, Any]) -> list[Room]:
    """An account has one limit, or one for each number of replicas (`tiers`)."""
    tiers: Mapping[str, Any] = info.get("tiers") or {"": info}
    rooms = []
    for name, tier in tiers.items():
        limit = int(tier["limits"]["max_storage"])
        if limit > 0:
            what = f"the JetStream account ({name})" if name else "the JetStream account"
            rooms.append(Room(what=what, free_bytes=max(0, limit - int(tier["storage"])), limit_bytes=limit))
    return rooms


def _of_stream(name: str, info: Mapping[str, Any]) -> list[Room]:
    limit = int(info["config"].get("max_bytes", -1))
    if limit <= 0:
        return []
    free_bytes = max(0, limit - int(info["state"]["bytes"]))
    return [Room(what=f"stream {name}", free_bytes=free_bytes, limit_bytes=limit)]


def _shown(size_bytes: int) -> str:
    size, unit = float(size_bytes), _UNITS[0]
    for unit in _UNITS:
        if size < 1024 or unit == _UNITS[-1]:
            break
        size /= 1024
    return f"{size:.0f} {unit}" if unit == _UNITS[0] else f"{size:.1f} {unit}"
