"""What can come between two calls of a handler: it dies, is repeated or overtaken, its scan is stopped meanwhile."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta

from scanpool.scanners.scanner import Activity
from tests.support.coming_to_rest import comes_to_rest, handle
from tests.support.fake_jetstream import Trouble
from tests.support.fake_scanner import Cut
from tests.support.interleaving import Actor
from tests.support.judge import Judge
from tests.support.protocol_scenes import (
    SCAN,
    cancelled,
    down,
    later,
    look_after,
    lost,
    much_later,
    on_scanner,
    tell_again,
    up,
)
from tests.support.replica import LAUNCH

Disturbance = Callable[[Judge, Actor], bool]
"""Disturbs whoever is about to go on, and says whether it could: a call that is not a publish loses no publish."""

JUST_PAST_A_LEASE = LAUNCH.lease + timedelta(seconds=1)
SCANNER_CALLS = frozenset({"list", "create", "launch", "progress", "stop"})


def dies(judge: Judge, actor: Actor) -> bool:
    """The process is killed; what it held is delivered again."""
    judge.world.run.kill(actor)
    return True


def is_repeated(judge: Judge, actor: Actor) -> bool:
    """The same delivery comes to somebody else too, who handles it to the end."""
    judge.world.run.finish(judge.world.again(actor))
    return True


def is_repeated_late(judge: Judge, actor: Actor) -> bool:
    """It goes on for longer than a lease, and the same delivery comes to somebody else."""
    later(judge)
    return is_repeated(judge, actor)


def lease_ends(judge: Judge, actor: Actor) -> bool:
    """Its lease is over, a call of its own may be on the way; the scan's last event comes to somebody else."""
    judge.world.passed += JUST_PAST_A_LEASE
    if event := judge.waiting(SCAN):
        handle(judge, event)
    return True


def is_overtaken(judge: Judge, actor: Actor) -> bool:
    """It stands still until others have brought the scan to its end, and then goes on."""
    comes_to_rest(judge)
    return True


def scan_is_cancelled(judge: Judge, actor: Actor) -> bool:
    """The scan is cancelled."""
    cancelled(judge)
    return True


def scan_is_cancelled_and_over(judge: Judge, actor: Actor) -> bool:
    """The scan is cancelled, and is over before it goes on."""
    cancelled(judge)
    comes_to_rest(judge)
    return True


def time_is_over(judge: Judge, actor: Actor) -> bool:
    """The scan has taken too long, and the janitor sees it."""
    much_later(judge)
    if judge.last(SCAN) is not None:
        judge.world.run.finish(look_after(judge))
    return True


def time_is_over_and_so_is_the_scan(judge: Judge, actor: Actor) -> bool:
    """The scan has taken too long, and is over before it goes on."""
    time_is_over(judge, actor)
    comes_to_rest(judge)
    return True


def it_is_told_again(judge: Judge, actor: Actor) -> bool:
    """The janitor takes the delivery of the scan's last event for lost, though somebody has it in hand."""
    if judge.last(SCAN) is None:
        return False
    judge.world.run.finish(tell_again(judge))
    return True


def _publish(trouble: Trouble) -> Disturbance:
    def befalls(judge: Judge, actor: Actor) -> bool:
        if not actor.at.startswith("publish"):
            return False
        judge.world.broker.troubles.append(trouble)
        judge.world.run.go_on(actor)
        judge.world.broker.troubles.clear()
        judge.world.run.finish(actor)
        return True

    return befalls


def _call(cut: Cut) -> Disturbance:
    def befalls(judge: Judge, actor: Actor) -> bool:
        if actor.at not in {"create", "launch"}:
            return False
        judge.world.scanners["a"].cuts.append(cut)
        judge.world.run.finish(actor)
        return True

    return befalls


def scanner_fails(judge: Judge, actor: Actor) -> bool:
    """The scanner does not answer the call, and answers the next."""
    if actor.at not in SCANNER_CALLS:
        return False
    down(judge)
    judge.world.run.go_on(actor)
    up(judge)
    return True


def scanner_forgets(judge: Judge, actor: Actor) -> bool:
    """The scanner forgets every scan."""
    lost(judge)
    return actor.at in SCANNER_CALLS


def scan_completes(judge: Judge, actor: Actor) -> bool:
    """It completes on the scanner just now."""
    running = bool(judge.active())
    on_scanner(Activity.COMPLETED)(judge)
    return running


def read_is_stale(judge: Judge, actor: Actor) -> bool:
    """The next read answers what a deposed leader still has."""
    judge.world.broker.stale_reads = 1
    judge.world.run.finish(actor)
    judge.world.broker.stale_reads = 0
    return True


EVERY: Mapping[str, Disturbance] = {
    "dies": dies,
    "is repeated": is_repeated,
    "is repeated late": is_repeated_late,
    "its lease ends": lease_ends,
    "is overtaken": is_overtaken,
    "its scan is cancelled": scan_is_cancelled,
    "its scan is cancelled and over": scan_is_cancelled_and_over,
    "its time is over": time_is_over,
    "its time is over and so is the scan": time_is_over_and_so_is_the_scan,
    "its scan is told again": it_is_told_again,
    "its commit is lost": _publish(Trouble.LOST),
    "the answer to its commit is lost": _publish(Trouble.ANSWER_LOST),
    "its commit is refused": _publish(Trouble.REFUSED),
    "its call is cut before it is carried out": _call(Cut.BEFORE),
    "the answer to its call is cut": _call(Cut.AFTER),
    "the scanner does not answer": scanner_fails,
    "the scanner forgets the scan": scanner_forgets,
    "the scan completes on the scanner": scan_completes,
    "its read is stale": read_is_stale,
}
