"""The reference of the configuration file names every key of the model."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import msgspec
import pytest

from scanpool.runtime.configuration import (
    Client,
    Configuration,
    Escalation,
    EscalationMethod,
    Pool,
    Scanner,
    SshKey,
    SshPassword,
    Templates,
    Tls,
    WindowsPassword,
)
from scanpool_schemas.keys import Exclusion

REFERENCE = Path(__file__).parents[2] / "docs" / "reference" / "configuration.md"

SECTIONS: list[tuple[str, list[type[msgspec.Struct]]]] = [
    ("The file", [Configuration]),
    ("A pool", [Pool]),
    ("An exclusion", [Exclusion]),
    ("Templates", [Templates]),
    ("A scanner", [Scanner]),
    ("TLS", [Tls]),
    ("A credential", [SshPassword, SshKey, WindowsPassword]),
    ("Escalation", [Escalation]),
    ("A client", [Client]),
]


def rows(title: str) -> dict[str, str]:
    """Key to default, of the first table below the heading."""
    section = re.split(r"^#+ ", REFERENCE.read_text(), flags=re.MULTILINE)
    (text,) = [each for each in section if each.startswith(f"{title}\n")]
    table = text.split("| --- |", 1)[1].split("\n\n")[0]
    return dict(re.findall(r"^\| `(\w+)` \| (.*?) \|", table, flags=re.MULTILINE))


@pytest.mark.parametrize(("title", "structs"), SECTIONS, ids=[title for title, _ in SECTIONS])
def test_a_section_has_a_row_for_every_key_and_for_nothing_else(
    title: str, structs: list[type[msgspec.Struct]]
) -> None:
    assert set(rows(title)) == {name for struct in structs for name in struct.__struct_fields__}


@pytest.mark.parametrize(("title", "structs"), SECTIONS, ids=[title for title, _ in SECTIONS])
def test_required_keys_and_plain_defaults_are_those_of_the_model(
    title: str, structs: list[type[msgspec.Struct]]
) -> None:
    told = rows(title)
    for field in (field for struct in structs for field in msgspec.structs.fields(struct)):
        if field.required:
            assert told[field.name].startswith("required")
        elif written(field.default) is not None and field.name != "kind":
            assert told[field.name] == f"`{written(field.default)}`"


def test_every_method_of_escalation_is_told() -> None:
    text = REFERENCE.read_text()
    assert all(f"`{method.value}`" in text for method in EscalationMethod)


def written(default: Any) -> str | None:
    """How YAML writes a default that is a single value; None for any other."""
    match default:
        case bool():
            return str(default).lower()
        case int():
            return str(default)
        case str():
            return default or None
        case EscalationMethod():
            return str(default.value)
        case _:
            return None
