"""What people hold back in a pool: the whole pool paused, scanners cordoned."""

from __future__ import annotations

from datetime import datetime

from scanpool.coordination.keys import read_key
from scanpool.runtime.jetstream import JetStream
from scanpool_schemas import subjects
from scanpool_schemas.keys import Control, Hold


async def read_control(jetstream: JetStream, pool: str) -> Control:
    """What is held back in the pool.

    Raises: as `read_key`.
    """
    return (await read_key(jetstream, pool, subjects.CONTROL_KEY, Control)).value or Control()


def holding(hold: Hold | None, now: datetime) -> Hold | None:
    """The hold, unless it has ended."""
    return hold if hold is not None and hold.holds(now) else None
