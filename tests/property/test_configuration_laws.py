"""What holds for every configuration file, however broken."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from scanpool.runtime.configuration import Configuration, ConfigurationError, Problem, check, load
from scanpool.runtime.configuration.interpolation import interpolate
from tests.support.scanners_file import ENVIRON, a_configuration, a_credential, a_pool, a_scanner, written

scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.dates(),
    st.text(max_size=12),
    st.sampled_from(["${ACCESS_KEY}", "${UNSET}", "${", "$${x}", "http://[", "https://x", "10.0.0.0/8"]),
)
values = st.recursive(
    scalars, lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=8), inner))
)
WHOLE = a_configuration(
    default_pool="internal",
    pools={
        "internal": a_pool(
            allow=["10.0.0.0/8"],
            exclude=[{"target": "10.9.0.0/16"}],
            templates={"untrusted": "basic"},
            scanners=[a_scanner(tls={"verify": True})],
        )
    },
    credentials=[a_credential(escalation={"method": "sudo"}, targets=["10.1.0.0/16"])],
)


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The path of every value within, itself included."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(place for key, each in items for place in places(each, (*path, key)))]


def replaced(value: Any, path: tuple[Any, ...], by: Any) -> Any:
    """The value with another in the place of one within."""
    if not path:
        return by
    if isinstance(value, dict):
        return {key: replaced(each, path[1:], by) if key == path[0] else each for key, each in value.items()}
    return [replaced(each, path[1:], by) if index == path[0] else each for index, each in enumerate(value)]


def outcome(content: Any) -> tuple[Configuration | None, list[Problem]]:
    """What loading and checking answer; anything raised but a ConfigurationError fails the test."""
    with tempfile.TemporaryDirectory() as folder:
        path = written(Path(folder), content)
        try:
            return load(path, ENVIRON), check(path, ENVIRON)
        except ConfigurationError:
            return None, check(path, ENVIRON)


@given(st.one_of(st.text(), st.text(alphabet="ab:-[]{}&*!|>'\"#%@, \n\t0$", max_size=40)).map(str))
def test_any_text_loads_or_says_what_is_wrong(text: str) -> None:
    configuration, problems = outcome(text.encode("utf-8", "replace").decode())
    assert (configuration is None) == any(not each.is_warning for each in problems)


@given(st.sampled_from(places(WHOLE)), values)
def test_any_value_in_any_place_loads_or_says_what_is_wrong(place: tuple[Any, ...], value: Any) -> None:
    configuration, problems = outcome(replaced(WHOLE, place, value))
    faults = [each for each in problems if not each.is_warning]
    assert configuration is not None or faults
    assert all(each.message and each.remedy for each in problems)


@given(st.text())
def test_an_escaped_text_is_filled_in_as_itself(text: str) -> None:
    assert interpolate(text.replace("${", "$${"), {}) == text
