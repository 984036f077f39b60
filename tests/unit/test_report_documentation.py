"""The page on results names every field there is."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from scanpool_schemas import result

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "results.md"
STRUCTS = [value for value in vars(result).values() if isinstance(value, type) and issubclass(value, msgspec.Struct)]


@pytest.mark.parametrize("struct", STRUCTS)
def test_the_page_names_every_field_of_a_result(struct: type[msgspec.Struct]) -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert [name for name in struct.__struct_fields__ if f"`{name}`" not in page] == []


@pytest.mark.parametrize("choice", [result.AuthenticationStatus, result.LoginVerdict, result.Credentials])
def test_the_page_names_every_value_of_a_choice(
    choice: type[result.AuthenticationStatus | result.LoginVerdict | result.Credentials],
) -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert [value for value in choice if f"`{value}`" not in page] == []
