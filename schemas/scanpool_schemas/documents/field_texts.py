"""What the contract says of each field: the strings under the fields, kept beside the package as data.

They are read from the source when the documents are written (`python -m scanpool_schemas.documents`),
so that an installed package needs no source to print them.
"""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Iterator, Mapping
from importlib import resources
from types import ModuleType
from typing import TypeAlias

from scanpool_schemas import decoding, events, keys, request, result, scan

FILE_NAME = "field_texts.json"
FieldTexts: TypeAlias = Mapping[str, Mapping[str, str]]
"""Class name to field (or enum value) to text."""

_MODULES: tuple[ModuleType, ...] = (request, scan, result, events, keys)


def field_texts() -> FieldTexts:
    """The texts as the package carries them."""
    packed = resources.files("scanpool_schemas.documents").joinpath(FILE_NAME).read_bytes()
    return decoding.decode(packed, dict[str, dict[str, str]])


def read_from_source() -> dict[str, dict[str, str]]:
    """The texts as the source has them."""
    trees = (ast.parse(inspect.getsource(module)) for module in _MODULES)
    classes = (node for tree in trees for node in tree.body if isinstance(node, ast.ClassDef))
    found = {node.name: dict(_texts(node)) for node in classes}
    return {name: texts for name, texts in found.items() if texts}


def text_of(texts: FieldTexts, struct: type, field: str) -> str:
    """The text of a field, which a base class may have; empty where there is none."""
    return next((t[field] for base in struct.__mro__ if field in (t := texts.get(base.__name__, {}))), "")


def _texts(node: ast.ClassDef) -> Iterator[tuple[str, str]]:
    for statement, after in zip(node.body, node.body[1:], strict=False):
        name = _name(statement)
        match after:
            case ast.Expr(value=ast.Constant(value=str(text))) if name:
                yield name, re.sub(r"\s+", " ", text).strip()


def _name(statement: ast.stmt) -> str | None:
    match statement:
        case ast.AnnAssign(target=ast.Name(id=name)):
            return name
        case ast.Assign(value=ast.Constant(value=str(value))):
            return value
        case _:
            return None
