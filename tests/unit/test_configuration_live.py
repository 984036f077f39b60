"""A running process reads its configuration again."""

from __future__ import annotations

from pathlib import Path

import pytest

from scanpool.runtime.configuration import ConfigurationError, Kept, LiveConfiguration, Reloaded
from tests.support.scanners_file import ENVIRON, a_configuration, a_pool, a_scanner, written


def test_a_good_file_replaces_the_configuration(tmp_path: Path) -> None:
    live = LiveConfiguration(written(tmp_path, a_configuration()), ENVIRON)
    before = live.current
    written(tmp_path, a_configuration(pools={"internal": a_pool(scanners=[a_scanner(max_concurrent_scans=9)])}))
    assert live.current is before
    outcome = live.reload()
    assert isinstance(outcome, Reloaded)
    assert (outcome.before, outcome.after) == (before, live.current)
    assert live.current.pools["internal"].scanners[0].max_concurrent_scans == 9


def test_a_bad_file_keeps_the_last_good_configuration_and_says_why(tmp_path: Path) -> None:
    live = LiveConfiguration(written(tmp_path, a_configuration()), ENVIRON)
    before = live.current
    written(tmp_path, a_configuration(default_pool="absent"))
    outcome = live.reload()
    assert isinstance(outcome, Kept)
    assert [problem.path for problem in outcome.problems] == ["default_pool"]
    assert live.current is before


def test_a_file_that_vanished_keeps_the_last_good_configuration(tmp_path: Path) -> None:
    live = LiveConfiguration(written(tmp_path, a_configuration()), ENVIRON)
    live.path.unlink()
    assert isinstance(live.reload(), Kept)
    assert "internal" in live.current.pools


def test_a_corrected_file_is_taken_after_a_bad_one(tmp_path: Path) -> None:
    live = LiveConfiguration(written(tmp_path, a_configuration()), ENVIRON)
    written(tmp_path, "pools: [")
    live.reload()
    written(tmp_path, a_configuration(pools={"other": a_pool()}))
    assert isinstance(live.reload(), Reloaded)
    assert list(live.current.pools) == ["other"]


def test_pools_that_left_are_told(tmp_path: Path) -> None:
    two = {"internal": a_pool(), "dmz": a_pool(scanners=[a_scanner(url="https://b")])}
    live = LiveConfiguration(written(tmp_path, a_configuration(pools=two)), ENVIRON)
    written(tmp_path, a_configuration())
    outcome = live.reload()
    assert isinstance(outcome, Reloaded)
    assert outcome.removed_pools == ("dmz",)


def test_a_bad_file_is_no_first_configuration(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError):
        LiveConfiguration(written(tmp_path, "pools: ["), ENVIRON)


def test_a_change_of_the_file_is_told_once_it_stays_as_it_is(tmp_path: Path) -> None:
    live = LiveConfiguration(written(tmp_path, a_configuration()), ENVIRON)
    assert not live.changed()
    live.path.write_text("pools: {half")
    assert not live.changed()
    live.path.write_text("pools: {half written")
    assert not live.changed()
    assert live.changed()
    assert isinstance(live.reload(), Kept)
    assert not live.changed(), "a bad file is told once"


def test_a_file_that_was_taken_away_is_no_change_until_there_is_one_again(tmp_path: Path) -> None:
    live = LiveConfiguration(written(tmp_path, a_configuration()), ENVIRON)
    live.path.unlink()
    assert [live.changed(), live.changed()] == [False, False]
    written(tmp_path, a_configuration(default_pool="internal"))
    assert [live.changed(), live.changed()] == [False, True]
