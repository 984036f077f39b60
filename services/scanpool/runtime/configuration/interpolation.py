"""`${VAR}` and `${VAR:-default}` in a configuration's values, after YAML has been read.

`$${` stands for a literal `${`. The default is taken where the variable is unset or empty. What a
variable holds is not looked at again.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from scanpool.runtime.configuration.document import UNREADABLE, Document
from scanpool.runtime.configuration.problems import Finding, child, item

_REFERENCE = re.compile(r"(?P<escaped>\$\$\{)|\$\{(?P<inside>[^}]*)(?P<end>\}?)")
_INSIDE = re.compile(r"(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?P<default>:-(?P<text>.*))?", re.DOTALL)


class Interpolated(str):
    """A text that a variable had a part in: read as a number or a truth value where one is wanted."""

    __slots__ = ()


class InterpolationError(ValueError):
    """A reference is malformed, or its variable is not set."""

    def __init__(self, message: str, remedy: str) -> None:
        super().__init__(f"{message}; {remedy}")
        self.message = message
        self.remedy = remedy


def interpolate(text: str, environ: Mapping[str, str]) -> str:
    """The text with its references filled in; an `Interpolated` where it had any.

    Raises:
        InterpolationError: see there.
    """
    filled = _REFERENCE.sub(lambda match: _filled(match, environ), text)
    has_reference = any(not match["escaped"] for match in _REFERENCE.finditer(text))
    return Interpolated(filled) if has_reference else filled


def interpolate_document(document: Document, environ: Mapping[str, str]) -> None:
    """Fill in every value of the document; what cannot be filled in becomes a finding."""
    document.root = _interpolated(document.root, "", environ, document.findings)


def _interpolated(value: Any, path: str, environ: Mapping[str, str], findings: list[Finding]) -> Any:
    match value:
        case dict():
            return {key: _interpolated(each, child(path, key), environ, findings) for key, each in value.items()}
        case list():
            return [_interpolated(each, item(path, index), environ, findings) for index, each in enumerate(value)]
        case str():
            try:
                return interpolate(value, environ)
            except InterpolationError as error:
                findings.append(Finding(path, error.message, error.remedy))
                return UNREADABLE
        case _:
            return value


def _filled(match: re.Match[str], environ: Mapping[str, str]) -> str:
    if match["escaped"]:
        return "${"
    inside = _INSIDE.fullmatch(match["inside"])
    if inside is None or not match["end"] or "${" in match["inside"]:
        # The text itself may be part of a secret, so it is not repeated.
        raise InterpolationError(
            "a '${' begins no reference to a variable",
            "write ${NAME} or ${NAME:-default}, or $${ for a literal ${",
        )
    name = inside["name"]
    if inside["default"] is not None:
        return environ.get(name) or inside["text"]
    if name not in environ:
        raise InterpolationError(f"variable {name} is not set", f"set it, or give a default with ${{{name}:-...}}")
    return environ[name]
