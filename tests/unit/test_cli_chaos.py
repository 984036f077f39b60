"""What `scanpool demo --chaos` kills, and how it reckons."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from scanpool.cli.demo.chaos.plan import NATS, PROCESSES, SCANNERS, kills, reckoning
from scanpool.cli.demo.chaos.show import counts
from scanpool_schemas.status import describe
from tests.support.builders import a_completed_scan, a_running_scan

DONE = describe(a_completed_scan())
RUNNING = describe(a_running_scan())


def counted(scans: Mapping[str, int], most: int = 1) -> dict[str, Any]:
    """What the scanners say: each launched the scans so often and ran so many at once."""
    each = {"max_running": most, "scans": [{"name": name, "launched": times} for name, times in scans.items()]}
    return {
        scanner.instance: each if scanner is SCANNERS[0] else {"max_running": 0, "scans": []} for scanner in SCANNERS
    }


@pytest.mark.parametrize("seed", range(20))
def test_every_process_is_killed_and_nats_once_and_the_same_seed_kills_the_same(seed: int) -> None:
    planned = kills(seed)
    victims = Counter(kill.victim for kill in planned)
    assert set(victims) == {*PROCESSES, NATS}
    assert victims[NATS] == 1
    assert [kill.at_s for kill in planned] == sorted({kill.at_s for kill in planned})
    assert kills(seed) == planned
    assert kills(seed + 1) != planned


def test_scans_that_all_completed_once_within_limits_are_as_it_must_be() -> None:
    found = reckoning([DONE, DONE], 2, counted({"a": 1, "b": 1}), places_held=0)
    assert found.ok
    assert (found.lost, found.launched_twice, found.over_limit) == (0, 0, ())


def test_each_promise_that_is_broken_is_told() -> None:
    good = reckoning([DONE, DONE], 2, counted({"a": 1, "b": 1}), places_held=0)
    lost = reckoning([DONE, RUNNING], 2, counted({"a": 1, "b": 1}), places_held=0)
    assert (lost.ok, lost.lost) == (False, 1)
    twice = reckoning([DONE, DONE], 2, counted({"a": 2, "b": 1}), places_held=0)
    assert (twice.ok, twice.launched_twice) == (False, 1)
    over = reckoning([DONE, DONE], 2, counted({"a": 1, "b": 1}, most=9), places_held=0)
    assert (over.ok, over.over_limit) == (False, (SCANNERS[0].instance,))
    assert not replace(good, places_held=1).ok
    assert not replace(good, ends={"completed": 1, "failed": 1}).ok


def test_the_counts_name_those_that_nobody_has_seen_yet() -> None:
    assert counts([DONE, RUNNING]) == "1 completed, 1 running, 22 submitted"
