"""What holds for every body that is published as a request."""

import contextlib
from typing import Any

import jsonschema
import msgspec
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from scanpool_schemas import documents
from scanpool_schemas.request import (
    CancelRequest,
    RequestInvalid,
    ScanRequest,
    decode_cancel_request,
    decode_scan_request,
    differences,
    digest,
)

SCHEMA = jsonschema.Draft202012Validator(documents.schema("requested"))

short = st.text(max_size=20)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | short,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(short, inner, max_size=3),
    max_leaves=6,
)
wild = st.dictionaries(st.sampled_from(ScanRequest.__struct_fields__) | short, values, max_size=6)

good = st.fixed_dictionaries(
    {"targets": st.lists(short, min_size=1, max_size=3), "name": st.text(min_size=1, max_size=20)},
    optional={
        "description": short,
        "exclude": st.lists(short, max_size=3),
        "scanner": st.none() | st.just("scanner1"),
        "priority": st.sampled_from(["high", "normal", "low"]),
        "template": st.none() | short,
        "settings": st.dictionaries(st.sampled_from(["max_hosts", "port_range", "ping_the_host"]), short),
        "folder": st.none() | short,
        "labels": st.dictionaries(short, short, max_size=3),
        "max_duration_s": st.none() | st.integers(60, 86_400),
        "max_wait_s": st.none() | st.integers(1, 86_400),
        "owner": st.none() | short,
        "idempotency_key": st.none() | short,
        "client": st.none() | short,
        "intensity": st.none() | st.sampled_from(["safe", "intrusive"]),
        "confirmed": st.none() | short,
    },
)
login = st.fixed_dictionaries(
    {"scan_type": st.sampled_from(["authenticated", "authenticated_privileged"]), "credential_ref": short},
    optional={"require_auth": st.none() | st.floats(0, 1) | st.integers(0, 1)},
)
requests = st.one_of(good, st.tuples(good, login).map(lambda pair: {**pair[0], **pair[1]}))


def decoded(document: dict[str, Any]) -> ScanRequest:
    return decode_scan_request(msgspec.json.encode(document))


@given(st.one_of(st.binary(max_size=200), wild.map(msgspec.json.encode), requests.map(msgspec.json.encode)))
def test_any_bytes_are_a_request_or_refused(body: bytes) -> None:
    for decode, kind in ((decode_scan_request, ScanRequest), (decode_cancel_request, CancelRequest)):
        with contextlib.suppress(RequestInvalid):
            assert isinstance(decode(body), kind)


@given(requests)
def test_a_good_request_is_read_whole(document: dict[str, Any]) -> None:
    request = decoded(document)
    assert msgspec.json.decode(msgspec.json.encode(request), type=ScanRequest) == request
    for name, value in document.items():
        held = getattr(request, name)
        assert (list(held) if isinstance(held, tuple) else held) == value


@given(requests, st.randoms())
def test_the_digest_does_not_depend_on_the_order_of_fields(document: dict[str, Any], random: Any) -> None:
    def shuffled(mapping: dict[str, Any]) -> dict[str, Any]:
        items = list(mapping.items())
        random.shuffle(items)
        return {key: shuffled(value) if isinstance(value, dict) else value for key, value in items}

    assert digest(decoded(shuffled(document))) == digest(decoded(document))


@given(requests, requests)
def test_requests_have_the_same_digest_exactly_if_they_differ_in_nothing(
    one: dict[str, Any], other: dict[str, Any]
) -> None:
    same = digest(decoded(one)) == digest(decoded(other))
    assert same == (differences(decoded(one), decoded(other)) == ())


@given(requests, wild)
def test_what_is_accepted_is_valid_by_the_published_schema(document: dict[str, Any], more: dict[str, Any]) -> None:
    for candidate in (document, {**document, **more}):
        try:
            decoded(candidate)
        except RequestInvalid:
            continue
        SCHEMA.validate(candidate)


@given(requests, st.sampled_from(ScanRequest.__struct_fields__), st.text(min_size=1, max_size=3))
def test_a_field_that_is_not_known_is_never_passed_over(document: dict[str, Any], field: str, more: str) -> None:
    wrong = field + more
    assume(wrong not in ScanRequest.__struct_fields__)
    with pytest.raises(RequestInvalid) as raised:
        decoded({**document, wrong: None})
    assert raised.value.path == wrong
