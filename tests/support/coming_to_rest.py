"""Lets a small world come to rest: everything works again, time goes on, and what waits is delivered again."""

from __future__ import annotations

from datetime import timedelta

from scanpool.runtime.jetstream import Stored
from scanpool.scanners.scanner import Activity
from scanpool_schemas.scan import Completed, Dead, Failed, Pending, state_of
from tests.support.interleaving import Actor
from tests.support.judge import Judge, scan_of

PAST_ANY_LEASE = timedelta(seconds=95)
ROUNDS = 40


def works_again(judge: Judge) -> None:
    """Whatever went wrong goes wrong no more."""
    world = judge.world
    world.broker.troubles.clear()
    world.broker.stale_reads = 0
    world.reports_broken = False
    for scanner in world.scanners.values():
        scanner.down, scanner.licensed = False, True
        scanner.cuts.clear()


def comes_to_rest(judge: Judge) -> None:
    """Deliver again until every scan is over and every message of a publisher's is answered; what waits is approved.

    Raises:
        AssertionError: a scan does not end, or a law was broken.
    """
    works_again(judge)
    for _ in range(ROUNDS):
        if not judge.live() and not judge.world.unanswered():
            break
        _a_round(judge)
    assert not judge.broken, judge.broken[0]
    assert not judge.live(), f"cannot end: {[state_of(scan_of(each)) for each in judge.live()]}"
    assert not judge.world.unanswered(), f"is never answered: {judge.world.unanswered()[0].subject}"


def nothing_is_left(judge: Judge) -> None:
    """Look whether each scan ended once, runs nowhere, holds no place, and left nothing empty on a scanner."""
    for events in judge.history.values():
        scans = [scan_of(each) for each in events]
        over = [each for each in scans if isinstance(each, Completed | Failed)]
        assert over == scans[-1:] or (not over and isinstance(scans[-1], Dead)), "it ends once"
    assert judge.active() == [], "nothing runs"
    assert [load.holders for load in judge.loads().values() if load.holders] == [], "every place is free"
    judge.world.clean_scanners()
    judge.world.finish()
    left = [each.name for each in judge.on_scanners() if each.activity is Activity.EMPTY]
    assert left == [] or judge.dead(), "what was never launched is cleaned up"


def handle(judge: Judge, message: Stored) -> Actor:
    """Handle a message to the end."""
    actor = judge.world.deliver(message)
    judge.world.run.finish(actor)
    return actor


def _a_round(judge: Judge) -> None:
    judge.world.passed += PAST_ANY_LEASE
    judge.world.look_at_scanners()
    for message in judge.world.unanswered():
        handle(judge, message)
    for event in judge.live():
        waiting = scan_of(event)
        if isinstance(waiting, Pending):
            judge.world.run.finish(judge.world.settle_approval("approve", waiting.id))
        else:
            handle(judge, event)
    for name, scan in judge.active():
        judge.world.scanners[name].settle(scan, Activity.COMPLETED)
