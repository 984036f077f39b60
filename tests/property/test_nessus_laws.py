"""Laws of reading a scanner's answers, whatever it sends."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from scanpool.scanners import errors
from scanpool.scanners.nessus import calls
from scanpool.scanners.nessus.faults import MAX_RETRY_AFTER_S, decode, fault, retry_after_s, words
from scanpool.scanners.nessus.progress import ACTIVITIES, progress
from scanpool.scanners.nessus.replies import Created, ScanDetails
from scanpool.scanners.nessus.wire import Answer

NOW = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)

bodies = st.one_of(
    st.binary(max_size=60),
    st.text(max_size=60).map(lambda text: msgspec.json.encode({"error": text})),
    st.just(b"<html></html>"),
)
answers = st.builds(
    Answer,
    status=st.integers(100, 599),
    body=bodies,
    broken=st.sampled_from(["", "the connection broke off"]),
    retry_after=st.none() | st.text(max_size=30) | st.integers().map(str),
)
secrets = st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789", min_size=4, max_size=12)
counters = st.one_of(st.none(), st.integers(-10, 1000), st.floats(-10, 1000), st.text(max_size=4))
hosts = st.lists(
    st.fixed_dictionaries(
        {}, optional={"scanprogresscurrent": counters, "scanprogresstotal": counters, "progress": counters}
    ),
    max_size=6,
)


@given(answers)
def test_a_launch_is_called_not_carried_out_only_where_the_scanner_itself_says_so(answer: Answer) -> None:
    error = fault("lab.a", calls.launch(7), answer, now=NOW)
    if isinstance(error, errors.ScannerUnavailable):
        assert answer.status == 429 or (answer.status == 503 and words(answer) is not None)
    if error is None:
        assert answer.ok


@given(answers)
def test_a_scan_is_lost_only_by_a_whole_404_in_the_scanners_own_form(answer: Answer) -> None:
    error = fault("lab.a", calls.progress(7), answer, now=NOW)
    if isinstance(error, errors.ScanNotFound):
        assert answer.status == 404
        assert not answer.broken
        assert msgspec.json.decode(answer.body)["error"] is not None


@given(st.binary(max_size=100))
def test_whatever_comes_back_from_a_create_is_a_number_or_an_unknown_outcome(body: bytes) -> None:
    try:
        created = decode("lab.a", calls.create(b"", secrets=()), Answer(status=200, body=body), Created)
    except errors.OutcomeUnknown:
        return
    assert created.scan.id > 0


@given(secrets, secrets, st.text(max_size=20), st.text(max_size=20))
def test_a_secret_that_a_scanner_repeats_is_in_no_error(one: str, two: str, before: str, after: str) -> None:
    body = msgspec.json.encode({"error": f"{before}{one}{two}{after}"})
    said = words(Answer(status=400, body=body), (one, "", one + two))
    assert said is not None
    assert one not in said.replace("[hidden]", "|")
    assert two not in said.replace("[hidden]", "|") or two in before + "|" + after


@given(st.text(max_size=40))
def test_a_wait_is_never_negative_nor_over_the_cap(value: str) -> None:
    wait = retry_after_s(value, NOW)
    assert wait is None or 0 <= wait <= MAX_RETRY_AFTER_S


@given(st.sampled_from(sorted(ACTIVITIES)) | st.text(max_size=10), hosts)
def test_percent_is_0_to_100_and_100_only_when_the_scan_is_over(status: str, listed: list[dict[str, object]]) -> None:
    body = msgspec.json.encode({"info": {"status": status}, "hosts": listed})
    now = progress(msgspec.json.decode(body, type=ScanDetails, strict=False))
    assert 0 <= now.percent <= 100
    assert now.percent < 100 or now.activity.is_over
    assert 0 <= now.hosts_done <= now.hosts_seen == len(listed)
