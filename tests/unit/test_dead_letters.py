"""Dead letters: which are meant, what a retry makes of one, and what is never shown of one."""

from __future__ import annotations

import base64
import json
import time
from datetime import datetime, timedelta
from typing import Any

import msgspec
import pytest
from typer.testing import CliRunner

from scanpool.cli.app import app
from scanpool.cli.frame.exits import ExitCode
from scanpool.coordination import transitions
from scanpool.coordination.dead_letters import DeadLetters, Operator
from scanpool.coordination.ledger import Held, Ledger
from scanpool.coordination.letter_details import details_of
from scanpool.coordination.letters import (
    AlreadyRetried,
    CannotRetry,
    Letter,
    PublishAgain,
    Revive,
    Wanted,
    letter_of,
    named,
    newest_first,
    own_headers,
    retry_of_message,
    retry_of_scan,
    retry_without_letter,
)
from scanpool.runtime.jetstream import Stored, Write
from scanpool.runtime.masking import STRUCK, masked_body, masked_text
from scanpool_schemas import subjects
from scanpool_schemas.events import DeadLetter
from scanpool_schemas.scan import Dead, Queued
from tests.support.builders import (
    NOW,
    a_completed_scan,
    a_dead_scan,
    a_launching_scan,
    a_lease,
    a_mark,
    a_queued_scan,
    an_error,
    an_exporting_scan,
)
from tests.support.fake_jetstream import FakeJetStream, Trouble

HOUR = timedelta(hours=1)
UNDECODABLE = b'{"name":"\xff\xfe"}'


def a_message(**fields: Any) -> DeadLetter:
    known = {
        "reason": "invalid_request",
        "message": "not JSON",
        "stage": "admission",
        "stream": "SCAN_REQUESTS",
        "sequence": 17,
        "subject": "scan.lab.requested.x",
        "body": "{targets",
        "first_at": NOW,
        "last_at": NOW,
    }
    return DeadLetter(**{**known, **fields})


def stored(content: Dead | DeadLetter | bytes, subject: str = "", sequence: int = 1, at: datetime = NOW) -> Stored:
    place = "scan.lab.dead.s1" if isinstance(content, Dead) else "dlq.lab.admission.x.s17"
    body = content if isinstance(content, bytes) else msgspec.json.encode(content)
    return Stored(subject=subject or place, sequence=sequence, body=body, headers={}, time=at)


def a_letter(**fields: Any) -> Letter:
    letter = letter_of(stored(a_message()))
    return msgspec.structs.replace(letter, **{"subject": f"dlq.lab.admission.{fields.get('id', 'x')}.s1", **fields})


def test_a_dead_scan_is_listed_under_its_own_id_with_what_gave_it_up() -> None:
    scan = a_dead_scan(an_exporting_scan(stage_attempts={"exporting": 4}))
    letter = letter_of(stored(scan))
    assert (letter.id, letter.kind, letter.pool, letter.run) == ("s1", "scan", "lab", 1)
    assert (letter.stage, letter.reason, letter.attempts) == ("exporting", "scan_aborted", 5)


def test_the_tries_of_a_launch_are_those_that_its_way_back_to_the_queue_counted() -> None:
    assert letter_of(stored(a_dead_scan(a_launching_scan(stage_attempts={"launch": 2})))).attempts == 3


def test_a_message_is_listed_under_the_id_it_was_to_have_and_its_sequence() -> None:
    letter = letter_of(stored(a_message(attempts=2)))
    assert (letter.id, letter.kind, letter.pool, letter.scan_id) == ("x.s17", "message", "lab", "x")
    assert (letter.stage, letter.reason, letter.attempts) == ("admission", "invalid_request", 2)


@pytest.mark.parametrize(
    "strange",
    [
        stored(b"\xff", sequence=5),
        stored(b"{}", sequence=5),
        stored(b"[" * 100_000, sequence=5),
        stored(a_message(), "dlq.lab", sequence=5),
        stored(b"{}", "scan.lab.dead.s1", sequence=5),
    ],
)
def test_what_nobody_can_read_is_listed_and_shown_and_not_retried(strange: Stored) -> None:
    letter = letter_of(strange)
    assert (letter.id, letter.kind, letter.pool) == ("dlq.5", "unreadable", "lab")
    assert details_of(strange).errors == (letter.message,)


