"""What the metrics make of a commit, of a delivery that was put off, and of who asks for them."""

from __future__ import annotations

from datetime import timedelta

import pytest
from nats.aio.client import Client
from opentelemetry.sdk.trace import TracerProvider

from scanpool.cli.running.counting import count_commit
from scanpool.coordination import transitions
from scanpool.coordination.measures import attempt_begun, failed_validation, stay, validation_failure
from scanpool.runtime.delivery import Delivery
from scanpool.runtime.metrics import Metrics
from scanpool.runtime.outcomes import Done, Outcome, Snooze
from scanpool.runtime.punctual import REMEMBERED, Punctual
from scanpool_schemas.codes import CATALOGUE
from scanpool_schemas.result import AuthenticationStatus
from scanpool_schemas.scan import AnyScan, StateName
from tests.support.builders import (
    NOW,
    a_completed_scan,
    a_dead_scan,
    a_failed_scan,
    a_launching_scan,
    a_lease,
    a_mark,
    a_queued_scan,
    a_request,
    a_result,
    a_running_scan,
    a_validating_scan,
    an_error,
    an_exporting_scan,
)

LATER = NOW + timedelta(minutes=3)


def a_delivery(*, sequence: int, attempt: int) -> Delivery:
    return Delivery(
        client=Client(),
        reply="",
        subject="scan.lab.running.s1",
        body=b"",
        headers={},
        stream="KV_pool-lab",
        consumer="running",
        sequence=sequence,
        attempt=attempt,
        stored_at=NOW,
    )


def test_a_scan_was_in_the_state_that_it_left_since_the_first_commit_in_a_row_of_that_state() -> None:
    claimed = a_launching_scan()
    intended = transitions.intended(claimed, 7, a_mark(at=NOW + timedelta(minutes=1))).scan
    assert stay(claimed, intended) is None
    failed = transitions.failed(intended, an_error(), a_mark(at=LATER)).scan
    left = stay(intended, failed)
    assert left is not None
    assert (left.state, left.lasted) == ("launching", timedelta(minutes=3))


def test_a_scan_that_comes_leaves_no_state_and_a_clock_that_went_back_makes_none_shorter_than_nothing() -> None:
    assert stay(None, a_queued_scan()) is None
    left = stay(a_running_scan(), transitions.scanned(a_running_scan(), a_mark(at=NOW - timedelta(1))).scan)
    assert left is not None
    assert left.lasted == timedelta(0)


RETRY_AT = NOW + timedelta(seconds=5)


@pytest.mark.parametrize(
    ("before", "after", "begins"),
    [
        (None, a_queued_scan(), None),
        (a_queued_scan(), a_launching_scan(), "launching"),
        (a_launching_scan(), transitions.taken_over(a_launching_scan(), a_lease(), a_mark()).scan, "launching"),
        (a_launching_scan(), a_launching_scan(intent=7), None),
        (a_running_scan(), an_exporting_scan(), "exporting"),
        (an_exporting_scan(), transitions.tried(an_exporting_scan(), "cut", RETRY_AT, a_mark()).scan, "exporting"),
        (an_exporting_scan(), transitions.told_again(an_exporting_scan(), "lost", a_mark()).scan, None),
        (an_exporting_scan(), a_validating_scan(), "validating"),
        (a_validating_scan(), a_completed_scan(), None),
    ],
)
def test_a_try_begins_with_a_claim_a_takeover_a_new_stage_and_after_each_failed_one(
    before: AnyScan | None, after: AnyScan, begins: StateName | None
) -> None:
    assert attempt_begun(before, after) == begins


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("auth_failed", "auth_failed"),
        ("auth_coverage_low", "auth_failed"),
        ("auth_unknown", "other"),
        ("empty_scan", "empty_scan"),
        ("export_unreadable", "file_not_found"),
        ("report_malformed", "xml_invalid"),
        ("report_doctype", "xml_invalid"),
        ("report_limit", "other"),
        ("no such code", "other"),
    ],
)
def test_every_code_of_a_validation_stands_under_one_of_five_reasons(code: str, reason: str) -> None:
    assert validation_failure(code) == reason


def test_every_report_that_cannot_be_believed_is_invalid_but_for_one_that_is_only_too_large() -> None:
    refused = {code for code in CATALOGUE if code.startswith("report_")}
    assert {code for code in refused if validation_failure(code) != "xml_invalid"} == {"report_limit"}


