"""What each exchange means for the caller."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from scanpool.scanners import errors
from scanpool.scanners.nessus import calls
from scanpool.scanners.nessus.calls import Call
from scanpool.scanners.nessus.faults import AnswerCut, decode, describe, fault, retry_after_s
from scanpool.scanners.nessus.replies import Created, Launched, Nothing, ScanDetails, Scans
from scanpool.scanners.nessus.wire import Answer, Exchange, NoAnswer, NotSent, WrongCertificate

NOW = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
READ = calls.progress(7)
CREATE = calls.create(b"{}", secrets=())
LAUNCH = calls.launch(7)
HTML = b"<html>no</html>"
JSON = b'{"error": "the scanner says so"}'


def judged(call: Call, exchange: Exchange) -> errors.ScannerError | None:
    return fault("lab.a", call, exchange, now=NOW)


def kind(call: Call, status: int, body: bytes = JSON) -> type[errors.ScannerError]:
    return type(judged(call, Answer(status=status, body=body)))  # type: ignore[return-value]


@pytest.mark.parametrize(
    "call", [READ, CREATE, LAUNCH, calls.stop(7), calls.pause(7), calls.resume(7), calls.delete(7), calls.export(7)]
)
def test_what_was_not_sent_was_not_done(call: Call) -> None:
    error = judged(call, NotSent(why="cannot connect"))
    assert type(error) is errors.ScannerUnavailable
    assert "nothing was sent" in str(error)


@pytest.mark.parametrize("call", [CREATE, LAUNCH])
def test_a_create_or_launch_without_answer_may_have_been_carried_out(call: Call) -> None:
    assert type(judged(call, NoAnswer(why="time ran out", cut=False))) is errors.OutcomeUnknown
    assert type(judged(call, NoAnswer(why="it broke", cut=True))) is AnswerCut


@pytest.mark.parametrize(
    "call", [READ, calls.stop(7), calls.pause(7), calls.resume(7), calls.delete(7), calls.export(7), calls.scans()]
)
def test_what_may_be_repeated_and_got_no_answer_is_only_unavailable(call: Call) -> None:
    assert type(judged(call, NoAnswer(why="it broke", cut=True))) is errors.ScannerUnavailable


def test_a_wrong_certificate_is_named_with_its_fingerprint() -> None:
    error = judged(READ, WrongCertificate(found="ab12"))
    assert type(error) is errors.FingerprintMismatch
    assert "ab12" in str(error)


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (400, errors.RequestRejected),
        (401, errors.SignInFailed),
        (403, errors.PermissionDenied),
        (404, errors.ScanNotFound),
        (405, errors.RequestRejected),
        (409, errors.ScanConflict),
        (412, errors.ScanApiNotLicensed),
        (413, errors.RequestRejected),
        (415, errors.RequestRejected),
        (429, errors.RateLimited),
        (503, errors.ScannerNotReady),
    ],
)
def test_a_refusal_means_the_same_for_reads_and_launches(status: int, expected: type[errors.ScannerError]) -> None:
    assert kind(READ, status) is expected
    assert kind(LAUNCH, status) is expected


@pytest.mark.parametrize("status", [302, 418, 500, 502, 504])
def test_a_status_that_proves_nothing_leaves_the_outcome_of_a_create_or_launch_unknown(status: int) -> None:
    assert kind(READ, status) is errors.ScannerUnavailable
    assert kind(CREATE, status) is errors.OutcomeUnknown
    assert kind(LAUNCH, status) is errors.OutcomeUnknown


@pytest.mark.parametrize("status", [404, 503])
def test_a_page_of_a_proxy_proves_nothing_about_a_scan(status: int) -> None:
    assert kind(READ, status, HTML) is errors.ScannerUnavailable
    assert kind(calls.delete(7), status, HTML) is errors.ScannerUnavailable
    assert kind(LAUNCH, status, HTML) is errors.OutcomeUnknown
    assert kind(CREATE, status, HTML) is errors.OutcomeUnknown


def test_a_cut_404_does_not_prove_that_a_scan_is_gone() -> None:
    error = judged(READ, Answer(status=404, body=b'{"error": "The requested', broken="it broke off"))
    assert type(error) is errors.ScannerUnavailable


def test_a_404_for_no_scan_in_particular_is_no_lost_scan() -> None:
    assert kind(calls.scans(), 404) is errors.ScannerUnavailable
    assert kind(CREATE, 404) is errors.TemplateUnknown


def test_a_412_counts_even_if_its_body_was_cut() -> None:
    error = judged(CREATE, Answer(status=412, body=b"", broken="the connection broke off"))
    assert type(error) is errors.ScanApiNotLicensed


def test_a_redirect_is_not_followed_and_said_to_be_one() -> None:
    assert "redirect" in str(judged(READ, Answer(status=301)))


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_the_wait_that_a_scanner_asks_for_is_kept_with_the_error(status: int) -> None:
    error = judged(READ, Answer(status=status, body=JSON, retry_after="7"))
    assert isinstance(error, errors.ScannerUnavailable)
    assert error.retry_after_s == 7


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (None, None),
        ("0", 0.0),
        ("30", 30.0),
        ("99999999999999999999", 900.0),
        ("Mon, 04 May 2026 12:01:00 GMT", 60.0),
        ("Mon, 04 May 2026 11:00:00 GMT", 0.0),
        ("Mon, 04 May 2099 11:00:00 GMT", 900.0),
        ("-5", None),
        ("soon", None),
        ("", None),
    ],
)
def test_retry_after_is_seconds_or_a_date_and_capped(value: str | None, seconds: float | None) -> None:
    assert retry_after_s(value, NOW) == seconds


@pytest.mark.parametrize(
    "body",
    [HTML, b"", b"null", b"[]", b'{"scan": {}}', b'{"scan": {"id": 0}}', b"\xff", b'{"scan": {"id": "x"}}'],
)
def test_an_answer_to_create_that_is_not_understood_leaves_its_outcome_unknown(body: bytes) -> None:
    with pytest.raises(errors.OutcomeUnknown):
        decode("lab.a", CREATE, Answer(status=200, body=body), Created)


@pytest.mark.parametrize("body", [HTML, b"", b'{"scan_uuid": null}'])
def test_an_answer_to_launch_that_is_not_understood_leaves_its_outcome_unknown(body: bytes) -> None:
    with pytest.raises(errors.OutcomeUnknown):
        decode("lab.a", LAUNCH, Answer(status=200, body=body), Launched)


@pytest.mark.parametrize("body", [HTML, b"", b"[]", b'{"info": {}}', b"\xff\xfe", b'{"info":' * 100_000])
def test_a_read_that_is_not_understood_may_succeed_later(body: bytes) -> None:
    with pytest.raises(errors.ScannerUnavailable):
        decode("lab.a", READ, Answer(status=200, body=body), ScanDetails)


def test_a_body_that_broke_off_is_never_read() -> None:
    answer = Answer(status=200, body=b'{"scans": null}', broken="the connection broke off")
    with pytest.raises(errors.ScannerUnavailable, match="broke off"):
        decode("lab.a", calls.scans(), answer, Scans)


@pytest.mark.parametrize("body", [b"", b" \n", b"null", b"{}", b'{"deleted": 1}'])
def test_an_empty_answer_is_enough_where_nothing_is_asked(body: bytes) -> None:
    assert decode("lab.a", calls.stop(7), Answer(status=200, body=body), Nothing) == Nothing()


def test_a_page_of_a_proxy_is_not_an_empty_answer() -> None:
    with pytest.raises(errors.ScannerUnavailable):
        decode("lab.a", calls.delete(7), Answer(status=200, body=HTML), Nothing)


def test_words_of_the_scanner_are_repeated_without_secrets_control_characters_and_length() -> None:
    body = b'{"error": "bad \\u001b[31m key hunter2 %s"}' % (b"x" * 1000)
    text = describe(Answer(status=400, body=body), ("hunter2", ""))
    assert "hunter2" not in text
    assert "\x1b" not in text
    assert len(text) < 300
