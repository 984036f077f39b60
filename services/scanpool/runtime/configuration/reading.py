"""Build the model's structs from plain values, and say everything that is wrong on the way."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import Enum
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, TypeAlias, Union, get_args, get_origin, get_type_hints

import msgspec

from scanpool.runtime.configuration.document import UNREADABLE, Unreadable
from scanpool.runtime.configuration.interpolation import Interpolated
from scanpool.runtime.configuration.problems import Finding, child, item
from scanpool.runtime.configuration.secret import Origin, Secret
from scanpool_schemas import decoding
from scanpool_schemas.names import nearest

Check: TypeAlias = Callable[[Any, str], Iterator[Finding]]
"""Takes a value and its path."""

_WORDS = {"str": "text", "int": "a whole number", "bool": "true or false", "array": "a list"}
_HOW_TO_GIVE_ONE = "give {file: PATH}, {env: NAME} or ${NAME}"


@dataclass(frozen=True, slots=True)
class Checks:
    """What judges values once they have been read."""

    of_fields: Mapping[tuple[type, str], Check]
    """By struct and field: run though another field of the struct is unreadable."""
    of_types: Mapping[type, Check]
    """Run on values that are readable as a whole."""


class Reader:
    """Reads values as the types of the model; an unreadable value makes what holds it unreadable."""

    def __init__(self, base: Path, environ: Mapping[str, str], checks: Checks) -> None:
        """`base` is the folder that relative paths start from; `checks` judge what was read."""
        self.findings: list[Finding] = []
        self._base = base
        self._environ = environ
        self._checks = checks

    def read(self, kind: Any, value: Any, path: str) -> Any:
        """The value as that type, or UNREADABLE."""
        if isinstance(value, Unreadable):
            return value
        if get_origin(kind) in (UnionType, Union):
            return self._union(get_args(kind), value, path)
        if get_origin(kind) is tuple:
            return self._list(get_args(kind)[0], value, path)
        if get_origin(kind) is dict:
            return self._mapping(get_args(kind)[1], value, path)
        if kind is Secret:
            return self._secret(value, path)
        if kind is Path:
            text = self._scalar(str, value, path)
            return text if isinstance(text, Unreadable) else self._base / text
        if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
            return self._struct(kind, value, path)
        return self._scalar(kind, value, path)

    def _union(self, members: tuple[Any, ...], value: Any, path: str) -> Any:
        if NoneType in members:
            inner = next(each for each in members if each is not NoneType)
            return None if value is None else self.read(inner, value, path)
        return self._by_kind({_kind_of(each): each for each in members}, value, path)

    def _by_kind(self, members: Mapping[str, Any], value: Any, path: str) -> Any:
        if not isinstance(value, dict):
            return self._fault(path, f"expected keys and values, got {_name(value)}", "indent its keys below it")
        found = value.get("kind")
        if isinstance(found, Unreadable):
            return found
        if not isinstance(found, str) or found not in members:
            said = "missing" if found is None else f"{str(found)!a} is unknown"
            return self._fault(child(path, "kind"), said, _choice(str(found), members))
        return self.read(members[found], value, path)

    def _list(self, kind: Any, value: Any, path: str) -> Any:
        if not isinstance(value, list):
            return self._fault(path, f"expected a list, got {_name(value)}", "write it as [a, b] or as '- ' lines")
        items = [self.read(kind, each, item(path, index)) for index, each in enumerate(value)]
        return UNREADABLE if UNREADABLE in items else tuple(items)

    def _mapping(self, kind: Any, value: Any, path: str) -> Any:
        if not isinstance(value, dict):
            return self._fault(path, f"expected keys and values, got {_name(value)}", "indent its keys below it")
        values = {key: self.read(kind, each, child(path, key)) for key, each in value.items()}
        return UNREADABLE if UNREADABLE in values.values() else values

    def _struct(self, kind: type[msgspec.Struct], value: Any, path: str) -> Any:
        if not isinstance(value, dict):
            return self._fault(path, f"expected keys and values, got {_name(value)}", "indent its keys below it")
        hints = get_type_hints(kind, include_extras=True)
        for key in value.keys() - hints.keys():
            self._fault(child(path, key), "unknown key", _choice(key, hints))
        values = {
            field.name: self._field(kind, field, hints[field.name], value, path)
            for field in msgspec.structs.fields(kind)
            if field.name in value or field.required
        }
        return UNREADABLE if UNREADABLE in values.values() else self._checked(kind(**values), path)

    def _field(self, kind: type, field: msgspec.structs.FieldInfo, hint: Any, values: dict[str, Any], path: str) -> Any:
        place = child(path, field.name)
        if field.name not in values:
            return self._fault(place, "missing", "add it")
        value = self.read(hint, values[field.name], place)
        check = self._checks.of_fields.get((kind, field.name))
        if check is not None and not isinstance(value, Unreadable):
            self.findings.extend(check(value, place))
        return value

    def _checked(self, value: Any, path: str) -> Any:
        check = self._checks.of_types.get(type(value))
        if check is not None:
            self.findings.extend(check(value, path))
        return value

    def _secret(self, value: Any, path: str) -> Any:
        if isinstance(value, Interpolated):
            return self._checked(Secret(Origin.INTERPOLATED, str(value)), path)
        if isinstance(value, str):
            return self._checked(Secret(Origin.LITERAL, value), path)
        if not isinstance(value, dict) or len(value) != 1:
            return self._fault(path, f"a secret is no {_name(value)}", _HOW_TO_GIVE_ONE + ", or put it in quotes")
        ((source, where),) = value.items()
        text = self._scalar(str, where, child(path, source))
        if isinstance(text, Unreadable):
            return text
        match source:
            case "file":
                return Secret(Origin.FILE, str(self._base / text))
            case "env":
                return Secret(Origin.ENVIRONMENT, text, self._environ)
            case _:
                return self._fault(child(path, source), "unknown source of a secret", _HOW_TO_GIVE_ONE)

    def _scalar(self, kind: Any, value: Any, path: str) -> Any:
        # Texts that variables filled in may stand for numbers; texts that were written may not.
        lax = isinstance(value, Interpolated) and not _is_text(kind)
        plain = str(value) if isinstance(value, str) else value
        try:
            return decoding.convert(plain, kind, strict=not lax)
        except msgspec.ValidationError as error:
            return self._fault(path, _reason(error, value), _remedy(kind, value))

    def _fault(self, path: str, message: str, remedy: str) -> Unreadable:
        self.findings.append(Finding(path, message, remedy))
        return UNREADABLE


def _kind_of(member: Any) -> str:
    (kind,) = get_args(get_type_hints(member)["kind"])
    return str(kind)


def _is_text(kind: Any) -> bool:
    return (get_args(kind)[0] if get_origin(kind) is Annotated else kind) is str


def _reason(error: msgspec.ValidationError, value: Any) -> str:
    if value is None:
        return "has no value"
    if isinstance(value, dict):
        return "expected a single value, got keys and values"
    message = re.sub(r"`(\w+)`", lambda match: _WORDS.get(match[1], match[1]), str(error))
    return message[0].lower() + message[1:]


def _remedy(kind: Any, value: Any) -> str:
    if value is None:
        return "give it a value, or remove the key"
    if _is_text(kind) and not isinstance(value, str | list | dict):
        return "put it in quotes"
    bare = get_args(kind)[0] if get_origin(kind) is Annotated else kind
    if get_origin(bare) is Literal:
        return _choice(str(value), get_args(bare))
    if isinstance(bare, type) and issubclass(bare, Enum):
        return _choice(str(value), [each.value for each in bare])
    examples = {
        int: "write a whole number within its bounds",
        bool: "write true or false",
        date: "write it as 2027-01-31",
        datetime: "write it as 2027-01-31T12:00:00Z",
    }
    return examples.get(bare, "correct it")


def _choice(found: str, known: Any) -> str:
    close = nearest(found, known)
    return f"did you mean {close!r}?" if close else f"known: {', '.join(known)}"


def _name(value: Any) -> str:
    if value is None:
        return "nothing"
    names = {dict: "mapping", list: "list", bool: "truth value", str: "text", Interpolated: "text"}
    return names.get(type(value), "number" if isinstance(value, int | float) else type(value).__name__)
