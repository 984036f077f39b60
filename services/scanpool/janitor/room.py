"""Whether NATS has too little room left to admit and place scans."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import structlog

from scanpool.coordination.space import Room, measured
from scanpool.runtime.jetstream import JetStream
from scanpool.runtime.keys import change_key, read_key
from scanpool.runtime.settings import SpaceSettings
from scanpool_schemas import subjects
from scanpool_schemas.keys import Space

KEPT = timedelta(minutes=10)
"""A lack of room that nobody measures again ends after this: it must not outlive the janitors."""

__all__ = ["KEPT", "Room", "is_short", "judged", "measured", "write_space"]

log = structlog.get_logger(__name__)


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
