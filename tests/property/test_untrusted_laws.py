"""Text of strangers, cleaned: nothing hidden is left, nothing seen is lost, and never more than the cap."""

from __future__ import annotations

import json
import math
import sys
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanpool.bridge.answering.untrusted import SHORTEST_CAP, Caps, clean, clean_line, clean_value, part
from tests.support.hostile import CORPUS, LONG, TAGGED, VISIBLE, is_hidden

any_text = st.text(st.characters(categories=None), max_size=200)
pieces = st.one_of(
    st.sampled_from([*CORPUS, "\x1b", "[", "\x9b", "31m", "\r", "\n", "\U000e0041", "é", "世"]), any_text
)
hostile = st.lists(pieces, max_size=8).map("".join)
caps = st.integers(SHORTEST_CAP, 300)
values: st.SearchStrategy[Any] = st.recursive(
    st.one_of(hostile, st.none(), st.booleans(), st.integers(-(10**9), 10**9), st.floats()),
    lambda inner: st.one_of(st.lists(inner, max_size=6), st.dictionaries(hostile, inner, max_size=6)),
)


@given(hostile, caps)
def test_nothing_hidden_is_left_and_no_more_than_the_cap(text: str, cap: int) -> None:
    for cleaned in (clean(text, cap), clean_line(text, cap)):
        assert not any(map(is_hidden, cleaned))
        assert len(cleaned) <= cap
        cleaned.encode()
    assert "\n" not in clean_line(text, cap)
    assert "\t" not in clean_line(text, cap)


@given(hostile, caps)
def test_what_was_cleaned_stays_as_it_is(text: str, cap: int) -> None:
    assert clean(clean(text, cap), cap) == clean(text, cap)
    assert clean_line(clean_line(text, cap), cap) == clean_line(text, cap)


@given(st.text(st.characters(codec="ascii", exclude_categories=["Cc"]), max_size=300))
def test_what_is_seen_is_kept(text: str) -> None:
    assert clean(text, 300) == text


@pytest.mark.parametrize("text", VISIBLE)
def test_what_looks_like_an_instruction_is_data_and_stays(text: str) -> None:
    assert clean(text) == text


def test_no_hidden_character_of_unicode_is_left() -> None:
    everything = [chr(code) for code in range(sys.maxunicode + 1)]
    kept = clean("".join(everything), sys.maxunicode + 1)
    assert not [ascii(letter) for letter in kept if is_hidden(letter)]
    assert {*"Grüße, 世界, é́ 🦊 \n\t"} <= {*kept}


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b\x1b[31m[2Jnested", "[2Jnested"),
        ("\x9b2Jcleared", "cleared"),
        (f"tagged{TAGGED}", "tagged"),
        ("half\ud83d\udc00", "half"),
        ("two\r\nlines\rand\u2028more", "two\nlines\nand\nmore"),
        ("wide\u3000and\xa0hard", "wide and hard"),
        ("a\u202egnp.exe", "agnp.exe"),
        ("sel\ufe0fected\U000e0101", "selected"),
    ],
)
def test_of_what_is_hidden_only_that_goes(text: str, cleaned: str) -> None:
    assert clean(text) == cleaned


def test_a_cut_says_how_much_is_missing() -> None:
    cut = clean("x" * 1000, 100)
    assert cut.startswith("xxx")
    assert cut.endswith(f"… [{1000 - cut.count('x')} characters cut]")


@given(hostile, st.integers(1, 50))
def test_parts_put_together_are_the_whole(text: str, length: int) -> None:
    read, offset = "", 0
    while True:
        piece = part(text, offset, length)
        assert (piece.offset, len(piece.text) <= length) == (offset, True)
        read += piece.text
        if piece.next_offset is None:
            break
        assert piece.next_offset > offset
        offset = piece.next_offset
    assert read == clean(text, SHORTEST_CAP + len(text))
    assert piece.total == len(read)


@given(values, st.builds(Caps, text=caps, items=st.integers(1, 4), depth=st.integers(1, 4)))
def test_nested_values_hold_cleaned_texts_within_the_caps(value: Any, bounds: Caps) -> None:
    def check(cleaned: Any, depth: int) -> None:
        assert depth <= bounds.depth
        match cleaned:
            case str():
                assert len(cleaned) <= bounds.text
                assert not any(map(is_hidden, cleaned))
            case list():
                assert len(cleaned) <= bounds.items + 1
                for each in cleaned:
                    check(each, depth + 1)
            case dict():
                assert len(cleaned) <= bounds.items + 1
                for key, each in cleaned.items():
                    assert clean_line(key) == key
                    check(each, depth + 1)
            case _:
                assert not isinstance(cleaned, float) or math.isfinite(cleaned)

    cleaned = clean_value(value, bounds)
    check(cleaned, 0)
    json.dumps(cleaned, allow_nan=False).encode()


def test_keys_that_cleaning_makes_the_same_are_told_apart() -> None:
    assert clean_value({"a": 1, "a\u200b": 2, "\x00a": 3}) == {"a": 1, "a (2)": 2, "a (3)": 3}


@pytest.mark.parametrize("text", [LONG, "\x1b[" * 500_000, "\x9b" * 1_000_000, "\x1b[" + "0" * 1_000_000, "\n" * 10**6])
def test_a_megabyte_takes_no_longer_than_its_length_asks(text: str) -> None:
    started = time.process_time()
    assert len(clean(text)) <= 2000
    assert len(clean_line(text)) <= 200
    assert time.process_time() - started < 5
