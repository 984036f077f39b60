"""Requests are read strictly: what is refused, at which field, and with which remedy."""

import hashlib
from typing import Any

import msgspec
import pytest

from scanpool_schemas.request import (
    CancelRequest,
    RequestInvalid,
    ScanRequest,
    check_address,
    decode_cancel_request,
    decode_scan_request,
    differences,
    digest,
)
from tests.support.golden import golden


def body(**fields: Any) -> bytes:
    return msgspec.json.encode({"targets": ["10.0.0.0/28"], "name": "weekly", **fields})


def refusal(body: bytes) -> RequestInvalid:
    with pytest.raises(RequestInvalid) as raised:
        decode_scan_request(body)
    return raised.value


def test_targets_and_a_name_are_enough() -> None:
    request = decode_scan_request(golden("requested-minimal"))
    assert request == ScanRequest(targets=("10.0.0.0/28",), name="weekly")
    assert (request.scan_type, request.priority, request.exclude) == ("untrusted", "normal", ())


@pytest.mark.parametrize(
    ("field", "meant"),
    [("exlude", "exclude"), ("Exclude", "exclude"), ("target", "targets"), ("max_duration", "max_duration_s")],
)
def test_a_mistyped_field_is_refused_with_the_nearest_known_name(field: str, meant: str) -> None:
    error = refusal(body(**{field: ["10.0.0.1"]}))
    assert error.path == field
    assert f"did you mean {meant!r}?" in error.message


def test_a_field_that_is_near_none_is_refused_with_those_that_are_known() -> None:
    error = refusal(body(zzz=1))
    assert error.path == "zzz"
    assert "known fields: targets, name, description" in error.message


@pytest.mark.parametrize(
    ("wrong", "path"),
    [
        ({"targets": ["10.0.0.1", "10.0.0.2", 3]}, "targets[2]"),
        ({"targets": "10.0.0.1"}, "targets"),
        ({"targets": []}, "targets"),
        ({"targets": ["a" * 257]}, "targets[0]"),
        ({"name": ""}, "name"),
        ({"name": None}, "name"),
        ({"priority": "urgent"}, "priority"),
        ({"priority": "x - at `$.targets[7]`"}, "priority"),
        ({"settings": {"safe_checks": True}}, "settings[...]"),
        ({"labels": {"a" * 257: "x"}}, "labels"),
        ({"max_duration_s": 59}, "max_duration_s"),
        ({"max_wait_s": 30.5}, "max_wait_s"),
        ({"require_auth": 1.01}, "require_auth"),
        ({"require_auth": True}, "require_auth"),
        ({"scanner": "Scanner One"}, "scanner"),
        ({"scan_type": "authenticated"}, "credential_ref"),
        ({"scan_type": "authenticated_privileged"}, "credential_ref"),
        ({"credential_ref": "linux-audit"}, "credential_ref"),
        ({"require_auth": 0.5}, "require_auth"),
    ],
)
def test_a_wrong_value_is_refused_with_the_path_of_its_field(wrong: dict[str, Any], path: str) -> None:
    assert refusal(body(**wrong)).path == path


@pytest.mark.parametrize(
    ("field", "document"),
    [("targets", {"name": "weekly"}), ("name", {"targets": ["10.0.0.1"]})],
)
def test_a_missing_field_is_named(field: str, document: dict[str, Any]) -> None:
    assert f"`{field}`" in refusal(msgspec.json.encode(document)).message


@pytest.mark.parametrize(
    "name",
    ["password", "ssh_password", "PASSPHRASE", "secret_key", "Private_Key_File", "api_token", "snmp_community"],
)
def test_a_setting_that_looks_like_a_secret_is_refused_with_the_remedy(name: str) -> None:
    error = refusal(body(settings={name: "hunter2"}))
    assert error.path == f"settings.{name}"
    assert "credential_ref" in error.message
    assert "hunter2" not in str(error)


