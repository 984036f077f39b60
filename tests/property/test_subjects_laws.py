"""What holds for the subjects of every pool and scan."""

from hypothesis import given
from hypothesis import strategies as st

from scanpool_schemas import subjects
from scanpool_schemas.names import POOL_NAME_PATTERN, SCAN_ID_PATTERN
from scanpool_schemas.scan import StateName
from scanpool_schemas.subjects import ScanSubject, parse_scan_subject

pools = st.from_regex(POOL_NAME_PATTERN, fullmatch=True)
scan_ids = st.from_regex(SCAN_ID_PATTERN, fullmatch=True)
states = st.sampled_from(subjects.STATES)


@given(pools, states, scan_ids)
def test_a_subject_that_was_built_is_parsed_back(pool: str, state: StateName, scan_id: str) -> None:
    assert parse_scan_subject(subjects.event(pool, state, scan_id)) == ScanSubject(pool, state, scan_id)
    assert parse_scan_subject(subjects.requested(pool, scan_id)) == ScanSubject(pool, "requested", scan_id)
    assert parse_scan_subject(subjects.cancel(pool, scan_id)) == ScanSubject(pool, "cancel", scan_id)


@given(pools)
def test_a_pool_is_known_again_by_its_stream(pool: str) -> None:
    assert subjects.pool_of_stream(subjects.pool_stream(pool)) == pool


@given(st.text(max_size=60))
def test_whatever_is_parsed_is_the_subject_that_was_given(subject: str) -> None:
    parts = parse_scan_subject(subject)
    assert parts is None or f"scan.{parts.pool}.{parts.kind}.{parts.scan_id}" == subject


@given(pools, states, scan_ids)
def test_every_event_of_a_scan_lies_under_the_filter_of_its_commits(pool: str, state: StateName, scan_id: str) -> None:
    pattern = subjects.events_of(pool, scan_id).split(".")
    tokens = subjects.event(pool, state, scan_id).split(".")
    assert len(pattern) == len(tokens)
    assert all(want in ("*", token) for want, token in zip(pattern, tokens, strict=True))
