"""Laws of what the command line prints and reads."""

from __future__ import annotations

import json
import unicodedata
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from scanpool.cli.frame.option_values import duration, share
from scanpool.cli.frame.untrusted import clean, safe_json

BIDIRECTIONAL = {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}
any_text = st.text(st.characters())
terminal_text = st.text(st.sampled_from("a1;[]m\x1b\x9b\x07\\ \n\u202e\u2066é"))


@given(any_text | terminal_text)
def test_nothing_that_is_shown_controls_a_terminal_or_reorders_text(text: str) -> None:
    for character in clean(text):
        assert unicodedata.category(character) not in {"Cc", "Cs", "Zl", "Zp"}
        assert unicodedata.bidirectional(character) not in BIDIRECTIONAL


@given(any_text | terminal_text)
def test_cleaning_again_changes_nothing(text: str) -> None:
    assert clean(clean(text)) == clean(text)


@given(st.text(st.characters(min_codepoint=32, max_codepoint=126)))
def test_printable_ascii_is_shown_as_it_is(text: str) -> None:
    assert clean(text) == text


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_json_that_is_safe_to_show_says_the_same(text: str) -> None:
    safe = safe_json(json.dumps(text, ensure_ascii=False))
    assert json.loads(safe) == text
    assert not any(unicodedata.bidirectional(character) in BIDIRECTIONAL for character in safe)


@given(st.integers(0, 99), st.integers(0, 99), st.integers(0, 99), st.integers(0, 99))
def test_a_duration_is_the_sum_of_its_parts(days: int, hours: int, minutes: int, seconds: int) -> None:
    expected = timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)
    assert duration(f"{days}d{hours}h{minutes}m{seconds}s") == expected
    assert duration(f"{expected.total_seconds():.0f}") == expected


@given(st.integers(0, 100))
def test_a_percentage_and_a_share_say_the_same(percent: int) -> None:
    assert share(f"{percent}%") == share(f"{percent / 100}") == percent / 100
