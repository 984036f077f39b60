"""The codes that the source can put into events, found in its syntax.

A code is a literal in one of these places: keyword or parameter `code`; parameter `reason` of what makes a
dead letter; an attribute `code` of a class; a value of an enum `…Reason` or `…Code`; a value of a mapping `…_CODES`.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import TypeAlias

Taker: TypeAlias = tuple[str, int]

_ROOT = Path(__file__).parents[2]
_PLACES = (_ROOT / "services" / "scanpool", _ROOT / "schemas" / "scanpool_schemas")
# The emulator, the command line and the bridge put no codes into events; the catalogue is what is compared.
_LEFT_OUT = {"emulator", "cli", "bridge", "codes"}


@cache
def codes_in_source() -> frozenset[str]:
    """Every code that the source can put into an event."""
    trees = [ast.parse(path.read_text(encoding="utf-8")) for path in _sources()]
    public = {taker for tree in trees for taker in _takers(tree) if not taker[0].startswith("_")}
    return frozenset(code for tree in trees for code in _codes_of(tree, public | set(_takers(tree))))


def _sources() -> Iterator[Path]:
    for place in _PLACES:
        for path in place.rglob("*.py"):
            if not _LEFT_OUT & {*path.relative_to(place).parts}:
                yield path


def _takers(tree: ast.Module) -> Iterator[Taker]:
    """Functions and classes that take a code, and at which position."""
    for node in ast.walk(tree):
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                wanted = {"code", "reason"} if _answers_dead_letter(node) else {"code"}
                yield from _positions(node.name, node.args.args, wanted)
            case ast.ClassDef(name=name, body=body):
                inits = [each for each in body if isinstance(each, ast.FunctionDef) and each.name == "__init__"]
                yield from (taker for init in inits for taker in _positions(name, init.args.args[1:], {"code"}))
            case _:
                pass


def _positions(name: str, arguments: list[ast.arg], wanted: set[str]) -> Iterator[Taker]:
    return ((name, position) for position, each in enumerate(arguments) if each.arg in wanted)


def _answers_dead_letter(function: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    return function.returns is not None and ast.unparse(function.returns) == "DeadLetter"


def _codes_of(tree: ast.Module, takers: set[Taker]) -> Iterator[str]:
    for node in ast.walk(tree):
        for value in _values(node, takers):
            yield from _literals(value)


def _values(node: ast.AST, takers: set[Taker]) -> Iterator[ast.expr]:
    """The expressions in this node whose value is a code."""
    match node:
        case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name)):
            keywords = {"code", "reason"} if name == "DeadLetter" else {"code"}
            yield from (each.value for each in node.keywords if each.arg in keywords)
            yield from (each for place, each in enumerate(node.args) if (name, place) in takers)
        case ast.Assign(targets=[ast.Name(id="code")], value=value):
            yield value
        case ast.AnnAssign(target=ast.Name(id="code"), value=ast.expr() as value):
            yield value
        case ast.ClassDef(name=name) if name.endswith(("Reason", "Code")):
            yield from (each.value for each in node.body if isinstance(each, ast.Assign))
        case ast.AnnAssign(target=ast.Name(id=name), value=ast.Dict(values=values)) if name.endswith("_CODES"):
            yield from values
        case _:
            pass


def _literals(value: ast.expr) -> Iterator[str]:
    match value:
        case ast.Constant(value=str(text)) if text:
            yield text
        case ast.IfExp(body=body, orelse=orelse):
            yield from (*_literals(body), *_literals(orelse))
        case _:
            pass
