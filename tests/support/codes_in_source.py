"""The codes that the source can put into events, found in its syntax.

A code is a literal in one of these places: keyword or parameter `code`; parameter `reason` of what makes a
dead letter; an attribute `code` of a class; a value of an enum `…Reason`; a value of a mapping `…_CODES`.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
_PLACES = (ROOT / "services" / "scanpool", ROOT / "schemas" / "scanpool_schemas")
_LEFT_OUT = {"emulator", "codes.py"}
"""The emulator puts nothing into events; the catalogue is what is compared."""
_WORD = re.compile(r"[a-z][a-z0-9_]+")


def codes_in_source() -> set[str]:
    """Every code that the source can put into an event."""
    trees = [ast.parse(path.read_text(encoding="utf-8")) for path in _sources()]
    takers = dict(taker for tree in trees for taker in _takers(tree))
    found = (code for tree in trees for node in ast.walk(tree) for code in _codes(node, takers))
    return {code for code in found if _WORD.fullmatch(code)}


def _sources() -> Iterator[Path]:
    for place in _PLACES:
        for path in place.rglob("*.py"):
            if not _LEFT_OUT & {*path.relative_to(place).parts}:
                yield path


def _takers(tree: ast.Module) -> Iterator[tuple[str, int]]:
    """Functions and classes that take a code, and at which position."""
    for node in ast.walk(tree):
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                yield from _taken(node.name, node)
            case ast.ClassDef():
                inits = (each for each in node.body if isinstance(each, ast.FunctionDef) and each.name == "__init__")
                for init in inits:
                    yield from _taken(node.name, init, bound=True)
            case _:
                pass


def _taken(name: str, function: ast.FunctionDef | ast.AsyncFunctionDef, *, bound: bool = False) -> Iterator[tuple[str, int]]:
    wanted = {"code", "reason"} if _answers_dead_letter(function) else {"code"}
    for position, argument in enumerate(function.args.args[bound:]):
        if argument.arg in wanted:
            yield name, position


def _answers_dead_letter(function: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    return function.returns is not None and ast.unparse(function.returns) == "DeadLetter"


def _codes(node: ast.AST, takers: dict[str, int]) -> Iterator[str]:
    match node:
        case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name)):
            keywords = {"code", "reason"} if name == "DeadLetter" else {"code"}
            yield from _literals(each.value for each in node.keywords if each.arg in keywords)
            if name in takers:
                yield from _literals(node.args[takers[name] :][:1])
        case ast.Assign(targets=[ast.Name(id="code")], value=value):
            yield from _literals([value])
        case ast.AnnAssign(target=ast.Name(id="code"), value=ast.expr() as value):
            yield from _literals([value])
        case ast.ClassDef(name=name) if name.endswith("Reason"):
            yield from _literals(each.value for each in node.body if isinstance(each, ast.Assign))
        case ast.Assign(targets=[ast.Name(id=name)], value=ast.Dict(values=values)) if name.endswith("_CODES"):
            yield from _literals(values)
        case ast.AnnAssign(target=ast.Name(id=name), value=ast.Dict(values=values)) if name.endswith("_CODES"):
            yield from _literals(values)
        case _:
            pass


def _literals(values: Iterable[ast.expr]) -> Iterator[str]:
    for value in values:
        for node in ast.walk(value):
            match node:
                case ast.Constant(value=str(text)):
                    yield text
                case _:
                    pass