@pytest.mark.parametrize(
    ("before", "after", "reason"),
    [
        (a_validating_scan(), a_completed_scan(), None),
        (a_validating_scan(), a_failed_scan(error=an_error("auth_failed")), "auth_failed"),
        (a_validating_scan(), a_failed_scan(error=an_error("cancelled"), end="cancelled"), None),
        (a_validating_scan(), a_dead_scan(error=an_error("export_unreadable")), "file_not_found"),
        (an_exporting_scan(), a_dead_scan(error=an_error("export_failed")), None),
    ],
)
def test_a_validation_fails_where_the_report_ends_the_scan(before: AnyScan, after: AnyScan, reason: str | None) -> None:
    assert failed_validation(before, after) == reason


def test_a_login_that_failed_is_counted_once_under_what_was_asked_for_with_the_scans_own_trace() -> None:
    metrics, scan = Metrics(), a_validating_scan(a_request(scan_type="authenticated", credential_ref="linux"))
    result = a_result(AuthenticationStatus.FAILED)
    failed = transitions.failed(scan, an_error("auth_failed"), a_mark(at=LATER), result=result).scan
    count_commit(metrics, scan, failed)
    text = metrics.exposed("application/openmetrics-text; version=1.0.0").body.decode()
    found = {line.split("{")[0]: line for line in text.splitlines() if line[0] != "#"}
    trace = f'trace_id="{scan.trace_id}"'
    for name, labels in {
        "nessus_scans_total": 'scan_type="authenticated",status="failed"',
        "nessus_validation_total": 'pool="lab",result="failed"',
        "nessus_validation_failures_total": 'pool="lab",reason="auth_failed"',
        "nessus_auth_failures_total": 'pool="lab",scan_type="authenticated"',
    }.items():
        assert f"{{{labels}}} 1.0 # {{{trace}}}" in found[name]


def test_what_asks_for_openmetrics_gets_exemplars_and_what_does_not_gets_plain_text() -> None:
    metrics = Metrics()
    with TracerProvider().get_tracer("test").start_as_current_span("work"):
        metrics.work.round_seconds.observe(seconds=0.2)
    plain, open_metrics = metrics.exposed(), metrics.exposed("application/openmetrics-text;version=1.0.0,*/*;q=0.1")
    assert plain.content_type == "text/plain; version=0.0.4; charset=utf-8"
    assert b"trace_id" not in plain.body
    assert open_metrics.content_type.startswith("application/openmetrics-text; version=1.0.0")
    assert b'scanpool_janitor_round_seconds_bucket{le="0.5"} 1.0 # {trace_id="' in open_metrics.body
    assert open_metrics.body.endswith(b"# EOF\n")


def test_work_outside_of_any_trace_is_counted_without_an_exemplar() -> None:
    metrics = Metrics()
    metrics.work.ttl_deletions.add()
    assert "nessus_ttl_deletions_total 1.0\n" in metrics.exposed("application/openmetrics-text").body.decode()


class Clock:
    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


def late_ones(outcome: Outcome) -> tuple[Punctual, list[float], Clock]:
    late: list[float] = []
    clock = Clock()

    async def handler(_delivery: object) -> Outcome:
        return outcome

    return Punctual(handler, late=late.append, monotonic=clock), late, clock


TEN = Snooze(delay=timedelta(seconds=10), reason="later")


async def test_a_delivery_that_was_put_off_is_late_by_what_it_comes_after_its_time() -> None:
    handler, late, clock = late_ones(TEN)
    await handler(a_delivery(sequence=5, attempt=1))
    clock.now_s += 12.5
    await handler(a_delivery(sequence=5, attempt=2))
    assert late == [2.5]


@pytest.mark.parametrize("attempt", [1, 3])
async def test_a_delivery_that_somebody_else_had_in_between_tells_nothing(attempt: int) -> None:
    handler, late, clock = late_ones(TEN)
    await handler(a_delivery(sequence=5, attempt=1))
    clock.now_s += 60
    await handler(a_delivery(sequence=5, attempt=attempt))
    assert late == []


async def test_a_delivery_that_was_settled_is_not_waited_for() -> None:
    handler, late, _ = late_ones(Done())
    await handler(a_delivery(sequence=5, attempt=1))
    await handler(a_delivery(sequence=5, attempt=2))
    assert late == []


async def test_no_more_deliveries_are_remembered_than_can_be_in_hand() -> None:
    handler, late, _ = late_ones(TEN)
    for sequence in range(REMEMBERED + 1):
        await handler(a_delivery(sequence=sequence, attempt=1))
    await handler(a_delivery(sequence=0, attempt=2))
    assert late == []
    await handler(a_delivery(sequence=REMEMBERED, attempt=2))
    assert late == [0.0]
