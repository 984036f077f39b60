"""Targets as arguments of tools."""

from __future__ import annotations

from typing import Annotated

from pydantic import BeforeValidator


def split(targets: object) -> object:
    """A comma-separated string as the list that it stands for."""
    if not isinstance(targets, str):
        return targets
    return [part for part in (each.strip() for each in targets.split(",")) if part]


TargetList = Annotated[list[str], BeforeValidator(split)]
"""In the schema an array; one comma-separated string is taken too."""
