"""One JSON document, written piece by piece. No I/O."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from scanpool.report.findings.jsonlines import line


def opened(members: Mapping[str, Any], array: str) -> bytes:
    """An object with these members, open, and in it an array of this name, open."""
    return line(members)[:-2] + b"," + line(array)[:-1] + b":[\n"


def elements(values: Iterable[Any]) -> Iterator[bytes]:
    """Elements of an array, one a line."""
    for place, value in enumerate(values):
        yield (b"," if place else b"") + line(value)
