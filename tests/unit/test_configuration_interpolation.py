"""References to variables in a configuration's values."""

from __future__ import annotations

from pathlib import Path

import pytest

from scanpool.runtime.configuration import ConfigurationError, load
from scanpool.runtime.configuration.interpolation import Interpolated, InterpolationError, interpolate
from tests.support.scanners_file import ENVIRON, a_configuration, a_pool, a_scanner, written

VALUES = {"A": "one", "EMPTY": "", "B_2": "two", "LOOP": "${A}"}


@pytest.mark.parametrize(
    ("text", "filled"),
    [
        ("plain", "plain"),
        ("${A}", "one"),
        ("x-${A}-${B_2}-y", "x-one-two-y"),
        ("${MISSING:-fallback}", "fallback"),
        ("${EMPTY:-fallback}", "fallback"),
        ("${A:-fallback}", "one"),
        ("${MISSING:-}", ""),
        ("${EMPTY}", ""),
        ("${MISSING:-a:-b}", "a:-b"),
        ("$A costs $5 {A}", "$A costs $5 {A}"),
        ("$${A}", "${A}"),
        ("$$${A}", "$${A}"),
        ("$${A} ${A}", "${A} one"),
        ("${LOOP}", "${A}"),
        ("${MISSING:-two\nlines}", "two\nlines"),
    ],
)
def test_references_are_filled_in(text: str, filled: str) -> None:
    assert interpolate(text, VALUES) == filled


@pytest.mark.parametrize("text", ["${", "${A", "${}", "${1A}", "${A-b}", "${A:b}", "${A:-${B_2}}", "${ A }", "${A.B}"])
def test_a_malformed_reference_is_an_error_that_does_not_repeat_the_text(text: str) -> None:
    with pytest.raises(InterpolationError, match=r"begins no reference.*write \$\{NAME\}") as raised:
        interpolate(f"secret{text}", VALUES)
    assert "secret" not in str(raised.value)


def test_an_unset_variable_is_an_error_that_names_it_and_the_remedy() -> None:
    with pytest.raises(InterpolationError, match=r"variable MISSING is not set; set it, or .*\$\{MISSING:-"):
        interpolate("${MISSING}", VALUES)


def test_only_a_text_with_a_reference_counts_as_interpolated() -> None:
    assert isinstance(interpolate("${A}", VALUES), Interpolated)
    assert not isinstance(interpolate("$${A}", VALUES), Interpolated)


def test_numbers_and_truth_values_may_come_from_variables(tmp_path: Path) -> None:
    scanner = a_scanner(max_concurrent_scans="${PLACES:-4}", enabled="${ENABLED}")
    path = written(tmp_path, a_configuration(pools={"internal": a_pool(scanners=[scanner])}))
    (read,) = load(path, {**ENVIRON, "ENABLED": "false"}).pools["internal"].scanners
    assert read.max_concurrent_scans == 4
    assert read.enabled is False


def test_dates_may_come_from_variables(tmp_path: Path) -> None:
    exclusion = {"target": "10.0.0.1", "until": "${UNTIL}"}
    path = written(tmp_path, a_configuration(pools={"internal": a_pool(exclude=[exclusion])}))
    (read,) = load(path, {**ENVIRON, "UNTIL": "2027-01-31"}).pools["internal"].exclude
    assert str(read.until) == "2027-01-31"


def test_a_written_text_is_no_number(tmp_path: Path) -> None:
    scanner = a_scanner(max_concurrent_scans="4")
    path = written(tmp_path, a_configuration(pools={"internal": a_pool(scanners=[scanner])}))
    with pytest.raises(ConfigurationError, match="expected a whole number, got text"):
        load(path, ENVIRON)


def test_what_a_variable_holds_stays_a_text_where_a_text_is_wanted(tmp_path: Path) -> None:
    scanner = a_scanner(name="${NUMBER}")
    path = written(tmp_path, a_configuration(pools={"internal": a_pool(scanners=[scanner])}))
    (read,) = load(path, {**ENVIRON, "NUMBER": "007"}).pools["internal"].scanners
    assert read.name == "007"
    assert type(read.name) is str


def test_an_unset_variable_in_the_file_is_named_with_file_line_and_path(tmp_path: Path) -> None:
    scanner = a_scanner(access_key="${NESSUS1_ACCESS_KEY}")
    path = written(tmp_path, a_configuration(pools={"internal": a_pool(scanners=[scanner])}))
    with pytest.raises(ConfigurationError) as raised:
        load(path, ENVIRON)
    assert str(raised.value) == (
        f"{path}:6: pools.internal.scanners[0].access_key: variable NESSUS1_ACCESS_KEY is not set; "
        "set it, or give a default with ${NESSUS1_ACCESS_KEY:-...}"
    )
