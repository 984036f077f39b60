"""What people hold back in a pool: the whole pool paused, scanners cordoned."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import msgspec
import structlog
from msgspec.structs import replace

from scanpool.runtime.jetstream import JetStream, Write
from scanpool.runtime.keys import change_key, read_key
from scanpool_schemas import subjects
from scanpool_schemas.events import ScannerEvent
from scanpool_schemas.keys import Control, Hold

log = structlog.get_logger(__name__)


async def read_control(jetstream: JetStream, pool: str) -> Control:
    """What is held back in the pool.

    Raises: as `read_key`.
    """
    return (await read_key(jetstream, pool, subjects.CONTROL_KEY, Control)).value or Control()


def holding(hold: Hold | None, now: datetime) -> Hold | None:
    """The hold, unless it has ended."""
    return hold if hold is not None and hold.holds(now) else None


async def cordon(jetstream: JetStream, pool: str, scanner: str, hold: Hold) -> None:
    """Give the scanner no scan; a cordon that it has already is replaced.

    Raises: as `change_key`.
    """
    await _change(jetstream, pool, hold.since, lambda now: cordoned(now, scanner, hold))
    await _tell(jetstream, pool, scanner, "cordoned", hold)


async def uncordon(jetstream: JetStream, pool: str, scanner: str, *, by: str, now: datetime) -> Hold | None:
    """Give the scanner scans again; answers the cordon that ends, None where there was none.

    Raises: as `change_key`.
    """
    before = await _change(jetstream, pool, now, lambda control: uncordoned(control, scanner))
    ended = before.cordoned.get(scanner)
    if ended is not None:
        await _tell(jetstream, pool, scanner, "uncordoned", Hold(by=by, since=now))
    return ended


async def pause(jetstream: JetStream, pool: str, hold: Hold) -> None:
    """Place no scan of the pool; a pause that it has already is replaced.

    Raises: as `change_key`.
    """
    await _change(jetstream, pool, hold.since, lambda control: replace(control, paused=hold))
    log.info("pool is paused", pool=pool, by=hold.by, reason=hold.reason)


async def resume(jetstream: JetStream, pool: str, *, by: str, now: datetime) -> Hold | None:
    """Place scans of the pool again; answers the pause that ends, None where there was none.

    Raises: as `change_key`.
    """
    before = await _change(jetstream, pool, now, lambda control: replace(control, paused=None))
    if before.paused is not None:
        log.info("pool is resumed", pool=pool, by=by)
    return before.paused


def in_force(control: Control, now: datetime) -> Control:
    """What is held back without the holds that have ended."""
    kept = {scanner: hold for scanner, hold in control.cordoned.items() if hold.holds(now)}
    return Control(paused=holding(control.paused, now), cordoned=kept)


def cordoned(control: Control, scanner: str, hold: Hold) -> Control:
    """With the scanner cordoned."""
    return replace(control, cordoned={**control.cordoned, scanner: hold})


def uncordoned(control: Control, scanner: str) -> Control:
    """With the scanner not cordoned."""
    kept = {name: hold for name, hold in control.cordoned.items() if name != scanner}
    return replace(control, cordoned=kept)


async def _change(jetstream: JetStream, pool: str, now: datetime, step: Callable[[Control], Control]) -> Control:
    """Change what is in force now; answers what was in force before."""
    changed = await change_key(
        jetstream, pool, subjects.CONTROL_KEY, Control, lambda before: step(in_force(before or Control(), now))
    )
    return in_force(changed.before or Control(), now)


async def _tell(jetstream: JetStream, pool: str, scanner: str, event: str, hold: Hold) -> None:
    log.info(f"scanner is {event}", pool=pool, scanner=scanner, by=hold.by, reason=hold.reason)
    told = ScannerEvent(pool=pool, scanner=scanner, event=event, by=hold.by, reason=hold.reason, at=hold.since)
    subject = subjects.scanner_event(pool, scanner, event)
    await jetstream.publish(Write(subject=subject, body=msgspec.json.encode(told)))
