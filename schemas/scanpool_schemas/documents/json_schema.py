"""JSON Schema (2020-12) of what the contract publishes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, TypeAlias

import msgspec

from scanpool_schemas import decoding, events, keys, names, request, result, scan
from scanpool_schemas.documents.field_texts import FieldTexts, field_texts, text_of
from scanpool_schemas.documents.published import Published, find

Document: TypeAlias = dict[str, Any]

DIALECT = "https://json-schema.org/draft/2020-12/schema"

_PATTERNS: Mapping[str, str] = {
    "id": names.SCAN_ID_PATTERN,
    "pool": names.POOL_NAME_PATTERN,
    "scanner": names.SCANNER_NAME_PATTERN,
    "Load.holders": names.SCAN_ID_PATTERN,
    "ScannerRule.name": names.SCANNER_NAME_PATTERN,
    "CredentialRule.id": names.CREDENTIAL_ID_PATTERN,
}
"""Fields that hold a name, by `Class.field`, or by the field alone where it means the same everywhere."""

_REQUEST_RULES: tuple[Document, ...] = (
    {
        "if": {
            "required": ["scan_type"],
            "properties": {"scan_type": {"enum": ["authenticated", "authenticated_privileged"]}},
        },
        "then": {"required": ["credential_ref"], "properties": {"credential_ref": {"type": "string"}}},
        "else": {"properties": {"credential_ref": {"type": "null"}, "require_auth": {"enum": [None, 0]}}},
    },
)
"""What admission asks of a request beyond its types."""

_CLASSES: Mapping[str, type] = {
    each.__name__: each
    for module in (request, result, scan, events, keys)
    for each in vars(module).values()
    if isinstance(each, type) and each.__module__ == module.__name__
}


def schema(name: str, texts: FieldTexts | None = None) -> Document:
    """The JSON Schema of a type, `scanpool.scan.completed.v1` or `completed`; all it refers to is in it.

    Raises:
        UnknownDocument: nothing is published by the name.
    """
    published = find(name)
    definitions = components([published.struct], "#/$defs/{name}", texts)
    body = definitions.pop(published.struct.__name__)
    return {
        "$schema": DIALECT,
        "$id": f"urn:scanpool:schema:{published.name}",
        **body,
        "title": published.title,
        "description": described(published),
        **_refusing(published.struct),
        **({"$defs": definitions} if definitions else {}),
    }


def described(published: Published) -> str:
    """What is published, and where."""
    text = " ".join((published.struct.__doc__ or "").split())
    return text if published.subject in text else f"{text} Subject: `{published.subject}`."


def components(
    structs: Iterable[type[msgspec.Struct]], ref_template: str, texts: FieldTexts | None = None
) -> dict[str, Document]:
    """The schemas of the structs and of all they refer to, by class name."""
    texts = field_texts() if texts is None else texts
    _, found = msgspec.json.schema_components(structs, ref_template=ref_template)
    plain: dict[str, Document] = decoding.document(msgspec.json.encode(found))  # defaults are tuples in it
    return {name: _explained(body, _CLASSES[name], texts) for name, body in plain.items()}


def _refusing(struct: type[msgspec.Struct]) -> Document:
    """Requests are read strictly; events and keys are not, so that versions can mix."""
    if struct is request.ScanRequest:
        return {"additionalProperties": False, "allOf": [*_REQUEST_RULES]}
    return {"additionalProperties": False} if struct in (request.CancelRequest, request.ScanOrder) else {}


def _explained(body: Document, kind: type, texts: FieldTexts) -> Document:
    if "enum" in body:
        values = ((value, texts.get(kind.__name__, {}).get(value, "")) for value in body["enum"])
        lines = [body["description"], *(f"`{value}`: {text}" for value, text in values if text)]
        return {**body, "description": " ".join(lines)}
    fields = body["properties"].items()
    return {**body, "properties": {name: _field(name, field, kind, texts) for name, field in fields}}


def _field(name: str, field: Document, kind: type, texts: FieldTexts) -> Document:
    pattern = _PATTERNS.get(f"{kind.__name__}.{name}") or _PATTERNS.get(name)
    text = text_of(texts, kind, name)
    described = {"description": text} if text else {}
    return {**described, **(_named(field, f"^{pattern}$") if pattern else _referring(field))}


def _referring(field: Document) -> Document:
    """Keywords beside a `$ref` mean nothing to readers of older dialects, AsyncAPI's among them."""
    if "$ref" not in field:
        return field
    return {"allOf": [{"$ref": field["$ref"]}], **{k: v for k, v in field.items() if k != "$ref"}}


def _named(field: Document, pattern: str) -> Document:
    if "anyOf" in field:
        return {**field, "anyOf": [_named(choice, pattern) for choice in field["anyOf"]]}
    if field.get("type") == "array":
        return {**field, "items": _named(field["items"], pattern)}
    return {**field, "pattern": pattern} if field.get("type") == "string" else field
