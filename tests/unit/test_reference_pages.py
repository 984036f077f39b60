"""The reference pages that are made from the code are those in the documentation."""

import re
from pathlib import Path

import pytest

from tests.support.reference import COMMAND, pages

FOLDER = Path(__file__).parents[2] / "docs" / "reference"


@pytest.mark.parametrize("name", pages())
def test_a_page_is_what_the_code_says(name: str) -> None:
    assert FOLDER.joinpath(name).read_text(encoding="utf-8") == pages()[name], f"run `{COMMAND}`"


@pytest.mark.parametrize("name", pages())
def test_every_link_within_a_page_leads_to_a_heading(name: str) -> None:
    page = pages()[name]
    headings = {re.sub(r"[^\w-]", "", text).lower() for text in re.findall(r"^#+ (.+)$", page, re.MULTILINE)}
    assert set(re.findall(r"\(#([^)]+)\)", page)) <= headings