@pytest.mark.parametrize(
    "junk",
    [
        b"",
        b"null",
        b"[]",
        b'"scan"',
        b"targets: [10.0.0.1]",
        b"\xff\xfe",
        b'\xef\xbb\xbf{"targets":["10.0.0.1"],"name":"weekly"}',
        b"[" * 100_000,
        b'{"labels":' * 100_000,
        b'{"targets":["10.0.0.1"],"name":"x","require_auth":1e999}',
        b'{"targets":["10.0.0.1"],"name":"x","max_wait_s":1' + b"0" * 5000 + b"}",
        b'{"targets":["10.0.0.1"],"name":"\\ud800"}',
    ],
)
def test_what_is_no_json_object_is_refused(junk: bytes) -> None:
    assert refusal(junk).path in {"", "require_auth", "max_wait_s"}


def test_the_error_names_the_field_before_what_is_wrong() -> None:
    assert str(refusal(body(name=7))) == "name: Expected `str`, got `int`"


def test_a_default_said_aloud_is_the_same_request() -> None:
    said = decode_scan_request(body(priority="normal", scan_type="untrusted", labels={}, owner=None))
    assert digest(said) == digest(decode_scan_request(body()))


@pytest.mark.parametrize(
    "other",
    [{"name": "monthly"}, {"exclude": ["10.0.0.1"]}, {"labels": {"a": "b"}}, {"targets": ["10.0.0.0/29"]}],
)
def test_a_different_request_has_another_digest_and_names_the_difference(other: dict[str, Any]) -> None:
    one, changed = decode_scan_request(body()), decode_scan_request(body(**other))
    assert digest(one) != digest(changed)
    assert differences(one, changed) == tuple(other)
    assert differences(one, one) == ()


@pytest.mark.parametrize("empty", [b"", b"  \n", b"{}"])
def test_a_cancel_needs_no_body(empty: bytes) -> None:
    assert decode_cancel_request(empty) == CancelRequest()


def test_a_cancel_says_who_and_why() -> None:
    assert decode_cancel_request(b'{"by":"bob","reason":"wrong network"}') == CancelRequest(
        by="bob", reason="wrong network"
    )


@pytest.mark.parametrize(("junk", "path"), [(b'{"who":"bob"}', "who"), (b'{"by":7}', "by"), (b"[]", "")])
def test_a_cancel_is_read_as_strictly(junk: bytes, path: str) -> None:
    with pytest.raises(RequestInvalid) as raised:
        decode_cancel_request(junk)
    assert raised.value.path == path


@pytest.mark.parametrize(("pool", "scan_id", "path"), [("Pool", "a", "pool"), ("p", "a.b", "id"), ("*", ">", "pool")])
def test_the_tokens_of_a_subject_are_checked(pool: str, scan_id: str, path: str) -> None:
    with pytest.raises(RequestInvalid) as raised:
        check_address(pool, scan_id)
    assert raised.value.path == path


def test_good_tokens_pass() -> None:
    check_address("dmz", "weekly-10_A")


def test_a_repeated_name_is_refused_since_the_last_one_could_empty_an_exclude() -> None:
    body = b'{"targets":["10.0.0.0/8"],"name":"x","exclude":["10.1.0.0/16"],"exclude":[]}'
    with pytest.raises(RequestInvalid, match="exclude: is given more than once"):
        decode_scan_request(body)


def test_whether_it_was_confirmed_makes_no_other_request_of_it() -> None:
    one, other = (decode_scan_request(body(client="agent", confirmed=who)) for who in (None, "alice"))
    assert digest(one) == digest(other)
    assert differences(one, other) == ()


@pytest.mark.parametrize("field", [{"client": "agent"}, {"intensity": "safe"}])
def test_who_asks_and_how_intrusive_it_is_belong_to_what_is_asked(field: dict[str, Any]) -> None:
    plain, other = decode_scan_request(body()), decode_scan_request(body(**field))
    assert digest(plain) != digest(other)
    assert differences(plain, other) == tuple(field)


def test_intensity_and_the_setting_that_it_stands_for_are_refused_together() -> None:
    error = refusal(body(intensity="safe", settings={"safe_checks": "yes"}))
    assert error.path == "settings.safe_checks"
    assert decode_scan_request(body(settings={"safe_checks": "no"})).intensity is None


def test_a_request_from_before_there_were_clients_keeps_its_digest() -> None:
    request = decode_scan_request(golden("requested-minimal"))
    assert digest(request) == hashlib.sha256(b'{"targets":["10.0.0.0/28"],"name":"weekly"}').hexdigest()
