"""Every point between two side effects of a service or a command, and the scene in which it is reached."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from tests.support.aftermath import PAST_THE_GRACE, Expected
from tests.support.crashing import AHEAD
from tests.support.kill_acts import (
    FOREVER,
    TARGETS,
    cancel,
    clear_faults,
    is_gone,
    retry_again,
    retry_when_dead,
    submit,
    submit_again,
    submit_and_cancel_queued,
    submit_and_cancel_running,
    submit_and_complete,
    submit_and_fail,
    submit_and_give_up,
    submit_and_leave_an_orphan,
    submit_and_run,
    submit_another_of_the_same_id,
    submit_then_intrude,
    was_retried_once,
)
from tests.support.kill_scenes import POOL, SCAN, Row, Scene, nothing

SLOW = {"scan_seconds": 60_000.0}
"""A scan that lasts longer than a test."""


def ended(*statuses: Any, **fields: Any) -> Expected:
    """How the scan is to have ended."""
    return Expected(pool=POOL, id=SCAN, statuses=statuses, **fields)


def down() -> list[Mapping[str, Any]]:
    """The scanner does not answer."""
    return [{"name": "down"}]


COMPLETES = Scene(ask=submit)
REFUSED = Scene(ask=lambda pipeline: submit(pipeline, scanner="nobody"), expected=ended("failed", launched=0))
CONFLICT = Scene(ask=submit_another_of_the_same_id, expected=ended("completed", letters=1))
CANCELLED_RUNNING = Scene(
    ask=submit_and_cancel_running, options=SLOW, expected=ended("cancelled", launched=1, stopped=True)
)
CANCELLED_QUEUED = Scene(
    ask=submit_and_cancel_queued, faults=down(), then=clear_faults, expected=ended("cancelled", launched=0)
)
NO_TEMPLATE = Scene(
    ask=lambda pipeline: submit(pipeline, template="no-such-template"), expected=ended("failed", launched=0)
)
LOST = Scene(
    ask=submit, faults=[{"name": "lost_scan", "times": 1}], expected=ended("failed", launched=0, forgotten=True)
)
LISTING_FAILS = Scene(
    ask=submit,
    faults=[{"name": "server_error", "path": "/scans", "method": "GET", "times": 1}],
    absent=("poller",),
)
CANCELLED_AMID_LAUNCH = Scene(ask=submit, meanwhile=cancel, options=SLOW, expected=ended("cancelled", launched=0))
CANCELLED_ONCE_LAUNCHED = Scene(
    ask=submit, meanwhile=cancel, options=SLOW, expected=ended("cancelled", launched=1, stopped=True)
)
ABORTED = Scene(ask=submit, faults=[{"name": "aborted", "times": 1}], expected=ended("failed", launched=1))
BAD_LOGIN = Scene(
    ask=lambda pipeline: submit(pipeline, scan_type="authenticated", credential_ref="wrong"),
    expected=ended("failed", launched=1),
)
EXPORT_FAILS_AT_FIRST = Scene(ask=submit, faults=[{"name": "export_error"}], meanwhile=clear_faults)
TOO_LONG = Scene(
    ask=submit_and_run,
    ask_first=True,
    options=SLOW,
    max_duration_s=1,
    absent=("janitor", "poller"),
    expected=ended("timeout", launched=1, stopped=True),
)
TOO_LONG_WAITING = Scene(
    ask=lambda pipeline: submit(pipeline, max_wait_s=1),
    faults=down(),
    then=clear_faults,
    expected=ended("timeout", launched=0),
)


EXPORT_FAILS = [{"name": "export_error"}]


ASKED_FOR = Scene(ask=nothing, ask_first=True, meanwhile=submit_again)
CANCEL_ASKED_FOR = Scene(
    ask=submit_and_run,
    ask_first=True,
    meanwhile=cancel,
    options=SLOW,
    expected=ended("cancelled", launched=1, stopped=True),
)
RETRIED = Scene(
    ask=submit_and_give_up,
    ask_first=True,
    faults=EXPORT_FAILS,
    meanwhile=retry_again,
    expected=ended("completed", was_dead=True),
    check=was_retried_once,
)
GIVEN_UP = Scene(
    ask=submit,
    faults=EXPORT_FAILS,
    environ={"SCANPOOL_ATTEMPTS": "2"},
    then=retry_when_dead,
    expected=ended("completed", was_dead=True),
    check=was_retried_once,
)
LAUNCH_GIVEN_UP = replace(LISTING_FAILS, environ={"SCANPOOL_ATTEMPTS": "1"})
LAUNCH_WAS_GIVEN_UP = replace(
    LAUNCH_GIVEN_UP, then=retry_when_dead, expected=ended("completed", was_dead=True), check=was_retried_once
)
INTRUDER = Scene(
    ask=submit_then_intrude,
    options=SLOW,
    faults=[{"name": "aborted", "times": 1, "at": 0.0}],
    expected=ended("failed", launched=2, surplus=True, stopped=True),
)
EXPIRED = Scene(
    ask=submit_and_complete,
    ask_first=True,
    environ={AHEAD: str(FOREVER.total_seconds())},
    expected=None,
    check=is_gone,
)
FAILED_EXPIRED = replace(EXPIRED, ask=submit_and_fail, faults=ABORTED.faults)
ORPHAN = Scene(ask=submit_and_leave_an_orphan, ask_first=True, environ={AHEAD: str(PAST_THE_GRACE.total_seconds())})


def rows(command: str, scene: Scene, *points: str, first: Sequence[tuple[str, str]] = ()) -> list[Row]:
    """A row for each point of the command in the scene, after the deaths that come first."""
    return [Row(kills=(*first, (command, point)), scene=scene) for point in points]


def around(step: str) -> tuple[str, str]:
    """Before it and after it."""
    return f"before {step}", f"after {step}"


CLAIMED = (("dispatcher", "after ack queued-normal"),)
"""A claim whose holder did nothing more."""
CREATED = (("dispatcher", "after create"),)
INTENDED = (("dispatcher", "after commit intent"),)
LAUNCHED = (("dispatcher", "after launch"),)

ADMISSION = [
    *rows("admission", COMPLETES, *around("commit queued"), "after ack admission"),
    *rows("admission", REFUSED, *around("commit failed"), "after ack admission"),
    *rows("admission", CONFLICT, *around("publish letter"), "after ack admission:2"),
    *rows("admission", CANCELLED_QUEUED, *around("commit failed"), "after ack cancel"),
    *rows("admission", CANCELLED_RUNNING, *around("commit stopping"), "after ack cancel"),
]
DISPATCHER = [
    *rows(
        "dispatcher", COMPLETES, "before commit claim", "amid batch", "after commit claim", "after ack queued-normal"
    ),
    *rows("dispatcher", COMPLETES, "after list", *around("create")),
    *rows("dispatcher", COMPLETES, *around("commit intent"), "after status"),
    *rows("dispatcher", COMPLETES, *around("launch"), *around("commit running")),
    *rows("dispatcher", NO_TEMPLATE, *around("commit failed"), "amid batch:2"),
    *rows("dispatcher", LOST, *around("commit failed")),
    *rows("dispatcher", LISTING_FAILS, *around("commit queued"), "amid batch:2"),
    *rows("dispatcher", LAUNCH_GIVEN_UP, "before commit dead"),
    *rows("dispatcher", LAUNCH_WAS_GIVEN_UP, "after commit dead"),
]
TAKEOVER = [
    *rows("dispatcher", COMPLETES, *around("commit takeover"), "after ack launching", "after create", first=CLAIMED),
    *rows("dispatcher", COMPLETES, "after commit takeover", "before commit intent", first=CREATED),
    *rows("dispatcher", COMPLETES, "after commit takeover", "after launch", first=INTENDED),
    *rows("dispatcher", COMPLETES, "after commit takeover", "after status", "after commit running", first=LAUNCHED),
]
POLLER = [
    *rows("poller", COMPLETES, "after status", "before commit exporting", "amid batch", "after commit exporting"),
    *rows("poller", COMPLETES, "after ack running", *around("export"), "before put", "amid put", "after put"),
    *rows("poller", COMPLETES, *around("commit validating"), "after ack exporting"),
    *rows("poller", ABORTED, *around("commit failed"), "amid batch", "after ack running"),
    *rows("poller", EXPORT_FAILS_AT_FIRST, *around("commit try"), "after ack exporting"),
    *rows("poller", GIVEN_UP, *around("commit dead"), "after ack exporting:2"),
    *rows("poller", TOO_LONG, *around("commit stopping"), "after ack running"),
    *rows("poller", CANCELLED_RUNNING, *around("stop"), "after nak stopping"),
    *rows("poller", CANCELLED_RUNNING, *around("commit failed"), "amid batch", "after ack stopping"),
]
CLEAN_UP = [
    *rows("poller", CANCELLED_AMID_LAUNCH, *around("commit failed"), *around("delete"), first=CREATED),
    *rows("poller", CANCELLED_AMID_LAUNCH, "after commit failed", *around("delete"), first=INTENDED),
    *rows("poller", CANCELLED_ONCE_LAUNCHED, *around("stop"), first=LAUNCHED),
    *rows("poller", INTRUDER, *around("stop")),
]
VALIDATOR = [
    *rows(
        "validator",
        COMPLETES,
        "amid put",
        *around("put"),
        *around("get"),
        *around("commit completed"),
        "after ack validating",
        "after purge",
    ),
    *rows("validator", BAD_LOGIN, *around("commit failed"), "after ack validating", "after purge"),
]
JANITOR = [
    *rows("janitor", ABORTED, *around("purge"), *around("purge:2"), "after ack janitor"),
    *rows("janitor", replace(TOO_LONG, absent=("poller",)), *around("commit stopping")),
    *rows("janitor", TOO_LONG_WAITING, *around("commit failed")),
    *rows("janitor", EXPIRED, *around("purge"), *around("delete object")),
    *rows("janitor", FAILED_EXPIRED, *around("purge"), *around("purge:2"), *around("purge:3")),
    *rows("janitor", ORPHAN, *around("delete object")),
]
PEOPLE = [
    *rows(f"scan {TARGETS[0]} --name one --id {SCAN}", ASKED_FOR, *around("publish requested")),
    *rows(f"cancel {SCAN}", CANCEL_ASKED_FOR, *around("publish cancel")),
    *rows(f"retry-dlq {SCAN}", RETRIED, *around("commit exporting"), *around("remove letter")),
]
ROWS: Mapping[str, Sequence[Row]] = {
    "admission": ADMISSION,
    "dispatcher": DISPATCHER,
    "takeover": TAKEOVER,
    "poller": POLLER,
    "clean-up": CLEAN_UP,
    "validator": VALIDATOR,
    "janitor": JANITOR,
    "people": PEOPLE,
}
