"""Values of options that are more than a word."""

from __future__ import annotations

from datetime import timedelta

import pytest
import typer

from scanpool.cli.frame.option_values import (
    LONGEST_REASON,
    check_timeout,
    duration,
    limited_duration,
    listed_targets,
    one_of,
    pairs,
    reason,
    share,
)
from scanpool.cli.scans.scan import default_name


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90s", 90), ("10m", 600), ("2h", 7200), ("1h30m", 5400), ("2d", 172800), ("45", 45), ("1.5", 1.5)],
)
def test_durations_are_read_as_people_write_them(text: str, seconds: float) -> None:
    assert duration(text) == timedelta(seconds=seconds)


@pytest.mark.parametrize("text", ["", "soon", "10 m", "-5s", "5x", "30s10m", "1e3", "9" * 30 + "d"])
def test_what_is_no_duration_is_refused_with_the_forms_that_are(text: str) -> None:
    with pytest.raises(typer.BadParameter, match=r"90s, 10m|too long"):
        duration(text)


def test_what_is_to_last_lasts_some_time_and_not_for_ever() -> None:
    assert limited_duration("30m") == timedelta(minutes=30)
    with pytest.raises(typer.BadParameter, match="'0s' lasts no time"):
        limited_duration("0s")
    with pytest.raises(typer.BadParameter, match="longer than ten years"):
        limited_duration("99999d")


def test_a_reason_is_one_line_that_says_something() -> None:
    assert reason("  new\n disk ") == "new disk"
    with pytest.raises(typer.BadParameter, match="say why"):
        reason(" \n")
    with pytest.raises(typer.BadParameter, match=f"501 characters; at most {LONGEST_REASON}"):
        reason("x" * (LONGEST_REASON + 1))


@pytest.mark.parametrize(
    ("text", "value"), [("0.8", 0.8), ("80%", 0.8), ("1", 1.0), ("100%", 1.0), ("0", 0.0), ("1%", 0.01)]
)
def test_shares_are_read_as_fractions_and_percentages(text: str, value: float) -> None:
    assert share(text) == value


@pytest.mark.parametrize("text", ["80", "101%", "-0.1", "most", "%", "nan", "inf"])
def test_what_is_no_share_is_refused(text: str) -> None:
    with pytest.raises(typer.BadParameter, match=r"0\.8 or 80%"):
        share(text)


def test_pairs_keep_further_equals_signs_in_their_value() -> None:
    assert pairs(["a=1", "b=x=y", "c="], "--setting") == {"a": "1", "b": "x=y", "c": ""}


@pytest.mark.parametrize("texts", [["a"], ["=b"], ["a=1", "a=2"]])
def test_a_pair_without_a_name_or_given_twice_is_refused(texts: list[str]) -> None:
    with pytest.raises(typer.BadParameter):
        pairs(texts, "--label")


def test_an_unknown_word_is_refused_with_those_that_are_known() -> None:
    assert one_of("failed", ("completed", "failed")) == "failed"
    with pytest.raises(typer.BadParameter, match="'late' is not one of completed, failed"):
        one_of("late", ("completed", "failed"))


def test_a_timeout_needs_something_to_wait_for() -> None:
    check_timeout(timedelta(seconds=1), "--wait", given=True)
    check_timeout(None, "--wait", given=False)
    with pytest.raises(typer.BadParameter, match="--wait"):
        check_timeout(timedelta(seconds=1), "--wait", given=False)


def test_a_file_of_targets_has_one_a_line_and_comments() -> None:
    text = "# office\n10.0.0.0/28\n\n  10.0.1.1-9   # printers\r\nwww#1.corp.example\n"
    assert listed_targets(text) == ["10.0.0.0/28", "10.0.1.1-9", "www#1.corp.example"]


@pytest.mark.parametrize(
    ("targets", "name"),
    [
        (["10.0.0.0/28"], "10.0.0.0/28"),
        (["10.0.0.1", "10.0.0.2", "10.0.0.3"], "10.0.0.1 and 2 more"),
        (["h" * 250, "b"], "h" * 189 + " and 1 more"),
    ],
)
def test_a_scan_without_a_name_is_called_by_its_targets(targets: list[str], name: str) -> None:
    assert default_name(targets) == name
    assert len(name) <= 200
