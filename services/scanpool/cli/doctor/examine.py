"""Looks at all parts side by side, each within its time, and puts what came of it in order."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Sequence

from scanpool.cli.doctor.catalogue import SECTION_OF, SECTIONS
from scanpool.cli.doctor.check import Check, sentence, unseen
from scanpool.cli.doctor.judge.pools import without_echoes
from scanpool.cli.doctor.units import Unit
from scanpool.runtime.errors import BrokerError, TopologyMissing
from scanpool.runtime.jetstream import ApiRefused

AT_ONCE = 64
"""Parts that are looked at side by side."""
_ORDER = {name: place for place, name in enumerate(SECTION_OF)}

Told = Callable[[int, int, str], None]
"""Told of each part that is over: how many are, of how many, and which it was."""


async def examine(parts: Sequence[Unit], within_s: float, told: Told = lambda _done, _all, _what: None) -> list[Check]:
    """The checks of all parts; one that hangs costs its own time only."""
    turns, over = asyncio.Semaphore(AT_ONCE), 0

    async def one(part: Unit) -> list[Check]:
        nonlocal over
        async with turns:
            checks = await _looked_at(part, part.within_s or within_s)
        over += 1
        told(over, len(parts), f"{part.section} {part.place}".strip())
        return checks

    found = await asyncio.gather(*(one(each) for each in parts))
    return [check for checks in found for check in checks]


def concluded(checks: Sequence[Check], only: Collection[str]) -> list[Check]:
    """In the order of the catalogue, without echoes and without what was not asked for."""
    missing = any(each.code == "topology_missing" for each in checks)
    kept = [
        each
        for each in without_echoes(checks)
        if not (missing and each.facts.get("missing")) and (not only or each.section in only or each.name in only)
    ]
    return sorted(kept, key=lambda each: (SECTIONS.index(each.section), _ORDER.get(each.name, -1), each.place))


async def _looked_at(part: Unit, within_s: float) -> list[Check]:
    where = f"{part.section} {part.place}".strip()
    try:
        async with asyncio.timeout(within_s):
            return await part.look()
    except TimeoutError:
        message = f"{where}: no answer within {within_s:g} s"
        remedy = f"scanpool doctor --only {part.section} --timeout {6 * within_s:g}s"
        return [unseen("check_timed_out", part.section, part.place, message, remedy)]
    except BrokerError as error:
        return [_failed(part, where, error)]


def _failed(part: Unit, where: str, error: BrokerError) -> Check:
    absent = isinstance(error, TopologyMissing) or (isinstance(error, ApiRefused) and error.is_absence)
    remedy = "scanpool topology apply" if absent else "look again; sign in to NATS with the rights of an operator"
    message = f"{where} could not be looked at: {sentence(str(error))}"
    return unseen("check_failed", part.section, part.place, message, remedy, missing=absent)