@pytest.mark.parametrize(
    ("wanted", "taken"),
    [
        (Wanted(), True),
        (Wanted(pool="lab", reason="invalid_request", stage="admission"), True),
        (Wanted(pool="dmz"), False),
        (Wanted(reason="export_failed"), False),
        (Wanted(stage="exporting"), False),
        (Wanted(since=NOW), True),
        (Wanted(since=NOW + HOUR), False),
        (Wanted(before=NOW + HOUR), True),
        (Wanted(before=NOW), False),
    ],
)
def test_a_letter_is_meant_if_it_is_all_that_was_asked_for(wanted: Wanted, taken: bool) -> None:
    assert wanted.takes(a_letter()) is taken


def test_the_newest_come_first_and_a_scan_that_died_twice_is_one_letter() -> None:
    first, second = (stored(a_dead_scan(run=run), sequence=sequence) for run, sequence in ((1, 2), (2, 7)))
    old, new = a_letter(id="old", at=NOW - HOUR, sequence=9), a_letter(id="new", at=NOW + HOUR, sequence=1)
    listed = newest_first([letter_of(first), letter_of(second), old, new], Wanted())
    assert [(each.id, each.run) for each in listed] == [("new", 0), ("s1", 2), ("old", 0)]


def test_a_letter_is_found_by_its_id_and_else_by_that_of_the_scan() -> None:
    scan, one, two = a_letter(id="x"), a_letter(id="x.s1"), a_letter(id="y.s2", scan_id="y")
    assert named([scan, one, two], "x") == [scan]
    assert named([scan, one, two], "y") == [two]
    assert named([one, msgspec.structs.replace(one, id="x.s2")], "x") != [one]
    assert named([scan, one, two], "z") == []


def test_a_dead_scan_is_put_back_if_it_is_still_as_it_died() -> None:
    dead = a_dead_scan()
    retry = retry_of_scan(dead, Held(scan=dead, sequence=9), "me", a_mark("operator"))
    assert isinstance(retry, Revive)
    assert (retry.held.sequence, retry.change.scan.run) == (9, 2)
    assert retry.change.scan.timeline[-1].why == "retried by me: run 2 after scan_aborted in exporting"


@pytest.mark.parametrize("now", [a_queued_scan(run=2), a_completed_scan(run=2), a_dead_scan(run=2)])
def test_a_scan_that_went_on_since_it_died_was_retried_already(now: Any) -> None:
    retry = retry_of_scan(a_dead_scan(), Held(scan=now, sequence=9), "me", a_mark("operator"))
    assert isinstance(retry, AlreadyRetried)
    assert "run 2" in retry.message


def test_a_scan_that_is_gone_cannot_be_retried() -> None:
    assert isinstance(retry_of_scan(a_dead_scan(), None, "me", a_mark("operator")), CannotRetry)


@pytest.mark.parametrize("body", [b"", b"{targets", b"\x00\x01\n", UNDECODABLE])
def test_a_message_is_published_again_byte_for_byte_where_none_waits(body: bytes) -> None:
    encoded = a_message(body=None, body_base64=base64.b64encode(body).decode())
    retry = retry_of_message(encoded)
    assert isinstance(retry, PublishAgain)
    assert (retry.write.body, retry.write.subject) == (body, "scan.lab.requested.x")
    assert retry.write.expected_sequence == 0


def test_headers_of_nats_and_headers_that_would_break_a_message_are_not_sent_again() -> None:
    headers = {
        "traceparent": "00-1",
        "Nats-Msg-Id": "1",
        "nats-expected-stream": "X",
        "a\r\nb": "1",
        "c": "1\nd: 2",
        "": "x",
        " ": "x",
        "e:f": "x",
    }
    assert own_headers(headers) == {"traceparent": "00-1"}


