"""What a commit tells in the log."""

from __future__ import annotations

from datetime import timedelta
from typing import get_args

import pytest
import structlog
from structlog.typing import EventDict

from scanpool.coordination import transitions
from scanpool.coordination.telling import log_commit
from scanpool_schemas.scan import AnyScan, Dead, Intent, Queued, ScanError, StateName
from tests.support.builders import (
    NOW,
    a_launching_scan,
    a_lease,
    a_mark,
    a_queued_scan,
    a_running_scan,
    a_validating_scan,
)
from tests.support.pages import ROOT


def told(before: AnyScan | None, after: AnyScan) -> EventDict:
    """The one line of the commit."""
    with structlog.testing.capture_logs() as lines:
        log_commit(before, after)
    (line,) = lines
    return line


def test_a_change_of_state_is_one_line_that_says_who_from_where_to_where_and_why() -> None:
    scan = a_queued_scan(trace_id="f" * 32)
    after = transitions.claimed(scan, "s1", a_lease(), a_mark("dispatcher")).scan
    assert told(scan, after) == {
        "event": "scan is launching",
        "log_level": "info",
        "from": "queued-normal",
        "to": "launching",
        "by": "dispatcher",
        "why": "takes a place on s1",
        "scan_id": scan.id,
        "pool": scan.pool,
        "scanner": "s1",
        "run": 1,
        "trace_id": "f" * 32,
    }


def test_the_first_state_comes_from_none() -> None:
    line = told(None, a_queued_scan())
    assert (line["from"], line["to"]) == (None, "queued-normal")


def test_a_scan_that_ends_badly_by_itself_is_no_error_of_scanpool_and_a_dead_one_is() -> None:
    scan = a_running_scan()
    error = ScanError(code="scanner_lost_scan", message="the scanner forgot it")
    assert told(scan, transitions.failed(scan, error, a_mark("poller")).scan)["log_level"] == "info"
    gone = a_validating_scan()
    after = transitions.dead(gone, error, a_mark("validator")).scan
    assert isinstance(after, Dead)
    assert (told(gone, after)["log_level"], told(gone, after)["event"]) == ("error", "scan is dead")


def test_a_try_that_failed_is_a_warning() -> None:
    scan = a_validating_scan()
    after = transitions.tried(scan, "try 1 failed: no disk", NOW + timedelta(seconds=5), a_mark("validator")).scan
    line = told(scan, after)
    assert (line["log_level"], line["event"], line["why"]) == (
        "warning",
        "scan is still validating",
        "try 1 failed: no disk",
    )


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (a_launching_scan(), transitions.intended(a_launching_scan(), 7, a_mark()).scan),
        (a_queued_scan(), transitions.told_again(a_queued_scan(), "its delivery was lost", a_mark("janitor")).scan),
    ],
)
def test_a_commit_that_changes_no_state_is_for_those_who_debug(before: AnyScan, after: AnyScan) -> None:
    assert isinstance(after, Queued) or isinstance(getattr(after, "intent", None), Intent)
    assert told(before, after)["log_level"] == "debug"


def test_the_page_has_the_line_of_every_state() -> None:
    page = (ROOT / "docs" / "reference" / "logs.md").read_text()
    assert [state for state in get_args(StateName) if f"`scan is {state}`" not in page] == []
