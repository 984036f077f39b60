"""Laws of striking out names, over texts and names of letters with several cases and of what separates words."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from scanpool.report.redaction import STRUCK, names_in, redact

LENGTH = 200
letters = st.sampled_from("aAbBiI\u0130\u0131\u017fsK_1")
words = st.text(letters, min_size=1, max_size=4)
separators = st.sampled_from([" ", ".", "-", "$", ", "])


@st.composite
def joined(draw: st.DrawFn, most: int) -> str:
    """Words and what separates them, with a word at either end."""
    others = draw(st.lists(st.tuples(separators, words), max_size=most - 1))
    return draw(words) + "".join(separator + word for separator, word in others)


names = st.lists(joined(3).filter(lambda name: len(name) > 1), max_size=6, unique_by=len)


def searched_for(text: str, user_names: list[str]) -> str:
    """One search for each name, from the longest on."""
    for name in sorted(user_names, key=len, reverse=True):
        text = re.sub(rf"(?<!\w){re.escape(name)}(?!\w)", STRUCK, text, flags=re.IGNORECASE)
    return text


@given(joined(12), names)
def test_what_is_struck_out_is_what_a_search_for_each_name_finds(text: str, user_names: list[str]) -> None:
    said = " ".join([text, *user_names[::2], text])
    marked = frozenset[str]().union(*map(names_in, user_names))
    assert redact(said, marked, LENGTH) == redact(searched_for(said, user_names), (), LENGTH)
