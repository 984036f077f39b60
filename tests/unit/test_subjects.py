"""Subjects, streams and keys are spelled as other people's consumers expect them."""

import pytest

from scanpool_schemas import subjects
from scanpool_schemas.scan import STRUCT_OF
from scanpool_schemas.subjects import ScanSubject, parse_scan_subject


def test_the_subjects_are_those_that_are_published() -> None:
    assert subjects.requested("dmz", "weekly") == "scan.dmz.requested.weekly"
    assert subjects.cancel("dmz", "weekly") == "scan.dmz.cancel.weekly"
    assert subjects.progress("dmz", "weekly") == "scan.dmz.progress.weekly"
    assert subjects.event("dmz", "queued-high", "weekly") == "scan.dmz.queued-high.weekly"
    assert subjects.events_of("dmz", "weekly") == "scan.dmz.*.weekly"
    assert subjects.scanner_event("dmz", "s1", "not-ready") == "scanner.dmz.s1.not-ready"
    assert subjects.dead_letter("_", "admission", "_", 17) == "dlq._.admission._.s17"
    assert subjects.schedule("janitor") == "sched.janitor"
    assert subjects.tick(subjects.cleanup_job("dmz")) == "tick.cleanup-dmz"


def test_the_keys_of_a_pool_stand_in_its_bucket() -> None:
    assert subjects.pool_bucket("dmz") == "pool-dmz"
    assert subjects.key("dmz", subjects.load_key("s1")) == "$KV.pool-dmz.load.s1"
    assert subjects.key("dmz", subjects.health_key("s1")) == "$KV.pool-dmz.health.s1"
    assert subjects.key("dmz", subjects.client_key("agent")) == "$KV.pool-dmz.client.agent"
    assert subjects.key("dmz", subjects.RULES_KEY) == "$KV.pool-dmz.rules"
    assert subjects.progress_key("dmz", "weekly") == "$KV.scan-progress.dmz.weekly"


@pytest.mark.parametrize("subject", ["", "scan", "scan.dmz.running", "scan.dmz.running.a.b", "scanner.dmz.s1.ready"])
def test_another_shape_is_no_subject_of_a_scan(subject: str) -> None:
    assert parse_scan_subject(subject) is None


def test_the_parts_of_a_subject_are_not_judged() -> None:
    assert parse_scan_subject("scan.Not A Pool.whatever.") == ScanSubject("Not A Pool", "whatever", "")


@pytest.mark.parametrize("stream", ["SCAN_REQUESTS", "KV_scan-progress", "OBJ_scan-exports", "kv_pool-dmz"])
def test_a_stream_of_another_kind_belongs_to_no_pool(stream: str) -> None:
    assert subjects.pool_of_stream(stream) is None


def test_every_state_has_a_subject_and_every_state_that_is_acted_on_is_one() -> None:
    assert tuple(STRUCT_OF) == subjects.STATES
    ends = {"pending", "completed", "failed", "dead"}
    assert set(subjects.STATES) - set(subjects.ACTED_ON) == ends