@pytest.mark.parametrize(
    "fields",
    [
        {"subject": "scan.lab.running.x", "stream": "KV_pool-lab"},
        {"subject": "scan.lab.running.x"},
        {"subject": "scan.lab.requested.x", "stream": "KV_pool-lab"},
        {"subject": "$JS.API.STREAM.DELETE.SCAN_REQUESTS"},
        {"body": None, "body_base64": "%%%"},
        {"body": None},
    ],
)
def test_what_is_no_whole_request_is_never_published(fields: dict[str, Any]) -> None:
    assert isinstance(retry_of_message(a_message(**fields)), CannotRetry)


@pytest.mark.parametrize(
    ("scans", "kind", "said"),
    [
        ([], CannotRetry, "never was one"),
        ([a_dead_scan()], CannotRetry, "submit it again"),
        ([a_completed_scan()], CannotRetry, "the scan is completed"),
        ([a_queued_scan(run=3)], AlreadyRetried, "queued-normal, run 3"),
    ],
)
def test_of_an_id_without_a_letter_is_said_what_became_of_it(scans: list[Any], kind: type, said: str) -> None:
    found = retry_without_letter(scans)
    assert isinstance(found, kind)
    assert said in found.message


def test_a_body_without_secrets_is_shown_byte_for_byte() -> None:
    details = details_of(stored(a_message(body=None, body_base64=base64.b64encode(UNDECODABLE).decode())))
    assert details.body is None
    assert base64.b64decode(details.body_base64 or "") == UNDECODABLE
    assert details_of(stored(a_message(body='{ "a":1}'))).body == '{ "a":1}'


def test_all_of_a_dead_scan_is_shown_with_its_errors_and_its_timeline() -> None:
    tried = transitions.tried(an_exporting_scan(), "try 1 failed: cut", NOW + HOUR, a_mark()).scan
    scan = a_dead_scan(tried)
    details = details_of(stored(scan))
    assert details.errors == ("scan_aborted: was aborted by the scanner", "try 1 failed: cut")
    assert (details.timeline, details.scanner, details.first_at) == (scan.timeline, "lab.a", scan.submitted_at)
    assert json.loads(details.body or "")["dead"]["state"] == "exporting"


def test_the_errors_are_those_of_the_run_that_died() -> None:
    back = transitions.back_in_queue(a_launching_scan(), "scanner down", NOW, a_mark()).scan
    assert isinstance(back, Queued)
    again = transitions.claimed(back, "b", a_lease(), a_mark()).scan
    first = a_dead_scan(again)
    assert details_of(stored(first)).errors[1:] == ("scanner down",)
    second = transitions.retried(first, "retried by me", a_mark("operator")).scan
    assert isinstance(second, Queued)
    died = a_dead_scan(transitions.claimed(second, "a", a_lease(), a_mark()).scan)
    assert details_of(stored(died)).errors == ("scan_aborted: was aborted by the scanner",)
    assert len(details_of(stored(a_dead_scan(timeline=()))).errors) == 1


@pytest.mark.parametrize(
    "text",
    [
        '{"password": "hunter2 and more", "name": "x"',
        "{'Password':'hunter2'}",
        "admin_password=hunter2&x=1",
        '"smb-passwd" : "hunter2\\" hunter2"',
        "Authorization: Bearer hunter2",
        "X-ApiKeys: accessKey=hunter2; secretKey=hunter2;",
        "https://me:hunter2@nessus1:8834/scans",
        "-----BEGIN RSA PRIVATE KEY-----\nhunter2\nhunter2\n-----END RSA PRIVATE KEY-----",
        "-----BEGIN OPENSSH PRIVATE KEY-----\nhunter2",
        '{"token": hunter2',
    ],
)
def test_what_looks_like_a_secret_is_struck_out(text: str) -> None:
    assert "hunter2" not in masked_text(text)
    assert b"hunter2" not in masked_body(text.encode())
    assert b"hunter2" not in masked_body(text.encode() + b"\xff\xfe")


def test_a_secret_is_struck_out_however_json_spells_its_name_and_nests_it() -> None:
    body = b'{"credentials":[{"p\\u0061ssword":{"value":"hunter2"}}],"name":"x"}'
    assert masked_body(body).decode() == f'{{"credentials":[{{"password":"{STRUCK}"}}],"name":"x"}}'


