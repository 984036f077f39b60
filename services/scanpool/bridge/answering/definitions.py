"""JSON Schemas of tools made small: an agent reads every definition before its first word.

Arguments keep all that they are checked by. Of answers the outline is enough: fields and their types, one level deep;
what the bridge sends is checked against the whole model all the same.
"""

from __future__ import annotations

from typing import Any, cast

Schema = dict[str, Any]

_OBJECT = {"type": "object"}
_SAID = ("description", "enum")


def lean(schema: Schema) -> Schema:
    """Without titles that repeat names, and without nulls: what may be null may be left out."""
    return cast(Schema, _without_nulls(_without_titles(schema)))


def outline(schema: Schema | None) -> Schema | None:
    """An answer's fields, each with its type; None of a tool that has no schema."""
    if schema is None:
        return None
    whole = lean(schema)
    fields = {name: _outlined(each) for name, each in whole.get("properties", {}).items()}
    return {"type": "object", "properties": fields, "required": whole.get("required", [])}


def _outlined(field: Schema) -> Schema:
    said = {name: field[name] for name in _SAID if name in field}
    match field:
        case {"type": "array", "items": items}:
            return {"type": "array", "items": {"type": items.get("type", "object")}, **said}
        case {"type": kind}:
            return {"type": kind, **said}
        case {"$ref": _}:
            return {**_OBJECT, **said}
        case _:
            return said


def _without_nulls(schema: Any) -> Any:
    match schema:
        case {"anyOf": [kind, {"type": "null"}], **rest}:
            return {**_without_nulls(kind), **_without_nulls(rest)}
        case dict():
            named = ((name, each) for name, each in schema.items() if (name, each) != ("default", None))
            return {name: _without_nulls(each) for name, each in named}
        case list():
            return [_without_nulls(each) for each in schema]
        case _:
            return schema


def _without_titles(schema: Any) -> Any:
    match schema:
        case dict():
            return {
                name: {key: _without_titles(each) for key, each in value.items()}
                if name in {"properties", "$defs"}
                else _without_titles(value)
                for name, value in schema.items()
                if not (name == "title" and isinstance(value, str))
            }
        case list():
            return [_without_titles(each) for each in schema]
        case _:
            return schema
