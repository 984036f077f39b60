"""Pools in numbers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from scanpool.cli.frame.untrusted import shown
from scanpool.cli.views.breakers import breaker_text, until
from scanpool.cli.views.elements import Cell, counted, facts, span, table, yes
from scanpool.cli.views.holding import held
from scanpool.client import ScannerStatus
from scanpool.client.breakers import BreakerStatus
from scanpool.client.stats import PoolStats


def stats_view(pools: Sequence[PoolStats]) -> RenderableType:
    """Each pool: its numbers, then its scanners."""
    return Group(*_sections(pools)) if pools else shown("there is no pool")


def _sections(pools: Sequence[PoolStats]) -> Iterator[RenderableType]:
    for place, pool in enumerate(pools):
        if place:
            yield Text()
        yield facts(_numbers(pool))
        if pool.scanners:
            yield Text()
            yield _scanners(pool)


def _numbers(pool: PoolStats) -> list[tuple[str, Cell]]:
    return [
        ("pool", shown(pool.pool, "bold")),
        ("held back", shown(held("paused", pool.paused), "yellow") if pool.paused else ""),
        ("no room", shown(pool.no_room.why, "red") if pool.no_room else ""),
        ("not admitted", str(pool.requested or "")),
        ("waiting", _waiting(pool)),
        ("under way", _listed(pool.in_flight)),
        ("dead", shown(_dead(pool), "red") if pool.dead_scans or pool.dead_letters else "none"),
        ("places", f"{pool.active} of {pool.capacity} taken"),
    ]


def _waiting(pool: PoolStats) -> str:
    oldest = "" if pool.oldest_waiting_s is None else f"; the oldest {span(timedelta(seconds=pool.oldest_waiting_s))}"
    return _listed(pool.queued) + oldest


def _dead(pool: PoolStats) -> str:
    letters = counted(pool.dead_letters, "dead letter")
    return f"{counted(pool.dead_scans, 'scan')}; {letters}, see: scanpool list-dlq --pool {pool.pool}"


def _listed(numbers: Mapping[str, int]) -> str:
    told = ", ".join(f"{number:,} {name}" for name, number in numbers.items() if number)
    return told or "none"


def _scanners(pool: PoolStats) -> Table:
    breakers = {each.scanner_instance: each for each in pool.breakers_not_closed}
    rows = [
        (
            each.scanner_instance,
            yes(each.ready),
            f"{each.active} of {each.capacity}",
            breaker_text(each.breaker),
            _notes(each, breakers.get(each.scanner_instance)),
        )
        for each in pool.scanners
    ]
    return table(("scanner", "ready", "scans", "breaker", "notes"), rows)


def _notes(scanner: ScannerStatus, breaker: BreakerStatus | None) -> str:
    notes = [held("cordoned", scanner.cordoned)] if scanner.cordoned else []
    notes += [_breaker(breaker)] if breaker else []
    notes += [scanner.reason] if scanner.reason and not (breaker and scanner.reason in breaker.reason) else []
    return "; ".join(notes)


def _breaker(breaker: BreakerStatus) -> str:
    by = f" by {breaker.by}" if breaker.by else ""
    end = f" until {until(breaker)}" if breaker.state == "open" else ""
    why = f" ({breaker.reason})" if breaker.reason else ""
    return f"breaker {breaker.state}{by}{end}{why}"
