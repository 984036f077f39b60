"""How much room NATS has left, and whether that is too little to admit and place scans.

NATS tells an account its own limit and each stream's, but neither the server's limit (`max_file_store`) nor the disk
under it. So a NATS of our own is looked at on its disk, and somebody else's needs a limit on its account or streams
to be guarded by; a server that is full says so only by refusing (`StoreFull`).
"""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import structlog

from scanpool.runtime.jetstream import JetStream
from scanpool.runtime.keys import change_key, read_key
from scanpool.runtime.settings import SpaceSettings
from scanpool_schemas import subjects
from scanpool_schemas.keys import Space

KEPT = timedelta(minutes=10)
"""A lack of room that nobody measures again ends after this: it must not outlive the janitors."""
_UNITS = ("bytes", "KiB", "MiB", "GiB", "TiB")

log = structlog.get_logger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class Room:
    """What has a limit, and how much of it is left."""

    what: str
    """As `the JetStream account`."""
    free_bytes: int
    limit_bytes: int

    def __str__(self) -> str:
        return f"{self.what} has {_shown(self.free_bytes)} left of {_shown(self.limit_bytes)}"


def is_short(room: Room, policy: SpaceSettings, *, was: bool) -> bool:
    """Whether too little is left; where it `was` short, it is until clearly more is left."""
    stop_bytes = max(room.limit_bytes * policy.stop_percent // 100, min(policy.stop_bytes, room.limit_bytes // 10))
    resume_bytes = stop_bytes * policy.resume_percent // policy.stop_percent
    return room.free_bytes < (resume_bytes if was else stop_bytes)


def judged(before: Space | None, rooms: Sequence[Room], policy: SpaceSettings, now: datetime) -> Space | None:
    """What the key is to say; what it says already where nothing changed, None where it was never short."""
    was = before is not None and before.low
    short = [room for room in rooms if is_short(room, policy, was=was)]
    if not short:
        return Space(low=False, since=now, at=now, until=now) if was else before
    if before is not None and was and before.until - now > KEPT / 2:
        return before
    since = before.since if before is not None and was else now
    return Space(low=True, why="; ".join(map(str, short)), since=since, at=now, until=now + KEPT)


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


async def write_space(
    jetstream: JetStream, pool: str, rooms: Sequence[Room], policy: SpaceSettings, now: datetime
) -> Space | None:
    """Write down whether there is room, where that changed; answers what the key says.

    Raises: as `change_key`.
    """
    before = (await read_key(jetstream, pool, subjects.SPACE_KEY, Space)).value
    if judged(before, rooms, policy, now) is None:
        return None
    changed = await change_key(
        jetstream, pool, subjects.SPACE_KEY, Space, lambda known: judged(known, rooms, policy, now) or _roomy(now)
    )
    _tell(pool, changed.before, changed.after)
    return changed.after


def _roomy(now: datetime) -> Space:
    return Space(low=False, since=now, at=now, until=now)


def _tell(pool: str, before: Space | None, after: Space) -> None:
    was = before is not None and before.low
    if after.low and not was:
        log.error("NATS is nearly full: no scan is admitted or placed", pool=pool, why=after.why)
    elif was and not after.low:
        log.info("NATS has room again: scans are admitted and placed", pool=pool)


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
