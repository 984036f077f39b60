"""Whether NATS has room for more scans of a pool, as the janitor wrote it down."""

from __future__ import annotations

from datetime import datetime

from scanpool.runtime.jetstream import JetStream
from scanpool.runtime.keys import read_key
from scanpool_schemas import subjects
from scanpool_schemas.keys import Space


async def no_room(jetstream: JetStream, pool: str, now: datetime) -> Space | None:
    """What keeps scans of the pool waiting for room in NATS; None where nothing does.

    Raises: as `read_key`.
    """
    space = (await read_key(jetstream, pool, subjects.SPACE_KEY, Space)).value
    return space if space is not None and space.holds_back(now) else None
