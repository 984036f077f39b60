"""What people are told of a scan in each state."""

import pytest

from scanpool_schemas.request import ScanRequest
from scanpool_schemas.scan import STRUCT_OF, AnyScan, Completed, Failed, StateName, state_of
from scanpool_schemas.status import describe, status_of
from scanpool_schemas.wire import decode_scan
from tests.support.golden import golden

SCANS: dict[StateName, AnyScan] = {state: decode_scan(state, golden(state)) for state in STRUCT_OF}


@pytest.mark.parametrize(
    ("state", "status"),
    [
        ("pending", "queued"),
        ("queued-high", "queued"),
        ("queued-normal", "queued"),
        ("queued-low", "queued"),
        ("launching", "running"),
        ("running", "running"),
        ("exporting", "running"),
        ("validating", "running"),
        ("stopping", "running"),
        ("completed", "completed"),
        ("failed", "failed"),
        ("dead", "failed"),
    ],
)
def test_a_state_has_one_public_status(state: StateName, status: str) -> None:
    assert status_of(SCANS[state]) == status
    assert describe(SCANS[state]).status == status


@pytest.mark.parametrize("end", ["failed", "timeout", "cancelled"])
def test_a_failed_scan_says_which_end_it_was(end: str) -> None:
    failed = decode_scan("failed", golden("failed").replace(b'"end": "failed"', f'"end": "{end}"'.encode()))
    assert status_of(failed) == end
    assert describe(failed).is_over


@pytest.mark.parametrize("state", SCANS)
def test_only_a_pending_scan_awaits_approval_and_says_why(state: StateName) -> None:
    wanted = "scans of production need an approval" if state == "pending" else None
    assert describe(SCANS[state]).awaiting == wanted


@pytest.mark.parametrize("state", SCANS)
def test_the_state_is_the_one_of_the_subject(state: StateName) -> None:
    assert state_of(SCANS[state]) == state
    assert describe(SCANS[state]).state == state


@pytest.mark.parametrize("state", SCANS)
def test_only_ended_scans_are_over(state: StateName) -> None:
    assert describe(SCANS[state]).is_over == (state in {"completed", "failed", "dead"})


@pytest.mark.parametrize("state", SCANS)
def test_only_a_stopping_scan_is_cancelling_and_only_a_dead_one_is_a_dead_letter(state: StateName) -> None:
    told = describe(SCANS[state])
    assert told.cancelling == (state == "stopping")
    assert told.dead_letter == (state == "dead")


@pytest.mark.parametrize("state", SCANS)
def test_the_scanner_is_named_with_its_pool_once_the_scan_has_one(state: StateName) -> None:
    waits = state in {"pending", "queued-high", "queued-normal", "queued-low"}
    assert describe(SCANS[state]).scanner_instance == (None if waits else "internal.scanner1")
    assert describe(SCANS[state]).scanner_scan_id == (None if waits or state == "launching" else 42)


@pytest.mark.parametrize("state", SCANS)
def test_everything_of_the_request_and_the_way_is_told(state: StateName) -> None:
    scan, told = SCANS[state], describe(SCANS[state])
    request: ScanRequest = scan.request
    assert (told.id, told.pool, told.run, told.attempt) == (scan.id, scan.pool, scan.run, scan.attempt)
    assert (told.name, told.targets, told.labels) == (request.name, request.targets, request.labels)
    assert (told.scan_type, told.priority, told.owner) == (request.scan_type, request.priority, request.owner)
    assert (told.submitted_at, told.updated_at) == (scan.submitted_at, scan.at)
    assert (told.timeline, told.trace_id) == (scan.timeline, scan.trace_id)


@pytest.mark.parametrize("state", SCANS)
def test_only_ends_have_a_result_and_only_bad_ends_an_error(state: StateName) -> None:
    scan, told = SCANS[state], describe(SCANS[state])
    assert told.result == (scan.result if isinstance(scan, Completed | Failed) else None)
    assert told.authentication_status == ("partial" if told.result else None)
    assert (told.error is not None) == (state in {"failed", "dead"})


@pytest.mark.parametrize("state", SCANS)
def test_the_export_is_told_from_the_moment_it_is_there(state: StateName) -> None:
    assert (describe(SCANS[state]).export is not None) == (state in {"validating", "completed", "failed", "dead"})
