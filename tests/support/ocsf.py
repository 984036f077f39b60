"""Validates events against the definitions of OCSF that stand in `tests/contract/schemas`."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

SCHEMA: Mapping[str, Any] = json.loads(
    (Path(__file__).parents[1] / "contract/schemas/ocsf-1.8.0.json").read_text(encoding="utf-8")
)
_CLASSES = {1000 * SCHEMA["category"]["uid"] + each["uid"]: each for each in SCHEMA["classes"].values()}
_PYTHON: Mapping[str, Any] = {
    "integer_t": int,
    "long_t": int,
    "float_t": (int, float),
    "boolean_t": bool,
    "string_t": str,
    "json_t": object,
    "object": dict,
}


def mistakes(event: Mapping[str, Any]) -> list[str]:
    """Everything in which the event is not what its class says; empty where it is."""
    definition = _CLASSES.get(event.get("class_uid", -1))
    if definition is None:
        return [f"class_uid {event.get('class_uid')!r}: there is no such class here"]
    return [*_of_object("", event, definition), *_of_class(event, definition)]


def _of_class(event: Mapping[str, Any], definition: Mapping[str, Any]) -> Iterator[str]:
    expected = {
        "category_uid": SCHEMA["category"]["uid"],
        "category_name": SCHEMA["category"]["caption"],
        "class_name": definition["caption"],
        "type_uid": event["class_uid"] * 100 + event["activity_id"],
        "type_name": f"{definition['caption']}: {_caption(definition, 'activity_id', event['activity_id'])}",
        "activity_name": _caption(definition, "activity_id", event["activity_id"]),
        "severity": _caption(definition, "severity_id", event["severity_id"]),
        "status": _caption(definition, "status_id", event["status_id"]),
    }
    yield from (f"{name}: {event[name]!r} is not {value!r}" for name, value in expected.items() if event[name] != value)
    if event["metadata"]["version"] != SCHEMA["version"]:
        yield f"metadata.version: {event['metadata']['version']!r}"


def _caption(definition: Mapping[str, Any], name: str, number: int) -> Any:
    return definition["attributes"][name]["enum"].get(str(number))


def _of_object(path: str, value: Any, definition: Mapping[str, Any]) -> Iterator[str]:
    if not isinstance(value, dict):
        yield f"{path}: no object"
        return
    attributes = definition["attributes"]
    for name, attribute in attributes.items():
        if attribute["requirement"] == "required" and name not in value:
            yield f"{path}.{name}: missing"
    for name, each in value.items():
        if name not in attributes:
            yield f"{path}.{name}: unknown"
        else:
            yield from _of_attribute(f"{path}.{name}", each, attributes[name])
    constraints = definition.get("constraints", {})
    for kind, names in constraints.items():
        count = len(set(names) & set(value))
        if count == 0 or (kind == "just_one" and count > 1):
            yield f"{path}: {kind} of {names}, not {count}"


def _of_attribute(path: str, value: Any, attribute: Mapping[str, Any]) -> Iterator[str]:
    if "deprecated_since" in attribute:
        yield f"{path}: deprecated"
    if attribute.get("is_array"):
        if not isinstance(value, list):
            yield f"{path}: no array"
            return
        for place, each in enumerate(value):
            yield from _of_value(f"{path}[{place}]", each, attribute)
    else:
        yield from _of_value(path, value, attribute)


def _of_value(path: str, value: Any, attribute: Mapping[str, Any]) -> Iterator[str]:
    kind = attribute["type"]
    if kind in SCHEMA["objects"]:
        yield from _of_object(path, value, SCHEMA["objects"][kind])
        return
    limits = SCHEMA["types"].get(kind, {})
    python = _PYTHON.get(limits.get("type", kind))
    if python is None:
        yield f"{path}: of a type that is not here: {kind}"
    elif (
        not isinstance(value, python)
        or (isinstance(value, bool) and python is not bool)
        or ("regex" in limits and not re.search(limits["regex"], value))
    ):
        yield f"{path}: {value!r} is no {kind}"
    elif "enum" in attribute and str(value) not in attribute["enum"]:
        yield f"{path}: {value!r} is none of {list(attribute['enum'])}"
