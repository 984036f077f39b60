"""Read a file as a struct of a model, with everything that is wrong with it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

import msgspec

from scanpool.runtime.configuration.document import read_document
from scanpool.runtime.configuration.interpolation import interpolate_document
from scanpool.runtime.configuration.problems import Finding, Problem
from scanpool.runtime.configuration.reading import Checks, Reader

_Model = TypeVar("_Model", bound=msgspec.Struct)


def _nothing_across(_root: Any) -> Iterator[Finding]:
    return iter(())


@dataclass(frozen=True, kw_only=True, slots=True)
class FileKind(Generic[_Model]):
    """What a kind of configuration file says, and what it must keep."""

    model: type[_Model]
    checks: Checks
    across: Callable[[Any], Iterator[Finding]] = _nothing_across
    """What its parts must keep among one another; looks at plain values."""
    absent: str
    """The remedy where there is no such file."""
    empty: str
    """The remedy where there is nothing in it."""


def read_file(kind: FileKind[_Model], path: Path, environ: Mapping[str, str]) -> tuple[_Model | None, list[Problem]]:
    """What the file says, None where it cannot be read whole; and its problems in the order of their places.

    Raises:
        ConfigurationError: the file cannot be opened, or is no YAML at all.
    """
    document = read_document(path, absent=kind.absent)
    interpolate_document(document, environ)
    findings = document.findings
    if document.root is None:
        findings.append(Finding("", "is empty", kind.empty))
        return None, [document.problem(finding) for finding in findings]
    reader = Reader(path.absolute().parent, environ, kind.checks)
    read = reader.read(kind.model, document.root, "")
    findings += [*reader.findings, *kind.across(document.root)]
    problems = sorted(map(document.problem, findings), key=lambda each: (each.line or 0, each.path))
    return (read if isinstance(read, kind.model) else None), problems
