"""How the scanners are: looked at regularly, written to `health.<scanner>`, told when it changes."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

import msgspec
import structlog

from scanpool.runtime.jetstream import JetStream, Write
from scanpool.runtime.keys import read_key
from scanpool.scanners.scanner import Readiness
from scanpool_schemas import subjects
from scanpool_schemas.events import ScannerEvent
from scanpool_schemas.keys import Health

log = structlog.get_logger(__name__)


class Looked(Protocol):
    """A scanner that can be asked how it is."""

    async def readiness(self) -> Readiness: ...


async def read_health(jetstream: JetStream, pool: str, scanner: str) -> Health | None:
    """What is known of the scanner; None until it was first looked at.

    Raises: as `read_key`.
    """
    return (await read_key(jetstream, pool, subjects.health_key(scanner), Health)).value


async def look(jetstream: JetStream, pool: str, name: str, scanner: Looked, now: datetime) -> Health:
    """Ask the scanner how it is, write it down, and tell what changed."""
    before = await read_health(jetstream, pool, name)
    after = health_after(before, await scanner.readiness(), now)
    await write_health(jetstream, pool, name, before, after)
    return after


async def write_health(jetstream: JetStream, pool: str, name: str, before: Health | None, after: Health) -> None:
    """Write the scanner's health, and publish what changed as events of the scanner."""
    await jetstream.publish(
        Write(subject=subjects.key(pool, subjects.health_key(name)), body=msgspec.json.encode(after))
    )
    for event in changes(before, after):
        log.info("scanner is " + event, pool=pool, scanner=name, reason=after.reason)
        told = ScannerEvent(pool=pool, scanner=name, event=event, reason=after.reason, at=after.checked_at)
        await jetstream.publish(
            Write(subject=subjects.scanner_event(pool, name, event), body=msgspec.json.encode(told))
        )


def health_after(before: Health | None, found: Readiness, now: datetime) -> Health:
    """The scanner's health after a look; what a scanner that does not answer last said of itself is kept."""
    if not found.ready and before is not None:
        return msgspec.structs.replace(
            before, ready=False, reason=found.reason, checked_at=now, last_seen=before.last_seen
        )
    return Health(
        ready=found.ready,
        reason=found.reason,
        checked_at=now,
        last_seen=now if found.ready else None,
        can_launch=found.can_launch,
        edition=found.edition,
        version=found.version,
        plugin_set=found.plugin_set,
    )


def changes(before: Health | None, after: Health) -> list[str]:
    """The events that a look gives rise to."""
    events = []
    if before is None or before.ready != after.ready:
        events.append("ready" if after.ready else "not-ready")
    if after.can_launch is False and (before is None or before.can_launch is not False):
        events.append("may-not-launch")
    return events
