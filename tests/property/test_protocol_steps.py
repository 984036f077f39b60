"""Every step of the protocol, disturbed after each of its calls in every way: systematically, not by chance.

The handlers are the real ones, over a broker and a scanner in memory that keep the real ones' promises. What is held
against every commit and every launch stands in `judge`; here stands what is to be true when all has come to rest.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import structlog

from tests.support import disturbances, protocol_scenes
from tests.support.coming_to_rest import comes_to_rest, nothing_is_left
from tests.support.disturbances import Disturbance
from tests.support.judge import Judge
from tests.support.protocol_scenes import Scene

BETWEEN = [pytest.param(each, id=name) for name, each in disturbances.EVERY.items()]
SCENES = [pytest.param(each, id=each.name) for each in protocol_scenes.EVERY]


@pytest.mark.parametrize("disturb", BETWEEN)
@pytest.mark.parametrize("scene", SCENES)
def test_a_step_that_is_disturbed_anywhere_ends_its_scan_once_and_leaves_nothing(
    scene: Scene, disturb: Disturbance
) -> None:
    for calls in scene.points:
        judge = scene.judge()
        try:
            _play(scene, disturb, judge, calls)
        except AssertionError as error:
            raise AssertionError(f"after {calls} calls: {error}") from error
        finally:
            judge.world.run.close()


def _play(scene: Scene, disturb: Disturbance, judge: Judge, calls: int) -> None:
    actor = scene.begin(judge)
    judge.world.run.go_on(actor, calls)
    if not disturb(judge, actor):
        return
    judge.world.run.finish(actor)
    comes_to_rest(judge)
    nothing_is_left(judge)


@pytest.fixture(autouse=True, scope="module")
def _quiet() -> Iterator[None]:
    """Thousands of histories are not to be told in the log."""
    before = structlog.get_config()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger("critical"))
    yield
    structlog.configure(**before)
