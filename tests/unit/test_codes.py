"""The error catalogue has every code that the source can put into an event, and no other."""

import pytest

from scanpool_schemas.codes import CATALOGUE, SECTIONS
from tests.support.codes_in_source import codes_in_source


def test_every_code_in_the_source_is_explained() -> None:
    assert codes_in_source() - CATALOGUE.keys() == set(), "add them to scanpool_schemas.codes"


@pytest.mark.usefixtures("checkout")
def test_every_code_that_is_explained_can_occur() -> None:
    assert CATALOGUE.keys() - codes_in_source() == set()


def test_a_code_is_explained_once() -> None:
    listed = [code.code for codes in SECTIONS.values() for code in codes]
    assert len(listed) == len(set(listed))


def test_meaning_and_remedy_are_sentences() -> None:
    for code in CATALOGUE.values():
        for text in (code.meaning, code.remedy):
            assert text[0].isupper() or text[0] == "`", f"{code.code}: {text}"
            assert text.endswith("."), f"{code.code}: {text}"
