"""The bracketed name by which a scan of ours is known again on a scanner."""

from __future__ import annotations

from string import ascii_letters, digits

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanpool.scanners.naming import OurName, our_name

scan_ids = st.text(f"{ascii_letters}{digits}_-", min_size=1, max_size=64)
OURS = OurName(deployment="scanpool", scan_id="s1", run=3)


def test_a_name_on_a_scanner_is_the_title_and_then_the_bracket() -> None:
    assert OURS.titled("weekly") == "weekly [scanpool/s1/3]"
    assert our_name("weekly [scanpool/s1/3]") == OURS


@pytest.mark.parametrize(
    "name",
    [
        "",
        "weekly",
        "[scanpool/s1/3] weekly",
        "weekly [scanpool/s1/3] ",
        "weekly [scanpool/s1/3]\n",
        "weekly [scanpool/s1/0]",
        "weekly [scanpool/s1/03]",
        "weekly [scanpool/s1/x]",
        "weekly [scanpool/s1]",
        "weekly [scanpool/s 1/3]",
        "weekly [/s1/3]",
        f"weekly [scanpool/{'s' * 65}/3]",
    ],
)
def test_anything_else_is_not_ours(name: str) -> None:
    assert our_name(name) is None


def test_a_title_that_ends_in_a_bracket_of_its_own_does_not_hide_ours() -> None:
    assert our_name(OURS.titled("copy of [scanpool/other/1]")) == OURS


@given(title=st.text(), scan_id=scan_ids, run=st.integers(1, 999_999_999))
def test_whatever_the_title_the_name_is_found_again_and_fits(title: str, scan_id: str, run: int) -> None:
    ours = OurName(deployment="scanpool", scan_id=scan_id, run=run)
    name = ours.titled(title)
    assert our_name(name) == ours
    assert len(name) < 256
    assert name == " ".join(name.split(" "))
    assert "\n" not in name
