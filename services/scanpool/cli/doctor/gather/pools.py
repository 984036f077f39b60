"""Facts of pools: places against events, what waits for a person, what is held back, how scanners were found."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterable
from datetime import datetime, timedelta
from typing import Any

from scanpool.cli.doctor.judge.pools import PlacesFacts
from scanpool.coordination.ledger import Ledger
from scanpool.coordination.registry import read_rules
from scanpool.janitor import decide
from scanpool.janitor.census import Censuses
from scanpool.janitor.decide import Disagreement
from scanpool.janitor.places import Places, Seen
from scanpool.janitor.report import Place
from scanpool.runtime.jetstream import JetStream
from scanpool.runtime.keys import KeyUnreadable, read_key
from scanpool_schemas import subjects
from scanpool_schemas.keys import Health, Load, PoolRules
from scanpool_schemas.wire import UnreadableEvent

REPAIR_TRIES = 5
"""On a scanner whose places keep changing hands."""
AT_ONCE = 64
_SOURCE = "scanpool/doctor"
_FOR_EVER = timedelta(days=36_500)
"""How long a scan may run is nothing that is looked at here."""


async def places(jetstream: JetStream, pool: str, now: datetime, *, repair: bool) -> PlacesFacts:
    """The pool's places against the events of its scans; `repair` puts right what disagrees, as the janitor does.

    Raises:
        TopologyMissing: there is no such pool.
        BrokerUnavailable: not all of it could be read.
    """
    census, problems = await Censuses(_FOR_EVER).of(jetstream, pool, now)
    loads = await loads_of(jetstream, pool)
    looker = Places(jetstream, Ledger(jetstream, source=_SOURCE))
    suspects = decide.unequal(loads, decide.places_spoken_of(census.entries))
    wrong, repaired, unreadable = list[Place](), list[Place](), list(problems)
    for suspect in _in_order(suspects):
        try:
            seen, mended = await _look(looker, pool, suspect, now, repair=repair)
        except (UnreadableEvent, KeyUnreadable) as error:
            unreadable.append(f"a place of scan {suspect.scan_id}: {error}")
            continue
        wrong += [seen.place] if seen else []
        repaired += [seen.place] if seen and mended else []
    return PlacesFacts(
        pool=pool,
        wrong=tuple(wrong),
        repaired=tuple(repaired),
        unreadable=tuple(unreadable),
        scans=sum(1 for _ in census.entries),
    )


async def loads_of(jetstream: JetStream, pool: str) -> dict[str, Load]:
    """By scanner, who holds its places; of every scanner that ever had any."""
    prefix = subjects.key(pool, subjects.load_key(""))
    names = [
        each.removeprefix(prefix) for each in await subjects_of(jetstream, subjects.pool_stream(pool), f"{prefix}*")
    ]
    keys = await asyncio.gather(*(read_key(jetstream, pool, subjects.load_key(name), Load) for name in names))
    return {name: key.value or Load(capacity=0) for name, key in zip(names, keys, strict=True)}


async def dead_scans(jetstream: JetStream, pool: str) -> int:
    """How many of the pool's scans are dead now; of one that was retried the dead event is there still."""
    stream = subjects.pool_stream(pool)
    found = await subjects_of(jetstream, stream, subjects.event(pool, "dead", "*"))
    dead = 0
    for place in range(0, len(found), AT_ONCE):
        part = found[place : place + AT_ONCE]
        ids = [each.rsplit(".", 1)[1] for each in part]
        last = await asyncio.gather(*(jetstream.last(stream, subjects.events_of(pool, each)) for each in ids))
        dead += sum(each is not None and each.subject == subject for each, subject in zip(last, part, strict=True))
    return dead


async def letters(jetstream: JetStream, pool: str) -> int:
    """How many messages were given up that never became a scan; pool `_` is of those that name no pool."""
    return len(await subjects_of(jetstream, subjects.SCAN_DLQ, f"dlq.{pool}.>"))


async def rules_of(jetstream: JetStream, pools: Collection[str]) -> dict[str, PoolRules | None]:
    """The rules of each pool, as its dispatchers wrote them."""
    found = await asyncio.gather(*(read_rules(jetstream, pool) for pool in pools))
    return dict(zip(pools, found, strict=True))


async def health_of(jetstream: JetStream, pool: str, scanner: str) -> Health | None:
    """How the dispatcher last found the scanner."""
    return (await read_key(jetstream, pool, subjects.health_key(scanner), Health)).value


async def subjects_of(jetstream: JetStream, stream: str, subject: str) -> list[str]:
    """The subjects of the stream that fit the filter and have a message."""
    found: list[str] = []
    while True:
        request = {"subjects_filter": subject, "offset": len(found)}
        told = await jetstream.api(f"STREAM.INFO.{stream}", request, dict[str, Any])
        page = told["state"].get("subjects") or {}
        found += page
        if not page or len(found) >= told.get("total", 0):
            return found


async def _look(
    looker: Places, pool: str, suspect: Disagreement, now: datetime, *, repair: bool
) -> tuple[Seen | None, bool]:
    """The suspect as it stands in one moment, None where both sides agree; and whether it was repaired."""
    first: Seen | None = None
    for _ in range(REPAIR_TRIES if repair else 1):
        seen = await looker.look(pool, suspect)
        if seen is None:
            return None, False
        first = first or seen
        if repair and await looker.repair(seen, now):
            return seen, True
    return first, False


def _in_order(suspects: Iterable[Disagreement]) -> list[Disagreement]:
    return sorted(suspects, key=lambda each: (each.scanner, each.scan_id, each.what))
