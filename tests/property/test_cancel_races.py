"""A cancel and a handler of the same scan, in every order in which their effects can come; also with a stale holder.

Of a cancel two effects can meet a handler's: its read and its commit. So every interleaving is told by two numbers:
before which of the handler's calls the one comes, and before which the other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from itertools import combinations_with_replacement

import pytest
import structlog

from scanpool_schemas.scan import Failed, Stopping
from tests.support import protocol_scenes
from tests.support.coming_to_rest import comes_to_rest, nothing_is_left
from tests.support.fake_jetstream import Trouble
from tests.support.interleaving import Actor
from tests.support.judge import Judge, scan_of
from tests.support.protocol_scenes import (
    CLAIMED,
    CREATED,
    INTENDED,
    LAUNCHED,
    SCAN,
    Prepare,
    Scene,
    admitted,
    cancel,
    cancelled,
    deliver,
    later,
    look_after,
    much_later,
)

RACERS = [pytest.param(each, id=each.name) for each in (*protocol_scenes.STAGES, *protocol_scenes.STOPS)]
AN_EFFECT = ("publish", "list", "create", "progress", "launch", "ack")
"""Calls that change something, or that see what others changed, once they arrive."""


def _each(play: Callable[[Judge], None], scene: Scene, told: str) -> None:
    judge = scene.judge()
    try:
        play(judge)
        comes_to_rest(judge)
        nothing_is_left(judge)
        _ends_as_it_was_stopped(judge)
    except AssertionError as error:
        raise AssertionError(f"{scene}, {told}: {error}") from error
    finally:
        judge.world.run.close()


def _ends_as_it_was_stopped(judge: Judge) -> None:
    """What was stopped never completes; as what it ends the judge sees to."""
    scans = [scan_of(each) for each in judge.history[SCAN]]
    assert isinstance(scans[-1], Failed) or not any(isinstance(each, Stopping) for each in scans)


@pytest.mark.parametrize("scene", RACERS)
def test_a_cancel_that_races_a_handler_stops_the_scan_or_comes_too_late(scene: Scene) -> None:
    for read_after, committed_after in combinations_with_replacement(scene.points, 2):
        _each(partial(_race, scene, read_after, committed_after), scene, f"{read_after}, {committed_after}")


@pytest.mark.parametrize("trouble", [Trouble.LOST, Trouble.ANSWER_LOST], ids=lambda each: each.name)
@pytest.mark.parametrize("scene", RACERS)
def test_a_cancel_whose_answer_is_lost_races_a_handler_no_worse(scene: Scene, trouble: Trouble) -> None:
    for calls in scene.points:
        _each(partial(_race, scene, calls, calls, trouble=trouble), scene, f"{calls}")


def _race(scene: Scene, read_after: int, committed_after: int, judge: Judge, *, trouble: Trouble | None = None) -> None:
    """The cancel reads and commits after so many calls of the handler."""
    handler = scene.begin(judge)
    judge.world.run.go_on(handler, read_after)
    asked = cancel(judge)
    judge.world.run.go_on(handler, committed_after - read_after)
    _commit(judge, asked, trouble)
    judge.world.run.finish(handler)


def _commit(judge: Judge, asked: Actor, trouble: Trouble | None) -> None:
    """Let the cancel's commit arrive, and what befalls it."""
    if trouble is not None and not asked.at.startswith("publish"):
        judge.world.run.go_on(asked)
    if trouble is not None and asked.at.startswith("publish"):
        judge.world.broker.troubles.append(trouble)
        judge.world.run.go_on(asked)
        judge.world.broker.troubles.clear()
    judge.world.run.finish(asked)


LEASED = [
    pytest.param(Scene(name=name, prepare=prepare, begin=deliver), id=name)
    for name, prepare in {
        "of a claim": admitted,
        "of a takeover of a claim": protocol_scenes.then(CLAIMED, later),
        "of a takeover of a create": protocol_scenes.then(CREATED, later),
        "of a takeover of an intent": protocol_scenes.then(INTENDED, later),
        "of a takeover of a launch": protocol_scenes.then(LAUNCHED, later),
    }.items()
]


def _timed_out(judge: Judge) -> None:
    much_later(judge)
    judge.world.run.finish(look_after(judge))


@pytest.mark.parametrize("stop", [cancelled, _timed_out], ids=["cancelled", "timed out"])
@pytest.mark.parametrize("stale_first", [True, False], ids=["the stale one first", "the stale one last"])
@pytest.mark.parametrize("scene", LEASED)
def test_a_launch_that_was_taken_over_and_stopped_is_not_carried_on_by_its_stale_holder(
    scene: Scene, stale_first: bool, stop: Prepare
) -> None:
    """Both holders stand before every pair of their calls when the stop is committed; then both go on."""
    for stale_calls in _before_effects(scene):
        overtaken = Scene(name=scene.name, prepare=partial(_overtaken, scene, stale_calls), begin=deliver)
        for new_calls in _before_effects(overtaken):
            told = f"the stale holder stands after {stale_calls} calls, the new one after {new_calls}"
            _each(partial(_stopped, new_calls, stale_first, stop), overtaken, told)


def _overtaken(scene: Scene, stale_calls: int, judge: Judge) -> None:
    """Whoever handles it stands still after so many calls, and any lease is over."""
    scene.prepare(judge)
    judge.world.run.go_on(scene.begin(judge), stale_calls)
    later(judge)


def _stopped(new_calls: int, stale_first: bool, stop: Prepare, judge: Judge) -> None:
    (stale,) = judge.world.run.actors
    holder = deliver(judge)
    judge.world.run.go_on(holder, new_calls)
    stop(judge)
    for actor in (stale, holder) if stale_first else (holder, stale):
        judge.world.run.finish(actor)
    if stop is cancelled:
        comes_to_rest(judge)
        assert isinstance(scan_of(judge.history[SCAN][-1]), Failed), "a cancelled scan completed"


def _before_effects(scene: Scene) -> list[int]:
    """After how many calls the handler stands before one that matters, or is done."""
    judge = scene.judge()
    try:
        actor, calls, found = scene.begin(judge), 0, []
        while actor.waiting:
            if actor.at.startswith(AN_EFFECT):
                found.append(calls)
            judge.world.run.go_on(actor)
            calls += 1
        return found
    finally:
        judge.world.run.close()


@pytest.fixture(autouse=True, scope="module")
def _quiet() -> Iterator[None]:
    """Thousands of histories are not to be told in the log."""
    before = structlog.get_config()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger("critical"))
    yield
    structlog.configure(**before)
