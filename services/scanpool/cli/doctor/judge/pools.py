"""The judgement of pools: places, dead letters, what is held back, breakers, the dispatcher's view."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from scanpool.cli.doctor.check import Check, fine, found, sentence
from scanpool.cli.views.elements import counted, when
from scanpool.client.breakers import BreakerStatus
from scanpool.janitor.decide import NOT_HELD
from scanpool.janitor.report import Place
from scanpool_schemas.keys import Control, Health, Hold

LONG = timedelta(days=1)


@dataclass(frozen=True, kw_only=True, slots=True)
class PlacesFacts:
    """How the places of a pool stand."""

    pool: str
    wrong: tuple[Place, ...] = ()
    repaired: tuple[Place, ...] = ()
    unreadable: tuple[str, ...] = ()
    """What could not be read."""
    scans: int = 0


def places(facts: PlacesFacts) -> list[Check]:
    """One check for each place that is wrong, and one for all that cannot be read."""
    left = [each for each in facts.wrong if each not in facts.repaired]
    checks = [_place(each) for each in left]
    if facts.unreadable:
        message = f"{counted(len(facts.unreadable), 'thing')} could not be read, the first is {facts.unreadable[0]}"
        remedy = "upgrade this scanpool if services are newer; else look with nats stream get"
        checks.append(found("events_unreadable", facts.pool, message, remedy, unreadable=list(facts.unreadable)))
    if checks:
        return checks
    mended = f", {len(facts.repaired)} just repaired" if facts.repaired else ""
    message = f"places and the events of {counted(facts.scans, 'scan')} agree{mended}"
    return [fine("places", facts.pool, message, scans=facts.scans, repaired=len(facts.repaired))]


def capacity(pool: str, wanted: Mapping[str, int], given: Mapping[str, int]) -> list[Check]:
    """Whether each scanner has the places that the configuration gives it; of those that NATS knows."""
    checks = [
        found(
            "places_differ",
            f"{pool}.{name}",
            f"{pool}.{name} has {counted(given[name], 'place')} in NATS, max_concurrent_scans says {places}",
            "let a dispatcher of the pool read the file again: kill -HUP its process, or start it again",
            places=given[name],
            max_concurrent_scans=places,
        )
        for name, places in wanted.items()
        if given.get(name, places) != places
    ]
    return checks or [fine("capacity", pool, f"{sum(wanted.values())} places, as configured")]


def dead_letters(pool: str, dead_scans: int, letters: int) -> Check:
    """What waits for a person; `pool` empty is what names no pool."""
    if not dead_scans and not letters:
        return fine("dead_letters", pool, "none waits")
    what = " and ".join(
        part
        for number, part in ((dead_scans, counted(dead_scans, "dead scan")), (letters, counted(letters, "dead letter")))
        if number
    )
    of = f" --pool {pool}" if pool else ""
    remedy = f"scanpool list-dlq{of}, then scanpool retry-dlq or scanpool purge-dlq"
    message = f"{what} {'waits' if dead_scans + letters == 1 else 'wait'} for a person"
    return found("dead_letters_wait", pool, message, remedy, dead_scans=dead_scans, letters=letters)


def holds(pool: str, control: Control, now: datetime) -> list[Check]:
    """What people hold back: told where nothing ends it and it is old."""
    held = [(pool, f"pool {pool} is paused", f"scanpool resume {pool}", control.paused)]
    held += [
        (f"{pool}.{name}", f"{pool}.{name} is cordoned", f"scanpool uncordon {pool}.{name}", each)
        for name, each in sorted(control.cordoned.items())
    ]
    now_held = [(place, what, end, each) for place, what, end, each in held if each is not None and each.holds(now)]
    checks = [_hold(place, what, end, each, now) for place, what, end, each in now_held]
    return checks or [fine("holds", pool, "nothing is held back")]


def breakers(pool: str, known: Sequence[BreakerStatus]) -> list[Check]:
    """One check for each breaker that is not closed."""
    checks = [_breaker(each) for each in known if each.state != "closed"]
    return checks or [fine("breaker", pool, f"{counted(len(known), 'breaker')} closed")]


def seen_by_dispatcher(instance: str, health: Health | None, now: datetime, stale: timedelta) -> Check:
    """How the dispatcher last found the scanner."""
    remedy = "look from the dispatcher's host, and at its log: scanpool doctor --only scanners"
    if health is None:
        message = f"no dispatcher has looked at {instance} yet"
        return found(
            "not_ready_for_dispatcher", instance, message, "scanpool run dispatcher --pools " + _pool(instance)
        )
    if not health.ready:
        message = f"the dispatcher does not find {instance} ready: {sentence(health.reason)}"
        return found("not_ready_for_dispatcher", instance, message, remedy)
    if now - health.checked_at > stale:
        message = f"no dispatcher has looked at {instance} since {when(health.checked_at)}"
        return found(
            "not_ready_for_dispatcher", instance, message, "scanpool run dispatcher --pools " + _pool(instance)
        )
    return fine("seen_by_dispatcher", instance, f"found ready at {when(health.checked_at)}")


def _place(place: Place) -> Check:
    code = "place_missing" if place.what == NOT_HELD else "place_leaked"
    state = f"whose last event is {place.state}" if place.state else "of which there is no event"
    instance = f"{place.pool}.{place.scanner}"
    message = f"{place.what}: scan {place.scan_id} on {instance}, {state}"
    return found(code, instance, message, "scanpool doctor --repair", scan_id=place.scan_id, state=place.state)


def _hold(place: str, what: str, end: str, hold: Hold, now: datetime) -> Check:
    why = f" ({sentence(hold.reason)})" if hold.reason else ""
    message = f"{what} by {hold.by}{why} since {when(hold.since)}"
    if hold.until is None and now - hold.since > LONG:
        return found("held_for_long", place, message, end, by=hold.by)
    until = f" until {when(hold.until)}" if hold.until else ""
    return fine("holds", place, message + until, by=hold.by)


def _breaker(breaker: BreakerStatus) -> Check:
    instance = breaker.scanner_instance
    by = f" by {breaker.by}" if breaker.by else ""
    why = f": {sentence(breaker.reason)}" if breaker.reason else ""
    message = f"the breaker of {instance} is {breaker.state}{by} since {when(breaker.since)}{why}"
    by_hand = breaker.by and breaker.state == "open"
    remedy = f"scanpool breaker reset {instance}" if by_hand else f"mend it, then: scanpool breaker probe {instance}"
    return found("breaker_open", instance, message, remedy, state=breaker.state, failures=breaker.failures)


def _pool(instance: str) -> str:
    return instance.partition(".")[0]


def without_echoes(checks: Iterable[Check]) -> list[Check]:
    """Without what only repeats that a scanner is not well: the dispatcher sees that too."""
    every = list(checks)
    sick = {each.place for each in every if each.code in _SICK}
    return [each for each in every if not (each.code == "not_ready_for_dispatcher" and each.place in sick)]


_SICK = frozenset(
    {
        "scanner_unreachable",
        "scanner_not_ready",
        "sign_in_failed",
        "certificate_expired",
        "certificate_untrusted",
        "certificate_not_pinned",
    }
)