def test_secrets_are_shown_nowhere_in_the_details() -> None:
    letter = a_message(
        body='{"password":"hunter2"}',
        headers={"Authorization": "hunter2", "X-Note": "token=hunter2", "Nats-Msg-Id": "1"},
        errors=("password=hunter2 is no field",),
        message="password=hunter2 is no field",
    )
    assert "hunter2" not in msgspec.json.encode(details_of(stored(letter))).decode()
    scan = a_dead_scan(error=an_error(message="login with password=hunter2 failed"))
    assert "hunter2" not in msgspec.json.encode(details_of(stored(scan))).decode()


@pytest.mark.parametrize("text", ["password", "a" * 300_000, '"token":"' * 30_000, "://" * 90_000, "basic " * 40_000])
def test_striking_out_takes_no_time_whatever_the_text_is(text: str) -> None:
    began = time.process_time()
    masked_body(text.encode())
    assert time.process_time() - began < 3


async def test_a_retry_that_meets_a_broker_that_does_not_answer_leaves_the_rest_as_it_is() -> None:
    broker = FakeJetStream(["lab"])
    for number in range(3):
        letter = a_message(subject=f"scan.lab.requested.x{number}", last_at=NOW + number * HOUR)
        body = msgspec.json.encode(letter)
        await broker.publish(Write(subject=f"dlq.lab.admission.x{number}.s{number}", body=body))
    operator = Operator(by="me", now=lambda: NOW, nonce=lambda: "n")
    letters = DeadLetters(broker, Ledger(broker, source="test"), operator)
    listed = await letters.all(Wanted())
    broker.troubles += [Trouble.LOST, Trouble.REFUSED]
    outcomes = await letters.retry(listed, dry_run=False)
    assert [(each.id, each.outcome) for each in outcomes] == [(f"x{n}.s{n}", "not_retried") for n in range(3)]
    assert len(await letters.all(Wanted())) == 3
    assert [each.is_good for each in await letters.retry(listed, dry_run=False)] == [True] * 3
    assert await letters.all(Wanted()) == []
    assert len(broker.messages(subjects.SCAN_REQUESTS)) == 3


async def test_only_what_was_listed_is_removed() -> None:
    broker = FakeJetStream(["lab"])
    subject = subjects.event("lab", "dead", "s1")
    place = "dlq.lab.admission.x.s1"
    letters = DeadLetters(broker, Ledger(broker, source="test"), Operator(by="", now=lambda: NOW, nonce=lambda: "n"))
    await broker.publish(Write(subject=place, body=msgspec.json.encode(a_message())))
    listed = await letters.all(Wanted())
    await broker.publish(Write(subject=place, body=msgspec.json.encode(a_message(message="later"))))
    assert await letters.remove(listed) == 1
    assert [each.message for each in await letters.all(Wanted(pool="lab"))] == ["later"]
    assert broker.messages(subjects.SCAN_DLQ, subject) == []


def test_a_retried_scan_waits_as_any_other() -> None:
    assert isinstance(transitions.retried(a_dead_scan(a_launching_scan()), "retried", a_mark("operator")).scan, Queued)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["retry-dlq"], "name at least one"),
        (["retry-dlq", "--all"], "needs the --reason"),
        (["retry-dlq", "x", "--all", "--reason", "y"], "takes no ids beside it"),
        (["retry-dlq", "x", "--reason", "y"], "is of --all, which is missing"),
        (["list-dlq", "--since", "soon"], "is no duration"),
        (["purge-dlq", "--yes"], "everything is removed pool by pool"),
        (["purge-dlq", "--pool", "dmz", "--confirm", "lab"], "'lab' is not the pool of --pool"),
        (["purge-dlq", "--confirm", "dmz", "--reason", "y"], "is for everything of a pool"),
    ],
)
def test_what_is_not_said_clearly_is_not_done(words: list[str], message: str) -> None:
    ended = CliRunner().invoke(app, words, prog_name="scanpool")
    assert ended.exit_code == ExitCode.USAGE
    assert message in ended.stderr
