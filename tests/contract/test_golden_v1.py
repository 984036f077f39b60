"""Events and keys of version 1, as they lie in streams already, stay readable."""

from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from scanpool_schemas.documents.json_schema import components
from scanpool_schemas.documents.published import PUBLISHED
from scanpool_schemas.request import CancelRequest, ScanOrder, ScanRequest
from scanpool_schemas.scan import STRUCT_OF
from scanpool_schemas.wire import UnreadableEvent, decode_scan
from tests.support.golden import NAMES, golden, published_as, read

REQUESTS = (ScanRequest, CancelRequest, ScanOrder)
OURS = [name for name in NAMES if published_as(name).struct not in REQUESTS]
SCANS = [name for name in OURS if published_as(name).short in STRUCT_OF]


def test_every_published_type_has_an_example() -> None:
    assert {published_as(name).name for name in NAMES} == {each.name for each in PUBLISHED}


def test_every_field_stands_in_an_example() -> None:
    schemas = components((each.struct for each in PUBLISHED), "{name}")
    declared = {f"{struct}.{field}" for struct, body in schemas.items() for field in body.get("properties", ())}
    shown = {field for name in NAMES for field in fields_shown(read(published_as(name), golden(name)))}
    assert declared - shown == set(), "a new field needs a new example beside the old ones"


@pytest.mark.parametrize("name", NAMES)
def test_an_example_is_read_and_written_back_the_same(name: str) -> None:
    published, body = published_as(name), golden(name)
    written = msgspec.json.encode(read(published, body))
    assert read(published, written) == read(published, body)
    assert lost(msgspec.json.decode(body), msgspec.json.decode(written)) == []


@pytest.mark.parametrize("name", OURS)
def test_fields_of_a_newer_version_are_ignored_in_our_own_events_and_keys(name: str) -> None:
    published, body = published_as(name), golden(name)
    newer = msgspec.json.decode(body)
    for part in (newer, *(newer[key] for key in ("request", "result", "export", "error") if key in newer)):
        part["from_a_newer_version"] = {"deep": [1, 2, 3]}
    assert read(published, msgspec.json.encode(newer)) == read(published, body)


@pytest.mark.parametrize("name", SCANS)
def test_an_event_without_its_type_in_a_header_is_of_version_1(name: str) -> None:
    published, body = published_as(name), golden(name)
    assert decode_scan(published.short, body) == read(published, body)


@pytest.mark.parametrize("name", SCANS)
def test_an_event_of_another_version_is_refused(name: str) -> None:
    published = published_as(name)
    with pytest.raises(UnreadableEvent, match="v2"):
        decode_scan(published.short, golden(name), published.name.replace(".v1", ".v2"))


@pytest.mark.parametrize("name", SCANS)
def test_an_instant_without_a_timezone_is_refused(name: str) -> None:
    event = msgspec.json.decode(golden(name))
    event["submitted_at"] = "2026-03-02T08:00:00"
    with pytest.raises(UnreadableEvent, match="submitted_at"):
        decode_scan(published_as(name).short, msgspec.json.encode(event))


def test_an_event_on_the_subject_of_another_state_is_refused() -> None:
    with pytest.raises(UnreadableEvent, match="not a running event"):
        decode_scan("running", golden("completed"))


def test_a_state_that_nobody_knows_is_refused() -> None:
    with pytest.raises(UnreadableEvent, match="'paused'"):
        decode_scan("paused", golden("completed"))


def test_an_event_nested_too_deep_to_read_is_refused() -> None:
    body = golden("running").strip()[:-1] + b',"x":' + b"[" * 100_000 + b"]" * 100_000 + b"}"
    with pytest.raises(UnreadableEvent):
        decode_scan("running", body)


def lost(before: Any, after: Any, place: str = "$") -> list[str]:
    """The places at which a value is gone or another one."""
    match before, after:
        case dict(), dict():
            pairs = ((before[key], after.get(key), f"{place}.{key}") for key in before)
            return [each for pair in pairs for each in lost(*pair)]
        case list(), list() if len(before) == len(after):
            items = enumerate(zip(before, after, strict=True))
            return [each for i, (one, other) in items for each in lost(one, other, f"{place}[{i}]")]
        case _:
            return [] if before == after else [place]


def fields_shown(value: object) -> Iterator[str]:
    """`Class.field` of each field with a value of its own, here and in all that the value holds."""
    match value:
        case msgspec.Struct():
            kind = type(value).__name__
            yield f"{kind}.{value.__struct_config__.tag_field}"
            for field in msgspec.structs.fields(value):
                held = getattr(value, field.name)
                if field.required or held not in (field.default, {}):
                    yield f"{kind}.{field.name}"
                yield from fields_shown(held)
        case tuple():
            for item in value:
                yield from fields_shown(item)
        case _:
            return
