"""A delivery read off its reply subject, and the dead letter that is made of one."""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from nats.aio.client import Client
from nats.aio.msg import Msg

from scanpool.runtime.delivery import Delivery, delivery_of
from scanpool.runtime.outcomes import DeadLetter
from scanpool.runtime.settle import dead_letter_event
from scanpool_schemas import events

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
STORED_NS = 1_772_366_400_123_456_789
PARTS = f"KV_pool-lab.running.3.42.7.{STORED_NS}.5"


def a_message(reply: str, headers: dict[str, str] | None = None) -> Msg:
    return Msg(_client=Client(), subject="scan.lab.running.one", reply=reply, data=b"{}", headers=headers)


def a_delivery(body: bytes = b"{}", headers: dict[str, str] | None = None) -> Delivery:
    message = a_message(f"$JS.ACK.{PARTS}", headers)
    message.data = body
    return delivery_of(Client(), message)


@pytest.mark.parametrize(
    "reply",
    [
        f"$JS.ACK.{PARTS}",
        f"$JS.ACK._.AbCdEf.{PARTS}",
        f"$JS.ACK.leaf.AbCdEf.{PARTS}.r4nd0m",
    ],
    ids=["short form", "with domain and account", "with domain, account and a random token"],
)
def test_a_delivery_is_read_off_every_form_of_ack_subject(reply: str) -> None:
    delivery = delivery_of(Client(), a_message(reply, {"ce-type": "t"}))
    assert (delivery.stream, delivery.consumer) == ("KV_pool-lab", "running")
    assert (delivery.attempt, delivery.sequence) == (3, 42)
    assert delivery.stored_at.replace(microsecond=0) == datetime(2026, 3, 1, 12, tzinfo=UTC)
    assert (delivery.reply, delivery.subject, delivery.headers) == (reply, "scan.lab.running.one", {"ce-type": "t"})


LETTER = DeadLetter(reason="invalid_request", message="no targets", pool="lab", scan_id="one")


def kept(delivery: Delivery) -> events.DeadLetter:
    """The dead letter as it is read back."""
    return msgspec.json.decode(msgspec.json.encode(dead_letter_event(delivery, LETTER, NOON)), type=events.DeadLetter)


def bytes_of(letter: events.DeadLetter) -> bytes:
    if letter.body is not None:
        assert letter.body_base64 is None
        return letter.body.encode()
    assert letter.body_base64 is not None
    return base64.b64decode(letter.body_base64)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b'{"targets": ["10.0.0.1"],\r\n "name": "w"}',
        "Prüfung \N{SNOWMAN} \u2028".encode(),
        b"\xef\xbb\xbf{}",
        b"\xff\xfe\x00not text",
        bytes(range(256)),
        b"\xed\xa0\x80",
        b"\x00" * 1000,
    ],
    ids=["empty", "json", "unicode", "bom", "utf-16", "every byte", "a lone surrogate", "control characters"],
)
def test_a_dead_letter_keeps_the_body_byte_for_byte(body: bytes) -> None:
    assert bytes_of(kept(a_delivery(body))) == body


def test_text_is_kept_as_text_that_a_person_can_read() -> None:
    letter = kept(a_delivery(b'{"name": "weekly"}'))
    assert (letter.body, letter.body_base64) == ('{"name": "weekly"}', None)


@pytest.mark.parametrize("body", [b"\x01" * 262_144, b'"' * 262_144, b"\xff" * 262_144, b"a" * 262_144])
def test_the_largest_request_makes_a_dead_letter_that_the_server_takes(body: bytes) -> None:
    assert len(msgspec.json.encode(dead_letter_event(a_delivery(body), LETTER, NOON))) < 1_000_000


def test_a_dead_letter_says_where_the_message_was_and_why_it_was_given_up() -> None:
    expected: dict[str, Any] = {
        "reason": "invalid_request",
        "message": "no targets",
        "stage": "running",
        "stream": "KV_pool-lab",
        "sequence": 42,
        "subject": "scan.lab.running.one",
        "headers": {"traceparent": "00-1-2-01"},
        "body": "x",
        "attempts": 3,
        "first_at": "2026-03-01T12:00:00.123457Z",
        "last_at": "2026-03-01T12:00:00Z",
        "errors": ["no targets"],
    }
    letter = dead_letter_event(a_delivery(b"x", {"traceparent": "00-1-2-01"}), LETTER, NOON)
    assert msgspec.json.decode(msgspec.json.encode(letter)) == expected
