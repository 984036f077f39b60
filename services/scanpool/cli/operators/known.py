"""What operators name, looked up: a pool or scanner that is not there is told with the nearest name that is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from scanpool.cli.frame.exits import Failure
from scanpool.cli.frame.operator_options import Instance
from scanpool.client.lookup import Lookup
from scanpool_schemas.names import nearest

if TYPE_CHECKING:
    from scanpool.runtime.jetstream import JetStream


async def check_pool(jetstream: JetStream, pool: str) -> None:
    """Check that there is such a pool.

    Raises:
        UnknownPool: there is none; says which was probably meant.
    """
    await Lookup(jetstream).chosen_pool(pool)


async def pools_meant(jetstream: JetStream, pool: str | None) -> tuple[str, ...]:
    """The pool that is named, or all of them.

    Raises:
        UnknownPool: there is none of this name.
    """
    lookup = Lookup(jetstream)
    return (await lookup.chosen_pool(pool),) if pool else await lookup.pools()


async def scanners_of(jetstream: JetStream, pool: str) -> list[str]:
    """The pool's scanners; none until a dispatcher wrote its rules.

    Raises:
        UnknownPool: there is no such pool.
    """
    lookup = Lookup(jetstream)
    rules = await lookup.rules(await lookup.chosen_pool(pool))
    return [each.name for each in rules.scanners] if rules else []


async def check_scanner(jetstream: JetStream, meant: Instance, *, further: Sequence[str] = ()) -> None:
    """Check that the pool has, or of `further` names once had, the scanner.

    Raises:
        Failure: it has not; says which was probably meant.
        UnknownPool: there is no such pool.
    """
    known = [*await scanners_of(jetstream, meant.pool), *further]
    if meant.scanner not in known:
        raise Failure("unknown_scanner", _unknown(meant, known))


def _unknown(meant: Instance, known: Sequence[str]) -> str:
    sentence = f"pool {meant.pool!r} has no scanner {meant.scanner!r}"
    if not known:
        return f"{sentence}: it has none until a dispatcher that serves the pool has started"
    close = nearest(meant.scanner, known)
    if close:
        return f"{sentence}; did you mean '{meant.pool}.{close}'?"
    return f"{sentence}; there are: {', '.join(known)}"
